//! A minimal introspection endpoint (RFC 7662) of another app's authorization server: it
//! answers the same for every token, and counts the requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::error::{Error, Result};
use crate::instance::InstanceOptions;

/// It runs until it is dropped.
#[derive(Debug)]
pub struct IntrospectionEndpoint {
    port: u16,
    answer: watch::Sender<Value>,
    requests: Arc<AtomicUsize>,
    _running: JoinSet<()>,
}

impl IntrospectionEndpoint {
    /// On a free port of this machine, with every token inactive.
    pub async fn start() -> Result<Self> {
        let failed = |error: std::io::Error| Error::StartFailed(error.to_string());
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let (answer, current) = watch::channel(json!({ "active": false }));
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        let introspect = post(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Json(current.borrow().clone()))
        });
        let routes = Router::new().route("/introspect", introspect);
        let mut running = JoinSet::new();
        // It ends when this is dropped.
        running.spawn(async move { drop(axum::serve(listener, routes).await) });
        Ok(Self { port, answer, requests, _running: running })
    }

    /// An instance that asks it about opaque tokens at each request.
    pub fn options(&self) -> InstanceOptions {
        InstanceOptions::default()
            .set("OAUTH_INTROSPECTION_URL", &format!("http://127.0.0.1:{}/introspect", self.port))
            .set("OAUTH_INTROSPECTION_CLIENT_ID", "latchkey-api")
            .set("OAUTH_INTROSPECTION_CLIENT_SECRET", "between-the-lab-and-nobody-else")
            .set("OAUTH_INTROSPECTION_CACHE", "0")
    }

    /// What it answers for every token from now on (RFC 7662 §2.2).
    pub fn set_answer(&self, answer: Value) {
        // The receiver lives as long as the task.
        let _ = self.answer.send(answer);
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}
