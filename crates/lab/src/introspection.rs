//! A minimal introspection endpoint (RFC 7662) that gives one answer for every token and counts
//! the requests.

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

/// Runs until dropped.
#[derive(Debug)]
pub struct IntrospectionEndpoint {
    port: u16,
    answer: watch::Sender<Value>,
    requests: Arc<AtomicUsize>,
    _running: JoinSet<()>,
}

impl IntrospectionEndpoint {
    /// Listens on a free port. Every token is inactive until [`Self::set_answer`].
    pub async fn start() -> Result<Self> {
        let failed = |error: std::io::Error| Error::StartFailed(error.to_string());
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let (answer, current) = watch::channel(json!({ "active": false }));
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        let introspect = post(move || {
            counter.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Json(current.borrow().clone()))
        });
        let routes = Router::new().route("/introspect", introspect);
        let mut running = JoinSet::new();
        running.spawn(async move { drop(axum::serve(listener, routes).await) });
        Ok(Self { port, answer, requests, _running: running })
    }

    /// Options for an instance that asks this endpoint about opaque tokens, without a cache.
    pub fn options(&self) -> InstanceOptions {
        InstanceOptions::default()
            .set("OAUTH_INTROSPECTION_URL", &format!("http://127.0.0.1:{}/introspect", self.port))
            .set("OAUTH_INTROSPECTION_CLIENT_ID", "latchkey-api")
            .set("OAUTH_INTROSPECTION_CLIENT_SECRET", "between-the-lab-and-nobody-else")
            .set("OAUTH_INTROSPECTION_CACHE", "0")
    }

    /// Sets the introspection response for every token (RFC 7662 §2.2).
    pub fn set_answer(&self, answer: Value) {
        self.answer.send_replace(answer);
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}
