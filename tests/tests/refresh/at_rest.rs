//! A stolen database contains nothing to sign in with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_tests::accounts;
use latchkey_tests::accounts::{ApiClient, Tokens, cookie_value, sign_up_client, signed_in};
use latchkey_tests::jws::OwnKey;
use latchkey_tests::{Database, Latchkey, Setup, texts};

const TABLES: [&str; 8] = [
    "users",
    "identities",
    "sign_ins",
    "passwords",
    "signing_keys",
    "refresh_tokens",
    "contacts",
    "events",
];

/// Signs in in every way, and returns every secret that was used.
async fn secrets(app: &Latchkey, key: &OwnKey) -> Vec<(&'static str, Vec<u8>)> {
    let (_, first) = sign_up_client(app, "ada@example.test").await;
    let next = Tokens::of(&ApiClient::new(app).refresh(&first.refresh).await);
    let with_jwt = signed_in(app, "ada@example.test", "jwt").await;
    let with_session = signed_in(app, "ada@example.test", "session").await;
    let cookie = |browser, name| cookie_value(browser, name).expect("a cookie").into_bytes();
    let body = key.pem.lines().nth(1).expect("a body");
    let der = STANDARD.decode(body).expect("base64");
    vec![
        ("the password", accounts::PASSWORD.as_bytes().to_vec()),
        ("the session id", cookie(&with_session, "latchkey_session")),
        ("a browser's access token", cookie(&with_jwt, "latchkey_token")),
        ("a browser's refresh token", cookie(&with_jwt, "latchkey_refresh")),
        ("a used refresh token", first.refresh.into_bytes()),
        ("a living refresh token", next.refresh.into_bytes()),
        ("a program's access token", next.access.into_bytes()),
        ("the private key", der[der.len() - 32..].to_vec()),
        ("the private key in PEM", body.as_bytes()[body.len() - 40..].to_vec()),
    ]
}

#[track_caller]
fn none_is_in(database: &[u8], secrets: Vec<(&'static str, Vec<u8>)>) {
    assert!(contains(database, b"ada@example.test"), "this is the database");
    for (name, secret) in secrets {
        assert!(!contains(database, &secret), "{name} is in the database");
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn setup(key: &OwnKey) -> Setup {
    Setup::new().set("JWT_PRIVATE_KEY", &key.pem)
}

#[tokio::test]
async fn sign_in_secrets_are_not_stored_in_plaintext_on_sqlite() {
    let key = OwnKey::new("EdDSA");
    let app = setup(&key).start().await;
    let secrets = secrets(&app, &key).await;
    let mut bytes = Vec::new();
    for name in ["latchkey.db", "latchkey.db-wal"] {
        bytes.extend(std::fs::read(app.file(name)).unwrap_or_default());
    }
    none_is_in(&bytes, secrets);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn sign_in_secrets_are_not_stored_in_plaintext_on_postgres() {
    let key = OwnKey::new("EdDSA");
    let url = Database::new_postgres_url().await;
    let app = setup(&key).set("DATABASE_URL", url).start().await;
    let secrets = secrets(&app, &key).await;
    let mut text = String::new();
    for table in TABLES {
        let all = format!("SELECT CAST(t AS TEXT) FROM {table} t");
        text.extend(texts(&app.app.db, &all).await);
    }
    none_is_in(text.as_bytes(), secrets);
}
