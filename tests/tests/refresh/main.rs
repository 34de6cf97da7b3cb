//! Refresh tokens: rotation, races, reuse, and storage.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod at_rest;
mod browser;
mod race;
mod rotation;
