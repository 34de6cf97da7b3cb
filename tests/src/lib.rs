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

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

pub use app::{Latchkey, Setup};
pub use browser::Browser;
pub use cookies::SetCookie;
pub use database::{Database, execute, number, texts};
pub use issuer::Issuer;
pub use mail_server::MailServer;
pub use page::Page;

/// A port that was free a moment ago: one that the system gives to no outgoing connection.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(97);
    let ports = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(first));
    let ports = ports.map(|n| 10_000 + u16::try_from(n % 20_000).unwrap_or_default());
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    ports.take(20_000).find(is_free).expect("a free port")
}
