//! Clients that send or read slowly, or hold connections open.

use std::net::SocketAddr;
use std::time::Duration;

use latchkey_tests::browser::idle_connections;
use latchkey_tests::{Browser, Latchkey, Setup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// The status of a response, and whether the connection stays open.
async fn ask(stream: &mut TcpStream, path: &str) -> (String, bool) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("an answer"));
    }
    let head = String::from_utf8(head).expect("text").to_lowercase();
    let status = head.split(' ').nth(1).expect("a status").to_owned();
    (status, !head.contains("connection: close"))
}

async fn connect_from(address: [u8; 4], app: &Latchkey) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from((address, 0))).expect("an address of this machine");
    socket.connect(app.address).await.expect("a connection")
}

#[tokio::test(flavor = "multi_thread")]
async fn client_that_stops_reading_is_disconnected() {
    let app = Latchkey::start().await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let mut deaf = socket.connect(app.address).await.expect("a connection");
    let request = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    deaf.write_all(request.repeat(300).as_bytes()).await.expect("sent");
    let let_go = async {
        // Received data is left unread, so the close is seen when sending.
        while deaf.write_all(b"\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(90), let_go).await.expect("it is held for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_per_address_are_limited() {
    let app = Latchkey::start().await;
    let idle = idle_connections(&app, 256).await;
    // Health checks still work, even from that address.
    for path in ["/healthz", "/readyz"] {
        let mut watching = TcpStream::connect(app.address).await.expect("a connection");
        assert_eq!(ask(&mut watching, path).await, ("200".to_owned(), false), "{path}");
    }
    let page = Browser::new().get(&app.url("/sign-in")).await;
    let page = page.expect_error(503, "too_many_connections");
    assert!(page.header("retry-after").is_some());
    // Other clients are not affected, and open connections continue.
    let mut elsewhere = connect_from([127, 0, 0, 2], &app).await;
    assert_eq!(ask(&mut elsewhere, "/sign-in").await, ("200".to_owned(), true));
    // Connections become available again.
    drop(idle);
    while Browser::new().get(&app.url("/sign-in")).await.status != 200 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trusted_proxy_is_exempt_from_connection_limit() {
    let app = Setup::new().set("TRUSTED_PROXIES", "127.0.0.1").start().await;
    let _idle = idle_connections(&app, 300).await;
    let _ = Browser::new().get(&app.url("/sign-in")).await.expect(200);
}

#[tokio::test]
async fn request_heads_over_64_kib_are_rejected() {
    let app = Latchkey::start().await;
    for (bytes, status) in [(60_000, 200), (66_000, 431)] {
        let pad = "x".repeat(bytes);
        let headers = [("x-pad", pad.as_str())];
        let (mut browser, url) = (Browser::new(), app.url("/sign-in"));
        let page = browser.send(reqwest::Method::GET, &url, &headers, None).await;
        assert_eq!(page.status, status, "{bytes}");
    }
}
