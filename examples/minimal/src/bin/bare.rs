//! The application without sign-in. A test counts the lines that `main.rs` adds.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    let app = Router::new().route("/", get(home));
    Ok(axum::serve(listener, app).await?)
}

async fn home() -> Html<&'static str> {
    Html("<!doctype html><title>Minimal</title><h1>Hello</h1>")
}
