//! Changes to an account as a whole, each in one transaction.

use latchkey_domain::identity::{Profile, may_unlink};
use latchkey_domain::{Email, SignInId, Timestamp, UserId};

use crate::connections::ending;
use crate::email_tokens::{self, Purpose, Recipient};
use crate::sign_ins::next_order;
use crate::values::params;
use crate::{Db, Error, Result, failed_attempts, hash, identities, sign_ins};

/// Whether a sign-in method was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnlinkOutcome {
    Removed,
    NotFound,
    LastMethod,
}

/// Locks the row of an account, so that two changes to its sign-in methods
/// wait for each other, on either database.
pub(crate) const LOCK: &str = "UPDATE users SET id = id WHERE id = $1";

const METHODS: &str = "SELECT (SELECT COUNT(*) FROM identities WHERE user_id = $1) \
    + (SELECT COUNT(*) FROM passwords WHERE user_id = $1) AS methods";

const DELETE_IDENTITY: &str =
    "DELETE FROM identities WHERE user_id = $1 AND issuer = $2 AND subject = $3";

const DELETE_PASSWORD: &str = "DELETE FROM passwords WHERE user_id = $1";

const VERIFY: &str = "UPDATE users SET email_verified_at = $3 \
    WHERE id = $1 AND email = $2 AND email_verified_at IS NULL";

const SET_EMAIL: &str = "UPDATE users SET email = $2, email_verified_at = $3 \
    WHERE id = $1 AND email IS NULL";

const DROP_CLAIM: &str = "DELETE FROM passwords WHERE email = $1 AND user_id <> $2 \
    AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = passwords.user_id \
        AND u.email = $1 AND u.email_verified_at IS NOT NULL)";

const SET_PASSWORD: &str = "INSERT INTO passwords (user_id, email, hash, changed_at) \
    VALUES ($1, $2, $3, $4) ON CONFLICT (user_id) \
    DO UPDATE SET email = excluded.email, hash = excluded.hash, changed_at = excluded.changed_at";

const DROP_IDENTITIES: &str = "DELETE FROM identities WHERE user_id = $1 \
    AND EXISTS (SELECT 1 FROM users u WHERE u.id = $1 AND u.email_verified_at IS NULL)";

const REVOKE_ALL: &str = concat!(
    "INSERT INTO revocations (sign_in_id, ended_at, ended_order) SELECT id, $2, ",
    next_order!("$2"),
    " FROM sign_ins WHERE user_id = $1 AND carries = 'jwt' AND expires_at > $2 \
      ON CONFLICT (sign_in_id) DO NOTHING"
);

const SIGN_INS: &str = "SELECT id FROM sign_ins WHERE user_id = $1";

const BLOCK: &str = "UPDATE users SET blocked_at = $2 WHERE id = $1 AND blocked_at IS NULL";

const UNBLOCK: &str = "UPDATE users SET blocked_at = NULL WHERE id = $1";

const BLOCKED_AT: &str = "SELECT blocked_at FROM users WHERE id = $1";

const ANONYMISE: &str = "UPDATE audit_events SET address = NULL WHERE user_id = $1";

/// What somebody may have typed to sign in to this account.
const EMAILS: &str = "SELECT email FROM passwords WHERE user_id = $1 \
    UNION SELECT email FROM users WHERE id = $1 AND email IS NOT NULL";

const DELETE: &str = "DELETE FROM users WHERE id = $1";

/// Links an identity to an existing account.
///
/// An address that the provider vouches for verifies the account's own, if it
/// is the same and not verified yet; an account without an address takes it.
///
/// # Errors
/// [`Error::Exists`] when it has been linked in the meantime.
pub async fn link(
    db: &Db,
    user: UserId,
    provider: &str,
    profile: &Profile,
    now: Timestamp,
) -> Result<()> {
    let mut tx = db.begin().await?;
    identities::insert(&mut tx, user, provider, profile, now).await?;
    tx.commit().await?;
    match &profile.email {
        Some(email) if profile.email_verified => {
            verify_email(db, user, email, now).await.map(|_| ())
        }
        _ => Ok(()),
    }
}

/// Records that an address is verified: the account's own, or its first. Says
/// whether it is; if another account has verified it before, it is not.
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

