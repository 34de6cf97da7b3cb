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
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

pub use app::{Latchkey, Setup};
pub use browser::Browser;
pub use cookies::SetCookie;
pub use database::{Database, execute, number, texts};
pub use issuer::Issuer;
pub use mail_server::MailServer;
pub use page::Page;

/// A free port between 10000 and 20000, which the system gives to no outgoing connection.
/// Ports come in blocks of a hundred. A process owns a block as long as it listens at the
/// first port of it, so no other test process can take a port before it is used.
pub fn free_port() -> u16 {
    const BLOCK: u16 = 100;
    static BLOCKS: Mutex<Vec<(TcpListener, Range<u16>)>> = Mutex::new(Vec::new());
    let listen = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok();
    let mut blocks = BLOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some((_, ports)) = blocks.last_mut()
            && let Some(port) = ports.find(|port| listen(*port).is_some())
        {
            return port;
        }
        let mut starts = (10_000..20_000).step_by(BLOCK.into());
        let (listener, start) = starts.find_map(|port| Some((listen(port)?, port))).expect("ports");
        blocks.push((listener, start + 1..start + BLOCK));
    }
}
