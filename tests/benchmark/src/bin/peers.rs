//! Servers to compare Latchkey with: `peers WHAT PORT [DATABASE]`.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use axum::extract::Form;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, UserId};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use time::Duration;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use tower_sessions::{Expiry, SessionManagerLayer};
use tower_sessions_sqlx_store::SqliteStore;
use tracing_subscriber::EnvFilter;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let arguments: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    let (router, port) = match arguments[..] {
        ["hello", port] => (hello(), port),
        ["layers", port] => (layers(), port),
        ["axum-login", port, database] => (axum_login(database).await?, port),
        ["introspection", port, user] => (introspection(user.to_owned()), port),
        _ => return Err("peers hello|layers|axum-login|introspection PORT […]".into()),
    };
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    Ok(axum::serve(listener, router).await?)
}

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

/// Common layers: a trace of each request, and security headers.
fn layers() -> Router {
    let filter = EnvFilter::new("info");
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::sink).init();
    let fixed =
        |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    hello()
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "same-origin"))
        .layer(fixed(header::X_FRAME_OPTIONS, "DENY"))
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, "default-src 'self'"))
        .layer(fixed(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .layer(TraceLayer::new_for_http())
}

#[derive(Clone, Debug, sqlx::FromRow)]
struct User {
    id: i64,
    username: String,
    password: String,
}

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password.as_bytes()
    }
}

#[derive(Clone, Debug)]
struct Backend(SqlitePool);

#[derive(Clone, Debug, Deserialize)]
struct Credentials {
    username: String,
}

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = Credentials;
    type Error = sqlx::Error;

    /// Without a password: only later requests are measured.
    async fn authenticate(&self, typed: Credentials) -> Result<Option<User>, sqlx::Error> {
        let found = sqlx::query_as("SELECT * FROM users WHERE username = ?");
        found.bind(typed.username).fetch_optional(&self.0).await
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<User>, sqlx::Error> {
        sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id).fetch_optional(&self.0).await
    }
}

/// axum-login's example `sqlite`, with a file and Latchkey's settings for SQLite.
async fn axum_login(database: &str) -> Result<Router, Failure> {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal);
    let db = SqlitePool::connect_with(options).await?;
    sqlx::query("CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT UNIQUE, password TEXT)")
        .execute(&db)
        .await?;
    sqlx::query("INSERT INTO users VALUES (1, 'ada', 'a hash of a password')").execute(&db).await?;
    let store = SqliteStore::new(db.clone());
    store.migrate().await?;
    let sessions = SessionManagerLayer::new(store)
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(Duration::days(1)));
    let auth = AuthManagerLayerBuilder::new(Backend(db), sessions).build();
    let routes = Router::new().route("/me", get(me)).route("/login", post(login));
    Ok(hello().merge(routes.layer(auth)))
}

async fn me(session: AuthSession<Backend>) -> Result<Json<Value>, StatusCode> {
    let user = session.user.ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(Json(json!({ "id": user.id, "name": user.username })))
}

async fn login(
    mut session: AuthSession<Backend>,
    Form(typed): Form<Credentials>,
) -> Result<StatusCode, StatusCode> {
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
    let user =
        session.authenticate(typed).await.map_err(failed)?.ok_or(StatusCode::UNAUTHORIZED)?;
    session.login(&user).await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Introspection (RFC 7662) that reports every token as active for this user.
fn introspection(user: String) -> Router {
    let answer = async move |Form(_): Form<HashMap<String, String>>| {
        Json(json!({
            "active": true,
            "sub": user,
            "aud": "https://bench.example.com/api",
            "scope": "profile",
            "client_id": "benchmark",
        }))
    };
    hello().route("/introspect", post(answer))
}
