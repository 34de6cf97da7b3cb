//! Access tokens: claims, key, and tokens that are not access tokens.

use aws_lc_rs::digest::{SHA256, digest};
use latchkey_auth::tokens::ring::SIGNS_AFTER;
use latchkey_domain::Span;
use latchkey_tests::accounts;
use latchkey_tests::accounts::{
    ApiClient, expect_problem, json_of, queries, sign_up_client, tokens,
};
use latchkey_tests::jws;
use latchkey_tests::jws::{OwnKey, base64url, decode, sign_with_secret};
use latchkey_tests::oauth_flow::parameter;
use latchkey_tests::{Browser, Latchkey, Setup};
use serde_json::{Value, json};
use url::Url;

#[tokio::test]
async fn access_token_has_documented_header_and_claims() {
    let app = Setup::new().with_frozen_clock().start().await;
    let (mut program, tokens) = sign_up_client(&app, "ada@example.test").await;
    let me = json_of(&program.get("/api/v1/me").await);
    let (header, claims) = decode(&tokens.access);
    let now = app.clock.now().as_seconds();
    let kid = header["kid"].as_str().expect("a kid");
    assert_eq!(header, json!({ "alg": "EdDSA", "kid": kid, "typ": "at+jwt" }));
    for (name, value) in [
        ("iss", json!(app.origin)),
        ("aud", json!(app.url("/api"))),
        ("sub", me["id"].clone()),
        ("iat", json!(now)),
        ("nbf", json!(now)),
        ("exp", json!(now + 300)),
        ("auth_time", json!(now)),
        ("scope", json!("profile calendar:read contacts:read contacts:write")),
        ("roles", json!([])),
        ("amr", json!(["pwd"])),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    for name in ["client_id", "jti", "sid"] {
        assert!(claims[name].as_str().is_some_and(|text| text.len() >= 8), "{name}: {claims}");
    }
    let another = accounts::tokens(&app, "ada@example.test", None).await;
    let (_, other) = decode(&another.access);
    assert_ne!(other["jti"], claims["jti"]);
    assert_ne!(other["sid"], claims["sid"], "another sign-in");
}

#[tokio::test]
async fn jwt_lifetime_issuer_and_audience_are_configurable() {
    let app = Setup::new()
        .set("JWT_ACCESS_TTL", "1m")
        .set("JWT_ISSUER", "https://issuer.example")
        .set("JWT_AUDIENCE", "https://api.example")
        .with_frozen_clock()
        .start()
        .await;
    let (mut program, tokens) = sign_up_client(&app, "ada@example.test").await;
    let (_, claims) = decode(&tokens.access);
    assert_eq!(claims["iss"], "https://issuer.example");
    assert_eq!(claims["aud"], "https://api.example");
    assert_eq!(claims["exp"].as_i64(), claims["iat"].as_i64().map(|iat| iat + 60));
    assert_eq!(program.get("/api/v1/me").await.status, 200);
    app.advance(Span::seconds(121));
    expect_problem(&program.get("/api/v1/me").await, 401, "token_expired");
}

#[tokio::test]
async fn access_token_is_valid_until_expiry_without_queries() {
    let app = Setup::new().with_frozen_clock().start().await;
    let (mut program, _) = sign_up_client(&app, "ada@example.test").await;
    for _ in 0..2 {
        let page = program.get("/api/v1/me").await;
        assert_eq!((page.status, queries(&page)), (200, 0));
    }
    app.advance(Span::seconds(299));
    assert_eq!(program.get("/api/v1/me").await.status, 200);
    app.advance(Span::seconds(62));
    let page = program.get("/api/v1/me").await;
    expect_problem(&page, 401, "token_expired");
    assert_eq!(queries(&page), 0, "not even to refuse it");
}

#[tokio::test]
async fn every_algorithm_signs_and_publishes_only_public_keys() {
    for algorithm in ["EdDSA", "ES256", "RS256", "HS256"] {
        let app = Setup::new().set("JWT_ALGORITHM", algorithm).start().await;
        let (mut program, tokens) = sign_up_client(&app, "ada@example.test").await;
        let (header, _) = decode(&tokens.access);
        assert_eq!(header["alg"], algorithm);
        let page = program.get("/api/v1/me").await;
        assert_eq!((page.status, queries(&page)), (200, 0), "{algorithm}");
        let set = program.get("/.well-known/jwks.json").await;
        assert!(set.header("cache-control").is_some_and(|it| it.contains("max-age")), "{set:?}");
        let set = json_of(&set);
        let keys = set["keys"].as_array().expect("keys");
        let named = keys.iter().filter(|jwk| jwk["kid"] == header["kid"]);
        assert_eq!(named.count(), usize::from(algorithm != "HS256"), "{algorithm}: {set}");
        for jwk in keys {
            assert_eq!((&jwk["alg"], &jwk["use"]), (&json!(algorithm), &json!("sig")));
            for private in ["d", "p", "q", "dp", "dq", "qi", "k", "oth"] {
                assert_eq!(jwk[private], Value::Null, "{algorithm}: {private} is published");
            }
        }
    }
}

#[tokio::test]
async fn hs256_token_with_guessed_secret_is_refused() {
    let app = Setup::new()
        .set("JWT_ALGORITHM", "HS256")
        .set("APP_SECRET", "one-secret-for-all-instances-of-it")
        .start()
        .await;
    let (mut program, tokens) = sign_up_client(&app, "ada@example.test").await;
    let (header, claims) = decode(&tokens.access);
    let (h, c) = (header.to_string(), claims.to_string());
    let kid = header["kid"].as_str().expect("a kid");
    for secret in ["", "secret", "latchkey", kid, "one-secret-for-all-instances-of-it"] {
        program.token = Some(sign_with_secret(secret.as_bytes(), &h, &c));
        expect_problem(&program.get("/api/v1/me").await, 401, "token_signature_invalid");
    }
    let none = h.replace("HS256", "none");
    program.token = Some(format!("{}.{}.", base64url(none), base64url(&c)));
    expect_problem(&program.get("/api/v1/me").await, 401, "token_algorithm_none");
    let eddsa = h.replace("HS256", "EdDSA");
    program.token = Some(OwnKey::new("EdDSA").sign(&eddsa, &c));
    expect_problem(&program.get("/api/v1/me").await, 401, "token_algorithm_mismatch");
}

#[tokio::test]
async fn configured_private_key_survives_restart() {
    for algorithm in jws::ALGORITHMS {
        let key = OwnKey::new(algorithm);
        let setup = |setup: Setup| {
            setup.set("JWT_ALGORITHM", algorithm).set("JWT_PRIVATE_KEY", &key.pem).start()
        };
        let app = setup(Setup::new()).await;
        let (_, first) = sign_up_client(&app, "ada@example.test").await;
        let app = setup(Setup::in_folder(app.stop().await)).await;
        let second = tokens(&app, "ada@example.test", None).await;
        let (header, claims) = decode(&second.access);
        assert_eq!(decode(&first.access).0["kid"], header["kid"], "{algorithm}");
        // A token that this key signs outside the app is accepted: the app signs with no other.
        let own = key.sign(&header.to_string(), &claims.to_string());
        let page = ApiClient::with(&app, &own).get("/api/v1/me").await;
        assert_eq!(page.status, 200, "{algorithm}: {}", page.summary());
        let set = json_of(&ApiClient::new(&app).get("/.well-known/jwks.json").await);
        let count = set["keys"].as_array().map(Vec::len);
        assert_eq!(count, Some(1), "{algorithm}: no second copy of one key");
    }
}

#[tokio::test]
async fn algorithm_change_refuses_no_valid_token() {
    let setup = |setup: Setup, algorithm: &str| {
        let site = "http://localhost:3000";
        let setup = setup.set("JWT_ISSUER", site).set("JWT_AUDIENCE", site);
        setup.set("JWT_ALGORITHM", algorithm).with_frozen_clock()
    };
    let app = setup(Setup::new(), "EdDSA").start().await;
    let (_, before) = sign_up_client(&app, "ada@example.test").await;
    let app = setup(Setup::in_folder(app.stop().await), "ES256").start().await;
    // The old key signs until every instance knows the new one.
    let meanwhile = tokens(&app, "ada@example.test", None).await;
    app.advance(SIGNS_AFTER);
    let after = tokens(&app, "ada@example.test", None).await;
    for (tokens, algorithm) in [(&before, "EdDSA"), (&meanwhile, "EdDSA"), (&after, "ES256")] {
        let header = decode(&tokens.access).0;
        assert_eq!(header["alg"], algorithm);
        let page = ApiClient::with(&app, &tokens.access).get("/api/v1/me").await;
        assert_eq!(page.status, 200, "{header}: {}", page.summary());
    }
}

#[tokio::test]
async fn api_accepts_only_access_tokens() {
    let app = Latchkey::start().await;
    let (mut program, tokens) = sign_up_client(&app, "ada@example.test").await;
    let of_provider = tokens_of_local_provider(&app).await;
    for (name, token) in [
        ("our refresh token", &tokens.refresh),
        ("the provider's ID token", &of_provider.0),
        ("the provider's access token", &of_provider.1),
    ] {
        program.token = Some(token.clone());
        let page = program.get("/api/v1/me").await;
        assert_eq!(page.status, 401, "{name}: {}", page.summary());
        let challenge = page.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains(r#"error="invalid_token""#), "{name}: {challenge}");
        // Only a refresh token refreshes.
        if token != &tokens.refresh {
            expect_problem(&program.refresh(token).await, 400, "refresh_token_unknown");
        }
    }
    program.token = None;
    expect_problem(&program.refresh(&tokens.access).await, 400, "refresh_token_unknown");
}

/// An ID token and an access token from the local provider.
async fn tokens_of_local_provider(app: &Latchkey) -> (String, String) {
    let provider = app.app.provider("google").expect("a provider");
    let mut browser = Browser::new();
    let mut authorize: Url = browser.start_sign_in(app, "google").await;
    let verifier = "a".repeat(43);
    let challenge = base64url(digest(&SHA256, verifier.as_bytes()));
    let pairs: Vec<(String, String)> = authorize.query_pairs().into_owned().collect();
    authorize.query_pairs_mut().clear().extend_pairs(
        pairs
            .iter()
            .map(|(name, value)| (name, if name == "code_challenge" { &challenge } else { value })),
    );
    let callback = browser.consent(&authorize, "ada").await;
    let token_url = format!("{}/google/token", app.idp);
    let code = parameter(&callback, "code");
    let redirect_uri = app.callback("google");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", redirect_uri.as_str()),
        ("code_verifier", verifier.as_str()),
        ("client_id", provider.client_id.as_str()),
        ("client_secret", provider.client_secret.expose()),
    ];
    let page = Browser::new().post(&token_url, &fields).await;
    assert_eq!(page.status, 200, "{}", page.summary());
    let answer = json_of(&page);
    let text = |name: &str| answer[name].as_str().expect("a token").to_owned();
    (text("id_token"), text("access_token"))
}
