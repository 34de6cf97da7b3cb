//! Changes to an account as a whole, each in one transaction.

use latchkey_domain::identity::{Profile, may_unlink};
use latchkey_domain::{Email, SignInId, Timestamp, UserId};

use crate::connections::ending;
use crate::db::in_transaction;
use crate::email_tokens::{self, Sent, SentRow};
use crate::{Db, Error, Result, count};
use crate::{identities, sign_ins};

/// Whether a way in was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlinked {
    Done,
    /// There was none to take away.
    Unknown,
    /// It is the last one, and stays.
    LastWayIn,
}

/// Takes the row of an account, so that two changes to its ways in wait for
/// each other, on either database.
const LOCK: &str = "UPDATE users SET id = id WHERE id = $1";

const WAYS_IN: &str = "SELECT (SELECT COUNT(*) FROM identities WHERE user_id = $1) \
    + (SELECT COUNT(*) FROM passwords WHERE user_id = $1)";

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

const REVOKE_ALL: &str = "INSERT INTO revocations (sign_in_id, ended_at) \
    SELECT id, $2 FROM sign_ins WHERE user_id = $1 AND carries = 'jwt' AND expires_at > $2 \
    ON CONFLICT (sign_in_id) DO NOTHING";

const ANONYMISE: &str = "UPDATE audit_events SET address = NULL WHERE user_id = $1";

const DELETE: &str = "DELETE FROM users WHERE id = $1";

/// Links an identity to an account that exists.
///
/// An address that the provider vouches for proves the account's own, where it
/// is the same and nobody has proved it yet; an account without one takes it.
///
/// # Errors
/// [`Error::Exists`] when somebody has linked it in the meantime.
pub async fn link(
    db: &Db,
    user: UserId,
    provider: &str,
    profile: &Profile,
    now: Timestamp,
) -> Result<()> {
    let id = user.to_string();
    in_transaction!(db, tx => {
        count::one(
            identities::insert_identity!(profile, &id, provider, now.as_millis())
                .execute(&mut *tx),
        )
        .await?;
        count::one(tx.commit()).await?;
        Ok::<(), Error>(())
    })?;
    match &profile.email {
        Some(email) if profile.email_verified => prove(db, user, email, now).await.map(|_| ()),
        _ => Ok(()),
    }
}

/// Notes that an address is proved: the account's own, or its first. Says
/// whether it is; where another account has proved it before, it is not.
pub async fn prove(db: &Db, user: UserId, email: &Email, now: Timestamp) -> Result<bool> {
    match try_prove(db, user, email, now).await {
        Err(Error::Exists) => Ok(false),
        proved => proved,
    }
}

async fn try_prove(db: &Db, user: UserId, email: &Email, now: Timestamp) -> Result<bool> {
    let id = user.to_string();
    in_transaction!(db, tx => {
        let mut changed = 0;
        for statement in [VERIFY, SET_EMAIL] {
            let query = sqlx::query(statement).bind(&id).bind(email.as_str());
            let done = count::one(query.bind(now.as_millis()).execute(&mut *tx)).await?;
            changed += done.rows_affected();
        }
        count::one(tx.commit()).await?;
        Ok(changed > 0)
    })
}

#[derive(Clone, Copy, Debug)]
pub enum WayIn<'a> {
    Password,
    Identity { issuer: &'a str, subject: &'a str },
}

/// Takes a way in away from an account, unless it is the last.
pub async fn unlink(db: &Db, user: UserId, way_in: WayIn<'_>) -> Result<Unlinked> {
    let id = user.to_string();
    in_transaction!(db, tx => {
        count::one(sqlx::query(LOCK).bind(&id).execute(&mut *tx)).await?;
        let ways_in: i64 =
            count::one(sqlx::query_scalar(WAYS_IN).bind(&id).fetch_one(&mut *tx)).await?;
        if !may_unlink(ways_in.unsigned_abs()) {
            return Ok(Unlinked::LastWayIn);
        }
        let delete = match way_in {
            WayIn::Password => sqlx::query(DELETE_PASSWORD).bind(&id),
            WayIn::Identity { issuer, subject } => {
                sqlx::query(DELETE_IDENTITY).bind(&id).bind(issuer).bind(subject)
            }
        };
        let deleted = count::one(delete.execute(&mut *tx)).await?.rows_affected();
        count::one(tx.commit()).await?;
        Ok(if deleted > 0 { Unlinked::Done } else { Unlinked::Unknown })
    })
}

