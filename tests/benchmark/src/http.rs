//! A minimal HTTP client, whose own cost is small.

use std::io::{Error, Result};
use std::net::Ipv4Addr;

use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The host of `PUBLIC_URL` in production settings.
pub const HOST: &str = "bench.example.com";

#[derive(Clone, Debug)]
pub struct Request {
    head: String,
    body: Option<(&'static str, String)>,
}

impl Request {
    pub fn get(path: &str) -> Self {
        Self { head: format!("GET {path} HTTP/1.1\r\n"), body: None }.header("Host", HOST)
    }

    pub fn form(path: &str, fields: &str) -> Self {
        Self::post(path, "application/x-www-form-urlencoded", fields.to_owned())
    }

    pub fn json(path: &str, body: &serde_json::Value) -> Self {
        Self::post(path, "application/json", body.to_string())
    }

    fn post(path: &str, kind: &'static str, body: String) -> Self {
        let head = format!("POST {path} HTTP/1.1\r\n");
        Self { head, body: Some((kind, body)) }.header("Host", HOST)
    }

    /// Adds a header; a second `Host` replaces the first one.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if name == "Host"
            && let Some(at) = self.head.find("Host: ")
        {
            self.head.truncate(at);
        }
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// From an address that no other request uses.
    pub fn from_somewhere(self, n: u32) -> Self {
        let [_, a, b, c] = n.to_be_bytes();
        self.header("X-Forwarded-For", &format!("10.{a}.{b}.{c}"))
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone().into_bytes();
        if let Some((kind, body)) = &self.body {
            let length = body.len();
            bytes.extend(format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n").bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(self.body.iter().flat_map(|(_, body)| body.bytes()));
        bytes
    }
}

/// A keep-alive connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A response in the connection's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Response<'b> {
    head: &'b str,
    pub body: &'b [u8],
}

impl<'b> Response<'b> {
    pub fn headers(self, name: &str) -> impl Iterator<Item = &'b str> {
        self.head.lines().skip(1).filter_map(move |line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// `name=value` of the cookie that it sets with this prefix.
    pub fn cookie(self, name: &str) -> Result<&'b str> {
        self.headers("set-cookie")
            .filter_map(|cookie| cookie.split(';').next())
            .find(|pair| pair.starts_with(name) && !pair.ends_with('='))
            .ok_or_else(|| Error::other(format!("no cookie {name} in {}", self.head)))
    }

    pub fn location(self) -> Result<&'b str> {
        let location = self.headers("location").next();
        location.ok_or_else(|| Error::other(format!("no location in {}", self.head)))
    }

    pub fn json(self) -> Result<serde_json::Value> {
        Ok(serde_json::from_slice(self.body)?)
    }
}

impl Connection {
    pub async fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request and reads the whole response.
    ///
    /// # Errors
    /// Also when the response is neither a success nor a redirect.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Response<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (head, length) = loop {
            self.read().await?;
            if let Some(end) = find_end(&self.buffer) {
                break (end, content_length(&self.buffer[..end]));
            }
        };
        while self.buffer.len() < head + length {
            self.read().await?;
        }
        let (head, body) = self.buffer.split_at(head);
        let head = str::from_utf8(head).map_err(Error::other)?;
        let status = head.get(9..12).and_then(|code| code.parse().ok()).unwrap_or(0);
        if !(200..400).contains(&status) {
            return Err(Error::other(format!("{head}{}", String::from_utf8_lossy(body))));
        }
        Ok(Response { head, body })
    }

    async fn read(&mut self) -> Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(Error::other("the connection was closed"));
        }
        Ok(())
    }
}

fn find_end(buffer: &[u8]) -> Option<usize> {
    memmem::find(buffer, b"\r\n\r\n").map(|at| at + 4)
}

/// Header names are in lower case, as hyper writes them.
fn content_length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"\ncontent-length:";
    let value = memmem::find(head, NAME).map(|at| &head[at + NAME.len()..]);
    let value = value.and_then(|value| value.split(|byte| *byte == b'\r').next());
    let value = value.and_then(|value| str::from_utf8(value).ok());
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}
