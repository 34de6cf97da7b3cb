//! A person who has an account.

use serde::{Deserialize, Serialize};

use crate::{DisplayName, Email, Roles, Timestamp, UserId};

/// A person, as every page and every API route may need them.
///
/// Both keys yield the same value: a session reads it from the database with
/// the session itself, a JWT carries it in its claims.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Never changes.
    pub id: UserId,
    pub name: DisplayName,
    /// Where to reach them, if they said so.
    pub email: Option<Email>,
    /// Whether somebody proved that the address is theirs.
    pub email_verified: bool,
    /// What they may do here.
    pub roles: Roles,
    pub created_at: Timestamp,
}
