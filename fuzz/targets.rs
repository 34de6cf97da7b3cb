//! What is done with bytes that strangers send, one function for each place at
//! which they are read. A panic or a broken promise is a finding.
//!
//! Run by cargo-fuzz (`fuzz_targets/`, on nightly), and bounded, on stable, by
//! `tests/tests/fuzz/main.rs`, with the seeds in `seeds/`.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, Response, header};
use latchkey_auth::jose::{Members, PublicKey, decode_unverified};
use latchkey_auth::oauth::attempt::{Attempt, decode_state};
use latchkey_auth::oauth::response::{AuthorizationResponse, ExpectedIssuer, validate};
use latchkey_auth::oauth::token::Tokens;
use latchkey_auth::oauth::{discovery, id_token, jwks, userinfo};
use latchkey_auth::secret::{AppSecret, Secret};
use latchkey_auth::tokens::{Expected, KeyRing, verify};
use latchkey_axum::client::client_address;
use latchkey_domain::identity::Subject;
use latchkey_domain::return_to::ReturnTo;
use latchkey_domain::{Span, Timestamp};
use latchkey_web::cookies::CookieProfile;
use latchkey_web::settings::Environment;
use serde_json::{Map, Value};
use url::Url;

pub(crate) type Target = fn(&[u8]);

/// By the name of the file in `fuzz_targets/` and of the folder in `seeds/`.
pub(crate) const ALL: [(&str, Target); 12] = [
    ("access_token", access_token),
    ("callback", callback),
    ("cookies", cookies),
    ("discovery", discovery_document),
    ("dotenv", dotenv),
    ("forwarded", forwarded),
    ("id_token", id_token_of_a_provider),
    ("jwks", key_set),
    ("return_to", return_to),
    ("state", state),
    ("token_response", token_response),
    ("userinfo", profile),
];

/// Runs one of them.
pub(crate) fn run(name: &str, data: &[u8]) {
    for (_, target) in ALL.iter().filter(|(known, _)| *known == name) {
        target(data);
    }
}

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// Nothing that nobody signed is believed.
fn access_token(data: &[u8]) {
    let Ok(token) = std::str::from_utf8(data) else { return };
    let ring = KeyRing::new(Vec::new(), Span::minutes(5));
    let expected = Expected::new("https://app.test", "https://app.test/api");
    assert!(verify(token, &ring, &expected, NOW).is_err());
    let _ = decode_unverified(token);
}

fn callback(data: &[u8]) {
    let query = AuthorizationResponse::to_query(data);
    assert!(query.is_ascii() && !query.contains(['\r', '\n']), "{query:?} stands in a header");
    // A query is text; a form may hold bytes that are none.
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = AuthorizationResponse::parse(text);
    assert_eq!(AuthorizationResponse::parse(&query), read, "a form is what its query is");
    let issuer = ExpectedIssuer { expected: "https://op.test", iss_required: true };
    let (repeated, iss) = (read.repeated, read.iss.clone());
    if let Ok(code) = validate(read, Some(issuer)) {
        assert!(!repeated && !code.is_empty() && iss.as_deref() == Some("https://op.test"));
    }
}

fn cookies(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, value);
    for url in ["https://app.test", "http://localhost:3000"] {
        let Ok(url) = Url::parse(url) else { continue };
        let profile = CookieProfile::new(&url, "app");
        let _ = profile.value(&headers, "session");
        let _ = profile.names_starting_with(&headers, "attempt_").count();
        let _ = profile.with_path("/auth/google/callback").value(&headers, "used_x");
    }
}

fn discovery_document(data: &[u8]) {
    let issuer = "https://op.test";
    let Ok(found) = discovery::read(issuer, &Response::new(data.to_vec())) else { return };
    assert_eq!(found.issuer, issuer);
    for url in [&found.authorization_endpoint, &found.token_endpoint, &found.jwks_uri] {
        assert!(url.scheme() == "https" && !discovery::is_loopback(url), "{url}");
    }
}

fn dotenv(data: &[u8]) {
    let path = std::env::temp_dir().join(format!("latchkey-fuzz-{}.env", std::process::id()));
    if std::fs::write(&path, data).is_ok() {
        let _ = Environment::from_file(&path).get("A");
        let _ = std::fs::remove_file(&path);
    }
}

