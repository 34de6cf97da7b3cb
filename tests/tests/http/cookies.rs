//! How cookies are named and marked, on http and on https.

use latchkey_tests::{Browser, Issuer, Latchkey, Setup};

#[tokio::test]
async fn on_http_loopback_names_are_plain() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let authorize = browser.set_out(&app, "google").await;
    let callback = browser.consent(&authorize, "ada").await;
    let page = browser.come_back(&callback).await;
    let session = page.cookie("latchkey_session");
    assert_eq!(session.name, "latchkey_session");
    assert_eq!(session.attributes.len(), 4, "{:?}", session.attributes);
    for (name, value) in [("httponly", ""), ("samesite", "Lax"), ("path", "/")] {
        assert_eq!(session.attribute(name), Some(value), "{name}");
    }
    // Thirty days, give or take the seconds that this took.
    let max_age: u32 = session.attribute("max-age").expect("Max-Age").parse().expect("a number");
    assert!((2_591_900..=2_592_000).contains(&max_age), "{max_age}");
    // 128 bits, and the attempt is emptied.
    assert!(session.value.len() >= 22, "{}", session.value);
    let set: Vec<_> = page.cookies().into_iter().filter(|cookie| !cookie.is_removal()).collect();
    assert_eq!(set.len(), 2, "the session, and what is left of the attempt: {set:?}");

    let page = browser.post(&app.url("/sign-out"), &[]).await;
    let removal = page.cookie("latchkey_session");
    assert_eq!(removal.value, "");
    assert_eq!(removal.attributes, ["HttpOnly", "Max-Age=0", "Path=/", "SameSite=Lax"]);
}

#[tokio::test]
async fn on_https_they_are_host_cookies() {
    let issuer = Issuer::start().await;
    let app = Setup::public().with_issuer(&issuer).start().await;
    let mut browser = Browser::new().with_name("https://app.example.com", app.address);
    let authorize = browser.set_out(&app, "acme").await;
    let page = browser.come_back(&issuer.approve(&authorize)).await;
    assert_eq!(page.see_other(), "/account");
    let session = page.cookie("__Host-latchkey_session");
    for (name, value) in [("httponly", ""), ("secure", ""), ("samesite", "Lax"), ("path", "/")] {
        assert_eq!(session.attribute(name), Some(value), "{name}");
    }
    assert_eq!(session.attribute("domain"), None);
    for cookie in page.cookies() {
        assert!(cookie.name.starts_with("__Host-"), "{cookie:?}");
        assert!(cookie.attribute("secure").is_some(), "{cookie:?}");
    }
    assert_eq!(browser.account(&app).await.expect("signed in").name, "Jane Doe");

    let page = browser.post(&app.url("/sign-out"), &[]).await;
    let removal = page.cookie("__Host-latchkey_session");
    assert_eq!(removal.attributes, ["HttpOnly", "Max-Age=0", "Path=/", "SameSite=Lax", "Secure"]);
    assert_eq!(browser.session(&app), None);
}

#[tokio::test]
async fn a_cookie_without_its_prefix_is_not_taken_on_https() {
    let issuer = Issuer::start().await;
    let app = Setup::public().with_issuer(&issuer).start().await;
    let mut browser = Browser::new().with_name("https://app.example.com", app.address);
    let authorize = browser.set_out(&app, "acme").await;
    let _ = browser.come_back(&issuer.approve(&authorize)).await.expect(303);
    let value = browser.session(&app).expect("a session");
    // A neighbour under example.com can set this name, and not the other one.
    let mut tossed = Browser::new().with_name("https://app.example.com", app.address);
    tossed.jar.plant("app.example.com", "latchkey_session", &value);
    assert_eq!(tossed.account(&app).await, None);
}

#[tokio::test]
async fn what_somebody_put_into_the_cookie_means_nobody() {
    let app = Latchkey::start().await;
    for value in [
        "",
        "x",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAA",
        "%00%00%00",
        "' OR 1=1 --",
        "../../../etc/passwd",
        "{\"id\":1}",
        &"A".repeat(8 * 1024),
    ] {
        let mut browser = Browser::new();
        browser.jar.plant("localhost", "latchkey_session", value);
        let _ = browser.get(&app.url("/")).await.expect(200);
        assert_eq!(browser.account(&app).await, None, "{value:.40}");
    }
    // A good one, spoilt.
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "google", "ada").await;
    let good = browser.session(&app).expect("a session");
    for spoilt in [good[..good.len() - 1].to_owned(), format!("{good}A"), good.to_lowercase()] {
        let mut other = Browser::new();
        other.jar.plant("localhost", "latchkey_session", &spoilt);
        assert_eq!(other.account(&app).await, None);
    }
}
