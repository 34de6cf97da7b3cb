//! Cross-site requests.

use latchkey_tests::{Browser, Latchkey};
use reqwest::Method;

#[tokio::test]
async fn cross_site_form_posts_are_rejected() {
    let app = Latchkey::start().await;
    let idp = app.idp.clone();
    let own = app.origin.clone();
    let other_port = "http://localhost:1".to_owned();
    let own_page = app.url("/account");
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "google", "ada").await;
    for (headers, allowed) in [
        (vec![("sec-fetch-site", "cross-site")], false),
        (vec![("sec-fetch-site", "same-site")], false),
        (vec![("sec-fetch-site", "cross-site"), ("origin", own.as_str())], false),
        (vec![("origin", idp.as_str())], false),
        (vec![("origin", other_port.as_str())], false),
        (vec![("origin", "https://evil.test")], false),
        (vec![("origin", "null")], false),
        (vec![("origin", "")], false),
        (vec![("referer", "https://evil.test/page")], false),
        (vec![("sec-fetch-site", "same-origin")], true),
        (vec![("sec-fetch-site", "none")], true),
        (vec![("origin", own.as_str())], true),
        (vec![("referer", own_page.as_str())], true),
        // Not a browser: curl, which has no cookies.
        (vec![], true),
    ] {
        let mut one = browser.clone();
        let start = one.send(Method::POST, &app.url("/auth/github"), &headers, None).await;
        let out = one.send(Method::POST, &app.url("/sign-out"), &headers, None).await;
        for page in [start, out] {
            if allowed {
                assert_eq!(page.status, 303, "{headers:?} {}", page.request);
            } else {
                let page = page.expect_error(403, "cross_site_request");
                assert!(page.cookies().is_empty(), "{headers:?}");
            }
        }
        if allowed {
            // It was signed out, so the next round needs a new browser.
            browser.sign_in_with(&app, "google", "ada").await;
        } else {
            assert!(one.account(&app).await.is_some(), "{headers:?}");
        }
    }
}

#[tokio::test]
async fn responses_have_no_cors_headers() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "google", "ada").await;
    for origin in ["https://evil.test", "null", app.idp.as_str()] {
        for (method, path) in
            [(Method::GET, "/account"), (Method::GET, "/readyz"), (Method::OPTIONS, "/account")]
        {
            let headers = [("origin", origin), ("access-control-request-method", "GET")];
            let page = browser.send(method.clone(), &app.url(path), &headers, None).await;
            // The data is in the response; only a script on another page cannot read it.
            assert!(method != Method::GET || page.status == 200, "{path}: {}", page.summary());
            assert!(
                path == "/readyz" || method != Method::GET || page.body.contains("Ada Lovelace")
            );
            let allowed: Vec<_> = page
                .headers
                .keys()
                .filter(|name| name.as_str().starts_with("access-control"))
                .collect();
            assert!(allowed.is_empty(), "{path} {origin}: {allowed:?}");
        }
    }
}
