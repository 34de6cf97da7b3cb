//! Linking: an identity becomes a way into an account that exists.

use latchkey_domain::identity::{Decision, resolve_account};
use latchkey_domain::{Profile, Span, Timestamp, UserId};
use latchkey_store::{Db, accounts, identities};
use serde::{Deserialize, Serialize};

use crate::secret::{AppSecret, EncryptError, Purpose};

/// How long an identity waits for somebody to sign in the way they did before.
pub const WAITS: Span = Span::minutes(10);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the identity belongs to another account")]
    IdentityTaken,
    #[error(transparent)]
    Store(#[from] latchkey_store::Error),
}

/// Links an identity that a provider vouches for to the account of `user`.
/// Says whether it is new.
pub async fn link(
    db: &Db,
    user: UserId,
    provider: &str,
    profile: &Profile,
    now: Timestamp,
) -> Result<bool, Error> {
    let known = identities::find_user(db, provider, profile).await?.map(|owner| owner.id);
    match resolve_account(known, profile, None, Some(user)) {
        Decision::Link(user) => match accounts::link(db, user, provider, profile, now).await {
            Ok(()) => Ok(true),
            // Two tabs at once: the other was quicker, for us or for somebody else.
            Err(latchkey_store::Error::Exists) => {
                let owner =
                    identities::find_user(db, provider, profile).await?.map(|owner| owner.id);
                if owner == Some(user) { Ok(false) } else { Err(Error::IdentityTaken) }
            }
            Err(error) => Err(error.into()),
        },
        Decision::AlreadyLinked => Ok(false),
        _ => Err(Error::IdentityTaken),
    }
}

/// An identity that waits, in an encrypted cookie, for its person to sign in
/// the way they did before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    pub provider: String,
    pub profile: Profile,
    pub since: Timestamp,
}

impl Pending {
    pub fn seal(&self, secret: &AppSecret) -> Result<String, EncryptError> {
        secret.seal_json(Purpose::PendingLink, "", self)
    }

    /// Opens the cookie, if it is ours and has not waited too long.
    pub fn open(cookie: &str, secret: &AppSecret, now: Timestamp) -> Option<Self> {
        let json = secret.open(Purpose::PendingLink, "", cookie).ok()?;
        let pending: Self = serde_json::from_slice(&json).ok()?;
        (now.since(pending.since) <= WAITS).then_some(pending)
    }
}
