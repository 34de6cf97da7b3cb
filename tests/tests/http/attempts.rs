//! Callbacks that match no attempt of this browser.

use latchkey_domain::Span;
use latchkey_tests::accounts::instance;
use latchkey_tests::issuer::TOKEN;
use latchkey_tests::oauth_flow::parameter;
use latchkey_tests::{Browser, Database, Issuer, Latchkey, Setup};
use reqwest::Method;
use url::Url;

/// A callback URL that was not opened yet.
async fn waiting(app: &Latchkey, browser: &mut Browser, provider: &str, person: &str) -> Url {
    waiting_for(app, browser, provider, person, "/account").await
}

async fn waiting_for(
    app: &Latchkey,
    browser: &mut Browser,
    provider: &str,
    person: &str,
    next: &str,
) -> Url {
    let authorize = browser.start_sign_in_with(app, provider, &[("next", next)]).await;
    browser.consent(&authorize, person).await
}

#[tokio::test]
async fn reloaded_callback_redirects_without_a_new_sign_in() {
    let app = Latchkey::start().await;
    for (provider, person, next) in [
        ("google", "ada", "/account"),
        ("github", "grace", "/docs"),
        ("facebook", "noor", "/account/activity?x=1"),
    ] {
        let mut browser = Browser::new();
        let callback = waiting_for(&app, &mut browser, provider, person, next).await;
        assert_eq!(browser.follow_callback(&callback).await.see_other(), next);
        let session = browser.session(&app);
        for _ in 0..2 {
            assert_eq!(browser.follow_callback(&callback).await.see_other(), next);
        }
        assert_eq!(browser.session(&app), session);
        assert!(browser.account(&app).await.is_some());
        // The error page says who is signed in, by another attempt.
        let newer = waiting(&app, &mut browser, provider, person).await;
        assert_eq!(browser.follow_callback(&newer).await.see_other(), "/account");
        let page = browser.follow_callback(&callback).await.expect_error(400, "attempt_used");
        assert!(page.body.contains("href=\"/account\""), "no way to carry on");
        let _ = browser.post(&app.url("/sign-out"), &[]).await.expect(303);
        for callback in [&callback, &newer] {
            let _ = browser.follow_callback(callback).await.expect_error(400, "attempt_used");
        }
        assert_eq!(browser.account(&app).await, None);
    }
}

#[tokio::test]
async fn used_attempt_cookies_are_scoped_to_the_callback() {
    for (setup, prefix) in [(Setup::new(), ""), (Setup::public(), "__Secure-")] {
        let issuer = Issuer::start().await;
        let app = setup.with_issuer(&issuer).start().await;
        let mut browser = Browser::new().with_host(&app.origin, app.address);
        let callback_path = Url::parse(&app.callback("acme")).expect("a URL");
        for sign_in in 1..=8 {
            let authorize = browser.start_sign_in(&app, "acme").await;
            let page = browser.follow_callback(&issuer.approve(&authorize)).await;
            assert_eq!(page.see_other(), "/account");
            let used = page.cookies().into_iter().filter(|one| one.name.contains("latchkey_used_"));
            for one in used {
                assert_eq!(one.attribute("path"), Some("/auth/acme/callback"), "{one:?}");
                assert!(one.name.starts_with(prefix), "{one:?}");
            }
            // The browser has the credentials of the last sign-in, and no others.
            for path in ["/account", "/api/v1/me", "/auth/acme", "/auth/google/callback"] {
                let url = Url::parse(&app.url(path)).expect("a URL");
                let sent = browser.jar.header(&url).expect("a session");
                assert!(
                    !sent.contains("; ") && sent.contains("latchkey_session"),
                    "{path}: {sent}"
                );
            }
            let heard = browser.jar.header(&callback_path).expect("cookies");
            assert_eq!(heard.matches("latchkey_used_").count(), sign_in.min(6), "{heard}");
        }
    }
}

/// On https a subdomain can set cookies without `__Host-`; on http another port can.
#[tokio::test]
async fn pending_attempt_in_a_used_cookie_is_ignored() {
    let app = Latchkey::start().await;
    let mut attacker = Browser::new();
    let callback = waiting(&app, &mut attacker, "google", "ada").await;
    let (name, value) = attacker.jar.all("localhost").next().expect("an attempt");
    let planted = (name.replace("_attempt_", "_used_"), value.to_owned());
    let mut victim = Browser::new();
    victim.jar.set("localhost", &planted.0, &planted.1);
    let _ = victim.follow_callback(&callback).await.expect_error(400, "attempt_cookie_missing");
    assert_eq!(victim.account(&app).await, None);
}

