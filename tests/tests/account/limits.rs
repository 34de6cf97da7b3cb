//! Limits on attempts.

use latchkey_domain::Span;
use std::sync::Arc;

use latchkey_tests::{Browser, Database, Latchkey, Page, Setup};
use serde_json::json;
use tokio::task::JoinSet;

use crate::helpers::{
    CHANGED, OTHER_PASSWORD, RESET, VERIFY, email_to, emails_about, forgot, knock_from, post_with,
    set_password,
};
use latchkey_tests::accounts::{
    ApiClient, PASSWORD, expect_problem, fill_password_queue, instance, sign_up, signed_in, tokens,
};

const BOB: &str = "bob@example.test";
const THIEF: &str = "203.0.113.9";
const OWNER: &str = "198.51.100.7";

/// The `Retry-After` of a 429 in seconds.
#[track_caller]
fn wait(page: &Page) -> u32 {
    assert_eq!(page.status, 429, "{}", page.summary());
    assert_eq!(page.header("x-error-code"), Some("too_many_tries"));
    assert_eq!(page.header("ratelimit-remaining"), Some("0"));
    assert_eq!(page.header("ratelimit-reset"), page.header("retry-after"));
    assert!(page.header("ratelimit-limit").is_some_and(|limit| limit.parse::<u32>().is_ok()));
    page.header("retry-after").and_then(|text| text.parse().ok()).expect("Retry-After in seconds")
}

/// Behind a proxy, with a frozen clock.
async fn behind_a_proxy() -> Latchkey {
    let app = Setup::new().set("TRUSTED_PROXIES", "127.0.0.1/32").with_frozen_clock();
    let app = app.start().await;
    sign_up(&app, BOB).await;
    app
}

/// Submits wrong passwords until 429, and returns how many were checked.
async fn exhaust(app: &Latchkey, address: &str, email: &str) -> (u32, Page) {
    for tries in 0..60 {
        let page = knock_from(app, address, email, "not the password").await;
        if page.status == 429 {
            return (tries, page);
        }
        assert_eq!(page.status, 401, "{}", page.summary());
    }
    panic!("no end to wrong passwords");
}

#[tokio::test]
async fn ten_wrong_passwords_lock_account_for_client_address() {
    let app = behind_a_proxy().await;
    let (judged, page) = exhaust(&app, THIEF, BOB).await;
    assert_eq!(judged, 10);
    let seconds = wait(&page);
    assert!((1..=30).contains(&seconds), "{seconds}");
    // Not even the right password is checked now, so guessing learns nothing.
    wait(&knock_from(&app, THIEF, BOB, PASSWORD).await);
    wait(&knock_from(&app, THIEF, "BOB@example.test ", PASSWORD).await);
    // Other addresses and other accounts are not affected.
    assert_eq!(knock_from(&app, OWNER, BOB, PASSWORD).await.status, 303);
    let _ = knock_from(&app, THIEF, "other@example.test", "x")
        .await
        .expect_error(401, "wrong_credentials");
    // It ends as `Retry-After` says.
    app.advance(Span::seconds(seconds));
    assert_eq!(knock_from(&app, THIEF, BOB, PASSWORD).await.status, 303);
}

/// The rule in limits.rs: ten, and then one every 30 seconds.
#[tokio::test]
async fn guesses_are_limited_to_one_per_30_seconds() {
    let app = behind_a_proxy().await;
    assert_eq!(exhaust(&app, THIEF, BOB).await.0, 10);
    for round in 1..=10 {
        app.advance(Span::seconds(29));
        assert_eq!(exhaust(&app, THIEF, BOB).await.0, 0, "too early, in round {round}");
        app.advance(Span::seconds(1));
        assert_eq!(exhaust(&app, THIEF, BOB).await.0, 1, "in round {round}");
    }
}

/// Instances with one database, each with a frozen clock.
async fn replicas(database: &Database, count: usize) -> Vec<Latchkey> {
    let mut replicas = Vec::new();
    for _ in 0..count {
        let setup = instance(&database.url).set("TRUSTED_PROXIES", "127.0.0.1/32");
        replicas.push(setup.with_frozen_clock().start().await);
    }
    replicas
}

