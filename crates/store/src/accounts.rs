//! Changes to a whole account, each in one transaction.

use latchkey_domain::identity::{Profile, may_unlink};
use latchkey_domain::{Email, SignInId, SignInMethod, Timestamp, UserId};

use crate::connections::ending;
use crate::email_tokens::{self, Purpose, Recipient};
use crate::query::Transaction;
use crate::sign_ins::next_order;
use crate::values::{Row, params};
use crate::{Db, Error, Result, failed_attempts, hash, identities, passwords, sign_ins};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnlinkOutcome {
    Removed,
    NotFound,
    LastMethod,
}

/// Locks the row of an account, so that concurrent changes to its sign-in methods wait, on
/// either database.
pub(crate) const LOCK: &str = "UPDATE users SET id = id WHERE id = $1";

const METHODS: &str = "SELECT (SELECT COUNT(*) FROM identities WHERE user_id = $1) \
    + (SELECT COUNT(*) FROM passwords WHERE user_id = $1) AS methods";

/// The provider; NULL for a password.
const METHOD_LIST: &str = "SELECT CAST(NULL AS TEXT) AS provider FROM passwords WHERE user_id = $1 \
    UNION ALL SELECT provider FROM identities WHERE user_id = $1";

const DELETE_IDENTITY: &str =
    "DELETE FROM identities WHERE user_id = $1 AND issuer = $2 AND subject = $3";

const DELETE_PASSWORD: &str = "DELETE FROM passwords WHERE user_id = $1";

const VERIFY: &str = "UPDATE users SET email_verified_at = $3 \
    WHERE id = $1 AND email = $2 AND email_verified_at IS NULL";

const SET_EMAIL: &str = "UPDATE users SET email = $2, email_verified_at = $3 \
    WHERE id = $1 AND email IS NULL";

const DELETE_UNVERIFIED_CLAIM: &str = "DELETE FROM passwords WHERE email = $1 AND user_id <> $2 \
    AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = passwords.user_id \
        AND u.email = $1 AND u.email_verified_at IS NOT NULL)";

const SET_PASSWORD: &str = "INSERT INTO passwords (user_id, email, hash, changed_at) \
    VALUES ($1, $2, $3, $4) ON CONFLICT (user_id) \
    DO UPDATE SET email = excluded.email, hash = excluded.hash, changed_at = excluded.changed_at";

const DELETE_UNVERIFIED_IDENTITIES: &str = "DELETE FROM identities WHERE user_id = $1 \
    AND EXISTS (SELECT 1 FROM users u WHERE u.id = $1 AND u.email_verified_at IS NULL)";

const REVOKE_ALL: &str = concat!(
    "INSERT INTO revocations (sign_in_id, ended_at, ended_order) SELECT id, $2, ",
    next_order!("$2"),
    " FROM sign_ins WHERE user_id = $1 AND carries = 'jwt' AND expires_at > $2 \
      ON CONFLICT (sign_in_id) DO NOTHING"
);

const SIGN_IN_IDS: &str = "SELECT id FROM sign_ins WHERE user_id = $1";

const BLOCK: &str = "UPDATE users SET blocked_at = $2 WHERE id = $1 AND blocked_at IS NULL";

const UNBLOCK: &str = "UPDATE users SET blocked_at = NULL WHERE id = $1";

const BLOCKED_AT: &str = "SELECT blocked_at FROM users WHERE id = $1";

const ANONYMIZE: &str = "UPDATE audit_events SET address = NULL WHERE user_id = $1";

/// The addresses that sign-in attempts for this account are counted under. Not an unverified
/// one, which another account may sign in with.
const EMAILS: &str = "SELECT email FROM passwords WHERE user_id = $1 \
    UNION SELECT email FROM users WHERE id = $1 AND email_verified_at IS NOT NULL";

const DELETE: &str = "DELETE FROM users WHERE id = $1";

/// Locks the account, and fails if the sign-in that requests the change has ended, for example
/// by a reset of the password that came first.
async fn lock(tx: &mut Transaction, user: UserId, sign_in: SignInId) -> Result<()> {
    tx.execute(LOCK, params![user]).await?;
    let active = tx.fetch_optional(sign_ins::IS_ACTIVE, params![sign_in, user], |_| Ok(())).await?;
    active.ok_or(Error::SignInEnded)
}

