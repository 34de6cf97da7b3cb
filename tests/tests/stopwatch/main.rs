//! The revocation stopwatch, compared with an independent poller.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod agreement;
mod cost;
mod outside;
mod page;
mod readings;