/// Sets the password of an account, which is entered with this address from now on.
///
/// Where another account claims the address without having proved it, and this
/// one has, the claim falls: a proof beats a claim.
///
/// # Errors
/// [`Error::Exists`] when the address opens another account.
pub async fn set_password(
    db: &Db,
    user: UserId,
    email: &Email,
    is_proved: bool,
    hash: &str,
    now: Timestamp,
) -> Result<()> {
    let id = user.to_string();
    in_transaction!(db, tx => {
        if is_proved {
            let drop_claim = sqlx::query(DROP_CLAIM).bind(email.as_str()).bind(&id);
            count::one(drop_claim.execute(&mut *tx)).await?;
        }
        let set = sqlx::query(SET_PASSWORD).bind(&id).bind(email.as_str()).bind(hash);
        count::one(set.bind(now.as_millis()).execute(&mut *tx)).await?;
        // A letter that is still out would open the account past the new one.
        let void = sqlx::query(email_tokens::VOID).bind(&id).bind(now.as_millis());
        count::one(void.execute(&mut *tx)).await?;
        count::one(tx.commit()).await?;
        Ok(())
    })
}

#[derive(Clone, Debug)]
pub struct Reset {
    /// Whose it is, and which address the letter went to.
    pub sent: Sent,
    /// The sign-ins that have ended with it: all of them.
    pub ended: Vec<SignInId>,
}

/// Uses up a letter's link, sets the password, and ends every sign-in, all or
/// nothing. `None` when the link was used, has expired, or never was.
///
/// Whoever reads the mailbox owns the address. If nobody had proved it before,
/// somebody else may have made the account and linked their own identities:
/// those go, so that they cannot wait inside for its owner (pre-hijacking). And
/// where another account merely claims the address, the claim falls.
///
/// # Errors
/// [`Error::Exists`] when another account has proved the address meanwhile.
pub async fn reset_password(
    db: &Db,
    token_hash: &str,
    password_hash: &str,
    now: Timestamp,
) -> Result<Option<Reset>> {
    let at = now.as_millis();
    in_transaction!(db, tx => {
        let take = sqlx::query_as(email_tokens::USE).bind(token_hash);
        let take = take.bind(email_tokens::Purpose::Reset.stored()).bind(at);
        let taken: Option<SentRow> = count::one(take.fetch_optional(&mut *tx)).await?;
        let Some(taken) = taken else { return Ok(None) };
        let sent = Sent::try_from(taken)?;
        let (id, email) = (sent.user_id.to_string(), sent.email.as_str());
        count::one(sqlx::query(LOCK).bind(&id).execute(&mut *tx)).await?;
        count::one(sqlx::query(DROP_IDENTITIES).bind(&id).execute(&mut *tx)).await?;
        count::one(sqlx::query(VERIFY).bind(&id).bind(email).bind(at).execute(&mut *tx)).await?;
        count::one(sqlx::query(DROP_CLAIM).bind(email).bind(&id).execute(&mut *tx)).await?;
        let set = sqlx::query(SET_PASSWORD).bind(&id).bind(email).bind(password_hash);
        count::one(set.bind(at).execute(&mut *tx)).await?;
        count::one(sqlx::query(email_tokens::VOID).bind(&id).bind(at).execute(&mut *tx)).await?;
        let end = sqlx::query_scalar(sign_ins::END_OTHERS).bind(&id).bind("").bind(at);
        let ended: Vec<String> = count::one(end.fetch_all(&mut *tx)).await?;
        count::one(tx.commit()).await?;
        Ok(Some(Reset { sent, ended: sign_ins::ids(ended)? }))
    })
}

/// Deletes an account and everything personal with it. What stays in the audit
/// trail names nobody; its JWTs are refused until they expire; and the tokens of
/// its connections wait, sealed, to be revoked at their providers.
pub async fn delete(db: &Db, user: UserId, now: Timestamp) -> Result<()> {
    let id = user.to_string();
    in_transaction!(db, tx => {
        count::one(sqlx::query(LOCK).bind(&id).execute(&mut *tx)).await?;
        let revoke = sqlx::query(REVOKE_ALL).bind(&id).bind(now.as_millis());
        count::one(revoke.execute(&mut *tx)).await?;
        count::one(sqlx::query(ANONYMISE).bind(&id).execute(&mut *tx)).await?;
        let orphan = sqlx::query(ending::ORPHAN).bind(&id).bind(now.as_millis());
        count::one(orphan.execute(&mut *tx)).await?;
        count::one(sqlx::query(DELETE).bind(&id).execute(&mut *tx)).await?;
        count::one(tx.commit()).await?;
        Ok(())
    })
}
