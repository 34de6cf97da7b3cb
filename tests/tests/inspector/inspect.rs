//! The inspector over HTTP.

use latchkey_domain::Span;
use latchkey_tests::accounts::{ApiClient, cookie_value, queries, sign_up, signed_in, tokens};
use latchkey_tests::database::dump;
use latchkey_tests::jws::{OwnKey, base64url, sign_with_secret};
use latchkey_tests::{Browser, Latchkey, Setup};

use super::read::{inspect, lamps};

#[tokio::test]
async fn pasted_access_token_is_decoded_and_verified() {
    let app = Latchkey::start().await;
    sign_up(&app, "ada@example.test").await;
    let token = tokens(&app, "ada@example.test", None).await.access;
    let (one, two) = token.split_at(100);
    for pasted in [
        token.clone(),
        format!("  \"{token}\",\n"),
        format!("Authorization: Bearer {token}"),
        format!("{{\"access_token\":\"{token}\",\"token_type\":\"Bearer\"}}"),
        format!("{one}\r\n   {two}"),
    ] {
        let page = inspect(&app, &[("token", &pasted)]).await.expect(200);
        assert_eq!(lamps(&page), ["yes", "yes", "yes"], "{pasted:.40}: {}", page.summary());
        assert!(page.body.contains("<strong>accepted</strong>"), "{}", page.summary());
        assert!(page.body.contains("ada@example.test") && page.body.contains("RFC 7519 §4.1.4"));
        assert!(page.body.contains("Expires in 4 minutes"), "{}", page.summary());
        assert_eq!(page.body.contains("Removed before decoding"), pasted != token);
    }
}

