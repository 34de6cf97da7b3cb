//! Names and attributes of cookies, on http and https.

use latchkey_tests::accounts::{self, PASSWORD, cookie_value, sign_up, signed_in, submit_password};
use latchkey_tests::{Browser, Issuer, Latchkey, Setup};
use reqwest::Method;

#[tokio::test]
async fn cookie_names_include_the_port_on_http_loopback() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in(&app, "google").await;
    let callback = browser.consent(&authorize, "ada").await;
    let page = browser.follow_callback(&callback).await;
    let session = page.cookie("latchkey_session");
    assert_eq!(session.name, format!("latchkey_session_{}", app.address.port()));
    assert_eq!(session.attributes.len(), 4, "{:?}", session.attributes);
    for (name, value) in [("httponly", ""), ("samesite", "Lax"), ("path", "/")] {
        assert_eq!(session.attribute(name), Some(value), "{name}");
    }
    // Thirty days, with a few seconds of tolerance.
    let max_age: u32 = session.attribute("max-age").expect("Max-Age").parse().expect("a number");
    assert!((2_591_900..=2_592_000).contains(&max_age), "{max_age}");
    // 128 bits; and the cookie of the attempt is removed.
    assert!(session.value.len() >= 22, "{}", session.value);
    let set: Vec<_> = page.cookies().into_iter().filter(|cookie| !cookie.is_removal()).collect();
    assert_eq!(set.len(), 2, "the session, and what is left of the attempt: {set:?}");

    let page = browser.post(&app.url("/sign-out"), &[]).await;
    let removal = page.cookie("latchkey_session");
    assert_eq!(removal.value, "");
    assert_eq!(removal.attributes, ["HttpOnly", "Max-Age=0", "Path=/", "SameSite=Lax"]);
}

#[tokio::test]
async fn cookies_have_host_or_secure_prefix_on_https() {
    let issuer = Issuer::start().await;
    let app = Setup::public().with_issuer(&issuer).start().await;
    let mut browser = Browser::new().with_host("https://app.example.com", app.address);
    let authorize = browser.start_sign_in(&app, "acme").await;
    let page = browser.follow_callback(&issuer.approve(&authorize)).await;
    assert_eq!(page.see_other(), "/account");
    let session = page.cookie("__Host-latchkey_session");
    for (name, value) in [("httponly", ""), ("secure", ""), ("samesite", "Lax"), ("path", "/")] {
        assert_eq!(session.attribute(name), Some(value), "{name}");
    }
    assert_eq!(session.attribute("domain"), None);
    for cookie in page.cookies() {
        let prefix = if cookie.attribute("path") == Some("/") { "__Host-" } else { "__Secure-" };
        assert!(cookie.name.starts_with(prefix), "{cookie:?}");
        assert!(cookie.attribute("secure").is_some(), "{cookie:?}");
    }
    assert_eq!(browser.account(&app).await.expect("signed in").name, "Jane Doe");

    let page = browser.post(&app.url("/sign-out"), &[]).await;
    let removal = page.cookie("__Host-latchkey_session");
    assert_eq!(removal.attributes, ["HttpOnly", "Max-Age=0", "Path=/", "SameSite=Lax", "Secure"]);
    assert_eq!(browser.session(&app), None);
}

#[tokio::test]
async fn cookie_without_host_prefix_is_ignored_on_https() {
    let issuer = Issuer::start().await;
    let app = Setup::public().with_issuer(&issuer).start().await;
    let mut browser = Browser::new().with_host("https://app.example.com", app.address);
    let authorize = browser.start_sign_in(&app, "acme").await;
    let _ = browser.follow_callback(&issuer.approve(&authorize)).await.expect(303);
    let value = browser.session(&app).expect("a session");
    // A sibling of example.com can set this name, but not the other one.
    let mut tossed = Browser::new().with_host("https://app.example.com", app.address);
    tossed.jar.set("app.example.com", "latchkey_session", &value);
    assert_eq!(tossed.account(&app).await, None);
}

#[tokio::test]
async fn invalid_session_cookies_do_not_authenticate() {
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
        browser.jar.set("localhost", &app.cookie("latchkey_session"), value);
        let _ = browser.get(&app.url("/")).await.expect(200);
        assert_eq!(browser.account(&app).await, None, "{value:.40}");
    }
    // A valid one, damaged.
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "google", "ada").await;
    let good = browser.session(&app).expect("a session");
    for spoilt in [good[..good.len() - 1].to_owned(), format!("{good}A"), good.to_lowercase()] {
        let mut other = Browser::new();
        other.jar.set("localhost", &app.cookie("latchkey_session"), &spoilt);
        assert_eq!(other.account(&app).await, None);
    }
}

const ADA: &str = "ada@example.test";

/// `Cookie` lines; `{}` stands for the browser's own cookies.
const ODD_LINES: [&[&str]; 5] = [
    &["utm=Undersøgelse; {}"],
    &["{}; 名前=値"],
    &["a=1", "{}"],
    &["{}", "utm=Ærø; b=2", "c=3"],
    &["; ;no-value;=; {};"],
];

/// Opens a page with exactly these `Cookie` lines.
async fn get_with(browser: &Browser, url: &str, lines: &[&str]) -> latchkey_tests::Page {
    let own: Vec<_> = browser.jar.all("localhost").map(|(n, v)| format!("{n}={v}")).collect();
    let lines: Vec<_> = lines.iter().map(|line| line.replace("{}", &own.join("; "))).collect();
    let mut headers = vec![("sec-fetch-site", "cross-site")];
    headers.extend(lines.iter().map(|line| ("cookie", line.as_str())));
    Browser::new().send(Method::GET, url, &headers, None).await
}