/// Sets the password of an account, which signs in with this address from now on.
///
/// If another account claims the address without having verified it, and this
/// one has verified it, the claim falls.
///
/// # Errors
/// [`Error::Exists`] when the address signs in to another account.
pub async fn set_password(
    db: &Db,
    user: UserId,
    email: &Email,
    is_proved: bool,
    hash: &str,
    now: Timestamp,
) -> Result<()> {
    let mut tx = db.begin().await?;
    if is_proved {
        tx.execute(DROP_CLAIM, params![email, user]).await?;
    }
    tx.execute(SET_PASSWORD, params![user, email, hash, now]).await?;
    // An e-mail that is still on its way would open the account past the new password.
    tx.execute(email_tokens::VOID, params![user, now]).await?;
    tx.commit().await
}

#[derive(Clone, Debug)]
pub struct PasswordReset {
    /// Whose password it is, and the address that the e-mail went to.
    pub recipient: Recipient,
    pub ended: Vec<SignInId>,
}

/// Uses the link of a reset e-mail, sets the password, and ends every sign-in,
/// all or nothing. `None` when the link was used, has expired, or never existed.
///
/// Whoever reads the mailbox owns the address. If it was not verified before,
/// somebody else may have created the account and linked their own identities:
/// those are removed, so that they cannot wait for the owner (pre-hijacking).
/// And if another account merely claims the address, the claim falls.
///
/// # Errors
/// [`Error::Exists`] when another account has verified the address meanwhile.
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
    tx.execute(DROP_IDENTITIES, params![user_id]).await?;
    tx.execute(VERIFY, params![user_id, email, now]).await?;
    tx.execute(DROP_CLAIM, params![email, user_id]).await?;
    tx.execute(SET_PASSWORD, params![user_id, email, password_hash, now]).await?;
    tx.execute(email_tokens::VOID, params![user_id, now]).await?;
    let all = params![user_id, "", now];
    let ended = tx.fetch_all(sign_ins::END_OTHERS, all, |row| row.get("id")).await?;
    tx.commit().await?;
    Ok(Some(PasswordReset { recipient, ended }))
}

/// Deletes an account and everything personal with it. The audit trail stays,
/// anonymised; its JWTs are refused until they expire; and the tokens of its
/// connections stay, encrypted, until they are revoked at their providers.
///
/// Says which sign-ins are gone with it.
pub async fn delete(db: &Db, user: UserId, now: Timestamp) -> Result<Vec<SignInId>> {
    let mut tx = db.begin().await?;
    tx.execute(LOCK, params![user]).await?;
    tx.execute(REVOKE_ALL, params![user, now]).await?;
    let gone = tx.fetch_all(SIGN_INS, params![user], |row| row.get("id")).await?;
    tx.execute(ANONYMISE, params![user]).await?;
    tx.execute(ending::ORPHAN, params![user, now]).await?;
    let emails = tx.fetch_all(EMAILS, params![user], |row| row.get::<Email>("email")).await?;
    for account in emails.iter().map(Email::to_string).chain([format!("code {user}")]) {
        tx.execute(failed_attempts::FORGET_ACCOUNT, params![hash::sha256_hex(&account)]).await?;
    }
    tx.execute(DELETE, params![user]).await?;
    tx.commit().await?;
    db.announce().await;
    Ok(gone)
}

/// Lets nobody in to an account any more, and ends what is signed in: its JWTs
/// are refused at once.
pub async fn block(db: &Db, user: UserId, now: Timestamp) -> Result<()> {
    let mut tx = db.begin().await?;
    tx.execute(BLOCK, params![user, now]).await?;
    tx.execute(REVOKE_ALL, params![user, now]).await?;
    tx.execute(sign_ins::END_OTHERS, params![user, "", now]).await?;
    tx.commit().await?;
    db.announce().await;
    Ok(())
}

/// Takes back that nobody is let in.
pub async fn unblock(db: &Db, user: UserId) -> Result<()> {
    db.execute(UNBLOCK, params![user]).await?;
    Ok(())
}

/// Since when nobody is let in; `None` for everybody else.
pub async fn blocked_at(db: &Db, user: UserId) -> Result<Option<Timestamp>> {
    let found = db.fetch_optional(BLOCKED_AT, params![user], |row| row.get("blocked_at")).await?;
    Ok(found.flatten())
}
