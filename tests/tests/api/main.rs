//! The API, with each credential.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod answers;
mod connected_apps;
mod contacts;
mod four_ways;
mod introspected;
mod introspected_hostile;
mod introspection;
mod printer;
mod protected_resource;
mod scopes;
mod sessions;
