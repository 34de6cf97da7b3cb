//! Measures writes: sign-ins by both methods, and refreshes.

use std::cell::Cell;
use std::io::{Error, Result};
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;

use crate::http::{Connection, Request};
use crate::server::Server;
use crate::turn::{CONNECTIONS, Turn, turn};
use crate::{EMAIL, PASSWORD};

/// An API client's sign-in, from its own address.
pub fn password(n: u32) -> Request {
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    Request::json("/api/v1/token", &body).from_somewhere(n)
}

pub struct Storm {
    pub per_second: f64,
    /// Peak memory in megabytes.
    pub memory: f64,
}

/// Runs concurrent password sign-ins.
pub async fn storm(server: &Server, takes: Duration) -> Result<Storm> {
    let count = Rc::new(Cell::new(0));
    let act = async move |connection: &mut Connection, _: &mut ()| {
        count.set(count.get() + 1);
        connection.exchange(&password(count.get()).bytes()).await.map(drop)
    };
    let most = Cell::new(0.0_f64);
    let watch = async {
        loop {
            most.set(most.get().max(server.memory().0));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push((Connection::open(server.port).await?, ()));
    }
    let done = tokio::select! {
        done = turn(server, clients, takes, act) => done?,
        () = watch => unreachable!("it watches for ever"),
    };
    Ok(Storm { per_second: done.per_second(), memory: most.get() })
}

/// Refreshes tokens continuously.
pub async fn refreshes(server: &Server, takes: Duration) -> Result<Turn> {
    let mut clients = Vec::new();
    for n in 0..CONNECTIONS {
        let mut connection = Connection::open(server.port).await?;
        let first = connection.exchange(&password(n as u32).bytes()).await?.json()?;
        clients.push((connection, first["refresh_token"].clone()));
    }
    let count = Rc::new(Cell::new(0));
    let act = async move |connection: &mut Connection, token: &mut serde_json::Value| {
        count.set(count.get() + 1);
        let body = json!({ "refresh_token": *token });
        let request = Request::json("/api/v1/token/refresh", &body).from_somewhere(count.get());
        *token = connection.exchange(&request.bytes()).await?.json()?["refresh_token"].take();
        Ok(())
    };
    turn(server, clients, takes, act).await
}

/// Complete sign-ins with the local provider's Google: redirect, consent and callback.
pub async fn oauth(server: &Server, provider: u16, takes: Duration) -> Result<Turn> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let there = Connection::open(provider).await?;
        clients.push((Connection::open(server.port).await?, there));
    }
    let (here, at_provider) =
        (format!("localhost:{}", server.port), format!("127.0.0.1:{provider}"));
    let count = Rc::new(Cell::new(0));
    let act = async move |connection: &mut Connection, there: &mut Connection| {
        count.set(count.get() + 1);
        let start = Request::form("/auth/google", "strategy=session").header("Host", &here);
        let start = start.from_somewhere(count.get()).bytes();
        let sent = connection.exchange(&start).await?;
        let attempt = sent.cookie("latchkey_attempt_")?.to_owned();
        let (path, query) = path_and_query(sent.location()?)?;
        // The consent form has a field for each scope.
        let fields = query.split('&').flat_map(|field| match field.strip_prefix("scope=") {
            Some(scopes) => scopes.split('+').map(|scope| format!("scope={scope}")).collect(),
            None => vec![field.to_owned()],
        });
        let fields = fields.collect::<Vec<_>>().join("&") + "&decision=allow&person=ada";
        let decide = Request::form(&format!("{path}/decide"), &fields);
        let decided = there.exchange(&decide.header("Host", &at_provider).bytes()).await?;
        let (path, query) = path_and_query(decided.location()?)?;
        let back = Request::get(&format!("{path}?{query}")).header("Host", &here);
        let back = back.header("Cookie", &attempt).from_somewhere(count.get()).bytes();
        connection.exchange(&back).await?.cookie("latchkey_session").map(drop)
    };
    turn(server, clients, takes, act).await
}

fn path_and_query(url: &str) -> Result<(&str, &str)> {
    let path = url.split_once("://").and_then(|(_, rest)| Some(&rest[rest.find('/')?..]));
    let both = path.and_then(|path| path.split_once('?'));
    both.ok_or_else(|| Error::other(format!("{url} is not what was expected")))
}

pub fn words(done: &mut Turn) -> String {
    let (rate, middle, late) = (done.per_second(), done.latency(0.5), done.latency(0.99));
    let worst = done.latency(1.0);
    format!("{rate:.0} per second; p50 {middle:.1} ms, p99 {late:.1} ms, max {worst:.0} ms")
}
