//! Users.

use latchkey_domain::sample_data::SampleData;
use latchkey_domain::{Email, Roles, Timestamp, User, UserId};

use crate::query::Transaction;
use crate::values::{Row, params};
use crate::{Db, Result, contacts, events};

/// The columns that [`user`] reads, from `users u`.
macro_rules! user_columns {
    () => {
        "u.id AS user_id, u.name AS user_name, u.email AS user_email, \
         u.email_verified_at AS user_email_verified_at, u.roles AS user_roles, \
         u.created_at AS user_created_at"
    };
}
pub(crate) use user_columns;

pub(crate) fn user(row: &Row<'_>) -> Result<User> {
    Ok(User {
        id: row.get("user_id")?,
        name: row.get("user_name")?,
        email: row.get("user_email")?,
        email_verified: row.get::<Option<Timestamp>>("user_email_verified_at")?.is_some(),
        roles: row.get("user_roles")?,
        created_at: row.get("user_created_at")?,
    })
}

const INSERT: &str = "INSERT INTO users \
    (id, name, email, email_verified_at, roles, created_at) VALUES ($1, $2, $3, $4, $5, $6)";

const PAGE: &str =
    concat!("SELECT ", user_columns!(), " FROM users u WHERE u.id > $1 ORDER BY u.id LIMIT $2");

const BY_EMAIL: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users u WHERE u.email = $1 ORDER BY u.email_verified_at IS NULL, u.id"
);

const BY_EMAIL_DOMAIN: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users u WHERE u.email LIKE '%@' || $1 ORDER BY u.id"
);

const LONGEST_ROLES: &str =
    "SELECT CAST(COALESCE(MAX(LENGTH(roles)), 0) AS BIGINT) AS longest FROM users";
const SET_ROLES: &str = "UPDATE users SET roles = $2 WHERE id = $1";

const BY_ID: &str = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.id = $1");

const BY_VERIFIED_EMAIL: &str =
    "SELECT id FROM users WHERE email = $1 AND email_verified_at IS NOT NULL";

const NON_ASCII_EMAILS: &str = "\
    SELECT user_id, email FROM passwords WHERE OCTET_LENGTH(email) > LENGTH(email) \
    UNION SELECT id, email FROM users WHERE OCTET_LENGTH(email) > LENGTH(email)";

const NORMALIZE_PASSWORD_EMAIL: &str = "UPDATE passwords SET email = $3 \
    WHERE user_id = $1 AND email = $2 \
    AND NOT EXISTS (SELECT 1 FROM passwords o WHERE o.email = $3)";

const NORMALIZE_USER_EMAIL: &str = "UPDATE users SET email = $3 WHERE id = $1 AND email = $2 \
    AND NOT EXISTS (SELECT 1 FROM passwords o WHERE o.email = $3 AND o.user_id <> $1) \
    AND NOT EXISTS (SELECT 1 FROM users o WHERE o.email = $3 AND o.email_verified_at IS NOT NULL)";

/// Rewrites addresses stored before [`Email::parse`] supported IDNA, which would not be found
/// any more. Returns the users whose normalized address is taken.
pub async fn normalize_emails(db: &Db) -> Result<Vec<UserId>> {
    let read = |row: &Row<'_>| Ok((row.get::<UserId>("user_id")?, row.get::<Email>("email")?));
    let mut conflicts = Vec::new();
    for (user, stored) in db.fetch_all(NON_ASCII_EMAILS, params![], read).await? {
        let Some(email) = Email::parse(stored.as_str()).ok().filter(|email| *email != stored)
        else {
            continue;
        };
        let params = params![user, stored, email];
        let changed = db.execute(NORMALIZE_PASSWORD_EMAIL, params).await?
            + db.execute(NORMALIZE_USER_EMAIL, params).await?;
        conflicts.extend((changed == 0).then_some(user));
    }
    Ok(conflicts)
}

/// Creates a user with sample data.
pub(crate) async fn insert(tx: &mut Transaction, user: &User, samples: &SampleData) -> Result<()> {
    let verified_at = user.email_verified.then_some(user.created_at);
    let User { id, name, email, roles, created_at, .. } = user;
    tx.execute(INSERT, params![id, name, email, verified_at, roles, created_at]).await?;
    for contact in &samples.contacts {
        contacts::insert(tx, contact).await?;
    }
    for event in &samples.events {
        events::insert(tx, event).await?;
    }
    Ok(())
}

pub async fn by_id(db: &Db, id: UserId) -> Result<Option<User>> {
    db.fetch_optional(BY_ID, params![id], user).await
}

/// A page of users, oldest first, after the id `after`.
pub async fn page(db: &Db, after: Option<UserId>, limit: u32) -> Result<Vec<User>> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    db.fetch_all(PAGE, params![after, limit], user).await
}

/// The users with this address, verified or not.
pub async fn by_email(db: &Db, email: &Email) -> Result<Vec<User>> {
    db.fetch_all(BY_EMAIL, params![email], user).await
}

/// The users with an address at this domain, verified or not.
pub async fn by_email_domain(db: &Db, domain: &str) -> Result<Vec<User>> {
    db.fetch_all(BY_EMAIL_DOMAIN, params![domain], user).await
}

pub async fn set_roles(db: &Db, id: UserId, roles: &Roles) -> Result<()> {
    db.execute(SET_ROLES, params![id, roles]).await?;
    Ok(())
}

/// The length of the longest list of roles, in characters.
pub async fn longest_roles(db: &Db) -> Result<i64> {
    let longest = db.fetch_optional(LONGEST_ROLES, params![], |row| row.get("longest")).await?;
    Ok(longest.unwrap_or(0))
}

pub async fn find_by_verified_email(db: &Db, email: &Email) -> Result<Option<UserId>> {
    db.fetch_optional(BY_VERIFIED_EMAIL, params![email], |row| row.get("id")).await
}
