//! A family of refresh tokens, from its first to its last.

use latchkey_domain::Span;
use latchkey_tests::accounts;
use latchkey_tests::accounts::{ApiClient, Tokens, expect_problem, json_of, sign_up_client};
use latchkey_tests::jws;
use latchkey_tests::{Latchkey, Page, Setup};
use reqwest::Method;
use serde_json::json;

const ADA: &str = "ada@example.test";

async fn standing() -> (Latchkey, ApiClient, Tokens) {
    let app = Setup::new().with_frozen_clock().start().await;
    let (_, tokens) = sign_up_client(&app, ADA).await;
    let program = ApiClient::new(&app);
    (app, program, tokens)
}

/// Asserts an error of the token routes: RFC 6749 §5.2 and RFC 9457.
#[track_caller]
fn refused(page: &Page, code: &str, error: &str) {
    let problem = expect_problem(page, 400, code);
    assert_eq!(problem["error"], error, "{problem}");
}

#[tokio::test]
async fn refresh_rotates_both_tokens_within_one_sign_in() {
    let (app, mut program, first) = standing().await;
    let mut newest = first.clone();
    for _ in 0..3 {
        app.advance(Span::minutes(4));
        let next = Tokens::of(&program.refresh(&newest.refresh).await);
        assert_ne!(next.refresh, newest.refresh);
        assert_ne!(next.access, newest.access);
        let (before, after) = (jws::decode(&newest.access).1, jws::decode(&next.access).1);
        for same in ["sub", "sid", "client_id", "scope", "auth_time", "amr", "iss", "aud"] {
            assert_eq!(before[same], after[same], "{same}");
        }
        assert_ne!(before["jti"], after["jti"]);
        assert_eq!(after["iat"], app.clock.now().as_seconds());
        assert_eq!(ApiClient::with(&app, &next.access).get("/api/v1/me").await.status, 200);
        newest = next;
    }
}

#[tokio::test]
async fn refresh_token_is_long_and_opaque() {
    let (_app, _, tokens) = standing().await;
    assert!(!tokens.refresh.contains('.'), "no JWT: {}", tokens.refresh);
    assert!(tokens.refresh.len() >= 43, "256 bits in base64url: {}", tokens.refresh);
}

/// The response was lost, and the client retries too late: it cannot be told from a thief, and the
/// error says how much time it had (ADR 41).
#[tokio::test]
async fn refresh_retry_after_ten_seconds_is_reuse() {
    let (app, mut program, first) = standing().await;
    let lost = Tokens::of(&program.refresh(&first.refresh).await);
    app.advance(Span::seconds(11));
    let late = program.refresh(&first.refresh).await;
    refused(&late, "refresh_token_reused", "invalid_grant");
    assert!(late.body.contains("ten seconds"), "{}", late.body);
    refused(&program.refresh(&lost.refresh).await, "refresh_token_ended", "invalid_grant");
}

#[tokio::test]
async fn refresh_retry_within_ten_seconds_is_idempotent() {
    let (app, mut program, first) = standing().await;
    let answer = program.refresh(&first.refresh).await;
    let next = Tokens::of(&answer);
    for _ in 0..3 {
        app.advance(Span::seconds(3));
        let twin = program.refresh(&first.refresh).await;
        assert_eq!(twin.body, answer.body, "to the byte");
    }
    // The family continues, without a fork.
    let after = Tokens::of(&program.refresh(&next.refresh).await);
    assert_eq!(ApiClient::with(&app, &after.access).get("/api/v1/me").await.status, 200);
    // A late duplicate does not restore an ended sign-in.
    let _ = program.revoke(&after.refresh).await.expect(200);
    refused(&program.refresh(&next.refresh).await, "refresh_token_ended", "invalid_grant");
}

#[tokio::test]
async fn es256_refresh_retry_returns_the_same_claims() {
    let app = Setup::new().set("JWT_ALGORITHM", "ES256").with_frozen_clock().start().await;
    let (_, first) = sign_up_client(&app, ADA).await;
    let mut program = ApiClient::new(&app);
    let one = Tokens::of(&program.refresh(&first.refresh).await);
    app.advance(Span::seconds(5));
    let twin = Tokens::of(&program.refresh(&first.refresh).await);
    assert_eq!(one.refresh, twin.refresh);
    assert_eq!(jws::decode(&one.access), jws::decode(&twin.access));
}

#[tokio::test]
async fn refresh_token_reuse_ends_family_and_sign_in() {
    let (app, mut program, first) = standing().await;
    let mut other = program.clone();
    let elsewhere = accounts::tokens(&app, ADA, None).await;
    let second = Tokens::of(&program.refresh(&first.refresh).await);
    let third = Tokens::of(&program.refresh(&second.refresh).await);
    app.advance(Span::seconds(11));
    refused(&program.refresh(&first.refresh).await, "refresh_token_reused", "invalid_grant");
    // The thief is unknown: the newest token is revoked, too.
    for tokens in [&third, &second, &first] {
        refused(&program.refresh(&tokens.refresh).await, "refresh_token_ended", "invalid_grant");
    }
    let sid = jws::decode(&first.access).1["sid"].clone();
    let mut owner = ApiClient::with(&app, &elsewhere.access);
    let listed = json_of(&owner.get("/api/v1/sessions").await);
    let items = listed["items"].as_array().expect("items");
    assert!(items.iter().all(|one| one["id"] != sid), "the sign-in has ended: {listed}");
    assert_eq!(items.len(), 1, "another sign-in of the same person lives: {listed}");
    assert_eq!(Tokens::of(&other.refresh(&elsewhere.refresh).await).scope, elsewhere.scope);
}

