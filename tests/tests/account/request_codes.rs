//! How to get the error codes of any request.

use std::time::Duration;

use latchkey_axum::client::Client;
use latchkey_tests::browser::idle_connections;
use latchkey_tests::{Browser, Latchkey, Page, execute};
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use crate::helpers::{came_in, id_of};

pub(crate) async fn cross_site() -> Page {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    let headers = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")];
    ada.send(Method::POST, &app.url("/sign-out"), &headers, None).await
}

pub(crate) async fn unknown_host() -> Page {
    let app = Latchkey::start().await;
    let headers = [("host", "rebound.evil.test")];
    Browser::new().send(Method::GET, &app.url("/"), &headers, None).await
}

pub(crate) async fn too_large() -> Page {
    let app = Latchkey::start().await;
    Browser::new().post(&app.url("/auth/google"), &[("next", &"x".repeat(200_000))]).await
}

/// A body that arrives byte by byte and never ends.
pub(crate) async fn slow_body() -> Page {
    let app = Latchkey::start().await;
    let stream = TcpStream::connect(app.address).await.expect("a connection");
    let (mut reading, mut writing) = stream.into_split();
    let host = app.origin.strip_prefix("http://").expect("http");
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nemail="
    );
    writing.write_all(head.as_bytes()).await.expect("sent");
    let dripping = tokio::spawn(async move {
        while writing.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(4)).await;
        }
        writing
    });
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(90), reading.read_to_end(&mut answer));
    read.await.expect("an answer within 90 seconds").expect("an answer");
    dripping.abort();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
    let mut headers = reqwest::header::HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let name: reqwest::header::HeaderName = name.parse().expect("a name");
        headers.append(name, value.parse().expect("a value"));
    }
    Page {
        request: "a body that drips".to_owned(),
        url: Url::parse(&app.url("/sign-in")).expect("a URL"),
        status: status.parse().expect("a number"),
        headers,
        body: body.to_owned(),
    }
}

/// Failed attempts on the same account from the same address.
pub(crate) async fn answer_timeout() -> Page {
    let app = Latchkey::start().await;
    let client = Client { address: [127, 0, 0, 1].into(), user_agent: String::new() };
    let mut tries = Vec::new();
    for _ in 0..4 {
        tries
            .push(app.app.limits.begin_attempt("ada@example.test", &client).await.expect("let in"));
    }
    let fields = [("email", "ada@example.test"), ("password", "anything")];
    Browser::new().post(&app.url("/sign-in"), &fields).await
}

/// One address uses all the connections that it may have.
pub(crate) async fn too_many_connections() -> Page {
    let app = Latchkey::start().await;
    let _held = idle_connections(&app, 256).await;
    Browser::new().get(&app.url("/sign-in")).await
}

pub(crate) async fn database_unavailable() -> Page {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    app.app.db.close().await;
    ada.get(&app.url("/account")).await
}

pub(crate) async fn internal_error() -> Page {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    execute(&app.app.db, "ALTER TABLE identities RENAME TO elsewhere").await;
    ada.get(&app.url("/account")).await
}

pub(crate) async fn account_blocked() -> Page {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    let id = id_of(&mut ada, &app).await.parse().expect("an ID");
    latchkey_store::accounts::block(&app.app.db, id, app.clock.now()).await.expect("blocked");
    let mut ada = Browser::new();
    let authorize = ada.start_sign_in(&app, "google").await;
    let callback = ada.consent(&authorize, "ada").await;
    ada.follow_callback(&callback).await
}