#[tokio::test]
async fn unusual_cookies_of_other_apps_are_tolerated() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    for lines in ODD_LINES {
        for key in ["session", "jwt"] {
            let browser = signed_in(&app, ADA, key).await;
            for path in ["/account", "/api/v1/me"] {
                let page = get_with(&browser, &app.url(path), lines).await;
                assert_eq!(page.status, 200, "{key} {lines:?}: {}", page.summary());
            }
        }
        let mut browser = Browser::new();
        let authorize = browser.start_sign_in(&app, "google").await;
        let callback = browser.consent(&authorize, "ada").await;
        let page = get_with(&browser, callback.as_str(), lines).await;
        assert_eq!(page.see_other(), "/account", "{lines:?}");
    }
}

#[tokio::test]
async fn conflicting_credential_cookies_are_rejected() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    for base in ["latchkey_session", "latchkey_token", "latchkey_refresh"] {
        let key = if base == "latchkey_session" { "session" } else { "jwt" };
        let good = cookie_value(&signed_in(&app, ADA, key).await, base).expect("a cookie");
        let name = app.cookie(base);
        for (lines, status) in [
            (vec![format!("{name}={good}")], 200),
            (vec![format!("{name}={good}; {name}={good}")], 200),
            (vec![format!("{name}={good}; {name}=planted")], 401),
            (vec![format!("{name}=planted; {name}={good}")], 401),
            (vec![format!("{name}=planted"), format!("{name}={good}")], 401),
            (vec![format!("{name}={good}; x=1; {name}=")], 401),
        ] {
            // A refresh token works once; a late duplicate gets the same response.
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            let page = get_with(&Browser::new(), &app.url("/account"), &lines).await;
            assert_eq!(page.status, status, "{lines:?}: {}", page.summary());
        }
    }
}

#[tokio::test]
async fn instances_on_one_host_keep_separate_sign_ins() {
    let (one, two) = (Latchkey::start().await, Latchkey::start().await);
    for key in ["session", "jwt"] {
        let mut browser = Browser::new();
        for app in [&one, &two] {
            sign_up(app, &format!("{key}@example.test")).await;
            let fields = [
                ("email", &*format!("{key}@example.test")),
                ("password", PASSWORD),
                ("strategy", key),
            ];
            assert_eq!(submit_password(&mut browser, app, &fields).await.see_other(), "/account");
        }
        for app in [&two, &one, &two] {
            let _ = browser.get(&app.url("/")).await.expect(200);
        }
        for app in [&one, &two] {
            assert!(browser.account(app).await.is_some(), "{key}");
        }
        browser.post(&two.url("/sign-out"), &[]).await;
        assert!(browser.account(&one).await.is_some(), "{key}: signed out at the other alone");
        assert_eq!(browser.account(&two).await, None);
    }
}

#[tokio::test]
async fn unrecognized_cookies_are_not_removed() {
    let app = Latchkey::start().await;
    for base in ["latchkey_session", "latchkey_token", "latchkey_refresh", "latchkey_pending_link"]
    {
        for name in
            [base.to_owned(), format!("__Host-{base}"), format!("{base}_1"), app.cookie(base)]
        {
            for path in ["/", "/account", "/sign-in", "/api/v1/me"] {
                let line = format!("{name}=c29tZWJvZHkgZWxzZSdzIGNvb2tpZSwgbm90IG91cnM");
                let page = get_with(&Browser::new(), &app.url(path), &[&line]).await;
                assert!(page.cookies().is_empty(), "{path} {line}: {:?}", page.cookies());
            }
        }
    }
    // Among them, one of ours that has ended is removed.
    sign_up(&app, ADA).await;
    let mut ada = signed_in(&app, ADA, "jwt").await;
    let ended = cookie_value(&ada, "latchkey_refresh").expect("a refresh token");
    let _ = ada.post(&app.url("/sign-out"), &[]).await.expect(303);
    let (token, refresh) = (app.cookie("latchkey_token"), app.cookie("latchkey_refresh"));
    let line = format!("latchkey_refresh=x; {refresh}={ended}; latchkey_refresh_1=y");
    let page = get_with(&Browser::new(), &app.url("/account"), &[&line]).await;
    let cookies = page.cookies();
    assert!(cookies.iter().all(latchkey_tests::SetCookie::is_removal), "{cookies:?}");
    let names: Vec<_> = cookies.iter().map(|cookie| cookie.name.as_str()).collect();
    assert_eq!(names, [&*token, &*refresh]);
}

#[tokio::test]
async fn password_sign_in_reports_blocked_cookies() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    let mut browser = Browser::new();
    let form = browser.get(&app.url("/sign-in?next=/docs")).await.expect(200);
    assert!(form.body.contains(r#"<input type="hidden" name="check_cookies" value="yes">"#));
    for key in ["session", "jwt"] {
        let fields = [("check_cookies", "yes"), ("next", "/docs"), ("strategy", key)];
        let fields = [&fields[..], &[("email", ADA), ("password", accounts::PASSWORD)]].concat();
        let next = submit_password(&mut browser, &app, &fields).await.see_other();
        assert_eq!(browser.get(&app.url(&next)).await.see_other(), "/docs");
        browser.jar.clear();
        let page = browser.get(&app.url(&next)).await.expect_error(400, "attempt_cookie_missing");
        assert!(page.body.contains("cookies are blocked"), "{}", page.summary());
    }
    // Pages that require a sign-in explain the possible cause.
    let page = browser.get(&app.url("/account")).await.expect_error(401, "sign_in_required");
    assert!(page.body.contains("allow cookies"), "{}", page.summary());
}
