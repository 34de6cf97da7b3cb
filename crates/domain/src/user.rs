//! A person who has an account.

use serde::{Deserialize, Serialize};

use crate::{DisplayName, Email, Roles, Timestamp, UserId};

/// Both credentials yield the same value: a session reads it from the database
/// with the session itself, a JWT carries it in its claims.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Never changes.
    pub id: UserId,
    pub name: DisplayName,
    pub email: Option<Email>,
    pub email_verified: bool,
    pub roles: Roles,
    pub created_at: Timestamp,
}
