//! Headers of every response.

use std::collections::BTreeSet;

use latchkey_tests::{Browser, Issuer, Latchkey, Page, Setup};
use reqwest::Method;

/// One of each kind: pages, redirects, our errors and the framework's, files.
async fn responses_of_each_kind(app: &Latchkey, browser: &mut Browser) -> Vec<Page> {
    let mut pages = Vec::new();
    for (method, path) in [
        (Method::GET, "/"),
        (Method::HEAD, "/"),
        (Method::GET, "/sign-in"),
        (Method::GET, "/account"),
        (Method::GET, "/errors"),
        (Method::GET, "/errors/not_found"),
        (Method::GET, "/nothing/here"),
        (Method::GET, "/static/app.css"),
        (Method::GET, "/static/nothing.css"),
        (Method::GET, "/healthz"),
        (Method::GET, "/readyz"),
        (Method::GET, "/sign-out"),
        (Method::POST, "/sign-out"),
        (Method::GET, "/auth/google/callback"),
        (Method::POST, "/auth/nobody"),
        (Method::GET, "/api/v1/nothing"),
        (Method::OPTIONS, "/"),
        (Method::TRACE, "/"),
    ] {
        pages.push(browser.send(method, &app.url(path), &[], None).await);
    }
    let cross_site = [("sec-fetch-site", "cross-site")];
    pages.push(browser.send(Method::POST, &app.url("/sign-out"), &cross_site, None).await);
    let large = Some("a=".to_owned() + &"x".repeat(200_000));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    pages.push(browser.send(Method::POST, &app.url("/auth/google"), &form, large).await);
    pages
}

#[tokio::test]
async fn responses_have_security_headers() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let mut pages = responses_of_each_kind(&app, &mut browser).await;
    browser.sign_in_with(&app, "google", "ada").await;
    pages.push(browser.get(&app.url("/account")).await.expect(200));
    for page in &pages {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "same-origin"),
        ] {
            assert_eq!(page.header(name), Some(value), "{}: {name}", page.request);
        }
        assert_eq!(page.header("strict-transport-security"), None, "{}", page.request);
        let policy = page.header("content-security-policy").expect("a policy");
        for directive in
            ["default-src 'none'", "base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(directive), "{}: {policy}", page.request);
        }
        // A provider may redirect to its broker or another company.
        let is_ours = policy.contains("form-action 'self' https: http:;");
        let is_of_a_file = policy.contains("form-action 'none'");
        assert!(is_ours || is_of_a_file, "{}: {policy}", page.request);
        assert!(!policy.contains("unsafe-") && !policy.contains('*'), "{}: {policy}", page.request);
        for word in policy.split([' ', ';']).filter(|word| word.contains("://")) {
            assert!(word.starts_with(&app.idp), "{}: {word} in {policy}", page.request);
        }
        if let Some(kind) = page.header("content-type")
            && kind.starts_with("text/")
        {
            assert!(kind.ends_with("; charset=utf-8"), "{}: {kind}", page.request);
        }
        let for_everybody = page.url.path() == "/static/app.css";
        let caching = page.header("cache-control").expect("Cache-Control");
        assert_eq!(caching == "no-store", !for_everybody, "{}: {caching}", page.request);
    }
}

#[tokio::test]
async fn hsts_header_is_sent_on_https() {
    let issuer = Issuer::start().await;
    let app = Setup::public().with_issuer(&issuer).start().await;
    let mut browser = Browser::new().with_host("https://app.example.com", app.address);
    for page in responses_of_each_kind(&app, &mut browser).await {
        let hsts = page.header("strict-transport-security").expect("HSTS");
        assert!(!hsts.contains("includeSubDomains"), "{hsts}");
        let age: u64 = hsts
            .strip_prefix("max-age=")
            .and_then(|rest| rest.split(';').next())
            .and_then(|age| age.parse().ok())
            .expect("a number");
        assert!(age >= 365 * 86_400, "{hsts}");
        // Query times are not published.
        assert_eq!(page.header("server-timing"), None, "{}", page.request);
        assert_eq!(page.header("server"), None);
        assert_eq!(page.header("x-powered-by"), None);
    }
    let all = Setup::public().set("HSTS_SUBDOMAINS", "on").start().await;
    let mut browser = Browser::new().with_host("https://app.example.com", all.address);
    let hsts = browser.get(&all.url("/")).await;
    let hsts = hsts.header("strict-transport-security").expect("HSTS");
    assert!(hsts.ends_with("; includeSubDomains"), "{hsts}");
}

