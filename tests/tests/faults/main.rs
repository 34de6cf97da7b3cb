//! Database failures, and recovery.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed"
)]

mod account;
mod crash;
mod disk;
mod operations;
mod pooler;
mod postgres;
mod schema;
mod standby;

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::MetadataExt as _;

use latchkey_tests::accounts::{ApiClient, PASSWORD, expect_problem};
use latchkey_tests::{Browser, Latchkey, Page, free_port};
use serde_json::json;
use tokio::task::JoinSet;

/// Requests this many tokens concurrently: each is a transaction.
async fn ask_for_tokens(app: &Latchkey, email: &str, times: usize) -> Vec<Page> {
    let mut asked = JoinSet::new();
    for _ in 0..times {
        let mut program = ApiClient::new(app);
        let body = json!({ "email": email, "password": PASSWORD });
        asked.spawn(async move { program.post("/api/v1/token", body).await });
    }
    asked.join_all().await
}

/// Asserts that the database is unavailable, with `Retry-After`.
#[track_caller]
fn try_again(page: &Page) {
    let _ = expect_problem(page, 503, "database_unavailable");
    let after = page.header("retry-after").and_then(|text| text.parse::<u32>().ok());
    assert!(after.is_some_and(|seconds| (1..=5).contains(&seconds)), "{}", page.summary());
}

async fn is_ready(app: &Latchkey) -> bool {
    let page = Browser::new().get(&app.url("/readyz")).await;
    assert!([200, 503].contains(&page.status), "{}", page.summary());
    page.status == 200
}

/// Says that a part of a test was not run. `eprintln` shows nothing unless the test fails.
fn report_skipped(why: &str) {
    writeln!(std::io::stderr(), "SKIPPED: {why}").expect("standard error");
}

/// Database servers refuse to run as root.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").expect("this process").uid() == 0
}

fn refuses_connections(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err()
}
