//! Accounts, sign-ins, sessions and tokens in SQLite or PostgreSQL.
//!
//! Every statement is one constant that both databases accept. Times and ids are
//! parameters, so that tests can choose them. [`count::statements`] counts the statements
//! of a request.

pub mod accounts;
pub mod audit;
pub mod authorization_responses;
mod changes;
pub mod connections;
pub mod contacts;
pub mod count;
mod db;
pub mod email_tokens;
pub mod emails;
mod error;
pub mod events;
pub mod failed_attempts;
mod folder;
pub mod hash;
pub mod identities;
mod limits;
#[cfg(feature = "postgres")]
mod listen;
pub mod migrations;
pub mod overview;
pub mod passwords;
mod pool;
#[cfg(feature = "postgres")]
mod postgres;
pub mod probe;
mod query;
pub mod refresh_tokens;
mod session_cache;
pub mod sessions;
pub mod sign_ins;
pub mod signing_keys;
#[cfg(feature = "sqlite")]
mod sqlite;
pub mod traces;
pub mod transfer;
pub mod users;
mod values;

pub use changes::Changes;
pub use db::{Backend, Db};
pub use error::{Error, Result};
pub use folder::create_private_dir;
pub use limits::Limits;
pub use pool::Pool;
#[cfg(feature = "postgres")]
pub use postgres::PostgresManager;
pub use sessions::Sessions;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteManager;

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!("latchkey-store needs the feature `sqlite` or `postgres`, or both");
