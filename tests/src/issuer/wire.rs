//! HTTP without a library, which would not send broken or hostile responses.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// A received request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Everything after the `?`.
    pub query: String,
    /// With names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// A field of the form.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        let mut fields = url::form_urlencoded::parse(self.body.as_bytes());
        fields.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }

    /// Reads one request; `None` when the connection ends.
    pub(super) async fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        let head_ends = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&bytes[..head_ends]).into_owned();
        let mut lines = head.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, target) = (first.next()?.to_owned(), first.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let mut request = Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: String::new(),
        };
        let length = request.header("content-length").and_then(|text| text.parse().ok());
        let length: usize = length.unwrap_or(0);
        while bytes.len() < head_ends + 4 + length {
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        request.body = String::from_utf8_lossy(&bytes[head_ends + 4..]).into_owned();
        Some(request)
    }
}

/// A response of the issuer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A JSON document with status 200.
    Json(Value),
    /// A JSON document after a delay.
    JsonAfter(Duration, Value),
    /// A JSON document, as soon as the semaphore is closed.
    JsonHeld(Arc<Semaphore>, Value),
    /// Status, content type and body.
    Body(u16, &'static str, String),
    /// A redirect with this status.
    Redirect(u16, String),
    /// No response; the connection stays open.
    Silence,
    /// An endless body, one byte a second.
    Drip,
    /// An endless header, one byte a second.
    DripHead,
    /// An endless body at full speed.
    Endless,
    /// Closes the connection without a response.
    HangUp,
    /// A body shorter than its `Content-Length`.
    Truncated,
    /// A header of two megabytes.
    HugeHead,
}

impl Answer {
    /// An HTML page instead of JSON.
    #[must_use]
    pub fn html(status: u16) -> Self {
        Self::Body(status, "text/html", "<!doctype html><title>Oops</title>".to_owned())
    }

    /// Any text with the content type of JSON.
    #[must_use]
    pub fn raw(body: impl Into<String>) -> Self {
        Self::Body(200, "application/json", body.into())
    }

    pub(super) async fn send(self, stream: &mut TcpStream) -> std::io::Result<()> {
        const SECOND: Duration = Duration::from_secs(1);
        let whole = |status: u16, more: &str, body: &str| {
            let length = body.len();
            format!(
                "HTTP/1.1 {status} X\r\n{more}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
        };
        let json = "Content-Type: application/json\r\n";
        let endless = format!("HTTP/1.1 200 OK\r\n{json}Connection: close\r\n\r\n");
        match self {
            Self::Json(value) => {
                stream.write_all(whole(200, json, &value.to_string()).as_bytes()).await
            }
            Self::JsonAfter(pause, value) => {
                tokio::time::sleep(pause).await;
                stream.write_all(whole(200, json, &value.to_string()).as_bytes()).await
            }
            Self::JsonHeld(gate, value) => {
                // An error means that it was closed.
                let _ = gate.acquire().await;
                stream.write_all(whole(200, json, &value.to_string()).as_bytes()).await
            }
            Self::Body(status, kind, body) => {
                let kind = format!("Content-Type: {kind}\r\n");
                stream.write_all(whole(status, &kind, &body).as_bytes()).await
            }
            Self::Redirect(status, to) => {
                let location = format!("Location: {to}\r\n");
                stream.write_all(whole(status, &location, "").as_bytes()).await
            }
            Self::Silence => std::future::pending().await,
            Self::Drip => {
                stream.write_all(endless.as_bytes()).await?;
                loop {
                    stream.write_all(b" ").await?;
                    tokio::time::sleep(SECOND).await;
                }
            }
            Self::DripHead => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nX-Slow: ").await?;
                loop {
                    stream.write_all(b"x").await?;
                    tokio::time::sleep(SECOND).await;
                }
            }
            Self::Endless => {
                stream.write_all(endless.as_bytes()).await?;
                let block = vec![b' '; 64 * 1024];
                loop {
                    stream.write_all(&block).await?;
                }
            }
            Self::HangUp => Ok(()),
            Self::Truncated => {
                let head = format!("HTTP/1.1 200 OK\r\n{json}Content-Length: 1000\r\n\r\n{{");
                stream.write_all(head.as_bytes()).await
            }
            Self::HugeHead => {
                let head = format!("X-Huge: {}\r\n", "x".repeat(2 * 1024 * 1024));
                stream.write_all(whole(200, &head, "{}").as_bytes()).await
            }
        }
    }
}
