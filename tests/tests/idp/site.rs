//! Properties of every response, and the pages around the protocol.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use latchkey_idp::Provider;

use crate::support::*;

#[tokio::test]
async fn local_provider_responses_have_security_headers() {
    let idp = Idp::start();
    let redirect = with(&request("openid"), &[("decision", "decline")]);
    for answer in [
        idp.get("/", &[]).await,
        idp.get("/nowhere", &[]).await,
        idp.get("/google/jwks", &[]).await,
        idp.get("/avatars/ada.svg", &[]).await,
        idp.get("/github/api/user", &[]).await,
        idp.post("/google/token", &[], &[]).await,
        idp.authorize(Provider::Google, &request("openid")).await,
        idp.decide(Provider::Google, &redirect).await,
        idp.get("/", &[("host", "evil.test")]).await,
    ] {
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; style-src 'self'; img-src 'self'; \
             form-action 'self' http://127.0.0.1:3001 http://localhost:3000; \
             frame-ancestors 'none'; base-uri 'none'"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let referrer = answer.header("referrer-policy");
        assert!(["no-referrer", "same-origin"].contains(&referrer), "{referrer}");
        let cache = answer.header("cache-control");
        assert!(["no-store", "no-cache"].contains(&cache), "{cache}");
    }
    let page = idp.authorize(Provider::Google, &request("openid")).await;
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("referrer-policy"), "same-origin");
}

#[tokio::test]
async fn consent_pages_have_no_scripts_or_inline_styles() {
    let idp = Idp::start();
    for provider in Provider::ALL {
        let page = idp.authorize(provider, &request("openid email")).await;
        for forbidden in ["<script", "<style", " style=", " onclick=", "javascript:"] {
            assert!(!page.body.contains(forbidden), "{provider} {forbidden}");
        }
    }
}

#[tokio::test]
async fn local_provider_serves_only_loopback_host_names() {
    let idp = Idp::start();
    for (host, status) in [
        ("127.0.0.1:3001", StatusCode::OK),
        ("localhost", StatusCode::OK),
        ("LOCALHOST:3001", StatusCode::OK),
        ("[::1]:3001", StatusCode::OK),
        ("127.1.2.3:80", StatusCode::OK),
        ("rebound.evil.test:3001", StatusCode::MISDIRECTED_REQUEST),
        ("localhost.evil.test", StatusCode::MISDIRECTED_REQUEST),
        ("192.168.1.7:3001", StatusCode::MISDIRECTED_REQUEST),
        ("", StatusCode::MISDIRECTED_REQUEST),
    ] {
        let answer = idp.get("/healthz", &[("host", host)]).await;
        assert_eq!(answer.status, status, "{host}");
    }
    assert_eq!(idp.get("/healthz", &[]).await.status, StatusCode::OK, "no browser");
}

#[tokio::test]
async fn start_page_lists_endpoints_users_and_faults() {
    let idp = Idp::start();
    let page = idp.get("/", &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    for provider in Provider::ALL {
        assert!(page.body.contains(provider.authorize_path()));
        assert!(page.body.contains(provider.token_path()));
    }
    let third_party = r#"<a href="http://127.0.0.1:3001/third-party">Third &#60;Party&#62;</a>"#;
    for text in ["9007199254740993", "octo", "bad_signature", "rate_limited", third_party] {
        assert!(page.body.contains(text), "{text}");
    }
}

#[tokio::test]
async fn assets_have_the_right_content_type() {
    let idp = Idp::start();
    for (path, content_type) in [
        ("/static/local-provider.css", "text/css; charset=utf-8"),
        ("/static/icon.svg", "image/svg+xml"),
        ("/avatars/long.svg", "image/svg+xml"),
    ] {
        let answer = idp.get(path, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("content-type"), content_type, "{path}");
    }
    for path in ["/avatars/nobody.svg", "/avatars/ada", "/avatars/"] {
        assert_eq!(idp.get(path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn malformed_requests_get_client_errors() {
    let idp = Idp::start();
    let missing = idp.get("/nowhere", &[]).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.body.contains("Page not found"));

    let method = idp.post("/", &[], &[]).await;
    assert_eq!(method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(method.header("allow"), "GET,HEAD");
    assert!(method.body.contains("Method not allowed"));

    let bare = idp.get(Provider::Google.authorize_path(), &[]).await;
    assert_eq!(bare.status, StatusCode::BAD_REQUEST);
    assert!(bare.body.contains("client_id"));

    let decide = format!("{}/decide", Provider::Google.authorize_path());
    let large = "a".repeat(32 * 1024);
    let form = idp.post(&decide, &[], &[("state", &large)]).await;
    assert_eq!(form.status, StatusCode::PAYLOAD_TOO_LARGE);
    let query = idp.authorize(Provider::Google, &[("state", &large)]).await;
    assert_eq!(query.status, StatusCode::URI_TOO_LONG);
    let token = idp.post("/google/token", &[], &[("state", &large)]).await;
    assert_eq!(token.status, StatusCode::BAD_REQUEST);
    assert_eq!(token.json()["error"], "invalid_request");

    let json = Request::post("/google/token")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from("{}"))
        .unwrap();
    let answer = idp.send(json).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.json()["error"], "invalid_request");
}
