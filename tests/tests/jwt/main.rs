//! The second key: what is signed, what is refused, and when it ends.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod forgeries;
mod revocation;
mod rotation;
mod tokens;
