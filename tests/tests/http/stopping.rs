//! Requests during a shutdown.

use std::time::Duration;

use latchkey_tests::issuer::{Answer, DISCOVERY};
use latchkey_tests::{Browser, Issuer, Latchkey, Setup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection on which this was sent.
async fn sent(app: &Latchkey, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(app.address).await.expect("a connection");
    stream.write_all(bytes.as_bytes()).await.expect("sent");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_drops_partial_requests_and_answers_complete_ones() {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).set("SHUTDOWN_GRACE", "1h").start().await;
    let halves = [
        ("nothing", ""),
        ("half a head", "GET /healthz HTTP/1.1\r\nHo"),
        ("half a body", "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\na"),
        ("half of the second head", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /"),
    ];
    let mut half = Vec::new();
    for (what, bytes) in halves {
        half.push((what, sent(&app, bytes).await));
    }
    issuer.respond_with(DISCOVERY, Answer::Silence);
    let (url, mut browser) = (app.url("/auth/acme"), Browser::new());
    let under_way = tokio::spawn(async move { browser.post(&url, &[]).await.status });
    while issuer.requests(DISCOVERY).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The response is complete, but may still be in the socket.
    let mut last = sent(&app, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let address = app.address;
    let stopping = tokio::spawn(app.stop());
    for (what, mut stream) in half {
        // A reset ends the connection, too.
        let _ = stream.read_to_end(&mut Vec::new()).await;
        assert!(!under_way.is_finished(), "{what} was waited for");
    }
    let mut answer = String::new();
    last.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // New requests are refused immediately.
    assert!(TcpStream::connect(address).await.is_err(), "the socket is still open");
    assert!(!under_way.is_finished());
    assert_eq!(under_way.await.expect("an answer"), 504);
    let _ = stopping.await.expect("stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_fails_while_shutdown_still_serves_requests() {
    let app = Setup::new().set("SHUTDOWN_GRACE", "40s").start().await;
    let url = |path| app.url(path);
    let (ready, sign_in) = (url("/readyz"), url("/sign-in"));
    let _ = Browser::new().get(&ready).await.expect(200);
    let stopping = tokio::spawn(app.stop());
    let page = loop {
        let page = Browser::new().get(&ready).await;
        if page.status != 200 {
            break page.expect(503);
        }
    };
    let said: serde_json::Value = serde_json::from_str(&page.body).expect("JSON");
    assert_eq!((&said["process"], &said["database"]), (&"unavailable".into(), &"ok".into()));
    let page = Browser::new().get(&sign_in).await.expect(200);
    assert_eq!(page.header("connection"), Some("close"), "it would be used again");
    let _ = stopping.await.expect("stopped");
}
