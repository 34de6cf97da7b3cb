//! HTTP tests from outside, one request at a time.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod answers;
mod attempts;
mod cookies;
mod cross_site;
mod database_gone;
mod doors;
mod errors;
mod github;
mod identities;
mod metrics;
mod next;
mod otlp;
mod outbound_proxy;
mod parallel;
mod privacy;
mod proxies;
mod session_cache;
mod sessions;
mod settings;
mod shell;
mod slow_clients;
mod stopping;