#[tokio::test]
async fn format_signature_and_claims_are_checked_separately() {
    let app = Setup::new().with_frozen_clock().start().await;
    sign_up(&app, "ada@example.test").await;
    let token = tokens(&app, "ada@example.test", None).await.access;
    let flipped = {
        let (rest, signature) = token.rsplit_once('.').expect("a signature");
        let other = if signature.starts_with('A') { "B" } else { "A" };
        format!("{rest}.{other}{}", &signature[1..])
    };
    let unsigned =
        format!("{}.{}.", base64url(r#"{"alg":"none"}"#), token.split('.').nth(1).unwrap());
    for (fields, expected, code) in [
        (vec![("token", token.as_str())], ["yes", "yes", "yes"], None),
        (vec![("token", token.as_str()), ("by", "nothing")], ["yes", "not asked", "yes"], None),
        (
            vec![("token", token.as_str()), ("issuer", "https://other.test")],
            ["yes", "yes", "no"],
            None,
        ),
        (vec![("token", flipped.as_str())], ["yes", "no", "yes"], Some("token_signature_invalid")),
        (vec![("token", unsigned.as_str())], ["yes", "no", "yes"], Some("token_algorithm_none")),
        (
            vec![("token", &token[..token.len() - 22])],
            ["yes", "no", "yes"],
            Some("token_signature_invalid"),
        ),
        (vec![("token", &token[..300])], ["no", "no", "no"], None),
        (vec![("token", "k3Zr1xV8bN5mT2wY6cH4jL0pD3sG")], ["no", "not asked", "not asked"], None),
        (
            vec![("token", token.as_str()), ("by", "key"), ("key", "junk")],
            ["yes", "not asked", "yes"],
            None,
        ),
    ] {
        let mut all =
            vec![("issuer", app.origin.clone()), ("audience", format!("{}/api", app.origin))];
        all.retain(|(name, _)| !fields.iter().any(|(other, _)| other == name));
        let mut all: Vec<_> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
        all.extend(fields.iter().copied());
        let page = inspect(&app, &all).await.expect(200);
        assert_eq!(lamps(&page), expected, "{fields:?}: {}", page.summary());
        if let Some(code) = code {
            assert!(page.body.contains(&format!("href=\"/errors/{code}\"")), "{code}");
        }
    }
    app.advance(Span::minutes(8));
    let page = inspect(&app, &[("token", &token)]).await.expect(200);
    assert_eq!(lamps(&page), ["yes", "yes", "no"]);
    assert!(page.body.contains("Expired 3 minutes ago"), "{}", page.summary());
}

#[tokio::test]
async fn supplied_key_determines_the_algorithm() {
    let app = Latchkey::start().await;
    let (header, claims) = (r#"{"alg":"HS256"}"#, r#"{"sub":"1","exp":4000000000}"#);
    let secret = "a secret of thirty-two bytes, or more";
    let token = sign_with_secret(secret.as_bytes(), header, claims);
    let fields = [("token", token.as_str()), ("by", "secret"), ("secret", secret)];
    let page = inspect(&app, &fields).await.expect(200);
    assert_eq!(lamps(&page), ["yes", "yes", "yes"], "{}", page.summary());
    assert!(!page.body.contains(secret), "the secret is shown again");
    let other = [("token", token.as_str()), ("by", "secret"), ("secret", "another")];
    assert_eq!(lamps(&inspect(&app, &other).await), ["yes", "no", "yes"]);

    // Our public key: its signature verifies, and it is not secret.
    let own = OwnKey::new("RS256");
    let app = Setup::new().set("JWT_PRIVATE_KEY", own.pem.clone()).start().await;
    let set = Browser::new().get(&app.url("/.well-known/jwks.json")).await.expect(200).body;
    let token = own.sign(r#"{"alg":"RS256"}"#, claims);
    let by_set = |token: String| {
        let (app, set) = (&app, set.as_str());
        async move { inspect(app, &[("token", &token), ("by", "key"), ("key", set)]).await.expect(200) }
    };
    assert_eq!(lamps(&by_set(token).await), ["yes", "yes", "yes"]);
    let confused = sign_with_secret(set.as_bytes(), header, claims);
    let page = by_set(confused).await;
    assert_eq!(lamps(&page), ["yes", "no", "yes"]);
    assert!(page.body.contains("The key decides"), "{}", page.summary());
    let private = [("token", "a.b.c"), ("by", "key"), ("key", own.pem.as_str())];
    let page = inspect(&app, &private).await.expect(200);
    assert!(page.body.contains("This is a private key"), "{}", page.summary());
}

#[tokio::test]
async fn private_key_is_not_echoed() {
    let app = Latchkey::start().await;
    let pem = OwnKey::new("RS256").pem;
    let bytes = pem.lines().nth(1).expect("base64").to_owned();
    let public = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    let jwk = format!(r#"{{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"{bytes}"}}"#);
    let shared = format!(r#"{{"kty":"oct","k":"{bytes}"}}"#);
    for key in [
        pem.clone(),
        format!("{public}{pem}"),
        pem.replace('\n', "\\n"),
        jwk.clone(),
        format!(r#"{{"keys":[{jwk}]}}"#),
        jwk[..jwk.len() - 1].to_owned(),
        shared,
    ] {
        for by in ["key", "ours", "secret", "nothing"] {
            for token in ["a.b.c", ""] {
                let fields = [("token", token), ("by", by), ("key", key.as_str())];
                let page = inspect(&app, &fields).await.expect(200);
                assert!(!page.body.contains(&bytes[..20]), "{by}: {key:.60}");
            }
            let page = inspect(&app, &[("token", &key), ("by", by)]).await.expect(200);
            assert!(!page.body.contains(&bytes[..20]), "as a token: {key:.60}");
            assert!(page.body.contains("not a token"), "{}", page.summary());
        }
    }
    // A public key stays in the form, for the next token.
    let page = inspect(&app, &[("token", "a.b.c"), ("by", "key"), ("key", public)]).await;
    assert!(page.body.contains("AAAA"), "{}", page.summary());
}

#[tokio::test]
async fn cookie_token_is_shown_without_signature() {
    let app = Latchkey::start().await;
    sign_up(&app, "ada@example.test").await;
    let mut browser = signed_in(&app, "ada@example.test", "jwt").await;
    let page = browser.get(&app.url("/inspector")).await.expect(200);
    assert!(page.body.contains("Inspect my own token"));
    let page = browser.post(&app.url("/inspector"), &[("carried", "1")]).await.expect(200);
    assert_eq!(lamps(&page), ["yes", "yes", "yes"], "{}", page.summary());
    let token = cookie_value(&browser, "latchkey_token").expect("a token");
    let (signed, signature) = token.rsplit_once('.').expect("a signature");
    assert!(page.body.contains(signed.split('.').next().unwrap()));
    assert!(!page.body.contains(signature), "the signature is on the page");
    assert_eq!(page.header("cache-control"), Some("no-store"));

    let mut other = signed_in(&app, "ada@example.test", "session").await;
    let page = other.get(&app.url("/inspector")).await.expect(200);
    assert!(!page.body.contains("Inspect my own token"));
    let page = other.post(&app.url("/inspector"), &[("carried", "1")]).await.expect(200);
    assert!(page.body.contains("has no JWT"), "{}", page.summary());
}

/// A button pastes the example: its statements are true.
#[tokio::test]
async fn example_token_is_signed_and_expired() {
    let app = Latchkey::start().await;
    let page = Browser::new().get(&app.url("/inspector")).await.expect(200);
    let (_, form) = page.body.split_once("<form method=\"post\"").expect("a form");
    let (form, _) = form.split_once("Show me an example").expect("its button");
    let fields = form.split("<input type=\"hidden\" name=\"").skip(1).map(|input| {
        let (name, rest) = input.split_once("\" value=").expect("a value");
        let value = rest.split('>').next().expect("its end");
        (name, value.trim_matches(['"', '\'']))
    });
    let page = inspect(&app, &fields.collect::<Vec<_>>()).await.expect(200);
    assert_eq!(lamps(&page), ["yes", "yes", "no"], "{}", page.summary());
    assert!(page.body.contains("Expired ") && !page.body.contains("Another issuer"));
}

#[tokio::test]
async fn revoked_token_is_reported() {
    let app = Setup::new().set("JWT_REVOCATION", "watch").start().await;
    sign_up(&app, "ada@example.test").await;
    let pair = tokens(&app, "ada@example.test", None).await;
    let _ = ApiClient::new(&app).revoke(&pair.refresh).await.expect(200);
    let page = inspect(&app, &[("token", &pair.access)]).await.expect(200);
    assert_eq!(lamps(&page), ["yes", "yes", "yes"]);
    assert!(page.body.contains("href=\"/errors/token_revoked\""), "{}", page.summary());
}

#[tokio::test]
async fn hostile_token_input_is_escaped() {
    let app = Latchkey::start().await;
    let with =
        |header: &str, claims: &str| format!("{}.{}.c2ln", base64url(header), base64url(claims));
    let good = r#"{"alg":"EdDSA"}"#;
    let deep = format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    let many: String = (0..3_000).map(|n| format!(",\"k{n}\":{n}")).collect();
    let bytes =
        format!("{}.{}.{}", base64url(good), base64url([0xff, 0xfe, 0x00]), base64url([0; 7]));
    let img = "{\"name\":\"<img src=x onerror=alert(1)>\u{202e}evil\"}";
    let numbers = r#"{"exp":1e308,"nbf":-1e308,"iat":123456789012345678901234567890}"#;
    let limits = r#"{"exp":9223372036854775807,"nbf":-9223372036854775808,"iat":0.1}"#;
    let script = r#"{"alg":"<script>alert(1)</script>","kid":"'\"><b>"}"#;
    let control = r#"{"\u0000":"\u0000","\u202e":1,"\ud83d":1}"#;
    // With a part of the table of its members, where it can be read.
    for (token, shown) in [
        (with(good, &deep), ""),
        (with(&deep, "{}"), ""),
        (with(good, &format!("{{\"a\":0{many}}}")), "<code>k100</code>"),
        (with(good, numbers), ">1e+308<"),
        (with(good, limits), ">9223372036854775807<"),
        (with(good, r#"{"exp":1e999}"#), ""),
        (with(good, r#"{"exp":[],"aud":{},"iss":7,"iat":"soon"}"#), "ltr\">soon<"),
        (with(good, img), "ltr\">&#60;img src=x onerror=alert(1)&#62;\\u{202e}evil<"),
        // A NUL byte is no valid JSON.
        (with(good, &img.replace("evil", "\u{0}evil")), ""),
        (with(script, "{}"), "ltr\">&#60;script&#62;alert(1)&#60;/script&#62;<"),
        (with(good, control), "<code>\\u{0}</code>"),
        (bytes, ""),
        (".".repeat(90_000), ""),
        ("eyJ".repeat(30_000), ""),
        ("{\"access_token\":".repeat(5_000), ""),
        ("\u{0}\u{1}\u{7f}".to_owned(), ""),
        ("Ω≈ç√∫˜µ≤≥÷".repeat(1_000), ""),
    ] {
        let page = inspect(&app, &[("token", &token)]).await.expect(200);
        let _ = lamps(&page);
        assert!(page.body.contains(shown), "{token:.60}: {shown}");
        for planted in ["<img", "<script>alert", "<b>\"", "\u{202e}", "\u{0}"] {
            assert!(!page.body.contains(planted), "{token:.60}: {planted}");
        }
    }
    for (length, status) in [(99_000, 200), (101_000, 413), (400_000, 413)] {
        let page = inspect(&app, &[("token", &"a".repeat(length))]).await;
        assert_eq!(page.status, status, "{length}: {}", page.summary());
        let code = page.header("x-error-code");
        assert_eq!(code, (status == 413).then_some("too_large"), "{length}");
    }
    for key in ["{\"keys\":[", "{\"keys\":[{}]}", "[]", "\u{0}", "-----BEGIN PUBLIC KEY-----"] {
        let fields = [("token", "a.b.c"), ("by", "key"), ("key", key)];
        let _ = inspect(&app, &fields).await.expect(200);
    }
    let _ = inspect(&app, &[("token", "a.b.c"), ("by", "sorcery")]).await.expect(400);
}

#[tokio::test]
async fn inspector_ignores_url_token_and_queries_no_database() {
    let app = Latchkey::start().await;
    sign_up(&app, "ada@example.test").await;
    let token = tokens(&app, "ada@example.test", None).await.access;
    let address = app.url(&format!("/inspector?token={token}"));
    let page = Browser::new().get(&address).await.expect(200);
    assert!(!page.body.contains("class=\"lamps\""), "it was read from the address");
    let part = token.split('.').nth(1).expect("claims");
    assert!(!page.body.contains(part));
    app.background_writes_done().await;
    let before = dump(&app.app.db).await;
    let page = inspect(&app, &[("token", &token)]).await.expect(200);
    assert_eq!(queries(&page), 0, "the database was asked");
    app.background_writes_done().await;
    assert_eq!(dump(&app.app.db).await, before, "something was kept");
}
