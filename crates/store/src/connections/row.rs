//! A row of `connections`, read.

use latchkey_domain::connection::{Because, Connection, Failure, Granted, State, Trouble};
use latchkey_domain::{DisplayName, Email, Timestamp};

use super::{Sealed, Stored};
use crate::Error;

macro_rules! columns {
    () => {
        "id, user_id, provider, issuer, subject, name, email, asked, granted, access_token, refresh_token, \
         sealed_with, expires_at, connected_at, used_at, refreshed_at, trouble_at, trouble, \
         broken_at, broken_because, disconnecting_at, tries, next_try_at, version"
    };
}
pub(super) use columns;

#[derive(sqlx::FromRow)]
pub(super) struct ConnectionRow {
    id: String,
    user_id: Option<String>,
    provider: String,
    issuer: String,
    subject: String,
    name: String,
    email: Option<String>,
    asked: String,
    granted: String,
    access_token: String,
    refresh_token: Option<String>,
    sealed_with: String,
    expires_at: Option<i64>,
    connected_at: i64,
    used_at: Option<i64>,
    refreshed_at: Option<i64>,
    trouble_at: Option<i64>,
    trouble: Option<String>,
    broken_at: Option<i64>,
    broken_because: Option<String>,
    disconnecting_at: Option<i64>,
    tries: i64,
    next_try_at: Option<i64>,
    version: i64,
}

impl ConnectionRow {
    fn state(&self) -> Result<State, Error> {
        if let Some(since) = self.disconnecting_at {
            return Ok(State::Disconnecting {
                since: Timestamp::from_millis(since),
                tries: u32::try_from(self.tries).unwrap_or(u32::MAX),
                next_try_at: Timestamp::from_millis(self.next_try_at.unwrap_or(since)),
            });
        }
        let Some(since) = self.broken_at else { return Ok(State::Living) };
        let because = self.broken_because.as_deref().and_then(Because::from_stored);
        Ok(State::NeedsReconnect {
            since: Timestamp::from_millis(since),
            because: because.ok_or(Error::Unreadable("reason of a connection"))?,
        })
    }

    fn trouble(&self) -> Option<Trouble> {
        let what = self.trouble.as_deref().and_then(Failure::from_stored)?;
        Some(Trouble { at: Timestamp::from_millis(self.trouble_at?), what })
    }
}

impl TryFrom<ConnectionRow> for Stored {
    type Error = Error;

    fn try_from(row: ConnectionRow) -> Result<Self, Error> {
        let user = row.user_id.as_deref().map(str::parse).transpose();
        Ok(Self {
            user: user.map_err(|_| Error::Unreadable("user id"))?,
            version: row.version,
            connection: Connection {
                id: row.id.parse().map_err(|_| Error::Unreadable("connection id"))?,
                state: row.state()?,
                trouble: row.trouble(),
                name: DisplayName::first_of([Some(row.name.as_str())]),
                email: row.email.as_deref().and_then(|email| Email::parse(email).ok()),
                asked: Granted::parse(&row.asked),
                granted: Granted::parse(&row.granted),
                connected_at: Timestamp::from_millis(row.connected_at),
                expires_at: row.expires_at.map(Timestamp::from_millis),
                renewable: row.refresh_token.is_some(),
                used_at: row.used_at.map(Timestamp::from_millis),
                refreshed_at: row.refreshed_at.map(Timestamp::from_millis),
                provider: row.provider,
            },
            issuer: row.issuer,
            subject: row.subject,
            sealed: Sealed {
                access: row.access_token,
                refresh: row.refresh_token,
                with: row.sealed_with,
            },
        })
    }
}
