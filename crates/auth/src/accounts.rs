//! Finds, creates or links the account of an identity.

use latchkey_domain::identity::{Decision, resolve_account};
use latchkey_domain::{Clock, Profile, Roles, SampleData, SignInId, Span, Timestamp, User, UserId};
use latchkey_store::{Db, accounts, identities, users};
use serde::{Deserialize, Serialize};

use crate::random;
use crate::secret::{AppSecret, EncryptError, Purpose};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the e-mail address belongs to another account")]
    EmailTaken,
    #[error("the identity belongs to another account")]
    IdentityTaken,
    #[error(transparent)]
    Store(#[from] latchkey_store::Error),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub user: User,
    pub created: bool,
}

/// `roles` and `samples` are for a new account.
pub async fn find_or_create(
    db: &Db,
    clock: &Clock,
    provider: &str,
    profile: &Profile,
    roles: Roles,
    samples: impl FnOnce(UserId, Timestamp) -> SampleData,
) -> Result<Account, Error> {
    let known = identities::find_user(db, provider, profile).await?;
    let email_owner = match (&known, &profile.email) {
        (None, Some(email)) if profile.email_verified => {
            users::find_by_verified_email(db, email).await?
        }
        _ => None,
    };
    let decision = resolve_account(known.as_ref().map(|user| user.id), profile, email_owner, None);
    let now = clock.now();
    match (decision, known) {
        (Decision::SignIn(_), Some(user)) => {
            identities::record_use(db, profile, now).await?;
            Ok(Account { user, created: false })
        }
        // Unless another tab has just created the account for this identity.
        (Decision::EmailTaken, _) => existing(identities::find_user(db, provider, profile).await?),
        // `CreateAccount`: the others are for linking.
        _ => {
            let user = User {
                id: UserId::new(now, random::bytes()),
                name: profile.name.clone(),
                email: profile.email.clone(),
                email_verified: profile.email_verified,
                roles,
                created_at: now,
            };
            let samples = samples(user.id, now);
            match identities::create_account(db, &user, provider, profile, &samples).await {
                Ok(()) => Ok(Account { user, created: true }),
                Err(latchkey_store::Error::Exists) => {
                    existing(identities::find_user(db, provider, profile).await?)
                }
                Err(error) => Err(error.into()),
            }
        }
    }
}

/// A concurrent first sign-in may have created the account.
fn existing(owner: Option<User>) -> Result<Account, Error> {
    owner.map(|user| Account { user, created: false }).ok_or(Error::EmailTaken)
}

/// How long a [`PendingLink`] is valid.
pub const PENDING_LINK_TTL: Span = Span::minutes(10);

/// Links an identity to the account of a sign-in. Returns whether the link is new.
pub async fn link(
    db: &Db,
    user: UserId,
    sign_in: SignInId,
    provider: &str,
    profile: &Profile,
    now: Timestamp,
) -> Result<bool, Error> {
    let known = identities::find_user(db, provider, profile).await?.map(|owner| owner.id);
    match resolve_account(known, profile, None, Some(user)) {
        Decision::Link(user) => {
            match accounts::link(db, user, sign_in, provider, profile, now).await {
                Ok(()) => Ok(true),
                // A concurrent request has linked it, to this account or to another.
                Err(latchkey_store::Error::Exists) => {
                    let owner =
                        identities::find_user(db, provider, profile).await?.map(|owner| owner.id);
                    if owner == Some(user) { Ok(false) } else { Err(Error::IdentityTaken) }
                }
                Err(error) => Err(error.into()),
            }
        }
        Decision::AlreadyLinked => Ok(false),
        _ => Err(Error::IdentityTaken),
    }
}

/// An identity to be linked once the user has signed in by an existing method, kept in an
/// encrypted cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingLink {
    pub provider: String,
    pub profile: Profile,
    pub since: Timestamp,
}

impl PendingLink {
    pub fn seal(&self, secret: &AppSecret) -> Result<String, EncryptError> {
        secret.seal_json(Purpose::PendingLink, "", self)
    }

    /// `None` if the cookie is expired or not ours.
    pub fn open(cookie: &str, secret: &AppSecret, now: Timestamp) -> Option<Self> {
        let json = secret.open(Purpose::PendingLink, "", cookie).ok()?;
        let pending: Self = serde_json::from_slice(&json).ok()?;
        (now.since(pending.since) <= PENDING_LINK_TTL).then_some(pending)
    }
}