/// Links an identity to the account of this sign-in.
///
/// If the provider has verified the same address, it is verified here too. An account
/// without an address takes it.
///
/// # Errors
/// [`Error::Exists`] when it was linked meanwhile, and [`Error::SignInEnded`].
pub async fn link(
    db: &Db,
    user: UserId,
    sign_in: SignInId,
    provider: &str,
    profile: &Profile,
    now: Timestamp,
) -> Result<()> {
    let mut tx = db.begin().await?;
    lock(&mut tx, user, sign_in).await?;
    identities::insert(&mut tx, user, provider, profile, now).await?;
    tx.commit().await?;
    match &profile.email {
        Some(email) if profile.email_verified => {
            verify_email(db, user, email, now).await.map(|_| ())
        }
        _ => Ok(()),
    }
}

/// Marks the account's address as verified; an account without one takes it. Returns
/// `false` when another account has verified it before.
pub async fn verify_email(db: &Db, user: UserId, email: &Email, now: Timestamp) -> Result<bool> {
    let verify = async {
        let mut tx = db.begin().await?;
        let mut changed = 0;
        for statement in [VERIFY, SET_EMAIL] {
            changed += tx.execute(statement, params![user, email, now]).await?;
        }
        tx.commit().await?;
        Ok(changed > 0)
    };
    match verify.await {
        Err(Error::Exists) => Ok(false),
        verified => verified,
    }
}

/// The sign-in methods of an account.
pub async fn sign_in_methods(db: &Db, user: UserId) -> Result<Vec<SignInMethod>> {
    let read = |row: &Row<'_>| row.get::<Option<String>>("provider");
    let providers = db.fetch_all(METHOD_LIST, params![user], read).await?.into_iter();
    Ok(providers.map(|one| one.map_or(SignInMethod::Password, SignInMethod::OAuth)).collect())
}

#[derive(Clone, Copy, Debug)]
pub enum UnlinkTarget<'a> {
    Password,
    Identity { issuer: &'a str, subject: &'a str },
}

/// Removes a sign-in method from an account, unless it is the last.
pub async fn unlink(db: &Db, user: UserId, method: UnlinkTarget<'_>) -> Result<UnlinkOutcome> {
    let mut tx = db.begin().await?;
    tx.execute(LOCK, params![user]).await?;
    let methods =
        tx.fetch_optional(METHODS, params![user], |row| row.get::<i64>("methods")).await?;
    if !may_unlink(methods.unwrap_or_default().unsigned_abs()) {
        return Ok(UnlinkOutcome::LastMethod);
    }
    let deleted = match method {
        UnlinkTarget::Password => tx.execute(DELETE_PASSWORD, params![user]).await?,
        UnlinkTarget::Identity { issuer, subject } => {
            tx.execute(DELETE_IDENTITY, params![user, issuer, subject]).await?
        }
    };
    tx.commit().await?;
    Ok(if deleted > 0 { UnlinkOutcome::Removed } else { UnlinkOutcome::NotFound })
}

#[derive(Clone, Copy, Debug)]
pub struct PasswordChange<'a> {
    pub user: UserId,
    /// The sign-in that requests it.
    pub sign_in: SignInId,
    /// When the password that the user has proved was set; `None` for a first one.
    pub previous: Option<Timestamp>,
    /// The address to sign in with, and whether this account has verified it.
    pub email: &'a Email,
    pub is_verified: bool,
    pub hash: &'a str,
}

/// Sets the password of an account, and the address to sign in with.
///
/// If this account has verified the address, another account with the same, unverified,
/// address loses its password.
///
/// # Errors
/// [`Error::Exists`] when the address signs in to another account, and [`Error::SignInEnded`]
/// when the sign-in has ended or the password is no longer the previous one.
pub async fn set_password(db: &Db, change: PasswordChange<'_>, now: Timestamp) -> Result<()> {
    let PasswordChange { user, sign_in, previous, email, is_verified, hash } = change;
    let mut tx = db.begin().await?;
    lock(&mut tx, user, sign_in).await?;
    let changed_at =
        tx.fetch_optional(passwords::OF_USER, params![user], passwords::changed).await?;
    if changed_at != previous {
        return Err(Error::SignInEnded);
    }
    if is_verified {
        tx.execute(DELETE_UNVERIFIED_CLAIM, params![email, user]).await?;
    }
    tx.execute(SET_PASSWORD, params![user, email, hash, now]).await?;
    // Links in earlier e-mails could still reset the new password.
    tx.execute(email_tokens::VOID, params![user, now]).await?;
    tx.commit().await
}

