//! Passwords, and attacks on them.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod hasher;
mod hostile;
mod pre_hijacking;
mod sign_in;
mod sign_up;
mod storm;
