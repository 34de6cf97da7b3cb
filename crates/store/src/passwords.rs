//! Password hashes, and the accounts that begin with one.

use latchkey_domain::{Email, Timestamp, User, UserId};

use crate::db::{execute, in_transaction, on};
use crate::starters::{Starters, insert_starters};
use crate::users::{self, UserRow, insert_user, user_columns};
use crate::{Db, Error, Result, count};

/// An account that can be entered with a password.
#[derive(Clone, Debug)]
pub struct Account {
    pub user: User,
    /// The hash, as a PHC string.
    pub hash: String,
    /// When the password was last changed.
    pub changed_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct AccountRow {
    #[sqlx(flatten)]
    user: UserRow,
    hash: String,
    changed_at: i64,
}

const BY_EMAIL: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", p.hash, p.changed_at FROM passwords p JOIN users u ON u.id = p.user_id WHERE p.email = $1"
);

const INSERT: &str =
    "INSERT INTO passwords (user_id, email, hash, changed_at) VALUES ($1, $2, $3, $4)";

const REHASH: &str = "UPDATE passwords SET hash = $3 WHERE user_id = $1 AND hash = $2";

/// The account that is entered with this address and a password.
pub async fn by_email(db: &Db, email: &Email) -> Result<Option<Account>> {
    let row: Option<AccountRow> =
        on!(db, pool => sqlx::query_as(BY_EMAIL).bind(email.as_str()).fetch_optional(pool))?;
    row.map(|row| {
        let changed_at = Timestamp::from_millis(row.changed_at);
        Ok(Account { user: row.user.try_into()?, hash: row.hash, changed_at })
    })
    .transpose()
}

/// Makes an account that is entered with a password.
///
/// # Errors
/// [`Error::Exists`] when the address opens an account already, or somebody
/// has proved that it is theirs.
pub async fn create_account(db: &Db, user: &User, hash: &str, starters: &Starters) -> Result<()> {
    let email = user.email.as_ref().ok_or(Error::Unreadable("e-mail address"))?;
    if users::who_proved(db, email).await?.is_some() {
        return Err(Error::Exists);
    }
    let id = user.id.to_string();
    let now = user.created_at.as_millis();
    in_transaction!(db, tx => {
        insert_user!(tx, user);
        count::one(
            sqlx::query(INSERT)
                .bind(&id)
                .bind(email.as_str())
                .bind(hash)
                .bind(now)
                .execute(&mut *tx),
        )
        .await?;
        insert_starters!(tx, starters);
        count::one(tx.commit()).await?;
        Ok(())
    })
}

/// Puts a hash with newer parameters in the place of an older one; if the
/// password was changed in the meantime, nothing happens.
pub async fn rehash(db: &Db, user: UserId, old: &str, new: &str) -> Result<()> {
    execute!(db, sqlx::query(REHASH).bind(user.to_string()).bind(old).bind(new))?;
    Ok(())
}

/// The address with which an account is entered.
pub async fn email_of(db: &Db, user: UserId) -> Result<Option<Email>> {
    const EMAIL: &str = "SELECT email FROM passwords WHERE user_id = $1";
    let email: Option<String> =
        on!(db, pool => sqlx::query_scalar(EMAIL).bind(user.to_string()).fetch_optional(pool))?;
    email
        .map(|email| Email::parse(&email).map_err(|_| Error::Unreadable("e-mail address")))
        .transpose()
}

/// When a password was last changed; `None` for an account without one.
pub async fn changed_at(db: &Db, user: UserId) -> Result<Option<Timestamp>> {
    const CHANGED: &str = "SELECT changed_at FROM passwords WHERE user_id = $1";
    let at: Option<i64> =
        on!(db, pool => sqlx::query_scalar(CHANGED).bind(user.to_string()).fetch_optional(pool))?;
    Ok(at.map(Timestamp::from_millis))
}
