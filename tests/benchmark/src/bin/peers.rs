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
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
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
        ["sqlx", port, database] => (joined_statement(database).await?, port),
        ["introspection", port, user] => (introspection(user.to_owned()), port),
        _ => return Err("peers hello|layers|axum-login|sqlx|introspection PORT […]".into()),
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

fn sqlite(database: &str) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
}

/// axum-login's example `sqlite`, with a file and Latchkey's settings for SQLite.
async fn axum_login(database: &str) -> Result<Router, Failure> {
    let db = SqlitePool::connect_with(sqlite(database)).await?;
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

const TABLES: [&str; 3] = [
    "CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT, roles TEXT NOT NULL, \
     created_at BIGINT NOT NULL)",
    "CREATE TABLE sessions (hash TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users, \
     method TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL)",
    "INSERT INTO users VALUES ('1', 'Ada', 'ada@bench.example.com', 'member', 1)",
];
const SIGN_IN: &str = "INSERT INTO sessions VALUES ('a hash', '1', 'password', 1, 9000000000000)";
const FIND_SESSION: &str = "SELECT s.method, s.created_at, s.expires_at, u.id, u.name, u.email, \
    u.roles, u.created_at FROM sessions s JOIN users u ON u.id = s.user_id \
    WHERE s.hash = $1 AND s.expires_at > $2";

type Session = (String, i64, i64, String, String, Option<String>, String, i64);

/// The least that a session in a database costs: one joined statement, and no layer.
async fn joined_statement(database: &str) -> Result<Router, Failure> {
    macro_rules! served_from {
        ($db:expr) => {{
            let db = $db;
            for statement in TABLES.iter().chain([&SIGN_IN]) {
                sqlx::query(statement).execute(&db).await?;
            }
            get(async move || {
                let found = sqlx::query_as(FIND_SESSION).bind("a hash").bind(1_i64);
                let found: Option<Session> = found.fetch_optional(&db).await.unwrap_or_default();
                let (method, _, expires_at, id, name, email, roles, _) =
                    found.ok_or(StatusCode::UNAUTHORIZED)?;
                let session = json!({ "method": method, "expires_at": expires_at });
                let user = json!({ "id": id, "name": name, "email": email, "roles": roles });
                Ok::<_, StatusCode>(Json(json!({ "session": session, "user": user })))
            })
        }};
    }
    let me = if database.starts_with("postgres") {
        let options = PgPoolOptions::new().max_connections(8).test_before_acquire(false);
        served_from!(options.connect(database).await?)
    } else {
        let options = SqlitePoolOptions::new().max_connections(8).test_before_acquire(false);
        served_from!(options.connect_with(sqlite(database)).await?)
    };
    Ok(hello().route("/me", me))
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
