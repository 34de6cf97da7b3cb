//! The harness of the tests: Latchkey on ports of its own, a browser that
//! follows one hop at a time, and an issuer that lies when told to.
//!
//! Nothing here mocks anything: the app, the providers and the databases are
//! real, and everything between them goes over TCP.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

pub mod app;
pub mod browser;
pub mod by_hand;
pub mod cookies;
pub mod database;
pub mod exhibition;
pub mod issuer;
// The same configuration as the program's, compiled in here, so that the product
// can be built without a provider of its own.
#[path = "../../crates/latchkey/src/local_provider.rs"]
mod local_provider;
pub mod mail_server;
pub mod page;
pub mod person;
pub mod walk;

pub use app::{Latchkey, Setup};
pub use browser::Browser;
pub use cookies::SetCookie;
pub use database::{Database, execute, number, texts};
pub use issuer::Issuer;
pub use mail_server::MailServer;
pub use page::Page;
