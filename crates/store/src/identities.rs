//! Who people are at their providers.

use latchkey_domain::identity::{Profile, Subject};
use latchkey_domain::{Timestamp, User, UserId};

use crate::db::{execute, in_transaction, on};
use crate::starters::{Starters, insert_starters};
use crate::users::{UserRow, insert_user, user_columns};
use crate::{Db, Result, count};

/// An identity that is linked to an account.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Identity {
    /// The issuer that vouches for it.
    pub issuer: String,
    pub subject: String,
    /// The provider's name in our URLs.
    pub provider: String,
    /// What the person is called there.
    pub name: String,
    /// The address that the provider last told us.
    pub email: Option<String>,
    linked_at: i64,
    last_used_at: i64,
}

impl Identity {
    #[must_use]
    pub const fn linked_at(&self) -> Timestamp {
        Timestamp::from_millis(self.linked_at)
    }

    /// When somebody last signed in with it.
    #[must_use]
    pub const fn last_used_at(&self) -> Timestamp {
        Timestamp::from_millis(self.last_used_at)
    }
}

const WHOSE: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM identities i JOIN users u ON u.id = i.user_id WHERE i.issuer = $1 AND i.subject = $2"
);

const OF_SUBJECT: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users u WHERE u.id = COALESCE(\
        (SELECT i.user_id FROM identities i WHERE i.issuer = $1 AND i.subject = $2), $2)"
);

pub(crate) const INSERT: &str = "INSERT INTO identities \
    (issuer, subject, user_id, provider, name, email, linked_at, last_used_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";

/// The statement that writes an identity down, on whichever database.
macro_rules! insert_identity {
    ($profile:expr, $user:expr, $provider:expr, $now:expr) => {
        sqlx::query($crate::identities::INSERT)
            .bind(&$profile.issuer)
            .bind($profile.subject.as_str())
            .bind($user)
            .bind($provider)
            .bind($profile.name.as_str())
            .bind($profile.email.as_ref().map(|email| email.as_str()))
            .bind($now)
    };
}
pub(crate) use insert_identity;

const USED: &str = "UPDATE identities SET name = $3, email = $4, last_used_at = $5 \
    WHERE issuer = $1 AND subject = $2";

const OF_USER: &str = "SELECT issuer, subject, provider, name, email, linked_at, last_used_at \
    FROM identities WHERE user_id = $1 ORDER BY linked_at";

/// Whose account an identity is linked to.
pub async fn whose(db: &Db, profile: &Profile) -> Result<Option<User>> {
    let row: Option<UserRow> = on!(db, pool => sqlx::query_as(WHOSE)
        .bind(&profile.issuer)
        .bind(profile.subject.as_str())
        .fetch_optional(pool))?;
    row.map(User::try_from).transpose()
}

/// Whose account the subject of a token is: that of the identity, or the account
/// that has the subject for its id.
pub async fn of_subject(db: &Db, issuer: &str, subject: &Subject) -> Result<Option<User>> {
    let row: Option<UserRow> = on!(db, pool => sqlx::query_as(OF_SUBJECT)
        .bind(issuer)
        .bind(subject.as_str())
        .fetch_optional(pool))?;
    row.map(User::try_from).transpose()
}

/// Makes an account whose first way in is this identity.
///
/// # Errors
/// [`Error::Exists`](crate::Error::Exists) when somebody has made it in the
/// meantime (two tabs at once), or has proved the same address.
pub async fn create_account(
    db: &Db,
    user: &User,
    provider: &str,
    profile: &Profile,
    starters: &Starters,
) -> Result<()> {
    let id = user.id.to_string();
    let now = user.created_at.as_millis();
    in_transaction!(db, tx => {
        insert_user!(tx, user);
        count::one(insert_identity!(profile, &id, provider, now).execute(&mut *tx)).await?;
        insert_starters!(tx, starters);
        count::one(tx.commit()).await?;
        Ok(())
    })
}

/// Notes that somebody signed in with an identity, and what the provider says of them today.
pub async fn used(db: &Db, profile: &Profile, now: Timestamp) -> Result<()> {
    execute!(
        db,
        sqlx::query(USED)
            .bind(&profile.issuer)
            .bind(profile.subject.as_str())
            .bind(profile.name.as_str())
            .bind(profile.email.as_ref().map(|email| email.as_str()))
            .bind(now.as_millis())
    )?;
    Ok(())
}

/// All identities of one person, the oldest link first.
pub async fn of_user(db: &Db, user: UserId) -> Result<Vec<Identity>> {
    let identities =
        on!(db, pool => sqlx::query_as(OF_USER).bind(user.to_string()).fetch_all(pool))?;
    Ok(identities)
}
