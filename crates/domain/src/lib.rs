//! Entities and rules of sign-in, as pure functions without I/O.
//!
//! Time is passed in as a [`Timestamp`] and randomness as bytes, so that every rule can be
//! tested as a table.

#[macro_use]
mod macros;

pub mod audit;
pub mod calendar;
pub mod connection;
pub mod contact;
pub mod email;
pub mod id;
pub mod identity;
pub mod name;
pub mod password;
pub mod refresh;
pub mod return_to;
pub mod role;
pub mod sample_data;
pub mod scope;
pub mod sign_in;
pub mod time;
pub mod user;

pub use email::Email;
pub use id::{AuditId, ConnectionId, ContactId, EventId, SignInId, TraceId, UserId};
pub use identity::{Profile, Subject};
pub use name::DisplayName;
pub use return_to::ReturnTo;
pub use role::{Role, Roles};
pub use sample_data::SampleData;
pub use scope::{Scope, Scopes};
pub use sign_in::{CredentialKind, Lifetime, SignIn, SignInMethod};
pub use time::{Clock, Span, Timestamp};
pub use user::User;
