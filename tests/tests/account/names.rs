//! One name for this machine, before any cookie is set under another.

use latchkey_tests::{Browser, Latchkey, Setup};
use reqwest::Method;

/// A page, asked for under this name.
async fn under(app: &Latchkey, host: &str, path: &str) -> latchkey_tests::Page {
    let url = format!("http://{}{path}", app.address);
    let headers = [("host", host), ("sec-fetch-site", "none")];
    Browser::new().send(Method::GET, &url, &headers, None).await
}

#[tokio::test]
async fn other_loopback_names_lead_to_the_public_one() {
    let app = Latchkey::start().await;
    let port = app.address.port();
    for name in ["127.0.0.1", "[::1]", "127.0.0.2"] {
        for path in [
            "/",
            "/sign-in?next=%2Faccount",
            "/account",
            "/auth/google/callback?state=x",
            "/nothing",
        ] {
            let page = under(&app, &format!("{name}:{port}"), path).await;
            assert_eq!(page.status, 307, "{name}{path}: {}", page.summary());
            assert_eq!(page.header("location"), Some(app.url(path).as_str()), "{name}{path}");
            assert!(page.cookies().is_empty(), "{name}{path}: {:?}", page.cookies());
        }
    }
    // It cannot be used to lead anywhere else.
    for path in ["//evil.test/", "/%2f%2fevil.test", "/\\evil.test"] {
        let page = under(&app, &format!("127.0.0.1:{port}"), path).await;
        let to = page.header("location").unwrap_or_default();
        assert!(to.is_empty() || to.starts_with(&format!("{}/", app.origin)), "{path}: {to}");
    }
}

#[tokio::test]
async fn programs_and_health_checks_use_whatever_name_they_like() {
    let app = Latchkey::start().await;
    let port = app.address.port();
    for name in ["127.0.0.1", "[::1]"] {
        let host = format!("{name}:{port}");
        for (path, status) in [
            ("/healthz", 200),
            ("/readyz", 200),
            ("/api/v1/me", 401),
            ("/openapi.json", 200),
            ("/.well-known/jwks.json", 200),
            ("/static/app.css", 200),
        ] {
            assert_eq!(under(&app, &host, path).await.status, status, "{host}{path}");
        }
    }
}

#[tokio::test]
async fn names_that_are_not_this_machine_lead_nowhere() {
    let app = Latchkey::start().await;
    let port = app.address.port();
    for host in
        ["evil.test".to_owned(), format!("evil.test:{port}"), format!("127.0.0.1.evil.test:{port}")]
    {
        let page = under(&app, &host, "/sign-in").await;
        assert!(!page.body.contains("evil.test"), "{host} is believed");
        assert!(page.header("location").is_none_or(|to| !to.contains("evil.test")), "{host}");
    }
    // In production nobody is sent anywhere: a proxy in front may use the address.
    let public = Setup::public().start().await;
    let page = under(&public, &public.address.to_string(), "/sign-in").await;
    assert_eq!(page.status, 200, "{}", page.summary());
}

#[tokio::test]
async fn the_public_name_may_be_an_address() {
    let app = Latchkey::start().await;
    let port = app.address.port();
    drop(app);
    let app = Setup::new().set("PUBLIC_URL", format!("http://127.0.0.1:{port}")).start().await;
    let page = under(&app, &format!("localhost:{port}"), "/sign-in").await;
    assert_eq!(page.header("location"), Some(app.url("/sign-in").as_str()), "{}", page.summary());
    let _ = under(&app, &format!("127.0.0.1:{port}"), "/sign-in").await.expect(200);
}
