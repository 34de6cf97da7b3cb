//! One sign-in: by which method, and with which credential.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{SignInId, Span, Timestamp, UserId};

/// One sign-in of one person on one device.
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
    /// To the minute.
    pub last_seen_at: Timestamp,
    /// When it ends, however much it is used.
    pub expires_at: Timestamp,
}

/// How a person proved who they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SignInMethod {
    Password,
    /// OAuth at a provider, by the provider's name in our URLs.
    OAuth(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither `password` nor `oauth:` and a provider")]
pub struct UnknownMethod;

impl SignInMethod {
    /// The authentication method (RFC 8176): `pwd` for a password.
    ///
    /// For OAuth there is no registered value; `fed` (federated) is what several
    /// identity providers write.
    pub const fn amr(&self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::OAuth(_) => "fed",
        }
    }
}

/// As it is stored: `password`, or `oauth:google`.
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

/// What a person's browser or program holds after the sign-in.
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
    /// An opaque identifier of a session that is kept on the server.
    Session,
    /// A self-contained, signed access token and an opaque refresh token.
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

    /// How often it is worth recording that a sign-in was used: once a minute, or
    /// more often if the idle time is so short that a minute would cut into it.
    pub fn touch_interval(self) -> Span {
        Span::minutes(1).min(Span::millis(self.idle.as_millis() / 4))
    }
}
