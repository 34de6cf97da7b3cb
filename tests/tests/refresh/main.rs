//! Refresh tokens: rotation, races, thieves, and what is kept.
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