#[tokio::test]
async fn refresh_family_expires_despite_rotation() {
    let app = Setup::new().set("JWT_REFRESH_TTL", "1h").with_frozen_clock().start().await;
    let (_, mut newest) = sign_up_client(&app, ADA).await;
    let mut program = ApiClient::new(&app);
    for _ in 0..2 {
        app.advance(Span::minutes(25));
        newest = Tokens::of(&program.refresh(&newest.refresh).await);
    }
    app.advance(Span::minutes(10));
    refused(&program.refresh(&newest.refresh).await, "refresh_token_expired", "invalid_grant");
}

#[tokio::test]
async fn invalid_refresh_tokens_are_rejected() {
    let (_app, mut program, tokens) = standing().await;
    let flipped = tokens.refresh.chars().rev().collect::<String>();
    let long = "a".repeat(50_000);
    for unknown in ["", "nobody's", &tokens.access, &flipped, &long, "' OR 1=1 --", "a\0b"] {
        let page = program.refresh(unknown).await;
        refused(&page, "refresh_token_unknown", "invalid_grant");
    }
    for body in
        [json!({}), json!({ "refresh_token": 1 }), json!({ "refresh_token": null }), json!([])]
    {
        let page = program.post("/api/v1/token/refresh", body).await;
        refused(&page, "bad_request", "invalid_request");
    }
    let page = program.raw(Method::POST, "/api/v1/token/refresh", &[], None).await;
    expect_problem(&page, 415, "unsupported_media_type");
    // None of that affects the valid token.
    Tokens::of(&program.refresh(&tokens.refresh).await);
}

#[tokio::test]
async fn refresh_cannot_widen_the_scope() {
    let app = Setup::new().with_frozen_clock().start().await;
    accounts::sign_up(&app, ADA).await;
    let mut newest = accounts::tokens(&app, ADA, Some("calendar:read profile")).await;
    assert_eq!(newest.scope, "profile calendar:read");
    let mut program = ApiClient::new(&app);
    for more in ["", "contacts:write", "profile calendar:read contacts:read"] {
        let body = json!({ "refresh_token": newest.refresh, "scope": more });
        newest = Tokens::of(&program.post("/api/v1/token/refresh", body).await);
        assert_eq!(newest.scope, "profile calendar:read", "asked for {more:?}");
        assert_eq!(jws::decode(&newest.access).1["scope"], "profile calendar:read");
        let page = ApiClient::with(&app, &newest.access).get("/api/v1/contacts").await;
        expect_problem(&page, 403, "insufficient_scope");
    }
}

#[tokio::test]
async fn revocation_ends_sign_in_and_ignores_unknown_tokens() {
    let (app, mut program, tokens) = standing().await;
    let other = accounts::tokens(&app, ADA, None).await;
    for unknown in ["", "nobody's", "a.b.c", &"x".repeat(50_000)] {
        let page = program.revoke(unknown).await.expect(200);
        assert_eq!(page.header("cache-control"), Some("no-store"));
    }
    for _ in 0..2 {
        let _ = program.revoke(&tokens.refresh).await.expect(200);
    }
    refused(&program.refresh(&tokens.refresh).await, "refresh_token_ended", "invalid_grant");
    let _ = program.revoke(&other.access).await.expect(200);
    refused(&program.refresh(&other.refresh).await, "refresh_token_ended", "invalid_grant");
    for body in [json!({}), json!({ "token": 1 })] {
        refused(
            &program.post("/api/v1/token/revoke", body).await,
            "bad_request",
            "invalid_request",
        );
    }
}

#[tokio::test]
async fn revoking_a_used_refresh_token_ends_the_family() {
    let (_app, mut program, first) = standing().await;
    let second = Tokens::of(&program.refresh(&first.refresh).await);
    let _ = program.revoke(&first.refresh).await.expect(200);
    refused(&program.refresh(&second.refresh).await, "refresh_token_ended", "invalid_grant");
}

#[tokio::test]
async fn token_endpoints_accept_only_post_and_are_not_stored() {
    let (app, mut program, tokens) = standing().await;
    for path in ["/api/v1/token", "/api/v1/token/refresh", "/api/v1/token/revoke"] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let page = program.call(method, path, None).await;
            expect_problem(&page, 405, "method_not_allowed");
            assert_eq!(page.header("allow"), Some("POST"), "{path}");
        }
        // `expect_problem` and `Tokens::of` require `no-store`.
        refused(&program.post(path, json!({})).await, "bad_request", "invalid_request");
    }
    Tokens::of(&program.refresh(&tokens.refresh).await);
    accounts::tokens(&app, ADA, None).await;
    let page = program.revoke(&tokens.refresh).await.expect(200);
    assert_eq!(page.header("cache-control"), Some("no-store"));
}
