//! Contacts. Every statement names the owner: nobody reaches another's.

use latchkey_domain::contact::{Contact, Details};
use latchkey_domain::{ContactId, Email, Timestamp, UserId};

use crate::db::{execute, on};
use crate::{Db, Error, Result};

#[derive(sqlx::FromRow)]
struct ContactRow {
    id: String,
    user_id: String,
    name: String,
    email: Option<String>,
    phone: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<ContactRow> for Contact {
    type Error = Error;

    fn try_from(row: ContactRow) -> Result<Self> {
        let email = row.email.as_deref().map(Email::parse).transpose();
        Ok(Self {
            id: row.id.parse().map_err(|_| Error::Unreadable("contact id"))?,
            user_id: row.user_id.parse().map_err(|_| Error::Unreadable("user id"))?,
            details: Details {
                name: row.name,
                email: email.map_err(|_| Error::Unreadable("e-mail address"))?,
                phone: row.phone,
            },
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

pub(crate) const INSERT: &str = "INSERT INTO contacts \
    (id, user_id, name, email, phone, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";

const PAGE: &str = "SELECT id, user_id, name, email, phone, created_at, updated_at \
    FROM contacts WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3";

const ONE: &str = "SELECT id, user_id, name, email, phone, created_at, updated_at \
    FROM contacts WHERE user_id = $1 AND id = $2";

const UPDATE: &str = "UPDATE contacts SET name = $3, email = $4, phone = $5, updated_at = $6 \
    WHERE user_id = $1 AND id = $2 \
    RETURNING id, user_id, name, email, phone, created_at, updated_at";

const DELETE: &str = "DELETE FROM contacts WHERE user_id = $1 AND id = $2";

const COUNT: &str = "SELECT COUNT(*) FROM contacts WHERE user_id = $1";

/// The statement that writes a contact down, on whichever database.
macro_rules! insert_contact {
    ($contact:expr) => {
        sqlx::query($crate::contacts::INSERT)
            .bind($contact.id.to_string())
            .bind($contact.user_id.to_string())
            .bind(&$contact.details.name)
            .bind($contact.details.email.as_ref().map(|email| email.as_str()))
            .bind($contact.details.phone.as_deref())
            .bind($contact.created_at.as_millis())
            .bind($contact.updated_at.as_millis())
    };
}
pub(crate) use insert_contact;

pub async fn create(db: &Db, contact: &Contact) -> Result<()> {
    execute!(db, insert_contact!(contact))?;
    Ok(())
}

/// A page of one person's contacts, in the order in which they were made,
/// beginning behind `after`.
pub async fn page(
    db: &Db,
    user: UserId,
    after: Option<ContactId>,
    limit: u32,
) -> Result<Vec<Contact>> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let rows: Vec<ContactRow> = on!(db, pool => sqlx::query_as(PAGE)
        .bind(user.to_string())
        .bind(&after)
        .bind(i64::from(limit))
        .fetch_all(pool))?;
    rows.into_iter().map(Contact::try_from).collect()
}

pub async fn one(db: &Db, user: UserId, id: ContactId) -> Result<Option<Contact>> {
    let row: Option<ContactRow> = on!(db, pool => sqlx::query_as(ONE)
        .bind(user.to_string())
        .bind(id.to_string())
        .fetch_optional(pool))?;
    row.map(Contact::try_from).transpose()
}

/// Changes a contact of that person; `None` when there is no such contact.
pub async fn update(
    db: &Db,
    user: UserId,
    id: ContactId,
    details: &Details,
    now: Timestamp,
) -> Result<Option<Contact>> {
    let row: Option<ContactRow> = on!(db, pool => sqlx::query_as(UPDATE)
        .bind(user.to_string())
        .bind(id.to_string())
        .bind(&details.name)
        .bind(details.email.as_ref().map(Email::as_str))
        .bind(details.phone.as_deref())
        .bind(now.as_millis())
        .fetch_optional(pool))?;
    row.map(Contact::try_from).transpose()
}

/// Deletes a contact of that person. Says whether there was one.
pub async fn delete(db: &Db, user: UserId, id: ContactId) -> Result<bool> {
    let deleted = execute!(db, sqlx::query(DELETE).bind(user.to_string()).bind(id.to_string()))?;
    Ok(deleted > 0)
}

/// How many contacts that person has.
pub async fn count(db: &Db, user: UserId) -> Result<i64> {
    let count = on!(db, pool => sqlx::query_scalar(COUNT).bind(user.to_string()).fetch_one(pool))?;
    Ok(count)
}
