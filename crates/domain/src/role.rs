//! Roles: what a user may do, whatever scopes a credential has.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a role: lower-case letters, digits and hyphens, at most 32.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Role(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role must be 1 to 32 lower-case letters, digits and hyphens, starting with a letter")]
pub struct InvalidRole;

impl Role {
    /// May see all accounts and the whole audit trail.
    pub fn admin() -> Self {
        Self("admin".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Role {
    type Err = InvalidRole;

    fn from_str(name: &str) -> Result<Self, InvalidRole> {
        let is_valid = (1..=32).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if is_valid { Ok(Self(name.to_owned())) } else { Err(InvalidRole) }
    }
}

text_form!(Role, InvalidRole);

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A user's roles, in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    pub fn contains(&self, role: &Role) -> bool {
        self.0.contains(role)
    }

    pub fn insert(&mut self, role: Role) {
        self.0.insert(role);
    }

    pub fn remove(&mut self, role: &Role) {
        self.0.remove(role);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Role> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().collect())
    }
}

/// The stored form: names separated by spaces.
impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(Role::as_str).collect();
        f.write_str(&names.join(" "))
    }
}

/// Reads the stored form and skips invalid names.
impl From<&str> for Roles {
    fn from(stored: &str) -> Self {
        stored.split_whitespace().filter_map(|name| name.parse().ok()).collect()
    }
}
