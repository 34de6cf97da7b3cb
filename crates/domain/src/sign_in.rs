//! One sign-in: through which door somebody came, and which key they carry.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{SignInId, Span, Timestamp, UserId};

/// One sign-in of one person on one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// Names it in lists and in a JWT's `sid`; knowing it opens nothing.
    pub id: SignInId,
    pub user_id: UserId,
    pub key: Key,
    pub door: Door,
    /// What their browser or program called itself.
    pub user_agent: String,
    /// The network address that they came from.
    pub address: String,
    pub created_at: Timestamp,
    /// When they last proved who they are.
    pub authenticated_at: Timestamp,
    /// When the sign-in was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends, however much it is used.
    pub expires_at: Timestamp,
}

/// Which door? How a person proved who they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Door {
    /// A password that is checked here.
    Password,
    /// OAuth at a provider, by the provider's name in our URLs.
    OAuth(String),
}

impl Door {
    /// As it is stored: `password`, or `oauth:google`.
    #[must_use]
    pub fn stored(&self) -> String {
        match self {
            Self::Password => "password".to_owned(),
            Self::OAuth(provider) => format!("oauth:{provider}"),
        }
    }

    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        match text.strip_prefix("oauth:") {
            Some(provider) => Self::OAuth(provider.to_owned()),
            None => Self::Password,
        }
    }

    /// How the person proved who they are (RFC 8176): `pwd` for a password.
    ///
    /// For OAuth there is no registered value; `fed` says that another party
    /// did it, as several identity providers write it.
    #[must_use]
    pub const fn amr(&self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::OAuth(_) => "fed",
        }
    }
}

impl From<String> for Door {
    fn from(text: String) -> Self {
        Self::from_stored(&text)
    }
}

impl From<Door> for String {
    fn from(door: Door) -> Self {
        door.stored()
    }
}

/// Which key? What a person carries after the sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Key {
    /// An opaque identifier of a session that is kept on the server.
    Session,
    /// A self-contained, signed access token and an opaque refresh token.
    Jwt,
}

impl Key {
    /// As forms and the database write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Jwt => "jwt",
        }
    }
}

/// A text that names neither key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither session nor jwt")]
pub struct UnknownKey;

impl FromStr for Key {
    type Err = UnknownKey;

    fn from_str(text: &str) -> Result<Self, UnknownKey> {
        match text {
            "session" => Ok(Self::Session),
            "jwt" => Ok(Self::Jwt),
            _ => Err(UnknownKey),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How long a sign-in may live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// It ends when it has not been used for so long.
    pub idle: Span,
    /// It ends then, however much it is used.
    pub absolute: Span,
}

impl Lifetime {
    /// When a sign-in that was made and last seen then comes to its end.
    #[must_use]
    pub fn ends_at(self, created_at: Timestamp, last_seen_at: Timestamp) -> Timestamp {
        created_at.plus(self.absolute).min(last_seen_at.plus(self.idle))
    }

    /// How often it is worth writing down that a sign-in was used.
    ///
    /// At most once a minute; more often only where the idle time is so short
    /// that a minute would cut into it.
    #[must_use]
    pub fn noted_every(self) -> Span {
        Span::minutes(1).min(Span::millis(self.idle.as_millis() / 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors_are_stored_and_read_back() {
        for door in [Door::Password, Door::OAuth("google".to_owned())] {
            assert_eq!(Door::from_stored(&door.stored()), door);
        }
    }

    #[test]
    fn a_sign_in_ends_at_the_nearer_of_two_limits() {
        let life = Lifetime { idle: Span::seconds(10), absolute: Span::seconds(60) };
        let at = Timestamp::from_seconds;
        assert_eq!(life.ends_at(at(0), at(0)), at(10));
        assert_eq!(life.ends_at(at(0), at(45)), at(55));
        assert_eq!(life.ends_at(at(0), at(59)), at(60));
        assert_eq!(life.noted_every(), Span::millis(2500));
    }
}
