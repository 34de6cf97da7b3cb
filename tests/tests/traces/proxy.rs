//! A proxy that forwards and records bytes. It has its own parser, so that it shares no bugs with
//! the code that it is compared with.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A proxy in front of an address that may be set later.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) port: u16,
    target: Arc<Mutex<Option<SocketAddr>>>,
    connections: Arc<Mutex<Vec<Arc<Mutex<Bytes>>>>>,
}

/// The bytes of one connection.
#[derive(Default)]
struct Bytes {
    up: Vec<u8>,
    down: Vec<u8>,
}

/// A message as it was on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// The first line.
    pub(crate) line: String,
    /// Names in lower case, and values, in order.
    pub(crate) headers: Vec<(String, String)>,
    /// The bytes up to and including the empty line.
    pub(crate) head: usize,
    pub(crate) body: Vec<u8>,
}

/// A request and its response.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) request: Message,
    pub(crate) response: Message,
}

impl Message {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Seen {
    pub(crate) fn method(&self) -> &str {
        self.request.line.split(' ').next().expect("a method")
    }

    pub(crate) fn target(&self) -> &str {
        self.request.line.split(' ').nth(1).expect("a target")
    }

    pub(crate) fn path(&self) -> &str {
        self.target().split('?').next().expect("a path")
    }
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let proxy = Self { port, target: Arc::default(), connections: Arc::default() };
        let this = proxy.clone();
        tokio::spawn(async move {
            while let Ok((from, _)) = listener.accept().await {
                let target = this.target.lock().unwrap().expect("a target");
                let bytes = Arc::new(Mutex::new(Bytes::default()));
                this.connections.lock().unwrap().push(Arc::clone(&bytes));
                tokio::spawn(pass(from, target, bytes));
            }
        });
        proxy
    }

    pub(crate) fn leads_to(&self, target: SocketAddr) {
        *self.target.lock().unwrap() = Some(target);
    }

    /// All requests and responses so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let connections = self.connections.lock().unwrap();
        let read = |bytes: &Arc<Mutex<Bytes>>| {
            let bytes = bytes.lock().unwrap();
            let (up, down) = (messages(&bytes.up), messages(&bytes.down));
            assert_eq!(up.len(), down.len(), "every request was answered");
            let pairs = up.into_iter().zip(down);
            pairs.map(|(request, response)| Seen { request, response }).collect::<Vec<_>>()
        };
        connections.iter().flat_map(read).collect()
    }

    /// All bytes in both directions.
    pub(crate) fn everything(&self) -> Vec<u8> {
        let connections = self.connections.lock().unwrap();
        let all = connections.iter().flat_map(|bytes| {
            let bytes = bytes.lock().unwrap();
            [bytes.up.clone(), bytes.down.clone()].concat()
        });
        all.collect()
    }
}

async fn pass(from: TcpStream, target: SocketAddr, bytes: Arc<Mutex<Bytes>>) {
    let to = TcpStream::connect(target).await.expect("somebody who listens");
    let (mut from_read, mut from_write) = from.into_split();
    let (mut to_read, mut to_write) = to.into_split();
    let other = Arc::clone(&bytes);
    let up = async move {
        let mut buffer = vec![0; 65_536];
        while let Ok(count @ 1..) = from_read.read(&mut buffer).await {
            other.lock().unwrap().up.extend_from_slice(&buffer[..count]);
            if to_write.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
    };
    let down = async move {
        let mut buffer = vec![0; 65_536];
        while let Ok(count @ 1..) = to_read.read(&mut buffer).await {
            bytes.lock().unwrap().down.extend_from_slice(&buffer[..count]);
            if from_write.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(up, down);
}

/// Splits a stream of bytes into messages by their length.
fn messages(mut bytes: &[u8]) -> Vec<Message> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head") + 4;
        let head = std::str::from_utf8(&bytes[..end]).expect("text");
        let mut lines = head.split("\r\n");
        let line = lines.next().expect("a line").to_owned();
        let headers: Vec<(String, String)> = lines
            .take_while(|line| !line.is_empty())
            .map(|line| {
                let (name, value) = line.split_once(':').expect("a colon");
                (name.to_ascii_lowercase(), value.trim().to_owned())
            })
            .collect();
        let named = |name: &str| headers.iter().find(|(found, _)| found == name);
        assert!(named("transfer-encoding").is_none(), "{line}: chunked");
        let length = named("content-length").map_or(0, |(_, value)| value.parse().unwrap());
        let body = bytes[end..end + length].to_vec();
        bytes = &bytes[end + length..];
        found.push(Message { line, headers, head: end, body });
    }
    found
}
