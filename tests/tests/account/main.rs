//! An account that people can trust: ways in, sign-ins, emails, limits, the
//! trail, and the end of it.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod catalogue;
mod connection_codes;
mod deletion;
mod emails;
mod helpers;
mod limits;
mod linking;
mod names;
mod password_codes;
mod passwords;
mod proof;
mod provider_codes;
mod request_codes;
mod sign_ins;
mod silent;
mod token_codes;
mod trail;
mod unlinking;