async fn rate_limit_is_shared_across_instances(database: &Database) {
    let apps = replicas(database, 3).await;
    sign_up(&apps[0], BOB).await;
    let mut judged = 0;
    for n in 0..45 {
        let page = knock_from(&apps[n % 3], THIEF, BOB, "not the password").await;
        judged += usize::from(page.status == 401);
    }
    assert_eq!(judged, 10);
    // Restarting them does not help either.
    for app in apps {
        let _ = app.stop().await;
    }
    let apps = replicas(database, 1).await;
    wait(&knock_from(&apps[0], THIEF, BOB, PASSWORD).await);
    assert_eq!(knock_from(&apps[0], OWNER, BOB, PASSWORD).await.status, 303);
    // Concurrently at all instances: at most ten are checked.
    let apps = Arc::new(replicas(database, 3).await);
    let mut all = JoinSet::new();
    for n in 0..45 {
        let apps = Arc::clone(&apps);
        all.spawn(async move {
            knock_from(&apps[n % 3], THIEF, "eve@example.test", "wrong").await.status
        });
    }
    let statuses = all.join_all().await;
    // Concurrent attempts may lock the account for each other.
    let judged = statuses.iter().filter(|status| **status == 401).count();
    assert!((1..=10).contains(&judged), "{judged} of {statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limit_is_shared_across_instances_on_sqlite() {
    rate_limit_is_shared_across_instances(&Database::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn rate_limit_is_shared_across_instances_on_postgres() {
    rate_limit_is_shared_across_instances(&Database::postgres().await).await;
}

#[tokio::test]
async fn clock_set_back_does_not_lock_the_account() {
    let app = behind_a_proxy().await;
    app.advance(Span::minutes(60));
    for _ in 0..9 {
        let page = knock_from(&app, OWNER, BOB, "not the password").await;
        let _ = page.expect_error(401, "wrong_credentials");
    }
    app.clock.set_back(Span::minutes(60));
    assert_eq!(knock_from(&app, OWNER, BOB, PASSWORD).await.status, 303);
    // It is still limited.
    exhaust(&app, OWNER, BOB).await;
}

#[tokio::test]
async fn known_client_address_bypasses_busy_password_queue() {
    let app = behind_a_proxy().await;
    assert_eq!(knock_from(&app, OWNER, BOB, PASSWORD).await.status, 303);
    let _storm = fill_password_queue(&app).await;
    assert_eq!(knock_from(&app, OWNER, BOB, PASSWORD).await.status, 303);
    let page = knock_from(&app, THIEF, BOB, PASSWORD).await;
    let _ = page.expect_error(503, "busy");
}

#[tokio::test]
async fn unknown_account_is_rate_limited_like_known_account() {
    let app = behind_a_proxy().await;
    let (known, page) = exhaust(&app, THIEF, BOB).await;
    let (unknown, other) = exhaust(&app, THIEF, "nobody@example.test").await;
    assert_eq!(known, unknown);
    assert_eq!(wait(&page), wait(&other));
    assert_eq!(page.status, other.status);
}

/// Concurrent guesses count like sequential ones.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_wrong_passwords_are_rate_limited() {
    let app = behind_a_proxy().await;
    let mut all = JoinSet::new();
    for _ in 0..80 {
        let url = app.url("/sign-in");
        all.spawn(async move {
            let fields = [("email", BOB), ("password", "not the password")];
            let from = [("x-forwarded-for", THIEF)];
            post_with(&mut Browser::new(), &url, &fields, &from).await.status
        });
    }
    let statuses = all.join_all().await;
    let judged = statuses.iter().filter(|status| **status == 401).count();
    assert!((1..=10).contains(&judged), "{judged} of {statuses:?}");
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn correct_password_does_not_count_against_limit() {
    let app = behind_a_proxy().await;
    for _ in 0..9 {
        let page = knock_from(&app, OWNER, BOB, "not the password").await;
        let _ = page.expect_error(401, "wrong_credentials");
    }
    for _ in 0..40 {
        assert_eq!(knock_from(&app, OWNER, BOB, PASSWORD).await.status, 303);
    }
}

#[tokio::test]
async fn many_addresses_cannot_lock_out_the_owner() {
    let app = behind_a_proxy().await;
    for n in 0..70 {
        let page = knock_from(&app, &format!("203.0.113.{n}"), BOB, "not the password").await;
        let _ = page.expect_error(401, "wrong_credentials");
    }
    // Each address had its one attempt …
    assert!(wait(&knock_from(&app, "203.0.113.69", BOB, "not the password").await) <= 300);
    // … and the owner can still sign in.
    assert_eq!(knock_from(&app, OWNER, BOB, PASSWORD).await.status, 303);
}

#[tokio::test]
async fn api_and_web_sign_in_share_one_rate_limit() {
    let app = Setup::new().with_frozen_clock().start().await;
    sign_up(&app, BOB).await;
    for _ in 0..12 {
        let body = json!({ "email": BOB, "password": "not the password" });
        let page = ApiClient::new(&app).post("/api/v1/token", body).await;
        if page.status == 429 {
            expect_problem(&page, 429, "too_many_tries");
        }
    }
    let fields = [("email", BOB), ("password", PASSWORD)];
    wait(&Browser::new().post(&app.url("/sign-in"), &fields).await);
    let body = json!({ "email": BOB, "password": PASSWORD });
    wait(&ApiClient::new(&app).post("/api/v1/token", body).await);
}

/// 300 attempts of any kind, and then two a second, for each address.
async fn all_kinds(app: &Latchkey, address: &str) -> Page {
    let headers = [("x-forwarded-for", address), ("content-type", "application/json")];
    let body = || Some(json!({ "refresh_token": "made up" }).to_string());
    let url = app.url("/api/v1/token/refresh");
    for tries in 0..320 {
        let page = Browser::new().send(reqwest::Method::POST, &url, &headers, body()).await;
        if page.status == 429 {
            assert_eq!(tries, 300, "it was cut short, or there was no end");
            return page;
        }
        assert_eq!(page.status, 400, "{}", page.summary());
    }
    panic!("no end to tries");
}

#[tokio::test]
async fn client_address_is_limited_to_300_attempts() {
    let app = behind_a_proxy().await;
    let page = all_kinds(&app, THIEF).await;
    assert_eq!(wait(&page), 1);
    wait(&knock_from(&app, THIEF, BOB, PASSWORD).await);
    let fields = [("name", "Eve"), ("email", "eve@example.test"), ("password", PASSWORD)];
    let from = [("x-forwarded-for", THIEF)];
    wait(&post_with(&mut Browser::new(), &app.url("/sign-up"), &fields, &from).await);
    // Another address is not affected. (For IPv6 networks: axum/limits.rs.)
    assert_eq!(knock_from(&app, OWNER, BOB, PASSWORD).await.status, 303);
    app.advance(Span::seconds(1));
    assert_eq!(knock_from(&app, THIEF, BOB, PASSWORD).await.status, 303);
}

#[tokio::test]
async fn forwarded_for_is_trusted_only_from_trusted_proxy() {
    let app = Setup::new().with_frozen_clock().start().await;
    sign_up(&app, BOB).await;
    let mut limited = false;
    for n in 0..14 {
        // A made-up address in the header does not help.
        let page = knock_from(&app, &format!("198.51.100.{n}"), BOB, "not the password").await;
        limited |= page.status == 429;
    }
    assert!(limited, "a header that anybody can write was believed");

    let app = behind_a_proxy().await;
    // Anything to the left of what our proxy added may be made up.
    let mut limited = false;
    for n in 0..14 {
        let hops = format!("198.51.100.{n}, {THIEF}");
        limited |= knock_from(&app, &hops, BOB, "not the password").await.status == 429;
    }
    assert!(limited, "the leftmost address was believed");
    for name in ["forwarded", "x-real-ip", "client-ip", "true-client-ip", "cf-connecting-ip"] {
        let fields = [("email", BOB), ("password", PASSWORD)];
        let from = [("x-forwarded-for", THIEF), (name, OWNER)];
        wait(&post_with(&mut Browser::new(), &app.url("/sign-in"), &fields, &from).await);
    }
}

#[tokio::test]
async fn reset_emails_per_account_are_limited_silently() {
    let app = Setup::new().with_frozen_clock().start().await;
    sign_up(&app, BOB).await;
    let _ = email_to(&app, BOB, VERIFY).await;
    let first = forgot(&app, BOB).await.expect(200);
    for _ in 0..7 {
        let page = forgot(&app, BOB).await.expect(200);
        assert_eq!(page.body, first.body, "the limit can be seen");
    }
    assert_eq!(emails_about(&app, BOB, RESET).await, 3, "three of one kind to one account");
    app.advance(Span::minutes(6));
    let _ = forgot(&app, BOB).await.expect(200);
    assert_eq!(emails_about(&app, BOB, RESET).await, 4);
}

/// Each change voids the links of earlier e-mails, and sends another.
#[tokio::test]
async fn password_changes_are_limited() {
    let app = Setup::new().with_frozen_clock().start().await;
    sign_up(&app, BOB).await;
    let mut bob = signed_in(&app, BOB, "session").await;
    let passwords = [PASSWORD, OTHER_PASSWORD];
    for n in 0..5 {
        let page = set_password(&mut bob, &app, passwords[n % 2], passwords[(n + 1) % 2]).await;
        assert_eq!(page.see_other(), "/account?done=password");
    }
    let _ = forgot(&app, BOB).await.expect(200);
    let link = email_to(&app, BOB, RESET).await.link;
    let page = set_password(&mut bob, &app, OTHER_PASSWORD, PASSWORD).await;
    let seconds = wait(&page);
    assert!((1..=600).contains(&seconds), "{seconds}");
    let _ = Browser::new().get(&link).await.expect(200);
    assert_eq!(emails_about(&app, BOB, CHANGED).await, 3, "of one kind to one account");
    app.advance(Span::seconds(seconds));
    let page = set_password(&mut bob, &app, OTHER_PASSWORD, PASSWORD).await;
    assert_eq!(page.see_other(), "/account?done=password");
}

#[tokio::test]
async fn callbacks_are_rate_limited_per_client_address() {
    let app = Setup::new().with_frozen_clock().start().await;
    let mut browser = Browser::new();
    let callback = format!("{}?code=a&state=b", app.callback("google"));
    let mut sent = 0;
    let page = loop {
        let page = browser.get(&callback).await;
        if page.status == 429 {
            break page;
        }
        let _ = page.expect_error(400, "attempt_unknown");
        sent += 1;
        assert!(sent <= 600, "no end to callbacks");
    };
    assert_eq!(sent, 300);
    app.advance(Span::seconds(wait(&page)));
    let _ = browser.get(&callback).await.expect_error(400, "attempt_unknown");
}

#[tokio::test]
async fn reset_requests_are_rate_limited_per_client_address() {
    let app = Setup::new().with_frozen_clock().start().await;
    let mut asked = 0;
    let page = loop {
        let page = forgot(&app, &format!("person{asked}@example.test")).await;
        if page.status == 429 {
            break page;
        }
        let _ = page.expect(200);
        asked += 1;
        assert!(asked <= 200, "no end to e-mails");
    };
    assert_eq!(asked, 100);
    let seconds = wait(&page);
    assert!((1..=60).contains(&seconds), "{seconds}");
    app.advance(Span::seconds(seconds));
    let _ = forgot(&app, BOB).await.expect(200);
    // Signing up sends e-mails, too, and counts; signing in has its own limit.
    app.advance(Span::minutes(1));
    sign_up(&app, BOB).await;
    let _ = tokens(&app, BOB, None).await;
}

#[tokio::test]
async fn reset_requests_do_not_lock_the_account() {
    let app = Setup::new().with_frozen_clock().start().await;
    sign_up(&app, BOB).await;
    for _ in 0..15 {
        let _ = forgot(&app, BOB).await.expect(200);
    }
    let _ = tokens(&app, BOB, None).await;
}

/// An attacker's wrong passwords lock an account only for the attacker's address, in any format the
/// proxy writes, and never for the proxy itself.
#[tokio::test]
async fn rate_limit_applies_to_every_forwarded_address_format() {
    let app = Setup::new().set("TRUSTED_PROXIES", "127.0.0.1/32").with_frozen_clock();
    let app = app.start().await;
    for (n, (header, form, shown)) in [
        ("x-forwarded-for", "203.0.113.9:4000{n}", "203.0.113.9"),
        ("forwarded", "for=\"[2001:db8::9]:4000{n}\";proto=https", "2001:db8::9"),
        ("x-forwarded-for", "somebody-{n}", "unknown"),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("person{n}@example.test");
        sign_up(&app, &email).await;
        let url = app.url("/sign-in");
        let submit_password = async |password: &str, n: usize| {
            let value = form.replace("{n}", &n.to_string());
            let fields = [("email", &*email), ("password", password), ("strategy", "session")];
            let mut browser = Browser::new();
            let page = post_with(&mut browser, &url, &fields, &[(header, &value)]).await;
            (page, browser)
        };
        let (page, mut browser) = submit_password(PASSWORD, 9).await;
        let _ = page.expect(303);
        let page = browser.get(&app.url("/api/v1/sessions")).await.expect(200);
        assert!(page.body.contains(&format!("\"address\":\"{shown}\"")), "{}", page.body);
        for n in 0..10 {
            let _ = submit_password("wrong", n).await.0.expect_error(401, "wrong_credentials");
        }
        assert!(wait(&submit_password(PASSWORD, 0).await.0) > 0);
        // Another client behind the same proxy, and the proxy.
        let _ = knock_from(&app, OWNER, &email, PASSWORD).await.expect(303);
        let fields = [("email", &*email), ("password", PASSWORD)];
        let _ = post_with(&mut Browser::new(), &url, &fields, &[]).await.expect(303);
    }
}
