//! Every store function, on both databases.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

/// Generates each test twice: for SQLite and for PostgreSQL.
macro_rules! on_both {
    ($(async fn $name:ident($database:ident) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn body($database: latchkey_tests::Database) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                body(latchkey_tests::Database::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs PostgreSQL: tests/run"]
            async fn postgres() {
                body(latchkey_tests::Database::postgres().await).await;
            }
        }
    )*};
}

mod accounts;
mod audit;
mod connections;
mod contacts_and_events;
mod email_tokens;
mod endings;
mod failed_attempts;
mod identities;
mod opening;
mod passwords;
mod people;
mod plans;
mod refresh_tokens;
mod sessions;
mod sign_ins;
mod signing_keys;
mod traces;
mod users;
