//! Password hashes, and accounts created with a password.

use latchkey_domain::sample_data::SampleData;
use latchkey_domain::{Email, Timestamp, User, UserId};

use crate::users::{self, user, user_columns};
use crate::values::{Row, params};
use crate::{Db, Error, Result};

#[derive(Clone, Debug)]
pub struct Account {
    pub user: User,
    pub hash: String,
    pub changed_at: Timestamp,
}

const BY_EMAIL: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", p.hash, p.changed_at FROM passwords p JOIN users u ON u.id = p.user_id WHERE p.email = $1"
);

const INSERT: &str =
    "INSERT INTO passwords (user_id, email, hash, changed_at) VALUES ($1, $2, $3, $4)";

const REHASH: &str = "UPDATE passwords SET hash = $3 WHERE user_id = $1 AND hash = $2";

pub(crate) const OF_USER: &str = "SELECT email, changed_at FROM passwords WHERE user_id = $1";

/// The account that this address signs in to.
pub async fn by_email(db: &Db, email: &Email) -> Result<Option<Account>> {
    db.fetch_optional(BY_EMAIL, params![email], |row| {
        Ok(Account { user: user(row)?, hash: row.get("hash")?, changed_at: row.get("changed_at")? })
    })
    .await
}

/// Creates an account that signs in with a password.
///
/// # Errors
/// [`Error::Exists`] when the address already signs in to an account, or another account has
/// verified it.
pub async fn create_account(db: &Db, user: &User, hash: &str, samples: &SampleData) -> Result<()> {
    let email = user.email.as_ref().ok_or(Error::Unreadable("email"))?;
    if users::find_by_verified_email(db, email).await?.is_some() {
        return Err(Error::Exists);
    }
    let mut tx = db.begin().await?;
    users::insert(&mut tx, user, samples).await?;
    tx.execute(INSERT, params![user.id, email, hash, user.created_at]).await?;
    tx.commit().await
}

/// Replaces a hash by one with newer parameters, unless the password was changed meanwhile.
pub async fn rehash(db: &Db, user: UserId, old: &str, new: &str) -> Result<()> {
    db.execute(REHASH, params![user, old, new]).await?;
    Ok(())
}

/// The address that signs in to this account; `None` without a password.
pub async fn email_of(db: &Db, user: UserId) -> Result<Option<Email>> {
    db.fetch_optional(OF_USER, params![user], |row| row.get("email")).await
}

/// `None` without a password.
pub async fn changed_at(db: &Db, user: UserId) -> Result<Option<Timestamp>> {
    db.fetch_optional(OF_USER, params![user], changed).await
}

pub(crate) fn changed(row: &Row<'_>) -> Result<Timestamp> {
    row.get("changed_at")
}
