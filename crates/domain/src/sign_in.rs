//! Sign-ins: how a user authenticated, and with which credential.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{SignInId, Span, Timestamp, UserId};

/// A user's sign-in on one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    pub id: SignInId,
    pub user_id: UserId,
    pub credential: CredentialKind,
    pub method: SignInMethod,
    pub user_agent: String,
    pub address: String,
    pub created_at: Timestamp,
    pub authenticated_at: Timestamp,
    /// Accurate to [`Lifetime::touch_interval`].
    pub last_seen_at: Timestamp,
    /// The absolute end, however much it is used.
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SignInMethod {
    Password,
    /// With the provider's slug.
    OAuth(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither `password` nor `oauth:` and a provider")]
pub struct UnknownMethod;

impl SignInMethod {
    /// The authentication method reference (RFC 8176). OAuth has no registered value;
    /// several identity providers use `fed` (federated).
    pub const fn amr(&self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::OAuth(_) => "fed",
        }
    }
}

/// The stored form: `password` or `oauth:google`.
impl fmt::Display for SignInMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password => f.write_str("password"),
            Self::OAuth(provider) => write!(f, "oauth:{provider}"),
        }
    }
}

impl FromStr for SignInMethod {
    type Err = UnknownMethod;

    fn from_str(text: &str) -> Result<Self, UnknownMethod> {
        match text.strip_prefix("oauth:") {
            Some(provider) if !provider.is_empty() => Ok(Self::OAuth(provider.to_owned())),
            None if text == "password" => Ok(Self::Password),
            _ => Err(UnknownMethod),
        }
    }
}

text_form!(SignInMethod, UnknownMethod);

/// What the client holds after the sign-in.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum CredentialKind {
    /// The opaque ID of a session on the server.
    Session,
    /// A signed, self-contained access token and an opaque refresh token.
    Jwt,
}

impl CredentialKind {
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    pub idle: Span,
    pub absolute: Span,
}

impl Lifetime {
    pub fn ends_at(self, created_at: Timestamp, last_seen_at: Timestamp) -> Timestamp {
        created_at.plus(self.absolute).min(last_seen_at.plus(self.idle))
    }

    /// How often `last_seen_at` is written: once a minute, or more often when the idle
    /// timeout is short.
    pub fn touch_interval(self) -> Span {
        Span::minutes(1).min(Span::millis(self.idle.as_millis() / 4))
    }
}
