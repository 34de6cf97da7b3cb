//! Sign-in and sign-up with an e-mail address and a password.

use std::time::Duration;

use latchkey_auth::{password, random};
use latchkey_domain::audit::{Actor, Kind};
use latchkey_domain::password::Password;
use latchkey_domain::{DisplayName, Email, ReturnTo, Roles, Timestamp, User, UserId};
use latchkey_store::passwords;

use crate::audit;
use crate::client::Client;
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::host::{Host, SignUpOutcome};
use crate::state::Latchkey;

/// The minimum time of a sign-up after hashing. Longer than creating an account, so that the
/// time does not reveal whether one was created.
const SIGN_UP_TIME: Duration = Duration::from_millis(60);

/// The user with this e-mail address and password; `None` if either is wrong.
///
/// An unknown address takes the same time and gets the same response as a wrong password. 503
/// if too many passwords wait to be checked.
pub async fn authenticate(
    latchkey: &Latchkey,
    email: &str,
    typed: &str,
    client: &Client,
) -> HandlerResult<Option<VerifiedPassword>> {
    latchkey.limits.check(client)?;
    let permit = latchkey.limits.begin_attempt(email, client).await?;
    let Ok(typed) = Password::new(typed) else { return Ok(None) };
    let account = match Email::parse(email) {
        Ok(email) => passwords::by_email(&latchkey.db, &email).await?,
        Err(_) => None,
    };
    let stored = account.as_ref().map(|account| account.hash.as_str());
    let verified = latchkey.hasher.verify(stored, &typed, permit.is_known).await?;
    if !verified.matches {
        let recorded = latchkey.limits.record_failure(&permit).await;
        let user = account.map(|account| account.user.id);
        let reason = "wrong password";
        latchkey.metrics.record_sign_in("password", "", "wrong_credentials");
        audit::record(latchkey, Kind::SignInFailed, user, Actor::Unknown, reason, Some(client))
            .await;
        return recorded.map(|()| None);
    }
    latchkey.limits.record_success(&permit);
    let Some(account) = account else { return Ok(None) };
    if verified.needs_rehash {
        let hash = latchkey.hasher.hash(&typed).await?;
        passwords::rehash(&latchkey.db, account.user.id, &account.hash, &hash).await?;
    }
    Ok(Some(VerifiedPassword { user: account.user, changed_at: account.changed_at }))
}

#[derive(Debug)]
pub struct VerifiedPassword {
    pub user: User,
    changed_at: Timestamp,
}

impl VerifiedPassword {
    pub const fn changed_at(&self) -> Timestamp {
        self.changed_at
    }

    /// Whether the password is still the same. Ask after storing the sign-in, and end that if
    /// not. (A change or a reset revokes all sign-ins: either it sees this one, or this sees
    /// the change.)
    pub async fn is_unchanged(&self, latchkey: &Latchkey) -> HandlerResult<bool> {
        let changed_at = passwords::changed_at(&latchkey.db, self.user.id).await?;
        Ok(changed_at == Some(self.changed_at))
    }
}

/// Creates an account, unless the address already has one. Returns where to redirect. The
/// response and its timing are the same in both cases, if [`Host::signed_up`] sees to it.
pub async fn sign_up(
    latchkey: &Latchkey,
    host: &impl Host,
    name: DisplayName,
    email: Email,
    typed: &Password,
    client: &Client,
    next: &ReturnTo,
) -> HandlerResult<String> {
    latchkey.limits.check(client)?;
    // Every sign-up sends an e-mail.
    latchkey.limits.check_email(client)?;
    let hash = latchkey.hasher.hash(typed).await?;
    let user = new_user(latchkey, name, email.clone(), false, Roles::default());
    let work = async {
        let outcome = create(latchkey, user, email, &hash, client).await?;
        host.signed_up(outcome, next).await
    };
    let (result, ()) = tokio::join!(work, tokio::time::sleep(SIGN_UP_TIME));
    result
}

async fn create(
    latchkey: &Latchkey,
    user: User,
    email: Email,
    hash: &str,
    client: &Client,
) -> HandlerResult<SignUpOutcome> {
    let samples = latchkey.config.samples(user.id, user.created_at);
    match passwords::create_account(&latchkey.db, &user, hash, &samples).await {
        Ok(()) => {
            audit::record_by_user(latchkey, Kind::SignedUp, user.id, "password", client).await;
            Ok(SignUpOutcome::Created(user))
        }
        Err(latchkey_store::Error::Exists) => Ok(SignUpOutcome::EmailTaken(email)),
        Err(error) => Err(error.into()),
    }
}

pub fn new_user(
    latchkey: &Latchkey,
    name: DisplayName,
    email: Email,
    email_verified: bool,
    roles: Roles,
) -> User {
    let now = latchkey.clock.now();
    User {
        id: UserId::new(now, random::bytes()),
        name,
        email: Some(email),
        email_verified,
        roles,
        created_at: now,
    }
}

impl From<password::Error> for AppError {
    fn from(error: password::Error) -> Self {
        match error {
            password::Error::Busy => Self::new(catalogue::BUSY).retry_after(password::RETRY_AFTER),
            error => {
                tracing::error!(%error, "a password could not be hashed");
                Self::new(catalogue::INTERNAL_ERROR)
            }
        }
    }
}
