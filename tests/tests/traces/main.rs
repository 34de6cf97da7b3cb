//! One's own sign-ins on the wire: exact to the byte, without a secret, and
//! nobody else's.
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
