//! The revocation stopwatch, checked by somebody else's watch.
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
