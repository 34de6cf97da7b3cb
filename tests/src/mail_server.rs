//! A mail server that keeps what it is handed, or refuses it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What it was told, and how it answers.
#[derive(Debug)]
struct State {
    letters: Vec<Letter>,
    answer_to_recipient: &'static str,
}

/// A mail server on this machine.
#[derive(Clone, Debug)]
pub struct MailServer {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// An e-mail as it came.
#[derive(Clone, Debug)]
pub struct Letter {
    /// What the client called itself.
    pub hello: String,
    /// Whom it is for, on the envelope.
    pub recipient: String,
    /// The whole, with its header.
    pub raw: String,
}

impl MailServer {
    /// One that takes everything.
    pub async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address")).await
    }

    /// The same at this address.
    pub async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = State { letters: Vec::new(), answer_to_recipient: "250 ok" };
        let server = Self { address, state: Arc::new(Mutex::new(state)) };
        let own = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.talk(stream).await });
            }
        });
        server
    }

    /// An address at which nobody listens.
    pub async fn nowhere() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        listener.local_addr().expect("an address")
    }

    /// As `SMTP_URL` has it.
    #[must_use]
    pub fn url(address: SocketAddr) -> String {
        format!("smtp://{address}")
    }

    /// How it answers `RCPT TO` from now on.
    pub fn answers_to_recipients(&self, answer: &'static str) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).answer_to_recipient = answer;
    }

    /// All that it has taken so far.
    #[must_use]
    pub fn letters(&self) -> Vec<Letter> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).letters.clone()
    }

    /// The first that it takes.
    ///
    /// # Panics
    /// When none comes.
    pub async fn letter(&self) -> Letter {
        for _ in 0..1200 {
            if let Some(letter) = self.letters().first() {
                return letter.clone();
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("no e-mail came");
    }

    /// RFC 5321, as far as one client needs it.
    async fn talk(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 mail.test ESMTP\r\n").await.ok()?;
        let mut letter =
            Letter { hello: String::new(), recipient: String::new(), raw: String::new() };
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let (verb, rest) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
            let answer = match verb.to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" => {
                    letter.hello = rest.to_owned();
                    "250 mail.test"
                }
                "RCPT" => {
                    letter.recipient = rest.to_owned();
                    let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                    state.answer_to_recipient
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await.ok()?;
                    let mut raw = Vec::new();
                    while !raw.ends_with(b"\r\n.\r\n") {
                        raw.push(stream.read_u8().await.ok()?);
                    }
                    letter.raw = String::from_utf8(raw).ok()?;
                    let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                    state.letters.push(letter.clone());
                    "250 taken"
                }
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        }
    }
}

impl Letter {
    /// The value of a line of its header.
    #[must_use]
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        let mut found = self.raw.lines().filter_map(|line| line.strip_prefix(&start));
        let value = found.next().unwrap_or_else(|| panic!("no {name} in {}", self.raw));
        assert!(found.next().is_none(), "{name} is there twice");
        value
    }

    /// What one of its parts says: `text/plain`, or `text/html`.
    #[must_use]
    #[track_caller]
    pub fn part(&self, kind: &str) -> String {
        let (_, part) = self.raw.split_once(&format!("Content-Type: {kind}")).expect("a part");
        let (header, body) = part.split_once("\r\n\r\n").expect("a body");
        let body = body.split("\r\n--").next().unwrap_or_default();
        if header.contains("base64") {
            let packed: String = body.split_whitespace().collect();
            return String::from_utf8(STANDARD.decode(packed).expect("base64")).expect("text");
        }
        // Quoted-printable (RFC 2045 §6.7), or as it is.
        let mut bytes = Vec::new();
        let whole = body.replace("=\r\n", "");
        let mut rest = whole.as_str();
        while let Some((before, after)) = rest.split_once('=') {
            bytes.extend_from_slice(before.as_bytes());
            let (code, after) = after.split_at(2);
            bytes.push(u8::from_str_radix(code, 16).expect("two digits"));
            rest = after;
        }
        bytes.extend_from_slice(rest.as_bytes());
        String::from_utf8(bytes).expect("text")
    }
}