#[derive(Clone, Debug)]
pub struct PasswordReset {
    /// The user and address that the e-mail was sent to.
    pub recipient: Recipient,
    pub ended: Vec<SignInId>,
}

/// Uses the link of a reset e-mail, sets the password, and ends every sign-in. `None` when
/// the link was used, has expired, or never existed.
///
/// This verifies the address. If it was not verified before, an attacker may have created
/// the account and linked their own identities, which are removed (pre-hijacking). Another
/// account with the same unverified address loses its password.
///
/// # Errors
/// [`Error::Exists`] when another account verified the address meanwhile.
pub async fn reset_password(
    db: &Db,
    token_hash: &str,
    password_hash: &str,
    now: Timestamp,
) -> Result<Option<PasswordReset>> {
    let mut tx = db.begin().await?;
    let take = params![token_hash, Purpose::Reset, now];
    let Some(recipient) =
        tx.fetch_optional(email_tokens::USE, take, email_tokens::recipient).await?
    else {
        return Ok(None);
    };
    let Recipient { user_id, email } = &recipient;
    tx.execute(LOCK, params![user_id]).await?;
    tx.execute(DELETE_UNVERIFIED_IDENTITIES, params![user_id]).await?;
    tx.execute(VERIFY, params![user_id, email, now]).await?;
    tx.execute(DELETE_UNVERIFIED_CLAIM, params![email, user_id]).await?;
    tx.execute(SET_PASSWORD, params![user_id, email, password_hash, now]).await?;
    tx.execute(email_tokens::VOID, params![user_id, now]).await?;
    let all = params![user_id, "", now];
    let ended = tx.fetch_all(sign_ins::END_OTHERS, all, |row| row.get("id")).await?;
    tx.commit().await?;
    db.announce().await;
    Ok(Some(PasswordReset { recipient, ended }))
}

/// Deletes an account with all personal data, and returns its sign-ins.
///
/// The anonymized audit trail stays. JWTs are refused until they expire. The encrypted
/// tokens of connections stay until they are revoked at their providers.
pub async fn delete(db: &Db, user: UserId, now: Timestamp) -> Result<Vec<SignInId>> {
    let mut tx = db.begin().await?;
    tx.execute(LOCK, params![user]).await?;
    tx.execute(REVOKE_ALL, params![user, now]).await?;
    let ended = tx.fetch_all(SIGN_IN_IDS, params![user], |row| row.get("id")).await?;
    tx.execute(ANONYMIZE, params![user]).await?;
    tx.execute(ending::ORPHAN, params![user, now]).await?;
    let emails = tx.fetch_all(EMAILS, params![user], |row| row.get::<Email>("email")).await?;
    for account in emails.iter().map(Email::to_string).chain([format!("code {user}")]) {
        tx.execute(failed_attempts::FORGET_ACCOUNT, params![hash::sha256_hex(&account)]).await?;
    }
    tx.execute(DELETE, params![user]).await?;
    tx.commit().await?;
    db.announce().await;
    Ok(ended)
}

/// Blocks an account and ends its sign-ins. Its JWTs are refused immediately.
pub async fn block(db: &Db, user: UserId, now: Timestamp) -> Result<()> {
    let mut tx = db.begin().await?;
    tx.execute(BLOCK, params![user, now]).await?;
    tx.execute(REVOKE_ALL, params![user, now]).await?;
    tx.execute(sign_ins::END_OTHERS, params![user, "", now]).await?;
    tx.commit().await?;
    db.announce().await;
    Ok(())
}

pub async fn unblock(db: &Db, user: UserId) -> Result<()> {
    db.execute(UNBLOCK, params![user]).await?;
    Ok(())
}

/// `None` when the account is not blocked.
pub async fn blocked_at(db: &Db, user: UserId) -> Result<Option<Timestamp>> {
    let found = db.fetch_optional(BLOCKED_AT, params![user], |row| row.get("blocked_at")).await?;
    Ok(found.flatten())
}
