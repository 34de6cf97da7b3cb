//! The issuer's keys: rotation, and invalid keys (RFC 7517).

use latchkey_domain::Span;
use latchkey_tests::issuer::{Answer, JWKS, Key, Signature};
use latchkey_tests::{Browser, Issuer, Setup};
use serde_json::{Value, json};

use crate::{acme, refused, sign_in};

#[tokio::test]
async fn issuer_key_rotation_refreshes_cached_keys() {
    let (app, issuer) = acme().await;
    for _ in 0..3 {
        assert_eq!(sign_in(&app, &issuer, &mut Browser::new()).await.see_other(), "/account");
    }
    assert_eq!(issuer.requests(JWKS).len(), 1, "the keys are kept");
    // The last one reuses the `kid` of the one before: a restart, or another machine.
    for (count, kid) in [(2, "second"), (3, "third"), (4, "third")] {
        issuer.set_signing_key(Key::es256(kid));
        assert_eq!(sign_in(&app, &issuer, &mut Browser::new()).await.see_other(), "/account");
        assert_eq!(issuer.requests(JWKS).len(), count);
    }
}

#[tokio::test]
async fn jwks_fetches_are_limited_for_unknown_kids() {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).with_frozen_clock().start().await;
    assert_eq!(sign_in(&app, &issuer, &mut Browser::new()).await.see_other(), "/account");
    issuer.id_token(|token| token.header["kid"] = "unknown".into());
    for _ in 0..20 {
        let page = sign_in(&app, &issuer, &mut Browser::new()).await;
        refused(&page, "an unknown kid", 502, "id_token_refused");
    }
    let fetched = issuer.requests(JWKS).len();
    assert!(fetched <= 6, "{fetched} fetches");
    // Valid tokens are accepted all the time, and later the keys may be fetched again.
    issuer.reset();
    assert_eq!(sign_in(&app, &issuer, &mut Browser::new()).await.see_other(), "/account");
    app.advance(Span::seconds(40));
    issuer.set_signing_key(Key::es256("new"));
    assert_eq!(sign_in(&app, &issuer, &mut Browser::new()).await.see_other(), "/account");
    assert_eq!(issuer.requests(JWKS).len(), fetched + 1);
}

/// A new key under its old `kid`, and signatures by unknown keys, with and without `kid`: tokens
/// with invalid signatures do not cause a fetch each.
#[tokio::test]
async fn jwks_fetches_are_limited_for_invalid_signatures() {
    for kid in [json!("first"), json!(null)] {
        let issuer = Issuer::start().await;
        let app = Setup::new().with_issuer(&issuer).with_frozen_clock().start().await;
        issuer.id_token(move |token| {
            token.header["kid"] = kid.clone();
            token.signed = Signature::UnpublishedKey;
        });
        for _ in 0..20 {
            let page = sign_in(&app, &issuer, &mut Browser::new()).await;
            refused(&page, "a stranger's signature", 502, "id_token_refused");
        }
        let fetched = issuer.requests(JWKS).len();
        assert!((2..=5).contains(&fetched), "{fetched} fetches");
        app.advance(Span::seconds(40));
        issuer.set_signing_key(Key::es256("first"));
        issuer.id_token(|_| {});
        assert_eq!(sign_in(&app, &issuer, &mut Browser::new()).await.see_other(), "/account");
    }
}

#[tokio::test]
async fn withdrawn_issuer_key_is_dropped_after_an_hour() {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).with_frozen_clock().start().await;
    issuer.id_token(|token| token.claims["exp"] = json!(9_999_999_999_i64));
    assert_eq!(sign_in(&app, &issuer, &mut Browser::new()).await.see_other(), "/account");
    // The key set is unavailable and the cached keys are only old: users can sign in.
    app.advance(Span::minutes(61));
    issuer.respond_with(JWKS, Answer::html(503));
    assert_eq!(sign_in(&app, &issuer, &mut Browser::new()).await.see_other(), "/account");
    // It is available, without the key: users cannot sign in, and the key stays removed.
    issuer.respond_with(JWKS, Answer::Json(json!({ "keys": [Key::es256("next").jwk()] })));
    app.advance(Span::minutes(61));
    for _ in 0..2 {
        let page = sign_in(&app, &issuer, &mut Browser::new()).await;
        refused(&page, "withdrawn", 502, "id_token_refused");
        issuer.respond_with(JWKS, Answer::Json(json!({ "keys": [] })));
    }
}

