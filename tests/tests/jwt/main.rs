//! JWTs: signing, verification and revocation.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod cache;
mod forgeries;
mod helpers;
mod jose;
mod keys;
mod revocation;
mod ring;
mod rotation;
mod tokens;
mod vectors;
mod verify;
