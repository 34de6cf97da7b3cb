//! User accounts.

use serde::{Deserialize, Serialize};

use crate::{DisplayName, Email, Roles, Timestamp, UserId};

/// The same for both credentials: a session reads it from the database, a JWT carries it
/// in its claims.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: UserId,
    pub name: DisplayName,
    pub email: Option<Email>,
    pub email_verified: bool,
    pub roles: Roles,
    pub created_at: Timestamp,
}

impl User {
    pub fn verified_email(&self) -> Option<&Email> {
        self.email.as_ref().filter(|_| self.email_verified)
    }
}
