//! Forged tokens: the library and the API refuse each for its own reason.

use latchkey_auth::tokens::{Algorithm, TokenError, Verifier, issue, verify};
use latchkey_tests::accounts;
use latchkey_tests::accounts::{ApiClient, expect_problem, sign_up_client};
use latchkey_tests::database::dump;
use latchkey_tests::jws::{ALGORITHMS, OwnKey, base64url, decode, sign_with_secret, with_changes};
use latchkey_tests::{Browser, Latchkey, Page, Setup};
use reqwest::Method;
use serde_json::{Value, json};

use super::helpers::*;

/// A signer like the service, and its public key.
struct Service<'a> {
    algorithm: &'a str,
    /// A token that it issued.
    good: &'a str,
    sign: &'a dyn Fn(&str, &str) -> String,
    /// The same token by an unknown key of the same algorithm.
    stranger: &'a dyn Fn(&str, &str) -> String,
    /// Its public key.
    public: Vec<String>,
}

/// Every forgery, with the error code.
fn corpus(service: &Service<'_>) -> Vec<(String, String, &'static str)> {
    let Service { algorithm, good, sign, stranger, public } = service;
    let (header, claims) = decode(good);
    let (h, c) = (header.to_string(), claims.to_string());
    let (message, signature) = good.rsplit_once('.').expect("a signature");
    let now = claims["iat"].as_i64().expect("a number");
    let mut corpus = Vec::new();
    let mut add = |name: &str, token: String, code| corpus.push((name.to_owned(), token, code));

    // Format.
    for (name, token) in [
        ("nothing", String::new()),
        ("one part", base64url(&h)),
        ("two parts", message.to_owned()),
        ("four parts", format!("{good}.{signature}")),
        ("five parts, as if encrypted", format!("{good}.a.b")),
        ("dots", "..".to_owned()),
        ("an opaque token", base64url([7; 32])),
        ("a blank before", format!(" {good}")),
        ("a line break after", format!("{good}\n")),
        ("a NUL byte", format!("{message}\0.{signature}")),
        ("padding", format!("{good}=")),
        ("base64, not base64url", format!("{message}.+/{}", &signature[2..])),
        ("no base64 at all", "Ünï.cöd.€".to_owned()),
        ("what no token is made of", format!("{good}\"")),
        ("JSON serialization", json!({"payload": message, "signature": signature}).to_string()),
        ("a header that is no JSON", sign("{", &c)),
        ("a header that is an array", sign("[]", &c)),
        ("a header and something more", sign(&format!("{h} {{}}"), &c)),
        (
            "no UTF-8",
            format!("{}{}", base64url([0xff, 0xfe]), &good[good.find('.').expect("a dot")..]),
        ),
        ("deep JSON", sign(&(r#"{"a":"#.repeat(1500) + &"}".repeat(1500)), &c)),
        ("claims that are no JSON", sign(&h, "hello")),
        ("claims that are a text", sign(&h, "\"hello\"")),
    ] {
        add(name, token, "token_malformed");
    }
    for bytes in [30_000, 60_000] {
        let pad = json!({ "pad": "a".repeat(bytes / 2) });
        add("large", sign(&h, &with_changes(&claims, pad).to_string()), "token_too_large");
        add("large, and nothing else", "a.".repeat(bytes / 2), "token_too_large");
    }

    // Header.
    for alg in ["none", "None", "NONE", "nOnE"] {
        let unsigned = with_changes(&header, json!({ "alg": alg })).to_string();
        add(alg, format!("{}.{}.", base64url(&unsigned), base64url(&c)), "token_algorithm_none");
        add("none, signed", sign(&unsigned, &c), "token_algorithm_none");
    }
    let any_jwt = json!({"alg": "none", "typ": "JWT"}).to_string();
    add(
        "none, as any JWT",
        format!("{}.{}.", base64url(any_jwt), base64url(&c)),
        "token_algorithm_none",
    );
    let upper = header["kid"].as_str().expect("a kid").to_uppercase();
    for (name, change, code) in [
        ("no alg", json!({"alg": null}), "token_header_invalid"),
        ("an alg that is a number", json!({"alg": 1}), "token_header_invalid"),
        ("algs in an array", json!({"alg": ["none", algorithm]}), "token_header_invalid"),
        ("no kid", json!({"kid": null}), "token_header_invalid"),
        ("a kid that is a number", json!({"kid": 0}), "token_header_invalid"),
        ("an empty kid", json!({"kid": ""}), "token_key_unknown"),
        ("an unknown kid", json!({"kid": "nobody"}), "token_key_unknown"),
        ("a kid that is a path", json!({"kid": "../../../../dev/null"}), "token_key_unknown"),
        ("a kid that is SQL", json!({"kid": "x' UNION SELECT 'k'--"}), "token_key_unknown"),
        ("a kid that is a URL", json!({"kid": "https://evil.test/key"}), "token_key_unknown"),
        ("a kid that is a command", json!({"kid": "key | touch /tmp/x"}), "token_key_unknown"),
        ("a kid with a NUL", json!({"kid": "a\0b"}), "token_key_unknown"),
        ("a kid in another case", json!({"kid": upper}), "token_key_unknown"),
        ("a long kid", json!({"kid": "k".repeat(8000)}), "token_key_unknown"),
        ("no typ", json!({"typ": null}), "token_type_wrong"),
        ("an ID token's typ", json!({"typ": "JWT"}), "token_type_wrong"),
        ("a logout token's typ", json!({"typ": "logout+jwt"}), "token_type_wrong"),
        ("a refresh token's typ", json!({"typ": "rt+jwt"}), "token_type_wrong"),
        ("a typ that is a number", json!({"typ": 1}), "token_type_wrong"),
        ("a typ of another tree", json!({"typ": "text/at+jwt"}), "token_type_wrong"),
        ("crit", json!({"crit": ["exp"], "exp": 1}), "token_critical_header"),
        ("an empty crit", json!({"crit": []}), "token_critical_header"),
        ("crit that says b64", json!({"crit": ["b64"], "b64": false}), "token_critical_header"),
        ("b64 without crit", json!({"b64": false}), "token_critical_header"),
        ("jwk", json!({"jwk": {"kty": "OKP"}}), "token_key_embedded"),
        ("jku", json!({"jku": "https://evil.test/jwks.json"}), "token_key_embedded"),
        ("x5u", json!({"x5u": "https://evil.test/cert.pem"}), "token_key_embedded"),
        ("x5c", json!({"x5c": ["MIIB"]}), "token_key_embedded"),
    ] {
        add(name, sign(&with_changes(&header, change).to_string(), &c), code);
    }
    for other in ["HS256", "HS512", "ES256", "RS256", "PS256", "EdDSA", "ES256K", "eddsa", ""] {
        if other != *algorithm {
            let token = sign(&with_changes(&header, json!({ "alg": other })).to_string(), &c);
            add("another alg", token, "token_algorithm_mismatch");
        }
    }
    for (name, first) in [("two algs", r#"{"alg":"none","#), ("two kids", r#"{"k\u0069d":"x","#)] {
        add(name, sign(&h.replacen('{', first, 1), &c), "token_header_duplicate");
    }

    // Key.
    for secret in public {
        // The classic: the public key used as an HMAC secret.
        let hs256 = with_changes(&header, json!({ "alg": "HS256" })).to_string();
        let forged = sign_with_secret(secret.as_bytes(), &hs256, &c);
        add("HS256 with what everybody knows", forged, "token_algorithm_mismatch");
        let forged = sign_with_secret(secret.as_bytes(), &h, &c);
        add("the same under the right name", forged, "token_signature_invalid");
    }
    let own = with_changes(&header, json!({ "jwk": {"kty": "OKP"}, "kid": "mine" })).to_string();
    add("a key of its own", stranger(&own, &c), "token_key_embedded");
    add("a stranger's signature", stranger(&h, &c), "token_signature_invalid");
    add("no signature", format!("{message}."), "token_signature_invalid");
    add("half a signature", format!("{message}.{}", &signature[..40]), "token_signature_invalid");
    add(
        "a signature of zeros",
        format!("{message}.{}", base64url([0; 64])),
        "token_signature_invalid",
    );
    for at in [0, signature.len() / 2] {
        let flipped = if signature.as_bytes()[at] == b'A' { "B" } else { "A" };
        let mut altered = signature.to_owned();
        altered.replace_range(at..=at, flipped);
        add("one character", format!("{message}.{altered}"), "token_signature_invalid");
    }
    let admin = with_changes(&claims, json!({ "roles": ["admin"] })).to_string();
    let respelled = h.replacen(':', ": ", 1);
    for (name, header, claims) in
        [("other claims", &h, &admin), ("the same header in another spelling", &respelled, &c)]
    {
        let swapped = format!("{}.{}.{signature}", base64url(header), base64url(claims));
        add(name, swapped, "token_signature_invalid");
    }

    // Claims, signed by the right key.
    for name in [
        "iss",
        "aud",
        "sub",
        "client_id",
        "iat",
        "nbf",
        "exp",
        "jti",
        "sid",
        "scope",
        "roles",
        "auth_time",
        "amr",
    ] {
        for wrong in [json!(1.5), json!({ "a": [] }), json!(true)] {
            let token = sign(&h, &with_changes(&claims, json!({ name: wrong })).to_string());
            add(&format!("{name} is {wrong}"), token, "token_claim_invalid");
        }
        let token = sign(&h, &with_changes(&claims, json!({ name: null })).to_string());
        add(&format!("no {name}"), token, "token_claim_missing");
    }
    for name in ["name", "email_verified", "created_at"] {
        let token = sign(&h, &with_changes(&claims, json!({ name: null })).to_string());
        add(&format!("no {name}"), token, "token_claim_missing");
    }
    let (aud, issuer) = (&claims["aud"], claims["iss"].as_str().expect("an issuer"));
    for (name, change, code) in [
        ("another issuer", json!({"iss": "https://evil.test"}), "token_issuer_wrong"),
        ("nearly the issuer", json!({"iss": format!("{issuer}/")}), "token_issuer_wrong"),
        ("an issuer that is an array", json!({"iss": [claims["iss"]]}), "token_claim_invalid"),
        ("another audience", json!({"aud": "https://other.test"}), "token_audience_wrong"),
        ("an audience beside ours", json!({"aud": [aud, "x"]}), "token_audience_wrong"),
        ("no audience in an array", json!({"aud": []}), "token_audience_wrong"),
        ("an audience in two arrays", json!({"aud": [[aud]]}), "token_claim_invalid"),
        ("expired", json!({"exp": now - 6}), "token_expired"),
        ("expired long ago", json!({"exp": 0}), "token_expired"),
        ("expired before time began", json!({"exp": i64::MIN}), "token_expired"),
        ("not yet valid", json!({"nbf": now + 7}), "token_not_yet_valid"),
        ("issued tomorrow", json!({"iat": now + 86_400, "nbf": now}), "token_not_yet_valid"),
        ("an exp that is a text", json!({"exp": "9999999999"}), "token_claim_invalid"),
        ("an exp with a fraction", json!({"exp": 9_999_999_999.5}), "token_claim_invalid"),
        ("an exp beyond counting", json!({"exp": u64::MAX}), "token_claim_invalid"),
        ("an exp of 1e300", json!({"exp": 1e300}), "token_claim_invalid"),
        ("an exp that is an array", json!({"exp": [now + 300]}), "token_claim_invalid"),
        ("an nbf that is a text", json!({"nbf": "0"}), "token_claim_invalid"),
        ("a sub that is no id", json!({"sub": "ada"}), "token_claim_invalid"),
        (
            "a sub in upper case",
            json!({"sub": "0190ABCD-0000-7000-8000-00000000000F"}),
            "token_claim_invalid",
        ),
        ("a sid that is no id", json!({"sid": "' OR 1=1"}), "token_claim_invalid"),
        ("an empty jti", json!({"jti": ""}), "token_claim_invalid"),
        ("a scope that is an array", json!({"scope": ["profile"]}), "token_claim_invalid"),
        ("roles that are a text", json!({"roles": "admin"}), "token_claim_invalid"),
        ("roles that no role is called", json!({"roles": ["Admin!"]}), "token_claim_invalid"),
        ("an email that is none", json!({"email": "ada"}), "token_claim_invalid"),
        ("verified in a text", json!({"email_verified": "true"}), "token_claim_invalid"),
    ] {
        add(name, sign(&h, &with_changes(&claims, change).to_string()), code);
    }
    for (name, first) in [
        ("two subs", r#"{"sub":"0190abcd-0000-7000-8000-00000000000f","#),
        ("two exps", r#"{"exp":9999999999,"#),
        ("two roles, one in disguise", r#"{"r\u006fles":["admin"],"#),
        ("two of what nobody reads", r#"{"x":1,"x":1,"#),
    ] {
        add(name, sign(&h, &c.replacen('{', first, 1)), "token_claim_duplicate");
    }
    corpus
}

/// With the library, for each algorithm.
#[test]
fn library_refuses_every_forged_token() {
    for algorithm in Algorithm::ALL {
        let (key, other) = (key(algorithm), key(algorithm));
        let ring = ring_of(&[&key]);
        let verifier = Verifier::new(ring.clone(), expected());
        let jwk = key.verifying().to_jwk();
        let member = |jwk: &Value| jwk["x"].as_str().or(jwk["n"].as_str()).map(str::to_owned);
        let corpus = corpus(&Service {
            algorithm: algorithm.as_str(),
            good: &issue(&key, &claims_at(NOW)).expect("a token"),
            sign: &|header, claims| signed(&key, header, claims),
            stranger: &|header, claims| signed(&other, header, claims),
            public: jwk
                .iter()
                .flat_map(|jwk| [Some(jwk.to_string()), member(jwk)])
                .flatten()
                .collect(),
        });
        assert!(corpus.len() >= 150, "{}", corpus.len());
        for (name, token, code) in corpus {
            let refused = verify(&token, &ring, &expected(), NOW).map_err(TokenError::code);
            assert_eq!(refused, Err(code), "{algorithm}: {name}: {token:.200}");
            // Twice, because refusals must not be cached.
            for _ in 0..2 {
                let refused = verifier.verify(&token, NOW).map_err(TokenError::code);
                assert_eq!(refused.map(|_| ()), Err(code), "{algorithm}: {name}, remembered");
            }
        }
    }
}

/// Forgeries that fit into a header or a cookie.
fn sent(key: &OwnKey, jwk: &Value, good: &str) -> Vec<(String, String, &'static str)> {
    let other = OwnKey::new(key.algorithm);
    let public = jwk["x"].as_str().or(jwk["n"].as_str()).expect("a public part");
    let mut corpus = corpus(&Service {
        algorithm: key.algorithm,
        good,
        sign: &|header, claims| key.sign(header, claims),
        stranger: &|header, claims| other.sign(header, claims),
        public: vec![jwk.to_string(), public.to_owned(), key.pem.clone(), String::new()],
    });
    corpus.retain(|(_, token, _)| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()));
    corpus
}

/// The response of `GET /me` to a bearer token.
async fn show(program: &mut ApiClient, token: &str) -> Page {
    program.token = Some(token.to_owned());
    program.get("/api/v1/me").await
}

async fn app_with(key: &OwnKey) -> (Latchkey, ApiClient, String, Value) {
    let setup = Setup::new().set("JWT_ALGORITHM", key.algorithm).set("JWT_PRIVATE_KEY", &key.pem);
    // Without an introspection endpoint, every token is treated as a JWT.
    let setup = setup.set("LOCAL_IDP", "off");
    let app = setup.with_frozen_clock().start().await;
    let (mut program, tokens) = sign_up_client(&app, "ada@example.test").await;
    let jwks = accounts::json_of(&program.get("/.well-known/jwks.json").await);
    let kid = decode(&tokens.access).0["kid"].clone();
    let keys = jwks["keys"].as_array().expect("keys");
    let jwk = keys.iter().find(|jwk| jwk["kid"] == kid).expect("our own key").clone();
    (app, program, tokens.access, jwk)
}

#[tokio::test]
async fn api_refuses_every_forged_token_with_specific_error() {
    for algorithm in ALGORITHMS {
        let key = OwnKey::new(algorithm);
        let (_app, mut program, good, jwk) = app_with(&key).await;
        // The baseline: a valid token made here.
        let (header, claims) = decode(&good);
        let jws = key.sign(&header.to_string(), &claims.to_string());
        assert_eq!(show(&mut program, &jws).await.status, 200, "{algorithm}");
        for (name, token, code) in sent(&key, &jwk, &good) {
            let page = show(&mut program, &token).await;
            assert_eq!(page.status, 401, "{algorithm}: {name}: {}", page.summary());
            assert_eq!(page.header("x-error-code"), Some(code), "{algorithm}: {name}");
            expect_problem(&page, 401, code);
            let challenge = page.header("www-authenticate").expect("a challenge");
            assert!(challenge.starts_with("Bearer realm="), "{challenge}");
            assert!(challenge.contains(r#"error="invalid_token""#), "{name}: {challenge}");
            assert!(!page.body.contains(&token), "{name}: the token is repeated");
        }
        assert_eq!(show(&mut program, &good).await.status, 200, "{algorithm}: afterwards");
    }
}

/// Signed by our key, for an account that never existed.
#[tokio::test]
async fn unknown_account_token_writes_nothing() {
    let key = OwnKey::new("EdDSA");
    let (app, mut program, good, _) = app_with(&key).await;
    app.background_writes_done().await;
    let before = dump(&app.app.db).await;
    let (header, mut claims) = decode(&good);
    claims["sub"] = serde_json::json!("0190a000-0000-7000-8000-000000000000");
    program.token = Some(key.sign(&header.to_string(), &claims.to_string()));
    let contact = serde_json::json!({ "name": "Grace" });
    let page = program.post("/api/v1/contacts", contact).await;
    let _ = accounts::expect_problem(&page, 401, "sign_in_required");
    assert!(page.header("www-authenticate").is_some_and(|text| text.contains("invalid_token")));
    app.background_writes_done().await;
    assert_eq!(dump(&app.app.db).await, before);
}

#[tokio::test]
async fn forged_cookie_token_is_treated_as_signed_out() {
    let key = OwnKey::new("EdDSA");
    let (app, _, good, jwk) = app_with(&key).await;
    let mut browser = Browser::new();
    for (name, token, _) in sent(&key, &jwk, &good).into_iter().filter(|(_, t, _)| t.len() < 8000) {
        browser.jar.set("localhost", &app.cookie("latchkey_token"), &token);
        expect_problem(&browser.get(&app.url("/api/v1/me")).await, 401, "token_missing");
        let page = browser.get(&app.url("/account")).await;
        assert_eq!(page.header("x-error-code"), Some("sign_in_required"), "{name}");
        assert_eq!(browser.get(&app.url("/")).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn authorization_header_requires_one_bearer_token() {
    let app = Latchkey::start().await;
    let (mut program, tokens) = sign_up_client(&app, "ada@example.test").await;
    let good = tokens.access;
    let me = "/api/v1/me".to_owned();
    let bearer = format!("Bearer {good}");
    let in_url = |name: &str| format!("/api/v1/me?{name}={good}");
    for (name, path, values, status, code) in [
        ("as it should be", me.clone(), vec![bearer.clone()], 200, ""),
        ("the scheme has no case", me.clone(), vec![format!("bearer {good}")], 200, ""),
        ("shouting", me.clone(), vec![format!("BEARER {good}")], 200, ""),
        ("twice", me.clone(), vec![bearer.clone(); 2], 400, "authorization_invalid"),
        (
            "and Basic",
            me.clone(),
            vec![bearer.clone(), "Basic YTpi".into()],
            400,
            "authorization_invalid",
        ),
        ("blanks around it", me.clone(), vec![format!("BEARER  {good} ")], 200, ""),
        ("Basic", me.clone(), vec!["Basic YTpi".to_owned()], 401, "token_missing"),
        ("Digest", me.clone(), vec!["Digest username=\"ada\"".to_owned()], 401, "token_missing"),
        ("one letter more", me.clone(), vec![format!("Bearers {good}")], 401, "token_missing"),
        ("half a scheme", me.clone(), vec!["Bea".to_owned()], 401, "token_missing"),
        ("empty", me.clone(), vec![String::new()], 401, "token_missing"),
        ("no token", me.clone(), vec!["Bearer".to_owned()], 401, "token_missing"),
        ("no scheme", me.clone(), vec![good.clone()], 401, "token_missing"),
        ("nothing", me.clone(), vec![], 401, "token_missing"),
        ("in the URL", in_url("access_token"), vec![], 400, "token_in_url"),
        ("in the URL too", in_url("access_token"), vec![bearer.clone()], 400, "token_in_url"),
        ("in disguise", in_url("access%5Ftoken"), vec![bearer.clone()], 400, "token_in_url"),
    ] {
        let headers: Vec<_> = values.iter().map(|v| ("authorization", v.as_str())).collect();
        let page = program.raw(Method::GET, &path, &headers, None).await;
        assert_eq!(page.status, status, "{name}: {}", page.summary());
        if status == 200 {
            continue;
        }
        expect_problem(&page, status, code);
        let challenge = page.header("www-authenticate").expect("a challenge");
        match status {
            400 => assert!(challenge.contains(r#"error="invalid_request""#), "{name}: {challenge}"),
            // RFC 6750 §3.1: nothing like an access token was sent.
            _ => assert!(!challenge.contains("error"), "{name}: {challenge}"),
        }
    }
}

#[tokio::test]
async fn non_ascii_bearer_token_is_refused() {
    let app = Latchkey::start().await;
    let page = show(&mut ApiClient::new(&app), "Ünï.cöd.€").await;
    assert_eq!(page.status, 401, "{}", page.summary());
    let challenge = page.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
}