#[tokio::test]
async fn unusable_issuer_keys_are_ignored() {
    let key = Key::es256("first").jwk();
    let with = |name: &str, value: Value| {
        let mut changed = key.clone();
        changed[name] = value;
        changed
    };
    for (what, junk) in [
        ("another kty", json!({ "kty": "LWE", "kid": "first", "x": "AAAA" })),
        ("another curve", with("crv", json!("secp256k1"))),
        ("for encryption", with("use", json!("enc"))),
        ("for another algorithm", with("alg", json!("ES384"))),
        ("a symmetric one", json!({ "kty": "oct", "kid": "first", "k": "AAAA" })),
        ("a small one", json!({ "kty": "RSA", "kid": "first", "n": "u".repeat(171), "e": "AQAB" })),
        (
            "an exponent of one",
            json!({ "kty": "RSA", "kid": "first", "n": "u".repeat(342), "e": "AQ" }),
        ),
        ("a point off the curve", with("x", json!("AAAA"))),
        ("no object", json!("first")),
        ("nothing", json!(null)),
    ] {
        // Alone, none of them signs anybody in …
        let (app, issuer) = acme().await;
        issuer.respond_with(JWKS, Answer::Json(json!({ "keys": [junk] })));
        let page = sign_in(&app, &issuer, &mut Browser::new()).await;
        refused(&page, what, 502, "id_token_refused");
        // … and beside a valid key, none of them prevents a sign-in.
        let (app, issuer) = acme().await;
        let (other, good) = (Key::es256("other"), Key::es256("good"));
        let keys = json!({ "keys": [junk, other.jwk(), good.jwk()] });
        issuer.respond_with(JWKS, Answer::Json(keys));
        issuer.set_signing_key(good);
        assert_eq!(sign_in(&app, &issuer, &mut Browser::new()).await.status, 303, "{what}");
        // Without a `kid`, every valid key is tried.
        issuer.id_token(|token| {
            token.header.as_object_mut().expect("an object").remove("kid");
        });
        let page = sign_in(&app, &issuer, &mut Browser::new()).await;
        assert_eq!(page.status, 303, "{what}, no kid: {}", page.summary());
    }
}

#[tokio::test]
async fn only_first_hundred_issuer_keys_are_used() {
    let other = Key::es256("other").jwk();
    for (before, taken) in [(99, true), (100, false)] {
        let (app, issuer) = acme().await;
        let good = Key::es256("good");
        let keys = [vec![other.clone(); before], vec![good.jwk()]].concat();
        issuer.respond_with(JWKS, Answer::Json(json!({ "keys": keys })));
        issuer.set_signing_key(good);
        let page = sign_in(&app, &issuer, &mut Browser::new()).await;
        if taken {
            assert_eq!(page.see_other(), "/account", "after {before} others");
        } else {
            refused(&page, "the 101st key", 502, "id_token_refused");
        }
    }
}

#[tokio::test]
async fn huge_jwks_does_not_break_later_sign_ins() {
    let (app, issuer) = acme().await;
    let key = json!({ "kty": "EC", "crv": "P-256", "kid": "x", "x": "AA", "y": "AA" });
    issuer.respond_with(JWKS, Answer::Json(json!({ "keys": vec![key; 10_000] })));
    let page = sign_in(&app, &issuer, &mut Browser::new()).await;
    refused(&page, "10,000 keys", 502, "id_token_refused");
    issuer.reset();
    issuer.set_signing_key(Key::es256("good"));
    assert_eq!(sign_in(&app, &issuer, &mut Browser::new()).await.see_other(), "/account");
}
