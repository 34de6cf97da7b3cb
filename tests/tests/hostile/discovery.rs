//! Invalid discovery documents, and unavailable issuers.

use std::time::Duration;

use latchkey_tests::issuer::DISCOVERY;
use latchkey_tests::{Browser, Issuer, Setup, until};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::{acme, refused, sign_in};

#[tokio::test]
async fn invalid_discovery_document_is_refused() {
    for (member, value) in [
        ("issuer", json!("https://evil.test")),
        ("issuer", json!("/")), // stands for the issuer with a slash behind it
        ("issuer", json!(null)),
        ("authorization_endpoint", json!("javascript:alert(1)//")),
        ("authorization_endpoint", json!("data:text/html,x")),
        ("authorization_endpoint", json!("http://evil.test/authorize")),
        ("authorization_endpoint", json!("file:///etc/passwd")),
        ("authorization_endpoint", json!("/authorize")),
        ("authorization_endpoint", json!(null)),
        ("token_endpoint", json!("http://evil.test/token")),
        ("token_endpoint", json!("javascript:1")),
        ("token_endpoint", json!(null)),
        ("jwks_uri", json!("http://evil.test/keys")),
        ("jwks_uri", json!(null)),
        ("userinfo_endpoint", json!("http://evil.test/userinfo")),
        ("userinfo_endpoint", json!(1)),
    ] {
        let (app, issuer) = acme().await;
        let said = match value.as_str() {
            Some("/") if member == "issuer" => json!(issuer.url.clone() + "/"),
            _ => value.clone(),
        };
        issuer.metadata(move |metadata| metadata[member] = said.clone());
        let mut browser = Browser::new();
        let page = browser.post(&app.url("/auth/acme"), &[]).await;
        refused(&page, &format!("{member} {value}"), 502, "provider_nonsense");
        assert!(!page.body.contains("evil.test") && !page.body.contains("javascript:"));
        assert_eq!(page.header("location"), None);
        // When the document is valid again, users can sign in.
        issuer.reset();
        assert_eq!(sign_in(&app, &issuer, &mut browser).await.see_other(), "/account");
    }
}

#[tokio::test]
async fn missing_required_provider_metadata_is_refused() {
    for (member, needed) in [
        ("issuer", true),
        ("authorization_endpoint", true),
        ("token_endpoint", true),
        ("jwks_uri", true),
        ("userinfo_endpoint", false),
        ("response_types_supported", false),
        ("authorization_response_iss_parameter_supported", false),
    ] {
        let (app, issuer) = acme().await;
        issuer.metadata(move |metadata| {
            metadata.as_object_mut().expect("an object").remove(member);
        });
        let page = Browser::new().post(&app.url("/auth/acme"), &[]).await;
        if needed {
            refused(&page, member, 502, "provider_nonsense");
        } else {
            assert_eq!(page.status, 303, "{member}");
        }
    }
}

/// RFC 9700 §4.8: an issuer that supports only `plain` still gets S256.
#[tokio::test]
async fn pkce_is_not_downgraded_by_provider_metadata() {
    for methods in [json!(["plain"]), json!([]), Value::Null] {
        let (app, issuer) = acme().await;
        issuer.metadata(move |metadata| {
            metadata["code_challenge_methods_supported"] = methods.clone();
        });
        // `start_sign_in` asserts S256.
        Browser::new().start_sign_in(&app, "acme").await;
    }
}

#[tokio::test]
async fn discovery_document_is_fetched_once() {
    let (app, issuer) = acme().await;
    for _ in 0..5 {
        assert_eq!(sign_in(&app, &issuer, &mut Browser::new()).await.see_other(), "/account");
    }
    assert_eq!(issuer.requests(DISCOVERY).len(), 1);
    for request in issuer.all_requests() {
        // Compressed bodies are not decompressed.
        assert_eq!(request.header("accept-encoding"), None, "{}", request.path);
        assert!(request.header("user-agent").is_some(), "{}", request.path);
    }
}

#[tokio::test]
async fn issuer_offline_at_startup_is_discovered_later() {
    // A free port that the issuer will use.
    let issuer = Issuer::start().await;
    let port = url::Url::parse(&issuer.url).expect("a URL").port().expect("a port");
    let setup = Setup::new().with_issuer(&issuer);
    drop(issuer);
    let app = setup.start().await;

    let mut browser = Browser::new();
    let _ = browser.get(&app.url("/sign-in")).await.expect(200);
    let page = away(&app, &mut browser).await;
    refused(&page, "away", 502, "provider_unreachable");
    // Other providers work meanwhile.
    browser.sign_in_with(&app, "google", "ada").await;

    let issuer = Issuer::start_on(port).await;
    assert_eq!(sign_in(&app, &issuer, &mut Browser::new()).await.see_other(), "/account");
}

/// Starts a sign-in at an issuer that was dropped; its socket may take a moment to close.
async fn away(app: &latchkey_tests::Latchkey, browser: &mut Browser) -> latchkey_tests::Page {
    for _ in 0..100 {
        let page = browser.post(&app.url("/auth/acme"), &[]).await;
        if page.status != 303 {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the issuer does not go away");
}

#[tokio::test]
async fn issuer_gone_before_callback_is_reported_as_unreachable() {
    let (app, issuer) = acme().await;
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in(&app, "acme").await;
    let callback = issuer.approve(&authorize);
    let address = issuer.url.trim_start_matches("http://").to_owned();
    drop(issuer);
    // Its socket may take a moment to close.
    until("its end", async || TcpStream::connect(&address).await.is_err()).await;
    let page = browser.follow_callback(&callback).await;
    refused(&page, "gone", 502, "provider_unreachable");
    assert!(page.body.contains("action=\"/auth/acme\""), "no way to try again");
}
