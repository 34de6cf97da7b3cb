//! A mail server that stores or refuses e-mails.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug)]
struct State {
    emails: Vec<ReceivedEmail>,
    answer_to_recipient: &'static str,
}

/// A mail server on a local port.
#[derive(Clone, Debug)]
pub struct MailServer {
    /// The address that it listens on.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// A received e-mail.
#[derive(Clone, Debug)]
pub struct ReceivedEmail {
    /// The argument of `EHLO`.
    pub hello: String,
    /// The argument of `RCPT`.
    pub recipient: String,
    /// The whole message, with its header.
    pub raw: String,
}

impl MailServer {
    /// Starts a server that accepts every e-mail.
    pub async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address")).await
    }

    /// Starts it at this address.
    pub async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = State { emails: Vec::new(), answer_to_recipient: "250 ok" };
        let server = Self { address, state: Arc::new(Mutex::new(state)) };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = accepting.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        server
    }

    /// An address that nothing listens on.
    pub async fn unused_address() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        listener.local_addr().expect("an address")
    }

    /// The value for `SMTP_URL`.
    #[must_use]
    pub fn url(address: SocketAddr) -> String {
        format!("smtp://{address}")
    }

    /// Sets the response to `RCPT TO`.
    pub fn respond_to_recipients(&self, answer: &'static str) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).answer_to_recipient = answer;
    }

    /// All e-mails so far.
    #[must_use]
    pub fn emails(&self) -> Vec<ReceivedEmail> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).emails.clone()
    }

    /// Waits for the first e-mail. Panics after 30 seconds.
    pub async fn first_email(&self) -> ReceivedEmail {
        for _ in 0..1200 {
            if let Some(email) = self.emails().first() {
                return email.clone();
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("no e-mail came");
    }

    /// The part of SMTP (RFC 5321) that the client needs.
    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 mail.test ESMTP\r\n").await.ok()?;
        let mut email =
            ReceivedEmail { hello: String::new(), recipient: String::new(), raw: String::new() };
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let (verb, rest) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
            let answer = match verb.to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" => {
                    email.hello = rest.to_owned();
                    "250 mail.test"
                }
                "RCPT" => {
                    email.recipient = rest.to_owned();
                    let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                    state.answer_to_recipient
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await.ok()?;
                    let mut raw = Vec::new();
                    while !raw.ends_with(b"\r\n.\r\n") {
                        raw.push(stream.read_u8().await.ok()?);
                    }
                    email.raw = String::from_utf8(raw).ok()?;
                    let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                    state.emails.push(email.clone());
                    "250 taken"
                }
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        }
    }
}

impl ReceivedEmail {
    /// The value of a header field. Panics if it is repeated.
    #[must_use]
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        let mut found = self.raw.lines().filter_map(|line| line.strip_prefix(&start));
        let value = found.next().unwrap_or_else(|| panic!("no {name} in {}", self.raw));
        assert!(found.next().is_none(), "{name} is repeated");
        value
    }

    /// The decoded text of a part: `text/plain` or `text/html`.
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
        // Quoted-printable (RFC 2045 §6.7) or plain.
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
