//! Traces of a user's own sign-ins: byte-exact, without secrets, and private.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod exact;
mod exports;
mod owners;
mod proxy;
mod scene;
mod secrets;