#[tokio::test]
async fn each_response_has_a_unique_request_id() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let mut seen = BTreeSet::new();
    for page in responses_of_each_kind(&app, &mut browser).await {
        let id = page.header("x-request-id").expect("X-Request-Id").to_owned();
        assert!(id.len() >= 16, "{id}");
        if page.header("x-error-code").is_some() && page.body.starts_with("<!doctype") {
            assert!(page.body.contains(&id), "{}: the page does not quote it", page.request);
        }
        assert!(seen.insert(id), "{}", page.request);
    }
    let forged = [("x-request-id", "forged\u{e9}")];
    let page = browser.send(Method::GET, &app.url("/"), &forged, None).await;
    assert!(!page.header("x-request-id").expect("one").contains("forged"));
}

#[tokio::test]
async fn server_timing_reports_query_count_in_development() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let cost = |page: &Page| page.header("server-timing").expect("Server-Timing").to_owned();
    let page = browser.get(&app.url("/")).await;
    assert!(cost(&page).contains("desc=\"0 queries\""), "{}", cost(&page));
    browser.sign_in_with(&app, "google", "ada").await;
    let page = browser.get(&app.url("/")).await;
    assert!(page.body.contains("Ada Lovelace"));
    assert!(cost(&page).contains("desc=\"1 query\""), "{}", cost(&page));
}

#[tokio::test]
async fn only_signed_out_pages_and_files_are_compressed() {
    let app = Latchkey::start().await;
    let (stranger, mut known) = (Browser::new(), Browser::new());
    known.sign_in_with(&app, "google", "ada").await;
    for (mut browser, path, compressed) in [
        (stranger.clone(), "/", true),
        (stranger.clone(), "/errors", true),
        (stranger.clone(), "/static/app.css", true),
        (stranger, "/api/v1/me", false),
        (known.clone(), "/", false),
        (known.clone(), "/account", false),
        (known, "/static/app.css", true),
    ] {
        let gzip = [("accept-encoding", "gzip, br")];
        let page = browser.send(Method::GET, &app.url(path), &gzip, None).await;
        let encoding = page.header("content-encoding");
        assert_eq!(encoding, compressed.then_some("gzip"), "{path}");
        let page = browser.get(&app.url(path)).await;
        assert_eq!(page.header("content-encoding"), None, "{path}: nobody asked for it");
    }
}

#[tokio::test]
async fn error_page_has_no_encoding_of_the_response_it_replaces() {
    let app = Latchkey::start().await;
    let headers =
        [("accept-encoding", "gzip"), ("content-type", "application/x-www-form-urlencoded")];
    for path in ["/auth/google/callback", "/sign-in"] {
        let large = Some("a=".to_owned() + &"x".repeat(200_000));
        let page = Browser::new().send(Method::POST, &app.url(path), &headers, large).await;
        let page = page.expect_error(413, "too_large");
        assert_eq!(page.header("content-encoding"), None, "{path}");
    }
}

#[tokio::test]
async fn static_file_with_matching_etag_returns_304() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let url = app.url("/static/app.css");
    let tag = browser.get(&url).await.expect(200).header("etag").expect("ETag").to_owned();
    for (tags, status) in
        [(tag.clone(), 304), (format!("\"other\", {tag}"), 304), ("\"other\"".to_owned(), 200)]
    {
        let page = browser.send(Method::GET, &url, &[("if-none-match", &tags)], None).await;
        assert_eq!((page.status, page.body.is_empty()), (status, status == 304), "{tags}");
        assert_eq!(page.header("etag"), Some(&*tag), "{tags}");
    }
}
