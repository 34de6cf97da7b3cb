//! Accounts: sign-in methods, sign-ins, e-mails, limits, the audit trail, and deletion.
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
mod mail;
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
