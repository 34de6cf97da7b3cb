//! ID tokens that break a rule (OpenID Connect Core §3.1.3.7).

use latchkey_domain::Clock;
use latchkey_tests::issuer::{Key, Signature, TOKEN, Token, at_hash};
use latchkey_tests::{Browser, Issuer, Setup};
use serde_json::{Value, json};

use crate::{acme, refused, sign_in};

/// Asserts for each change whether the token is still accepted.
async fn judge<F: Fn(&mut Token) + Send + 'static>(changes: Vec<(&str, bool, F)>) {
    let (app, issuer) = acme().await;
    for (what, believed, change) in changes {
        issuer.id_token(change);
        let mut browser = Browser::new();
        let page = sign_in(&app, &issuer, &mut browser).await;
        if believed {
            assert_eq!(page.status, 303, "{what}: {}", page.summary());
        } else {
            refused(&page, what, 502, "id_token_refused");
            assert_eq!(browser.account(&app).await, None, "{what}");
        }
    }
}

/// A change that sets a claim.
fn claim(name: &'static str, value: Value) -> impl Fn(&mut Token) + Send + 'static {
    move |token| match &value {
        // Null removes it.
        Value::Null => {
            token.claims.as_object_mut().expect("an object").remove(name);
        }
        value => token.claims[name] = value.clone(),
    }
}

fn now() -> i64 {
    Clock::System.now().as_seconds()
}

#[tokio::test]
async fn id_token_issuer_audience_and_azp_must_match() {
    let (evil, us) = ("https://evil.test", "acme client:1");
    let all = [
        ("iss", json!(null), false),
        ("iss", json!(evil), false),
        ("iss", json!([evil]), false),
        ("aud", json!(null), false),
        ("aud", json!("somebody-else"), false),
        ("aud", json!("ACME CLIENT:1"), false),
        ("aud", json!([]), false),
        ("aud", json!([us]), true),
        ("aud", json!([us, "somebody-else"]), false),
        ("aud", json!(["somebody-else"]), false),
        ("aud", json!([us, 1]), false),
        ("aud", json!(1), false),
        ("azp", json!(us), true),
        ("azp", json!("somebody-else"), false),
        ("azp", json!(1), false),
    ];
    judge(all.map(|(name, value, ok)| (name, ok, claim(name, value))).into()).await;
}

/// Some providers add a project or an API to the audience of every token.
#[tokio::test]
async fn additional_audience_requires_setting_and_azp() {
    let issuer = Issuer::start().await;
    let setup = Setup::new().with_issuer(&issuer).set("OIDC_ACME_AUDIENCES", "project api");
    let app = setup.start().await;
    let us = "acme client:1";
    for (aud, azp, taken) in [
        (json!([us, "project"]), json!(us), true),
        (json!(["api", us, "project"]), json!(us), true),
        (json!([us, "project"]), json!(null), false),
        (json!([us, "project"]), json!("project"), false),
        (json!([us, "stranger"]), json!(us), false),
        (json!("project"), json!(us), false),
    ] {
        let what = format!("{aud} {azp}");
        issuer.id_token(move |token| {
            token.claims["aud"] = aud.clone();
            if !azp.is_null() {
                token.claims["azp"] = azp.clone();
            }
        });
        let page = sign_in(&app, &issuer, &mut Browser::new()).await;
        if taken {
            assert_eq!(page.see_other(), "/account", "{what}");
        } else {
            refused(&page, &what, 502, "id_token_refused");
        }
    }
    issuer.id_token(|token| token.claims["aud"] = json!(["acme client:1", "new"]));
    let page = sign_in(&app, &issuer, &mut Browser::new()).await;
    assert!(page.body.contains("_AUDIENCES"), "which setting: {}", page.summary());
}

#[tokio::test]
async fn numeric_subject_is_refused_with_explanation() {
    let (app, issuer) = acme().await;
    issuer.id_token(claim("sub", json!(248_289_761_001_u64)));
    let page = sign_in(&app, &issuer, &mut Browser::new()).await;
    refused(&page, "a number", 502, "id_token_refused");
    assert!(page.body.contains("is a number"), "{}", page.summary());
}

#[tokio::test]
async fn id_token_time_claims_are_validated() {
    let far = 1e18;
    let all = [
        ("exp", json!(null), false),
        ("exp", json!(now() - 120), false),
        ("exp", json!((now() + 300).to_string()), false),
        ("exp", json!([]), false),
        ("exp", json!(-1), false),
        ("exp", json!(0), false),
        ("exp", json!(now() + 10), true),
        ("exp", json!(far), true),
        ("exp", json!(u64::MAX), true),
        ("iat", json!(null), false),
        ("iat", json!(now() + 300), false),
        ("iat", json!("now"), false),
        ("iat", json!(now() + 20), true),
        ("nbf", json!(now() - 10), true),
        ("nbf", json!(now() + 300), false),
        ("nbf", json!("now"), false),
        ("nbf", json!(far), false),
    ];
    judge(all.map(|(name, value, ok)| (name, ok, claim(name, value))).into()).await;
}

#[tokio::test]
async fn nonce_and_at_hash_must_match() {
    let right = at_hash("access-248289761001");
    let all = [
        ("nonce", json!(null), false),
        ("nonce", json!(""), false),
        ("nonce", json!("another"), false),
        ("nonce", json!(1), false),
        ("at_hash", json!(right), true),
        ("at_hash", json!(at_hash("another")), false),
        ("at_hash", json!(""), false),
        ("at_hash", json!(1), false),
        ("c_hash", json!("unknown claims are passed over"), true),
    ];
    judge(all.map(|(name, value, ok)| (name, ok, claim(name, value))).into()).await;
}

/// A change that sets a header parameter.
fn header(name: &'static str, value: Value) -> impl Fn(&mut Token) + Send + 'static {
    move |token| match &value {
        Value::Null => {
            token.header.as_object_mut().expect("an object").remove(name);
        }
        value => token.header[name] = value.clone(),
    }
}

#[tokio::test]
async fn id_token_header_parameters_are_validated() {
    let stranger = Key::es256("first").jwk();
    let all = [
        ("alg", json!(null), false),
        ("alg", json!("none"), false),
        ("alg", json!("None"), false),
        ("alg", json!(""), false),
        ("alg", json!("HS256"), false),
        ("alg", json!("RS256"), false),
        ("alg", json!("ES384"), false),
        ("alg", json!("ES256K"), false),
        ("alg", json!(["ES256"]), false),
        ("typ", json!(null), true),
        ("typ", json!("jwt"), true),
        ("typ", json!("at+jwt"), false),
        ("typ", json!("logout+jwt"), false),
        ("typ", json!(1), false),
        ("crit", json!(["exp"]), false),
        ("crit", json!([]), false),
        ("kid", json!(null), true),
        ("kid", json!("unknown"), false),
        ("kid", json!("../../etc/passwd"), false),
        ("kid", json!("' OR 1=1"), false),
        // A token cannot bring its own key, nor a URL for one.
        ("jwk", stranger, true),
        ("jku", json!("https://evil.test/keys"), true),
        ("x5u", json!("https://evil.test/cert"), true),
        ("x5c", json!(["AAAA"]), true),
    ];
    judge(all.map(|(name, value, ok)| (name, ok, header(name, value))).into()).await;
}

#[tokio::test]
async fn id_token_with_invalid_signature_is_refused() {
    let (app, issuer) = acme().await;
    let public = issuer.public_bytes();
    for (what, algorithm, signed) in [
        ("a flipped bit", "ES256", Signature::Damaged),
        ("none at all", "ES256", Signature::Missing),
        ("none, as alg none", "none", Signature::Missing),
        ("HS256 with the public key", "HS256", Signature::Hmac(public)),
        ("HS256 with the client's secret", "HS256", Signature::Hmac(issuer.client_secret().into())),
        ("HS256 with an empty secret", "HS256", Signature::Hmac(Vec::new())),
        ("a stranger's key", "ES256", Signature::UnpublishedKey),
    ] {
        issuer.id_token(move |token| {
            token.header["alg"] = algorithm.into();
            token.signed = signed.clone();
        });
        let mut browser = Browser::new();
        let page = sign_in(&app, &issuer, &mut browser).await;
        refused(&page, what, 502, "id_token_refused");
        assert_eq!(browser.account(&app).await, None, "{what}");
    }
}

#[tokio::test]
async fn jku_and_x5u_keys_are_not_fetched() {
    let (app, issuer) = acme().await;
    let url = issuer.url.clone();
    issuer.id_token(move |token| {
        token.signed = Signature::UnpublishedKey;
        token.header["jku"] = format!("{url}/planted").into();
        token.header["x5u"] = format!("{url}/planted").into();
    });
    let page = sign_in(&app, &issuer, &mut Browser::new()).await;
    refused(&page, "jku", 502, "id_token_refused");
    assert!(issuer.requests("/planted").is_empty(), "it was fetched");
}

#[tokio::test]
async fn id_token_with_old_nonce_is_refused() {
    let (app, issuer) = acme().await;
    let mut browser = Browser::new();
    let first = browser.start_sign_in(&app, "acme").await;
    let old_nonce = latchkey_tests::oauth_flow::parameter(&first, "nonce");
    assert_eq!(browser.follow_callback(&issuer.approve(&first)).await.see_other(), "/account");
    issuer.id_token(move |token| token.claims["nonce"] = old_nonce.clone().into());
    let page = sign_in(&app, &issuer, &mut Browser::new()).await;
    refused(&page, "the old nonce", 502, "id_token_refused");
    // Each code was used once, whatever the result.
    assert_eq!(issuer.requests(TOKEN).len(), 2);
}

#[tokio::test]
async fn every_allowed_algorithm_verifies() {
    for algorithm in [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
        "Ed25519",
    ] {
        let (app, issuer) = acme().await;
        issuer.set_signing_key(Key::generate(algorithm, "a"));
        let page = sign_in(&app, &issuer, &mut Browser::new()).await;
        assert_eq!(page.see_other(), "/account", "{algorithm}");
        issuer.id_token(|token| token.signed = Signature::Damaged);
        let page = sign_in(&app, &issuer, &mut Browser::new()).await;
        refused(&page, algorithm, 502, "id_token_refused");
    }
}
