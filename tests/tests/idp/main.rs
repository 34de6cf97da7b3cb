//! The local provider, driven over HTTP requests as an application would, and the Calendar Printer
//! against it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    unreachable_pub
)]

mod consent;
mod facebook;
mod github;
mod google;
mod offline;
mod people;
mod printer;
mod requests;
mod resource_server;
mod site;
mod support;
