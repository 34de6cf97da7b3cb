//! What a stolen database contains, and what a browser sees.

use latchkey_tests::issuer::{Answer, REVOKE, Rotation};
use latchkey_tests::{Browser, Database, Issuer, Latchkey, Setup, texts};

use crate::helpers::{advance_by_token_lifetime, connect, disconnect, issuer, profile, somebody};

/// The prefix of all tokens from the provider.
const TOKENS: [&str; 2] = ["access-248289761001", "refresh-248289761001"];

/// Performs all actions, and returns all pages.
async fn everything(app: &Latchkey, issuer: &Issuer) -> String {
    let mut browser = somebody(app, "ada@example.test").await;
    connect(&mut browser, app, issuer).await;
    let mut seen = String::new();
    let mut see = async |browser: &mut Browser, path: &str| {
        let page = browser.get(&app.url(path)).await;
        seen += &format!("{:?} {}", page.headers, page.body);
    };
    for path in ["/connections", crate::helpers::PROFILE, "/account", "/audit", "/"] {
        see(&mut browser, path).await;
    }
    advance_by_token_lifetime(app);
    let _ = profile(&mut browser, app).await.expect(200);
    issuer.respond_with(REVOKE, Answer::html(503));
    assert_eq!(disconnect(&mut browser, app, "acme").await, "disconnecting");
    see(&mut browser, "/connections").await;
    assert_eq!(issuer.refreshes(), 1, "the tokens were there");
    seen
}

#[track_caller]
fn none_is_in(place: &str, bytes: &[u8]) {
    for token in TOKENS {
        let found = bytes.windows(token.len()).any(|window| window == token.as_bytes());
        assert!(!found, "{token}… is in {place}");
    }
}

#[tokio::test]
async fn pages_and_database_hold_no_plaintext_token_on_sqlite() {
    let issuer = issuer(Rotation::Strict).await;
    let app = crate::helpers::standing(&issuer).await;
    let seen = everything(&app, &issuer).await;
    assert!(seen.contains("Jane Doe"), "these are the pages");
    none_is_in("a page", seen.as_bytes());
    let mut bytes = Vec::new();
    for name in ["latchkey.db", "latchkey.db-wal"] {
        bytes.extend(std::fs::read(app.file(name)).unwrap_or_default());
    }
    assert!(bytes.windows(8).any(|window| window == b"Jane Doe"), "this is the database");
    none_is_in("the database", &bytes);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn database_holds_no_plaintext_token_on_postgres() {
    let issuer = issuer(Rotation::Strict).await;
    let url = Database::new_postgres_url().await;
    let setup = Setup::new().with_issuer(&issuer).set("DATABASE_URL", url);
    let app = setup.with_frozen_clock().start().await;
    let _ = everything(&app, &issuer).await;
    let mut text = String::new();
    for table in ["connections", "users", "identities", "sign_ins", "audit_events"] {
        let all = format!("SELECT CAST(t AS TEXT) FROM {table} t");
        text.extend(texts(&app.app.db, &all).await);
    }
    assert!(text.contains("Jane Doe"), "this is the database");
    none_is_in("the database", text.as_bytes());
}
