//! Who somebody is at a provider, and whose account that is here.

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

/// A text that cannot be a subject identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the subject is empty, longer than 255 bytes, or holds control characters")]
pub struct InvalidSubject;

impl Subject {
    /// Takes a subject as the issuer wrote it: case-sensitive, nothing trimmed.
    ///
    /// # Errors
    /// When it is empty, longer than 255 bytes, or holds control characters.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidSubject> {
        let text = text.into();
        if text.is_empty() || text.len() > MAX_SUBJECT || text.chars().any(char::is_control) {
            return Err(InvalidSubject);
        }
        Ok(Self(text))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a provider says of the person who has just signed in there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The issuer: an OpenID issuer's URL, or the base URL of a provider that
    /// speaks OAuth 2.0 alone.
    pub issuer: String,
    /// Who it is at that issuer.
    pub subject: Subject,
    pub name: DisplayName,
    /// Their address, if they have one and let us know it.
    pub email: Option<Email>,
    /// Whether the provider says that the address is theirs.
    pub email_verified: bool,
}

/// What to do with a profile that a provider vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// This identity is known: the person signs in, whatever their e-mail is today.
    SignIn(UserId),
    /// Nobody has this identity: make an account for it.
    CreateAccount,
    /// Nobody has this identity, and another account has proved the same
    /// address: that account is not entered, and no second one takes its address.
    EmailTaken,
    /// Nobody has this identity, and somebody who is signed in wants it to
    /// become a way into their account.
    Link(UserId),
    /// It is a way into their account already.
    AlreadyLinked,
    /// It is a way into somebody else's account.
    IdentityTaken,
}

/// Whose account is this, and what happens to it?
///
/// * `known`: whose identity this (issuer, subject) is.
/// * `email_owner`: who has *proved* to own the profile's address.
/// * `linking`: who, being signed in, set out to link an identity.
///
/// The e-mail never signs anybody in (OWASP ASVS 5.0 V6.8.1, V10.5.2): a
/// provider may let people write any address, and addresses change hands. An
/// address that the provider does not vouch for is not even compared, so that
/// typing somebody else's there tells nothing about who has an account here.
/// Nor does it link: that is an explicit act of somebody who is signed in.
#[must_use]
pub fn whose_account(
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

/// Whether a way in may be taken away from an account that has so many.
///
/// The last one may not: nobody could enter the account any more.
#[must_use]
pub const fn may_unlink(ways_in: u64) -> bool {
    ways_in > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn subjects() {
        for (text, ok) in [
            ("1", true),
            ("110169484474386276334", true),
            ("", false),
            ("a\0b", false),
            (&"x".repeat(255), true),
            (&"x".repeat(256), false),
        ] {
            assert_eq!(Subject::new(text).is_ok(), ok, "{text:.20}");
        }
        assert_ne!(Subject::new("abc"), Subject::new("ABC"));
    }

    #[test]
    fn only_the_identity_signs_in() -> Result<(), InvalidSubject> {
        let ada = UserId::new(Timestamp::from_millis(1), [1; 10]);
        let other = UserId::new(Timestamp::from_millis(2), [2; 10]);
        let profile = |email: Option<&str>, email_verified| {
            Ok(Profile {
                issuer: "https://issuer.test".to_owned(),
                subject: Subject::new("1")?,
                name: DisplayName::first_of([Some("Ada")]),
                email: email.and_then(|email| Email::parse(email).ok()),
                email_verified,
            })
        };
        let address = Some("ada@example.test");
        for (linking, known, email, verified, owner, decision) in [
            // A known identity signs in, whatever its address and whoever owns that.
            (None, Some(ada), address, true, Some(ada), Decision::SignIn(ada)),
            (None, Some(ada), address, true, Some(other), Decision::SignIn(ada)),
            (None, Some(ada), address, false, None, Decision::SignIn(ada)),
            (None, Some(ada), None, false, None, Decision::SignIn(ada)),
            // An unknown one never signs in to somebody's account.
            (None, None, address, true, Some(other), Decision::EmailTaken),
            (None, None, address, true, None, Decision::CreateAccount),
            (None, None, address, false, Some(other), Decision::CreateAccount),
            (None, None, address, false, None, Decision::CreateAccount),
            (None, None, None, true, None, Decision::CreateAccount),
            // Somebody who is signed in links what nobody has, whatever the address.
            (Some(ada), None, address, true, Some(other), Decision::Link(ada)),
            (Some(ada), None, address, true, Some(ada), Decision::Link(ada)),
            (Some(ada), None, None, false, None, Decision::Link(ada)),
            (Some(ada), Some(ada), address, true, Some(ada), Decision::AlreadyLinked),
            (Some(ada), Some(other), address, true, Some(ada), Decision::IdentityTaken),
        ] {
            let profile = profile(email, verified)?;
            assert_eq!(whose_account(known, &profile, owner, linking), decision);
        }
        Ok(())
    }

    #[test]
    fn the_last_way_in_stays() {
        for (ways_in, may) in [(0, false), (1, false), (2, true), (9, true)] {
            assert_eq!(may_unlink(ways_in), may, "{ways_in}");
        }
    }
}
