//! Metrics, and the alert for each fault.

use std::collections::BTreeMap;

use latchkey_domain::Span;
use latchkey_tests::accounts::{ApiClient, PASSWORD, sign_up, submit_password, tokens};
use latchkey_tests::issuer::{Answer, DISCOVERY, TOKEN};
use latchkey_tests::{Browser, Issuer, Latchkey, MailServer, Setup, execute};
use reqwest::Method;

/// All metrics by name and labels.
async fn scrape(address: &str) -> BTreeMap<String, f64> {
    let page = Browser::new().get(&format!("http://{address}/metrics")).await.expect(200);
    assert!(
        page.header("content-type")
            .is_some_and(|kind| kind.starts_with("application/openmetrics-text"))
    );
    assert!(page.body.ends_with("# EOF\n"), "{}", page.body);
    let lines = page.body.lines().filter(|line| !line.starts_with('#'));
    let number = |line: &str| {
        let (name, value) = line.rsplit_once(' ').expect("a value");
        (name.to_owned(), value.parse().expect("a number"))
    };
    lines.map(number).collect()
}

/// What an expression of PromQL selects: a metric, and a label with the prefix of its value.
fn selected(expression: &str) -> (String, String) {
    let begin = expression.find("latchkey_").expect("a metric");
    let rest = &expression[begin..];
    let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().expect("a name");
    let label = rest[name.len()..].strip_prefix('{').and_then(|labels| labels.split_once('}'));
    let label = label.map_or("", |(labels, _)| labels).replace("=~", "=").replace(".*\"", "");
    (name.to_owned(), label)
}

fn sum(numbers: &BTreeMap<String, f64>, (name, label): &(String, String)) -> f64 {
    let of = numbers.iter().filter(|(key, _)| {
        key.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('{'))
            && key.contains(label.as_str())
    });
    of.map(|(_, value)| value).sum()
}

async fn free_address() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address").to_string()
}

/// The one alert whose fault needs a separate process: `program/process.rs`.
const OF_A_PROCESS: &str = "latchkey_log_lines_lost_total";

/// Causes the fault of each alert.
async fn trigger_all_alert_faults(
    app: &Latchkey,
    issuer: &Issuer,
    address: &str,
) -> BTreeMap<String, f64> {
    sign_up(app, "bob@example.test").await;
    let first = tokens(app, "bob@example.test", None).await;
    let _ = ApiClient::new(app).refresh(&first.refresh).await.expect(200);
    app.advance(Span::seconds(11));
    // An e-mail is queued, and not accepted.
    let form = [("email", "bob@example.test")];
    let _ = Browser::new().post(&app.url("/forgot"), &form).await.expect(200);
    let _ =
        ApiClient::new(app).refresh(&first.refresh).await.expect_error(400, "refresh_token_reused");
    issuer.respond_with(TOKEN, Answer::html(500));
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in(app, "acme").await;
    assert!(browser.follow_callback(&issuer.approve(&authorize)).await.status >= 500);
    for _ in 0..11 {
        let fields = [("email", "eve@example.test"), ("password", "wrong")];
        let _ = submit_password(&mut Browser::new(), app, &fields).await;
    }
    let storm = latchkey_tests::accounts::fill_password_queue(app).await;
    let fields = [("email", "ada@example.test"), ("password", PASSWORD)];
    let _ = submit_password(&mut Browser::new(), app, &fields).await.expect_error(503, "busy");
    drop(storm);
    app.advance(Span::minutes(11));
    let carries = tokens(app, "bob@example.test", None).await;
    execute(&app.app.db, "ALTER TABLE contacts RENAME TO gone").await;
    let mut program = ApiClient::with(app, &carries.access);
    let _ = program.get("/api/v1/contacts").await.expect_error(500, "internal_error");
    let mut before_it_is_gone = scrape(address).await;
    app.app.db.close().await;
    let _ = program.get("/api/v1/contacts").await.expect_error(503, "database_unavailable");
    // Ended sign-ins are no longer noticed.
    app.advance(Span::seconds(60));
    // Metrics from the database keep their last value.
    let after = scrape(address).await;
    before_it_is_gone.extend(after);
    before_it_is_gone
}

