//! From an identity that a provider vouches for to an account here.

use latchkey_domain::identity::{Decision, resolve_account};
use latchkey_domain::{Clock, Profile, Roles, SampleData, Timestamp, User, UserId};
use latchkey_store::{Db, identities, users};

use crate::random;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the e-mail address belongs to another account")]
    EmailTaken,
    #[error(transparent)]
    Store(#[from] latchkey_store::Error),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub user: User,
    pub created: bool,
}

/// Finds the account of an identity, or makes one.
///
/// `roles` is what a new account begins with; an account that exists keeps its own.
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
        // Unless it is their own account, which another tab has made just now.
        (Decision::EmailTaken, _) => existing(identities::find_user(db, provider, profile).await?),
        // Nobody is linking here, so the decision makes an account.
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

/// Two first sign-ins at once: one made the account, the other enters it.
fn existing(owner: Option<User>) -> Result<Account, Error> {
    owner.map(|user| Account { user, created: false }).ok_or(Error::EmailTaken)
}
