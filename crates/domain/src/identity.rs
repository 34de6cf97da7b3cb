//! Identities at providers, and the accounts that they sign in to.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{DisplayName, Email, UserId};

/// The longest subject identifier that is taken (OpenID Connect Core §2).
const MAX_SUBJECT: usize = 255;

/// An identifier that never changes and is never given to somebody else at one
/// issuer (OpenID Connect Core §5.7): the only safe key of an identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subject(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the subject is empty, longer than 255 bytes, or holds control characters")]
pub struct InvalidSubject;

impl Subject {
    /// Takes a subject as the issuer wrote it: case-sensitive, nothing trimmed.
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

/// What a provider says of a person who has just signed in there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The issuer: an OpenID issuer's URL, or the base URL of a provider that
    /// speaks OAuth 2.0 alone.
    pub issuer: String,
    pub subject: Subject,
    pub name: DisplayName,
    pub email: Option<Email>,
    pub email_verified: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// This identity is known: the person signs in, whatever their e-mail is today.
    SignIn(UserId),
    /// The identity is unknown: create an account for it.
    CreateAccount,
    /// The identity is unknown, and another account has verified the same
    /// address: nobody signs in to that account, and no second one takes its address.
    EmailTaken,
    /// The identity is unknown, and a signed-in person wants to sign in with it.
    Link(UserId),
    AlreadyLinked,
    IdentityTaken,
}

/// Which account does this identity sign in to, or become part of?
///
/// * `known`: whose identity this (issuer, subject) is.
/// * `email_owner`: who has *verified* the profile's address.
/// * `linking`: the signed-in person who started to link an identity.
///
/// The e-mail never signs anybody in (OWASP ASVS 5.0 V6.8.1, V10.5.2): a
/// provider may let people write any address, and addresses change hands. An
/// address that the provider does not vouch for is not even compared, so that
/// typing somebody else's there tells nothing about who has an account here.
/// Nor does it link: that takes an explicit act of a signed-in person.
pub fn resolve_account(
    known: Option<UserId>,
    profile: &Profile,
    email_owner: Option<UserId>,
    linking: Option<UserId>,
) -> Decision {
    match (linking, known, email_owner) {
        (Some(me), Some(user), _) if user == me => Decision::AlreadyLinked,
        (Some(_), Some(_), _) => Decision::IdentityTaken,
        (Some(me), None, _) => Decision::Link(me),
        (None, Some(user), _) => Decision::SignIn(user),
        (None, None, Some(_)) if profile.email.is_some() && profile.email_verified => {
            Decision::EmailTaken
        }
        (None, None, _) => Decision::CreateAccount,
    }
}

/// The last sign-in method may not be removed: nobody could sign in any more.
pub const fn may_unlink(methods: u64) -> bool {
    methods > 1
}
