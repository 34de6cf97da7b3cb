//! Identities at providers, and the users that they are linked to.

use latchkey_domain::identity::{Profile, Subject};
use latchkey_domain::sample_data::SampleData;
use latchkey_domain::{Timestamp, User, UserId};

use crate::query::Transaction;
use crate::users::{self, user, user_columns};
use crate::values::{Row, params};
use crate::{Db, Result};

#[derive(Clone, Debug)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    pub provider: String,
    /// Name and e-mail as of the last sign-in.
    pub name: String,
    pub email: Option<String>,
    pub linked_at: Timestamp,
    pub last_used_at: Timestamp,
}

fn identity(row: &Row<'_>) -> Result<Identity> {
    Ok(Identity {
        issuer: row.get("issuer")?,
        subject: row.get("subject")?,
        provider: row.get("provider")?,
        name: row.get("name")?,
        email: row.get("email")?,
        linked_at: row.get("linked_at")?,
        last_used_at: row.get("last_used_at")?,
    })
}

const FIND_USER: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM identities i JOIN users u ON u.id = i.user_id WHERE i.issuer = $1 AND i.subject = $2 \
      AND (i.provider = 'github') = ($3 = 'github')"
);

const FIND_USER_BY_SUBJECT: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users u WHERE u.blocked_at IS NULL AND u.id = COALESCE(\
        (SELECT i.user_id FROM identities i \
         WHERE i.issuer = $1 AND i.subject = $2 AND i.provider <> 'github'), $2)"
);

const INSERT: &str = "INSERT INTO identities \
    (issuer, subject, user_id, provider, name, email, linked_at, last_used_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";

const RECORD_USE: &str = "UPDATE identities SET name = $3, email = $4, last_used_at = $5 \
    WHERE issuer = $1 AND subject = $2";

const OF_USER: &str = "SELECT issuer, subject, provider, name, email, linked_at, last_used_at \
    FROM identities WHERE user_id = $1 ORDER BY linked_at";

/// The user that an identity is linked to.
///
/// GitHub has no issuer identifier, so its URL is used. An OpenID issuer may later have the
/// same URL; the subjects of the two are unrelated.
pub async fn find_user(db: &Db, provider: &str, profile: &Profile) -> Result<Option<User>> {
    let params = params![profile.issuer, profile.subject, provider];
    db.fetch_optional(FIND_USER, params, user).await
}

/// The user with this identity, else the user with this id.
pub async fn find_user_by_subject(
    db: &Db,
    issuer: &str,
    subject: &Subject,
) -> Result<Option<User>> {
    db.fetch_optional(FIND_USER_BY_SUBJECT, params![issuer, subject], user).await
}

pub(crate) async fn insert(
    tx: &mut Transaction,
    id: UserId,
    provider: &str,
    profile: &Profile,
    now: Timestamp,
) -> Result<()> {
    let Profile { issuer, subject, name, email, .. } = profile;
    tx.execute(INSERT, params![issuer, subject, id, provider, name, email, now]).await?;
    Ok(())
}

/// Creates an account that signs in with this identity.
///
/// # Errors
/// [`Error::Exists`](crate::Error::Exists) when the identity got an account meanwhile (two
/// tabs), or another account has verified the same address.
pub async fn create_account(
    db: &Db,
    user: &User,
    provider: &str,
    profile: &Profile,
    samples: &SampleData,
) -> Result<()> {
    let mut tx = db.begin().await?;
    users::insert(&mut tx, user, samples).await?;
    insert(&mut tx, user.id, provider, profile, user.created_at).await?;
    tx.commit().await
}

/// Records a sign-in, and updates name and e-mail.
pub async fn record_use(db: &Db, profile: &Profile, now: Timestamp) -> Result<()> {
    let Profile { issuer, subject, name, email, .. } = profile;
    db.execute(RECORD_USE, params![issuer, subject, name, email, now]).await?;
    Ok(())
}

/// The identities of a user, the oldest first.
pub async fn of_user(db: &Db, user: UserId) -> Result<Vec<Identity>> {
    db.fetch_all(OF_USER, params![user], identity).await
}
