//! An axum application (`bin/bare.rs`) with GitHub sign-in.
//!
//! Run `cargo run -p minimal` and open <http://localhost:3000>. In development a local provider
//! simulates GitHub, unless `GITHUB_CLIENT_ID` and `GITHUB_CLIENT_SECRET` are set.

use std::net::SocketAddr;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use latchkey_axum::host::escape;
use latchkey_axum::{Caller, Latchkey};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let latchkey = Latchkey::from_env_as("Minimal").await?;
    latchkey.start_local_provider().await?;
    let listener = TcpListener::bind(&*latchkey.config.listen).await?;
    let app = Router::new()
        .route("/", get(home))
        .layer(latchkey.layer())
        .merge(latchkey.routes())
        .with_state(latchkey)
        .into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, app).await?)
}

async fn home(caller: Option<Caller>) -> Html<String> {
    let (greeting, action, button) = match &caller {
        Some(caller) => (escape(caller.user.name.as_str()), "/sign-out", "Sign out"),
        None => ("stranger".to_owned(), "/auth/github", "Sign in with GitHub"),
    };
    Html(format!(
        "<!doctype html><title>Minimal</title><h1>Hello, {greeting}</h1>
        <form method=post action={action}><input type=hidden name=next value=/><button>{button}</button></form>"
    ))
}