#[tokio::test(flavor = "multi_thread")]
async fn every_alert_metric_rises_with_a_fault() {
    let (issuer, address) = (Issuer::start().await, free_address().await);
    let mail_server = MailServer::url(MailServer::unused_address().await) + "?tls=none";
    let app = Setup::new().with_issuer(&issuer).set("METRICS_ADDR", &address);
    let app = app.set("SMTP_URL", mail_server).with_frozen_clock().start().await;
    let before = scrape(&address).await;
    let after = trigger_all_alert_faults(&app, &issuer, &address).await;
    let rules = include_str!("../../../deploy/alerts.yml");
    let expressions: Vec<_> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
    assert_eq!(expressions.len(), rules.matches("- alert:").count());
    for expression in expressions.into_iter().filter(|one| !one.contains(OF_A_PROCESS)) {
        let selected = selected(expression);
        let (before, after) = (sum(&before, &selected), sum(&after, &selected));
        assert!(after > before, "{selected:?} went from {before} to {after}: {after:?}");
    }
    // The metrics of the dashboard exist.
    let dashboard = include_str!("../../../deploy/grafana-dashboard.json");
    for expression in dashboard.lines().filter(|line| line.contains("\"expr\"")) {
        let (name, _) = selected(expression);
        assert!(after.keys().any(|key| key.starts_with(&name)), "nothing is called {name}");
    }
}

#[tokio::test]
async fn sign_ins_are_counted_by_method_credential_and_outcome() {
    let (issuer, address) = (Issuer::start().await, free_address().await);
    let app = Setup::new().with_issuer(&issuer).set("METRICS_ADDR", &address).start().await;
    sign_up(&app, "bob@example.test").await;
    let _ = tokens(&app, "bob@example.test", None).await;
    let fields = [("email", "bob@example.test"), ("password", "wrong")];
    let _ = submit_password(&mut Browser::new(), &app, &fields).await;
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in(&app, "acme").await;
    let _ = browser.follow_callback(&issuer.approve(&authorize)).await.expect(303);
    let numbers = scrape(&address).await;
    for labels in [
        r#"{method="password",credential="jwt",outcome="ok"}"#,
        r#"{method="password",credential="",outcome="wrong_credentials"}"#,
        r#"{method="oauth:acme",credential="session",outcome="ok"}"#,
    ] {
        assert_eq!(
            numbers.get(&format!("latchkey_sign_ins_total{labels}")),
            Some(&1.0),
            "{labels}"
        );
    }
    let calls = numbers.keys().filter(|key| key.starts_with("latchkey_provider_seconds_count"));
    assert!(calls.count() > 0, "{numbers:?}");
    // They contain no personal data.
    assert!(!numbers.keys().any(|key| key.contains("example.test")), "{numbers:?}");
    // They are served only on their own address.
    let _ = Browser::new().get(&app.url("/metrics")).await.expect(404);
}

#[tokio::test]
async fn trace_context_is_accepted_and_propagated() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let headers = [("traceparent", traceparent.as_str())];
    let page = Browser::new().send(Method::GET, &app.url("/api/v1/me"), &headers, None).await;
    let problem: serde_json::Value = serde_json::from_str(&page.body).expect("JSON");
    assert_eq!(problem["trace_id"], TRACE);
    assert_ne!(page.header("x-request-id"), Some(TRACE));
    let url = app.url("/auth/acme");
    let _ = Browser::new().send(Method::POST, &url, &headers, None).await.expect(303);
    let asked = issuer.requests(DISCOVERY);
    let sent = asked[0].header("traceparent").expect("a traceparent");
    assert!(sent.starts_with(&format!("00-{TRACE}-")) && sent.ends_with("-01"), "{sent}");
    assert_ne!(sent, traceparent);
}
