//! Scopes: what a credential may do (RFC 6749 §3.3).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};

/// A permission on the API.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, IntoStaticStr,
)]
#[strum(parse_err_ty = UnknownScope, parse_err_fn = unknown)]
pub enum Scope {
    /// Read the profile and the sign-ins, and revoke sign-ins.
    #[strum(serialize = "profile")]
    Profile,
    #[strum(serialize = "calendar:read")]
    CalendarRead,
    #[strum(serialize = "contacts:read")]
    ContactsRead,
    #[strum(serialize = "contacts:write")]
    ContactsWrite,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope; use profile, calendar:read, contacts:read and contacts:write")]
pub struct UnknownScope;

fn unknown(_: &str) -> UnknownScope {
    UnknownScope
}

impl Scope {
    pub const ALL: [Self; 4] =
        [Self::Profile, Self::CalendarRead, Self::ContactsRead, Self::ContactsWrite];

    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Shown where a user grants it.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Profile => "See your profile and where you are signed in, and sign you out there",
            Self::CalendarRead => "Read your calendar",
            Self::ContactsRead => "Read your contacts",
            Self::ContactsWrite => "Create, change and delete your contacts",
        }
    }
}

/// A set of scopes, separated by spaces in text (RFC 6749 §3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// The scopes of a user's own sign-in.
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of [`Scope::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }

    /// Ignores unknown scopes, unlike [`str::parse`].
    pub fn parse_known(text: &str) -> Self {
        text.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        text.split(' ').filter(|word| !word.is_empty()).map(str::parse).collect()
    }
}

text_form!(Scopes, UnknownScope);

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|scope| scope.as_str()).collect();
        f.write_str(&names.join(" "))
    }
}