#[tokio::test]
async fn failed_callback_cannot_be_reused() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in(&app, "google").await;
    let failing = [("decision", "allow"), ("person", "ada"), ("misbehave", "wrong_nonce")];
    let callback = browser.decide(&authorize, &failing).await;
    let _ = browser.follow_callback(&callback).await.expect_error(502, "id_token_refused");
    let _ = browser.follow_callback(&callback).await.expect_error(400, "attempt_used");
}

#[tokio::test]
async fn concurrent_duplicate_callbacks_sign_in_once() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let callback = waiting(&app, &mut browser, "google", "ada").await;
    let (mut one, mut two) = (browser.clone(), browser.clone());
    let (one, two) = tokio::join!(one.follow_callback(&callback), two.follow_callback(&callback));
    let mut answers = [one, two];
    answers.sort_by_key(|page| page.status);
    assert_eq!(answers[0].see_other(), "/account");
    // A code that is used twice revokes the tokens of the first use (RFC 6749 §4.1.2), so the
    // second response must not get that far.
    assert!((400..500).contains(&answers[1].status), "{}", answers[1].summary());
}

#[tokio::test]
async fn callback_in_another_browser_does_not_sign_in() {
    let app = Latchkey::start().await;
    let mut mine = Browser::new();
    let callback = waiting(&app, &mut mine, "google", "ada").await;

    let mut stranger = Browser::with_user_agent("Another/1.0");
    let page = stranger.follow_callback(&callback).await.expect_error(400, "attempt_other_browser");
    assert!(page.cookies().is_empty(), "{:?}", page.cookies());
    assert_eq!(stranger.account(&app).await, None);

    // Not even with a pending attempt of its own (login CSRF, RFC 9700 §4.7).
    let mut victim = Browser::with_user_agent("Another/1.0");
    let own = waiting(&app, &mut victim, "google", "grace").await;
    let _ = victim.follow_callback(&callback).await.expect_error(400, "attempt_other_browser");
    assert_eq!(victim.account(&app).await, None);
    assert_eq!(victim.follow_callback(&own).await.see_other(), "/account");
    assert_eq!(victim.account(&app).await.expect("signed in").name, "Grace Hopper");

    // Another browser with the same `User-Agent` cannot use it either.
    let mut alike = Browser::new();
    let page = alike.follow_callback(&callback).await.expect_error(400, "attempt_cookie_missing");
    assert!(page.cookies().is_empty(), "{:?}", page.cookies());
    assert_eq!(alike.account(&app).await, None);

    // The code is unused: its browser can still sign in with it.
    assert_eq!(mine.follow_callback(&callback).await.see_other(), "/account");
}

#[tokio::test]
async fn callback_from_another_browser_keeps_the_session() {
    let app = Latchkey::start().await;
    let mut victim = Browser::with_user_agent("Another/1.0");
    let before = victim.sign_in_with(&app, "google", "grace").await;
    let mut attacker = Browser::new();
    let callback = waiting(&app, &mut attacker, "google", "ada").await;
    let _ = victim.follow_callback(&callback).await.expect_error(400, "attempt_other_browser");
    assert_eq!(victim.account(&app).await, Some(before));
}

#[tokio::test]
async fn authorization_attempt_expires_after_ten_minutes() {
    let app = Setup::new().with_frozen_clock().start().await;
    let mut browser = Browser::new();
    let in_time = waiting(&app, &mut browser, "github", "ada").await;
    app.advance(Span::minutes(10));
    assert_eq!(browser.follow_callback(&in_time).await.see_other(), "/account");

    let mut browser = Browser::new();
    let late = waiting(&app, &mut browser, "github", "grace").await;
    app.advance(Span::minutes(11));
    let page = browser.follow_callback(&late).await.expect_error(400, "attempt_expired");
    assert!(page.body.contains("11 minutes"), "{}", page.summary());
    assert_eq!(browser.account(&app).await, None);

    // Also if the browser has dropped the cookie meanwhile.
    browser.jar.clear();
    let _ = browser.follow_callback(&late).await.expect_error(400, "attempt_expired");
    browser.sign_in_with(&app, "github", "grace").await;
}

