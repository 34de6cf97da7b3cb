//! Where users land after signing in, and what cannot change that.

use latchkey_tests::oauth_flow::parameter;
use latchkey_tests::{Browser, Latchkey};
use reqwest::Method;
use url::Url;

#[tokio::test]
async fn sign_in_redirects_only_to_local_pages() {
    let app = Latchkey::start().await;
    let own = app.url("/account");
    for (next, lands) in [
        ("/", "/"),
        ("/account?tab=1#way", "/account?tab=1#way"),
        ("/errors", "/errors"),
        ("", "/account"),
        ("account", "/account"),
        (own.as_str(), "/account"),
        ("//evil.test", "/account"),
        ("///evil.test", "/account"),
        ("/\\evil.test", "/account"),
        ("\\\\evil.test", "/account"),
        ("/\t/evil.test", "/account"),
        ("/\n/evil.test", "/account"),
        ("/.//evil.test", "/account"),
        ("/x/..//evil.test", "/account"),
        ("https://evil.test/", "/account"),
        ("https:evil.test", "/account"),
        ("javascript:alert(1)", "/account"),
        ("data:text/html,x", "/account"),
        ("http://localhost@evil.test/", "/account"),
        ("/\r\nSet-Cookie: a=b", "/account"),
    ] {
        let mut browser = Browser::new();
        let authorize = browser.start_sign_in_with(&app, "github", &[("next", next)]).await;
        let callback = browser.consent(&authorize, "ada").await;
        let page = browser.follow_callback(&callback).await;
        assert_eq!(page.see_other(), lands, "{next:?}");
    }
}

#[tokio::test]
async fn sign_in_form_keeps_next_only_if_local() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    for (next, carried) in [
        ("/errors?a=1%26b", "/errors?a=1%26b"),
        ("//evil.test", "/account"),
        ("\"><script>alert(1)</script>", "/account"),
    ] {
        let mut url = Url::parse(&app.url("/sign-in")).expect("a URL");
        url.query_pairs_mut().append_pair("next", next);
        let page = browser.get(url.as_str()).await.expect(200);
        assert!(page.body.contains(&format!("name=\"next\" value=\"{carried}\"")), "{next}");
        assert!(!page.body.contains("<script>alert"), "{next}");
        assert!(!page.body.contains("evil.test"), "{next}");
    }
}

#[tokio::test]
async fn sign_in_link_returns_to_the_requested_page() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let page = browser.get(&app.url("/account?a=b%20c")).await;
    let page = page.expect_error(401, "sign_in_required");
    assert!(page.body.contains("/sign-in?next=%2Faccount%3Fa%3Db%2520c"), "{}", page.body);
}

#[tokio::test]
async fn signed_in_user_skips_the_sign_in_page() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "google", "ada").await;
    assert_eq!(browser.get(&app.url("/sign-in")).await.see_other(), "/account");
    assert_eq!(browser.get(&app.url("/sign-in?next=/errors")).await.see_other(), "/errors");
    assert_eq!(browser.get(&app.url("/sign-in?next=//evil.test")).await.see_other(), "/account");
}

#[tokio::test]
async fn forwarded_headers_do_not_change_redirect_uri() {
    let app = Latchkey::start().await;
    for headers in [
        &[("x-forwarded-host", "evil.test")][..],
        &[("x-forwarded-host", "evil.test"), ("x-forwarded-proto", "https")],
        &[("forwarded", "host=evil.test;proto=https")],
        &[("x-forwarded-prefix", "/evil"), ("x-original-url", "/evil")],
    ] {
        let mut browser = Browser::new();
        let page = browser.send(Method::POST, &app.url("/auth/google"), headers, None).await;
        let to = Url::parse(&page.see_other()).expect("a URL");
        assert_eq!(parameter(&to, "redirect_uri"), app.callback("google"), "{headers:?}");
        for path in ["/", "/sign-in", "/errors", "/nothing"] {
            let page = browser.send(Method::GET, &app.url(path), headers, None).await;
            assert!(!page.body.contains("evil"), "{path} {headers:?}");
            assert!(!format!("{:?}", page.headers).contains("evil"), "{path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn other_host_names_redirect_to_the_public_url() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let other = format!("http://{}", app.address);
    let page = browser.get(&format!("{other}/account?x=1")).await.expect(307);
    assert_eq!(page.header("location"), Some(app.url("/account?x=1").as_str()));
    // API routes respond under any host name.
    let _ = browser.get(&format!("{other}/healthz")).await.expect(200);
}
