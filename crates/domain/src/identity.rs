//! Identities at providers, and the accounts that they sign in to.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{DisplayName, Email, UserId};

/// In bytes (OpenID Connect Core §2).
const MAX_SUBJECT: usize = 255;

/// A user's identifier at an issuer, stable and never reassigned (OpenID Connect Core §5.7):
/// the only safe key of an identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subject(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the subject is empty, longer than 255 bytes, or holds control characters")]
pub struct InvalidSubject;

impl Subject {
    /// Kept as the issuer wrote it: case-sensitive, untrimmed.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidSubject> {
        let text = text.into();
        if text.is_empty() || text.len() > MAX_SUBJECT || text.chars().any(char::is_control) {
            return Err(InvalidSubject);
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a provider says about a user who has just signed in there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The OpenID issuer, or the base URL of a provider without OpenID Connect.
    pub issuer: String,
    pub subject: Subject,
    pub name: DisplayName,
    pub email: Option<Email>,
    pub email_verified: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The identity is known, whatever its e-mail address is today.
    SignIn(UserId),
    /// The identity is unknown.
    CreateAccount,
    /// The identity is unknown, and another account has verified the same address: do not
    /// sign in to that one, and do not create a second one with its address.
    EmailTaken,
    /// The identity is unknown, and a signed-in user adds it as a sign-in method.
    Link(UserId),
    AlreadyLinked,
    IdentityTaken,
}

/// Decides which account an identity signs in to or is linked to.
///
/// * `known`: the owner of this (issuer, subject).
/// * `email_owner`: the account that has *verified* the profile's address.
/// * `linking`: the signed-in user who started to link an identity.
///
/// An e-mail address never signs anyone in (OWASP ASVS 5.0 V6.8.1, V10.5.2): providers may
/// let users enter any address, and addresses change hands. An unverified address is not
/// even compared, so that it cannot reveal who has an account. Nor does an address link an
/// identity: only a signed-in user can do that.
pub fn resolve_account(
    known: Option<UserId>,
    profile: &Profile,
    email_owner: Option<UserId>,
    linking: Option<UserId>,
) -> Decision {
    match (linking, known, email_owner) {
        (Some(linking), Some(user), _) if user == linking => Decision::AlreadyLinked,
        (Some(_), Some(_), _) => Decision::IdentityTaken,
        (Some(linking), None, _) => Decision::Link(linking),
        (None, Some(user), _) => Decision::SignIn(user),
        (None, None, Some(_)) if profile.email.is_some() && profile.email_verified => {
            Decision::EmailTaken
        }
        (None, None, _) => Decision::CreateAccount,
    }
}

/// The last sign-in method must stay.
pub const fn may_unlink(methods: u64) -> bool {
    methods > 1
}
