//! Accounts.

use latchkey_domain::{DisplayName, Email, Roles, Timestamp, User, UserId};

use crate::db::{execute, on};
use crate::{Db, Error, Result};

/// A user as a row; also a part of the row that a session is read with.
#[derive(sqlx::FromRow)]
pub(crate) struct UserRow {
    user_id: String,
    user_name: String,
    user_email: Option<String>,
    user_email_verified_at: Option<i64>,
    user_roles: String,
    user_created_at: i64,
}

impl TryFrom<UserRow> for User {
    type Error = Error;

    fn try_from(row: UserRow) -> Result<Self> {
        let email = row.user_email.as_deref().map(Email::parse).transpose();
        Ok(Self {
            id: row.user_id.parse().map_err(|_| Error::Unreadable("user id"))?,
            name: DisplayName::from(row.user_name),
            email: email.map_err(|_| Error::Unreadable("e-mail address"))?,
            email_verified: row.user_email_verified_at.is_some(),
            roles: Roles::from(row.user_roles.as_str()),
            created_at: Timestamp::from_millis(row.user_created_at),
        })
    }
}

/// The columns of [`UserRow`], from a table that is called `u` in the statement.
macro_rules! user_columns {
    () => {
        "u.id AS user_id, u.name AS user_name, u.email AS user_email, \
         u.email_verified_at AS user_email_verified_at, u.roles AS user_roles, \
         u.created_at AS user_created_at"
    };
}
pub(crate) use user_columns;

pub(crate) const INSERT: &str = "INSERT INTO users \
    (id, name, email, email_verified_at, roles, created_at) VALUES ($1, $2, $3, $4, $5, $6)";

/// Writes an account down inside a transaction.
macro_rules! insert_user {
    ($tx:ident, $user:expr) => {
        $crate::count::one(
            sqlx::query($crate::users::INSERT)
                .bind($user.id.to_string())
                .bind($user.name.as_str())
                .bind($user.email.as_ref().map(|email| email.as_str()))
                .bind($user.email_verified.then_some($user.created_at.as_millis()))
                .bind($user.roles.to_string())
                .bind($user.created_at.as_millis())
                .execute(&mut *$tx),
        )
        .await?;
    };
}
pub(crate) use insert_user;

const PAGE: &str =
    concat!("SELECT ", user_columns!(), " FROM users u WHERE u.id > $1 ORDER BY u.id LIMIT $2");

const BY_EMAIL: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users u WHERE u.email = $1 ORDER BY u.email_verified_at IS NULL, u.id"
);

const AT_DOMAIN: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users u WHERE u.email LIKE '%@' || $1 ORDER BY u.id"
);

const SET_ROLES: &str = "UPDATE users SET roles = $2 WHERE id = $1";

const BY_ID: &str = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.id = $1");

const WHO_PROVED: &str = "SELECT id FROM users WHERE email = $1 AND email_verified_at IS NOT NULL";

pub async fn by_id(db: &Db, id: UserId) -> Result<Option<User>> {
    let row: Option<UserRow> =
        on!(db, pool => sqlx::query_as(BY_ID).bind(id.to_string()).fetch_optional(pool))?;
    row.map(User::try_from).transpose()
}

/// A page of all accounts, in the order in which they were made, beginning
/// behind `after`.
pub async fn page(db: &Db, after: Option<UserId>, limit: u32) -> Result<Vec<User>> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let rows: Vec<UserRow> = on!(db, pool => sqlx::query_as(PAGE)
        .bind(&after)
        .bind(i64::from(limit))
        .fetch_all(pool))?;
    rows.into_iter().map(User::try_from).collect()
}

/// The accounts that name this address, whether or not they proved it.
pub async fn by_email(db: &Db, email: &Email) -> Result<Vec<User>> {
    let rows: Vec<UserRow> =
        on!(db, pool => sqlx::query_as(BY_EMAIL).bind(email.as_str()).fetch_all(pool))?;
    rows.into_iter().map(User::try_from).collect()
}

/// The accounts that name an address at this domain, whether or not they proved it.
pub async fn at_domain(db: &Db, domain: &str) -> Result<Vec<User>> {
    let rows: Vec<UserRow> =
        on!(db, pool => sqlx::query_as(AT_DOMAIN).bind(domain).fetch_all(pool))?;
    rows.into_iter().map(User::try_from).collect()
}

/// Gives an account these roles and no others.
pub async fn set_roles(db: &Db, id: UserId, roles: &Roles) -> Result<()> {
    execute!(db, sqlx::query(SET_ROLES).bind(id.to_string()).bind(roles.to_string()))?;
    Ok(())
}

/// Who has proved that this address is theirs.
pub async fn who_proved(db: &Db, email: &Email) -> Result<Option<UserId>> {
    let id: Option<String> =
        on!(db, pool => sqlx::query_scalar(WHO_PROVED).bind(email.as_str()).fetch_optional(pool))?;
    id.map(|id| id.parse().map_err(|_| Error::Unreadable("user id"))).transpose()
}
