//! A browser with a JWT, which is refreshed transparently.

use latchkey_domain::{Email, Roles, Span};
use latchkey_store::users;
use latchkey_tests::accounts;
use latchkey_tests::accounts::{cookie_value, past_expiry, signed_in};
use latchkey_tests::{Browser, Latchkey, Setup};
use reqwest::Method;

const ADA: &str = "ada@example.test";
const GRACE: &str = r#"{ "name": "Grace" }"#;

async fn with_jwt(setup: Setup) -> (Latchkey, Browser) {
    let app = setup.with_frozen_clock().start().await;
    accounts::sign_up(&app, ADA).await;
    let browser = signed_in(&app, ADA, "jwt").await;
    (app, browser)
}

#[tokio::test]
async fn token_cookies_have_the_documented_attributes() {
    let (app, _) = with_jwt(Setup::new()).await;
    let fields = [("email", ADA), ("password", accounts::PASSWORD)];
    let page = accounts::submit_password(&mut Browser::new(), &app, &fields).await;
    for name in ["latchkey_token", "latchkey_refresh"] {
        let cookie = page.cookie(name);
        let marks = ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Lax"];
        assert_eq!(cookie.attributes, marks, "{name}");
    }
    assert!(page.cookies().iter().all(|cookie| !cookie.name.starts_with("latchkey_session")));
}

#[tokio::test]
async fn https_cookies_use_host_prefix_and_secure() {
    let app = Setup::public().start().await;
    let mut browser = Browser::new().with_host("https://app.example.com", app.address);
    let fields = [("name", "Ada"), ("email", ADA), ("password", accounts::PASSWORD)];
    assert_eq!(browser.post(&app.url("/sign-up"), &fields).await.status, 303);
    for key in ["jwt", "session"] {
        let fields = [("email", ADA), ("password", accounts::PASSWORD), ("strategy", key)];
        let page = browser.post(&app.url("/sign-in"), &fields).await;
        let set: Vec<_> = page.cookies().into_iter().filter(|one| !one.is_removal()).collect();
        assert_eq!(set.len(), if key == "jwt" { 2 } else { 1 }, "{key}: {set:?}");
        for cookie in set {
            assert!(cookie.name.starts_with("__Host-latchkey_"), "{key}: {cookie:?}");
            for mark in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
                assert!(cookie.attributes.iter().any(|one| one == mark), "{key}: {cookie:?}");
            }
            assert_eq!(cookie.attribute("domain"), None);
        }
        assert_eq!(browser.get(&app.url("/account")).await.status, 200, "{key}");
    }
}

