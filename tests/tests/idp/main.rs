//! The local provider over HTTP, as an application uses it, and the Calendar Printer.

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
