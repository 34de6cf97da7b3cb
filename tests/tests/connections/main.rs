//! Connected services.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod at_rest;
mod connecting;
mod ending;
mod helpers;
mod hostile;
mod local;
mod refresh;
mod rotation;