#[tokio::test]
async fn expired_access_token_is_refreshed_on_every_route() {
    for path in ["/account", "/", "/api/v1/me", "/api/v1/contacts", "/errors/not_found"] {
        let (app, mut browser) = with_jwt(Setup::new()).await;
        let before = browser.clone();
        app.advance(past_expiry());
        let page = browser.get(&app.url(path)).await;
        assert_eq!(page.status, 200, "{path}: {}", page.summary());
        for name in ["latchkey_token", "latchkey_refresh"] {
            let (old, new) = (cookie_value(&before, name), cookie_value(&browser, name));
            assert!(new.is_some() && new != old, "{path}: {name}");
            assert_eq!(page.cookie(name).attribute("max-age"), Some("2591639"), "{path}: {name}");
        }
        // Then requests need no query again.
        let page = browser.get(&app.url("/api/v1/me")).await;
        assert_eq!((page.status, accounts::queries(&page)), (200, 0), "{path}");
        assert!(page.cookies().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn expired_access_token_is_refreshed_on_form_posts_and_head() {
    const NEW: &str = "seven herons over the weir";
    let passwords = [("current", accounts::PASSWORD), ("new", NEW)];
    let (app, mut browser) = with_jwt(Setup::new()).await;
    for (method, path, status) in [
        (Method::HEAD, "/account", 200),
        (Method::HEAD, "/api/v1/me", 200),
        (Method::POST, "/api/v1/contacts", 201),
        (Method::POST, "/account/password", 303),
    ] {
        let before = cookie_value(&browser, "latchkey_refresh");
        app.advance(past_expiry());
        let url = app.url(path);
        let json = [("content-type", "application/json"), ("sec-fetch-site", "same-origin")];
        let page = match (&method, status) {
            (&Method::HEAD, _) => browser.send(method, &url, &json[1..], None).await,
            (_, 201) => browser.send(method, &url, &json, Some(GRACE.to_owned())).await,
            _ => browser.post(&url, &passwords).await,
        };
        assert_eq!(page.status, status, "{path}: {}", page.summary());
        assert_ne!(cookie_value(&browser, "latchkey_refresh"), before, "{path}: {}", page.request);
    }
    // What was submitted is stored.
    let contacts = accounts::json_of(&browser.get(&app.url("/api/v1/contacts")).await);
    let items = contacts["items"].as_array().expect("a list");
    assert!(items.iter().any(|one| one["name"] == "Grace"), "{contacts}");
    for (password, status) in [(accounts::PASSWORD, 401), (NEW, 303)] {
        let fields = [("email", ADA), ("password", password)];
        let page = accounts::submit_password(&mut Browser::new(), &app, &fields).await;
        assert_eq!(page.status, status, "{}", page.summary());
    }
}

#[tokio::test]
async fn sign_out_succeeds_with_an_expired_access_token() {
    let (app, mut browser) = with_jwt(Setup::new()).await;
    app.advance(past_expiry());
    let page = browser.post(&app.url("/sign-out"), &[]).await;
    assert_eq!(page.see_other(), "/");
    for name in ["latchkey_token", "latchkey_refresh"] {
        assert_eq!(cookie_value(&browser, name), None, "{name}: signed out, and not renewed");
    }
}

#[tokio::test]
async fn refresh_cookie_alone_restores_the_sign_in() {
    let (app, mut browser) = with_jwt(Setup::new()).await;
    let refresh = cookie_value(&browser, "latchkey_refresh").expect("a refresh token");
    browser.jar.clear();
    browser.jar.set("localhost", &app.cookie("latchkey_refresh"), &refresh);
    assert!(browser.account(&app).await.is_some());
    assert!(cookie_value(&browser, "latchkey_token").is_some());
}

#[tokio::test]
async fn token_cookies_are_removed_when_the_family_expires() {
    let (app, mut browser) = with_jwt(Setup::new().set("JWT_REFRESH_TTL", "1h")).await;
    for _ in 0..3 {
        app.advance(Span::minutes(18));
        assert!(browser.account(&app).await.is_some());
    }
    app.advance(Span::minutes(18));
    assert_eq!(browser.account(&app).await, None);
    for name in ["latchkey_token", "latchkey_refresh"] {
        assert_eq!(cookie_value(&browser, name), None, "{name} is taken away");
    }
}

#[tokio::test]
async fn refresh_cookie_reuse_signs_out_both_browsers() {
    let (app, mut browser) = with_jwt(Setup::new()).await;
    let mut thief = browser.clone();
    app.advance(past_expiry());
    assert!(browser.account(&app).await.is_some());
    app.advance(Span::seconds(11));
    assert_eq!(thief.account(&app).await, None);
    app.advance(past_expiry());
    assert_eq!(browser.account(&app).await, None, "the sign-in has ended for both");
    assert_eq!(cookie_value(&browser, "latchkey_refresh"), None);
}

#[tokio::test]
async fn new_sign_in_revokes_the_previous_credential() {
    for (before, after) in
        [("jwt", "jwt"), ("jwt", "session"), ("session", "jwt"), ("session", "session")]
    {
        let app = Setup::new().with_frozen_clock().start().await;
        accounts::sign_up(&app, ADA).await;
        let mut browser = signed_in(&app, ADA, before).await;
        let mut copy = browser.clone();
        let fields = [("email", ADA), ("password", accounts::PASSWORD), ("strategy", after)];
        assert_eq!(accounts::submit_password(&mut browser, &app, &fields).await.status, 303);
        // One credential at a time.
        let keys = ["latchkey_token", "latchkey_refresh", "latchkey_session"];
        let kept: Vec<_> =
            keys.iter().filter(|name| cookie_value(&browser, name).is_some()).collect();
        assert_eq!(kept.len(), if after == "jwt" { 2 } else { 1 }, "{before}, {after}: {kept:?}");
        app.advance(past_expiry());
        assert!(browser.account(&app).await.is_some(), "{before}, {after}");
        assert_eq!(copy.account(&app).await, None, "{before}, {after}: the old one lives");
    }
}

/// Browsers silently drop cookies of more than 4,096 bytes.
#[tokio::test]
async fn oversized_jwt_falls_back_to_a_session() {
    let (app, mut browser) = with_jwt(Setup::new()).await;
    let email = Email::parse(ADA).expect("an address");
    let ada = users::by_email(&app.app.db, &email).await.expect("an answer").remove(0);
    let roles: Vec<_> = (0..200).map(|n| format!("team-{n:03}-editor")).collect();
    let roles = Roles::from(roles.join(" ").as_str());
    users::set_roles(&app.app.db, ada.id, &roles).await.expect("roles");
    // The refreshing request is answered, without cookies that would refresh each time.
    app.advance(past_expiry());
    assert_eq!(browser.get(&app.url("/account")).await.status, 200);
    for name in ["latchkey_token", "latchkey_refresh"] {
        assert_eq!(cookie_value(&browser, name), None, "{name}");
    }
    let mut again = signed_in(&app, ADA, "jwt").await;
    assert!(cookie_value(&again, "latchkey_session").is_some(), "a session instead");
    assert_eq!(cookie_value(&again, "latchkey_token"), None);
    assert!(again.account(&app).await.is_some());
}
