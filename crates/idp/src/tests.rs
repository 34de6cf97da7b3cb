//! The whole provider, driven over HTTP requests as an application would.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod consent;
mod facebook;
mod github;
mod google;
mod offline;
mod site;
mod support;
