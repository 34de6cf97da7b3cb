//! The local door: an address and a password that are checked here.

use std::future::Future;
use std::time::Duration;

use latchkey_auth::{password, random};
use latchkey_domain::audit::{Actor, Kind};
use latchkey_domain::password::Password;
use latchkey_domain::{DisplayName, Email, Roles, SignInId, Timestamp, User, UserId};
use latchkey_store::passwords;

use crate::audit;
use crate::client::Client;
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::sign_in::end_sign_in;
use crate::state::Latchkey;

/// How long signing up takes after the password is hashed, whatever comes of it.
const SIGN_UP_TAKES: Duration = Duration::from_millis(60);

/// Whose address and password these are; `None` when they do not match.
///
/// An address that nobody has costs what one costs that somebody has: the
/// password is checked in either case, and the answer is the same. 503 when more people
/// wait than can be served.
pub async fn authenticate(
    latchkey: &Latchkey,
    email: &str,
    typed: &str,
    client: &Client,
) -> HandlerResult<Option<VerifiedPassword>> {
    latchkey.limits.check(client)?;
    let gate = latchkey.limits.admit(email, client).await?;
    let Ok(typed) = Password::new(typed) else { return Ok(None) };
    let account = match Email::parse(email) {
        Ok(email) => passwords::by_email(&latchkey.db, &email).await?,
        Err(_) => None,
    };
    let stored = account.as_ref().map(|account| account.hash.as_str());
    let verified = latchkey.hasher.verify(stored, &typed, gate.is_known).await?;
    if !verified.matches {
        let failed = latchkey.limits.record_failure(&gate).await;
        let user = account.map(|account| account.user.id);
        let how = "wrong password";
        latchkey.metrics.sign_in("password", "", "wrong_credentials");
        audit::record(latchkey, Kind::SignInFailed, user, Actor::Unknown, how, Some(client)).await;
        return failed.map(|()| None);
    }
    latchkey.limits.record_success(&gate);
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
    /// Looks once more, when the sign-in is written down: a password that was
    /// changed or reset while it was being checked lets nobody in. Whoever
    /// changes it ends all sign-ins afterwards; so either they see ours, or we
    /// see their change.
    pub async fn ensure_unchanged(
        &self,
        latchkey: &Latchkey,
        sign_in: SignInId,
    ) -> HandlerResult<()> {
        if passwords::changed_at(&latchkey.db, self.user.id).await? == Some(self.changed_at) {
            return Ok(());
        }
        end_sign_in(latchkey, sign_in, self.user.id).await?;
        Err(AppError::new(catalogue::WRONG_CREDENTIALS))
    }
}

#[derive(Debug)]
pub enum SignUp {
    Created(User),
    /// The address has an account already, and nothing has happened.
    AlreadyThere(Email),
}

/// Makes an account; where the address has one already, nothing happens, and
/// nobody can tell the difference, as long as `write` takes care of that: it
/// writes an e-mail in either case.
pub async fn sign_up<T, W: Future<Output = HandlerResult<T>>>(
    latchkey: &Latchkey,
    name: DisplayName,
    email: Email,
    typed: &Password,
    client: &Client,
    write: impl FnOnce(SignUp) -> W,
) -> HandlerResult<T> {
    latchkey.limits.check(client)?;
    // Each writes an e-mail to somebody, whoever they are.
    latchkey.limits.check_email(client)?;
    let hash = latchkey.hasher.hash(typed).await?;
    let user = new_user(latchkey, name, email.clone(), false, Roles::default());
    // An account that is made takes a few milliseconds more than one that is
    // there: both are answered after the same time.
    let made = async { write(create(latchkey, user, email, &hash, client).await?).await };
    let (made, ()) = tokio::join!(made, tokio::time::sleep(SIGN_UP_TAKES));
    made
}

async fn create(
    latchkey: &Latchkey,
    user: User,
    email: Email,
    hash: &str,
    client: &Client,
) -> HandlerResult<SignUp> {
    let samples = latchkey.config.samples(user.id, user.created_at);
    match passwords::create_account(&latchkey.db, &user, hash, &samples).await {
        Ok(()) => {
            audit::by_person(latchkey, Kind::SignedUp, user.id, "password", client).await;
            Ok(SignUp::Created(user))
        }
        Err(latchkey_store::Error::Exists) => Ok(SignUp::AlreadyThere(email)),
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
                Self::new(catalogue::INTERNAL)
            }
        }
    }
}