#[tokio::test]
async fn invalid_state_is_rejected_for_code_and_error() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let good = waiting(&app, &mut browser, "google", "ada").await;
    let (code, state) = (parameter(&good, "code"), parameter(&good, "state"));
    let (random, sealed) = state.split_once('.').expect("two parts");
    let altered = format!("{}{}", if state.starts_with('A') { 'B' } else { 'A' }, &state[1..]);
    let states = [
        None,
        Some(String::new()),
        Some(altered),
        Some(state[..state.len() - 1].to_owned()),
        Some(format!("{state}A")),
        Some(random.to_owned()),
        Some(format!(".{sealed}")),
        Some(format!("{random}.{random}")),
        Some(state.to_lowercase()),
        Some("\u{1F511}".to_owned()),
        Some("a".repeat(5000)),
    ];
    for state in states {
        for (name, value) in [("code", code.as_str()), ("error", "access_denied")] {
            let mut url = Url::parse(&app.callback("google")).expect("a URL");
            url.query_pairs_mut().append_pair(name, value);
            if let Some(state) = &state {
                url.query_pairs_mut().append_pair("state", state);
            }
            let page = browser.follow_callback(&url).await;
            assert_eq!(page.header("x-error-code"), Some("attempt_unknown"), "{state:?} {name}");
            assert_eq!(page.status, 400);
            assert!(page.cookies().is_empty(), "{state:?}: {:?}", page.cookies());
        }
    }
    // None of this has used up the attempt.
    assert_eq!(browser.follow_callback(&good).await.see_other(), "/account");
}

#[tokio::test]
async fn callback_at_another_provider_is_rejected() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let good = waiting(&app, &mut browser, "google", "ada").await;
    for other in ["github", "facebook"] {
        let mut url = good.clone();
        url.set_path(&format!("/auth/{other}/callback"));
        let _ = browser.follow_callback(&url).await.expect_error(400, "attempt_unknown");
    }
    assert_eq!(browser.account(&app).await, None);
}

#[tokio::test]
async fn parallel_sign_ins_in_tabs_are_independent() {
    let app = Latchkey::start().await;
    for last_first in [false, true] {
        let mut browser = Browser::new();
        let mut tabs = Vec::new();
        for provider in ["google", "github", "google", "facebook"] {
            tabs.push(waiting(&app, &mut browser, provider, "noor").await);
        }
        if last_first {
            tabs.reverse();
        }
        for callback in &tabs {
            assert_eq!(
                browser.follow_callback(callback).await.see_other(),
                "/account",
                "{callback}"
            );
        }
    }
}

#[tokio::test]
async fn oldest_pending_attempts_are_evicted_beyond_six() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let mut tabs = Vec::new();
    for _ in 0..8 {
        let page = browser.post(&app.url("/auth/google"), &[]).await;
        tabs.push(Url::parse(&page.see_other()).expect("a URL"));
        let kept = browser.jar.all("localhost").filter(|(n, _)| n.starts_with("latchkey_attempt_"));
        assert!(kept.count() <= 6, "cookies pile up");
    }
    for (index, authorize) in tabs.iter().enumerate() {
        let callback = browser.consent(authorize, "ada").await;
        let page = browser.follow_callback(&callback).await;
        if index < 2 {
            let _ = page.expect_error(400, "attempt_cookie_missing");
        } else {
            assert_eq!(page.see_other(), "/account", "tab {index}");
        }
    }
}

#[tokio::test]
async fn malformed_callbacks_return_client_errors() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    for query in
        ["", "?", "?junk", "?code", "?state=%ff%fe", "?code=a&code=b", "?%00=%00", "?=&=&&&"]
    {
        let page = browser.get(&format!("{}{query}", app.callback("google"))).await;
        let _ = page.expect_error(400, "attempt_unknown");
    }
    let page = browser.send(Method::POST, &app.callback("google"), &[], None).await;
    let _ = page.expect_error(400, "form_post_unexpected");
    for method in [Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let page = browser.send(method.clone(), &app.callback("google"), &[], None).await;
        let page = page.expect_error(405, "method_not_allowed");
        assert_eq!(page.header("allow"), Some("GET,POST"), "{method}");
    }
    for (method, path) in [(Method::POST, "/auth/nope"), (Method::GET, "/auth/nope/callback")] {
        let page = browser.send(method, &app.url(path), &[], None).await;
        let _ = page.expect_error(404, "unknown_provider");
    }
}

/// A strict provider revokes the tokens of a code that is used twice.
#[tokio::test]
async fn replicas_exchange_an_authorization_code_once() {
    let database = Database::sqlite().await;
    let issuer = Issuer::start().await;
    let one = instance(&database.url).with_issuer(&issuer).start().await;
    let other = instance(&database.url).with_issuer(&issuer).start().await;
    for round in 1..=5 {
        let mut here = Browser::new();
        let authorize = here.start_sign_in(&one, "acme").await;
        let callback = issuer.approve(&authorize);
        let mut there = here.clone();
        let elsewhere = callback.as_str().replace(&one.origin, &other.origin);
        let elsewhere = Url::parse(&elsewhere).expect("a URL");
        let pages =
            tokio::join!(here.follow_callback(&callback), there.follow_callback(&elsewhere));
        let mut statuses = [pages.0.status, pages.1.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 400], "{} {}", pages.0.summary(), pages.1.summary());
        assert_eq!(issuer.requests(TOKEN).len(), round);
    }
}
