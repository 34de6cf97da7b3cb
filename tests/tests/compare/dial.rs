//! Additional database latency.

use latchkey_tests::accounts::{PASSWORD, sign_up, signed_in};
use latchkey_tests::{Browser, Latchkey, Page, Setup};
use reqwest::Method;

const DIAL: &str = "x-latchkey-database-latency";

/// Queries, and milliseconds in the database, from `Server-Timing`.
fn database(page: &Page) -> (u32, f64) {
    let timing = page.header("server-timing").expect("Server-Timing in development");
    let (_, rest) = timing.split_once("db;dur=").expect("a time");
    let (millis, rest) = rest.split_once(";desc=\"").expect("a description");
    let (queries, _) = rest.split_once(' ').expect("a number");
    (queries.parse().expect("a number"), millis.parse().expect("a number"))
}

async fn ask(browser: &mut Browser, app: &Latchkey, dial: &str) -> (u32, f64) {
    let page = browser.send(Method::GET, &app.url("/api/v1/me"), &[(DIAL, dial)], None).await;
    database(&page.expect(200))
}

/// No upper bound is asserted, because the machine may be busy: each statement waits, and there are
/// no more statements.
#[tokio::test]
async fn database_latency_delays_each_statement_but_not_jwts() {
    let app = Latchkey::start().await;
    sign_up(&app, "ada@example.test").await;
    let mut session = signed_in(&app, "ada@example.test", "session").await;
    let mut jwt = signed_in(&app, "ada@example.test", "jwt").await;
    let (queries, millis) = ask(&mut session, &app, "20ms").await;
    assert_eq!(queries, 1);
    assert!(millis >= 20.0, "{millis}");
    assert_eq!(ask(&mut jwt, &app, "20ms").await, (0, 0.0));
    // A sign-in has several statements, and each of them waits.
    let url = app.url("/sign-in");
    let body = format!("email=ada%40example.test&password={}", PASSWORD.replace(' ', "+"));
    let headers = [(DIAL, "20ms"), ("content-type", "application/x-www-form-urlencoded")];
    let page = Browser::new().send(Method::POST, &url, &headers, Some(body)).await;
    let (queries, millis) = database(&page.expect(303));
    assert!(queries > 1 && millis >= 20.0 * f64::from(queries), "{queries} {millis}");
}

/// Outside development, attackers could otherwise slow down requests.
#[tokio::test]
async fn latency_header_is_ignored_outside_development() {
    let app = Latchkey::start().await;
    let url = app.url("/readyz");
    let page = Browser::new().send(Method::GET, &url, &[(DIAL, "50ms")], None).await;
    let (queries, millis) = database(&page.expect(200));
    assert!(
        queries > 0 && millis >= 50.0 * f64::from(queries),
        "in development it is felt: {queries} {millis}"
    );

    let app = Setup::public().set("DEMO", "on").start().await;
    let mut browser = Browser::new().with_host(&app.origin, app.address);
    let path = app.url("/readyz");
    // With the latency, no request could be this fast.
    for _ in 0..200 {
        let start = tokio::time::Instant::now();
        let _ = browser.send(Method::GET, &path, &[(DIAL, "50ms")], None).await.expect(200);
        if start.elapsed() < std::time::Duration::from_millis(50) {
            return;
        }
    }
    panic!("each of them waited");
}