/// Only a proxy of ours is asked whom it saw, and it saw what it wrote last, whatever
/// stands before that.
fn forwarded(data: &[u8]) {
    let (Ok(value), Ok(ours)) = (HeaderValue::from_bytes(data), "10.0.0.0/8".parse()) else {
        return;
    };
    let trusted = [ours];
    let (proxy, stranger, person) = ([10, 0, 0, 1], [203, 0, 113, 9], [198, 51, 100, 7]);
    let [proxy, stranger, person] = [proxy, stranger, person].map(IpAddr::from);
    for (name, wrote_last) in
        [("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=198.51.100.7")]
    {
        let mut headers = HeaderMap::new();
        headers.append(name, value.clone());
        assert_eq!(client_address(stranger, &headers, &trusted), Some(stranger));
        let _ = client_address(proxy, &headers, &trusted);
        headers.append(name, HeaderValue::from_static(wrote_last));
        assert_eq!(client_address(proxy, &headers, &trusted), Some(person));
    }
}

fn id_token_of_a_provider(data: &[u8]) {
    let Ok(token) = std::str::from_utf8(data) else { return };
    let Ok(token) = id_token::parse(token) else { return };
    assert!(token.verify_signature(&[]).is_err(), "nobody signed it");
    let expected = id_token::Expected {
        issuer: "https://op.test",
        client_id: "us",
        audiences: &[],
        nonce: "n",
        access_token: "t",
        authenticated_since: Some(NOW),
    };
    if let Ok(claims) = token.check(&expected, NOW) {
        assert_eq!(claims.all.get("nonce").and_then(Value::as_str), Some("n"));
        assert!(claims.auth_time.is_some_and(|at| at <= NOW));
    }
}

fn key_set(data: &[u8]) {
    let Ok(keys) = jwks::read(&Response::new(data.to_vec())) else { return };
    for key in keys {
        let _ = key.thumbprint();
        for algorithm in key.algorithms() {
            assert!(!key.verifies(algorithm, b"a message", b"no signature"));
        }
        // What it says of itself is a key again, and the same one.
        let again = PublicKey::from_jwk(key.required_members());
        assert_eq!(again.map(|again| again.thumbprint()), Some(key.thumbprint()));
    }
}

/// Where people land is on our own origin.
fn return_to(data: &[u8]) {
    let Ok(base) = Url::parse("https://app.test") else { return };
    let text = String::from_utf8_lossy(data);
    let to = ReturnTo::parse(Some(&text), &base);
    assert!(HeaderValue::try_from(to.as_str()).is_ok(), "{to:?} stands in a header");
    let landed = base.join(to.as_str()).map(|url| url.origin());
    assert_eq!(landed, Ok(base.origin()), "{to:?}");
}

fn state(data: &[u8]) {
    let secret = AppSecret::new(&Secret::new("the secret of a fuzzer, 32 bytes"), &[]);
    let text = String::from_utf8_lossy(data);
    assert!(decode_state(&text, &secret).is_none(), "we did not send that out");
    assert!(Attempt::open(&text, "state", &secret).is_none(), "nor seal it");
    let name = Attempt::cookie_name("", &text);
    assert!(name.len() < 40 && name.is_ascii());
}

fn token_response(data: &[u8]) {
    if let Ok(tokens) = serde_json::from_slice::<Tokens>(data) {
        let (_, _) = (tokens.lifetime(), tokens.id_token());
        let _ = tokens.granted().map(|granted| granted.to_string());
    }
    let _ = Members::parse(data).map(|members| members.has_duplicates());
}

/// An address is verified only by who names it.
fn profile(data: &[u8]) {
    let Ok((one, other)) = serde_json::from_slice::<(Map<_, _>, Map<_, _>)>(data) else { return };
    let is_true = |claims: &Map<String, Value>| {
        matches!(claims.get("email_verified"), Some(Value::Bool(true)))
            || claims.get("email_verified").and_then(Value::as_str) == Some("true")
    };
    let silent = !is_true(&one) && !is_true(&other);
    let merged = userinfo::merge(one, Some(other));
    let Ok(subject) = Subject::new("1") else { return };
    let profile = userinfo::profile("https://op.test", subject, &merged);
    assert!(!(silent && profile.email_verified), "nobody said so");
    assert!(profile.email.is_some() || !profile.email_verified);
    assert!(!profile.name.as_str().trim().is_empty());
}
