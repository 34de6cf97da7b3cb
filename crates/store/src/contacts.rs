//! Contacts. Every statement names the owner.

use latchkey_domain::contact::{Contact, Details};
use latchkey_domain::{ContactId, Timestamp, UserId};

use crate::query::Transaction;
use crate::values::{Row, Value, params};
use crate::{Db, Result};

fn contact(row: &Row<'_>) -> Result<Contact> {
    Ok(Contact {
        id: row.get("id")?,
        user_id: row.get("user_id")?,
        details: Details {
            name: row.get("name")?,
            email: row.get("email")?,
            phone: row.get("phone")?,
        },
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

const INSERT: &str = "INSERT INTO contacts \
    (id, user_id, name, email, phone, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";

const PAGE: &str = "SELECT id, user_id, name, email, phone, created_at, updated_at \
    FROM contacts WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3";

const ONE: &str = "SELECT id, user_id, name, email, phone, created_at, updated_at \
    FROM contacts WHERE user_id = $1 AND id = $2";

const UPDATE: &str = "UPDATE contacts SET name = $3, email = $4, phone = $5, updated_at = $6 \
    WHERE user_id = $1 AND id = $2 \
    RETURNING id, user_id, name, email, phone, created_at, updated_at";

const DELETE: &str = "DELETE FROM contacts WHERE user_id = $1 AND id = $2";

const COUNT: &str = "SELECT COUNT(*) AS contacts FROM contacts WHERE user_id = $1";

fn values(contact: &Contact) -> Vec<Value<'_>> {
    let details = &contact.details;
    params![
        contact.id,
        contact.user_id,
        details.name,
        details.email,
        details.phone,
        contact.created_at,
        contact.updated_at,
    ]
    .to_vec()
}

pub async fn create(db: &Db, contact: &Contact) -> Result<()> {
    db.execute(INSERT, &values(contact)).await?;
    Ok(())
}

pub(crate) async fn insert(tx: &mut Transaction, contact: &Contact) -> Result<()> {
    tx.execute(INSERT, &values(contact)).await?;
    Ok(())
}

/// A page of a user's contacts, oldest first, after the id `after`.
pub async fn page(
    db: &Db,
    user: UserId,
    after: Option<ContactId>,
    limit: u32,
) -> Result<Vec<Contact>> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    db.fetch_all(PAGE, params![user, after, limit], contact).await
}

pub async fn one(db: &Db, user: UserId, id: ContactId) -> Result<Option<Contact>> {
    db.fetch_optional(ONE, params![user, id], contact).await
}

/// `None` when the user has no such contact.
pub async fn update(
    db: &Db,
    user: UserId,
    id: ContactId,
    details: &Details,
    now: Timestamp,
) -> Result<Option<Contact>> {
    let Details { name, email, phone } = details;
    db.fetch_optional(UPDATE, params![user, id, name, email, phone, now], contact).await
}

/// Returns whether the user had this contact.
pub async fn delete(db: &Db, user: UserId, id: ContactId) -> Result<bool> {
    Ok(db.execute(DELETE, params![user, id]).await? > 0)
}

pub async fn count(db: &Db, user: UserId) -> Result<i64> {
    let count = db.fetch_optional(COUNT, params![user], |row| row.get("contacts")).await?;
    Ok(count.unwrap_or_default())
}
