//! Test harness: starts Latchkey on free ports, and has a browser that follows no redirects
//! and an OpenID issuer that can misbehave.
//!
//! There are no mocks: the app, the providers and the databases communicate over TCP.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic fails the test"
)]

pub mod app;
pub mod browser;
pub mod cookies;
pub mod database;
pub mod demo_absent;
pub mod issuer;
pub mod jws;
// The program's own file, so that the product can be built without a local provider.
pub mod accounts;
#[path = "../../crates/latchkey/src/local_provider.rs"]
mod local_provider;
pub mod mail_server;
pub mod oauth_flow;
pub mod page;

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use app::{Latchkey, Setup};
pub use browser::Browser;
pub use cookies::SetCookie;
pub use database::{Database, execute, number, texts};
pub use issuer::Issuer;
pub use mail_server::MailServer;
pub use page::Page;

/// Waits for background work.
pub async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    for _ in 0..1_200 {
        if happened().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{what} did not happen within 30 seconds");
}

/// A free port between 10000 and 20000, outside the range for outgoing connections. Each test
/// process owns blocks of a hundred ports, by listening on the first port of a block.
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
