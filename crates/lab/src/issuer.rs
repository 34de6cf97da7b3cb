//! Another app's authorization server, as small as RFC 7662 lets it be: it
//! answers what its tokens stand for, and counts how often it was asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{Error, Result, Wishes};

/// The longest request that it reads.
const MAX_REQUEST: usize = 64 * 1024;

/// An issuer that runs until it is dropped.
#[derive(Debug)]
pub struct Issuer {
    port: u16,
    says: watch::Sender<Value>,
    asked: Arc<AtomicUsize>,
    running: JoinHandle<()>,
}

impl Issuer {
    /// One on a free port of this machine, to which every token is unknown.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start() -> Result<Self> {
        let failed = |error: std::io::Error| Error::Ground(error.to_string());
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let (says, heard) = watch::channel(serde_json::json!({ "active": false }));
        let asked = Arc::new(AtomicUsize::new(0));
        let running = tokio::spawn(serve(listener, heard, Arc::clone(&asked)));
        Ok(Self { port, says, asked, running })
    }

    /// An instance that asks it about opaque tokens, each time anew.
    #[must_use]
    pub fn asked_by(&self, wishes: Wishes) -> Wishes {
        wishes
            .set("OAUTH_INTROSPECTION_URL", &format!("http://127.0.0.1:{}/introspect", self.port))
            .set("OAUTH_INTROSPECTION_CLIENT_ID", "latchkey-api")
            .set("OAUTH_INTROSPECTION_CLIENT_SECRET", "between-the-lab-and-nobody-else")
            .set("OAUTH_INTROSPECTION_CACHE", "0")
    }

    /// What it says of every token from now on (RFC 7662 §2.2).
    pub fn says(&self, answer: Value) {
        // The task that listens lives as long as this.
        let _ = self.says.send(answer);
    }

    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn serve(listener: TcpListener, says: watch::Receiver<Value>, asked: Arc<AtomicUsize>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let answer = says.borrow().to_string();
        if read(&mut stream).await.is_some() {
            asked.fetch_add(1, Ordering::SeqCst);
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n",
                answer.len()
            );
            // Whoever asked may be gone.
            let _ = stream.write_all((head + &answer).as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    }
}

/// Reads a whole request: its head, and as much body as it announces.
async fn read(stream: &mut TcpStream) -> Option<()> {
    let mut request = Vec::new();
    while request.len() < MAX_REQUEST {
        let mut chunk = [0; 4096];
        let length = stream.read(&mut chunk).await.ok().filter(|length| *length > 0)?;
        request.extend_from_slice(chunk.get(..length)?);
        if is_whole(&request) {
            return Some(());
        }
    }
    None
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let announced = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    body.len() >= announced.and_then(|length| length.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_with_the_body_that_it_announces() {
        for (request, whole) in [
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", true),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", false),
            ("GET / HTTP/1.1\r\n\r\n", true),
            ("GET / HTTP/1.1\r\n", false),
        ] {
            assert_eq!(is_whole(request.as_bytes()), whole, "{request:?}");
        }
    }
}
