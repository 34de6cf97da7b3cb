//! The vault: tokens that providers gave us for people, sealed under `APP_SECRET`.
//!
//! Each is bound to its row and column, so that a sealed text that somebody
//! moves into another row does not open there. They are opened at the call and
//! not before. Each row says which secret sealed it: after a rotation what is
//! sealed with an earlier one is found, and sealed anew in the background.

use latchkey_domain::ConnectionId;
use latchkey_store::connections::{self, Sealed, Stored};
use latchkey_store::{Db, Error};

use crate::secret::{AppSecret, CannotOpen, Purpose, Secret};

/// How many are sealed anew at a time.
const PAGE: u32 = 100;

#[derive(Clone, Debug)]
pub struct Pair {
    pub access: Secret,
    /// The refresh token, if there is one.
    pub refresh: Option<Secret>,
}

/// Where tokens are sealed and opened.
#[derive(Clone, Debug)]
pub struct Vault {
    secret: AppSecret,
}

impl Vault {
    #[must_use]
    pub const fn new(secret: AppSecret) -> Self {
        Self { secret }
    }

    /// Seals the tokens of one row.
    #[must_use]
    pub fn seal(&self, id: ConnectionId, pair: &Pair) -> Sealed {
        let seal = |column, token: &Secret| {
            let context = context(id, column);
            self.secret.seal(Purpose::ProviderToken, &context, token.expose().as_bytes())
        };
        Sealed {
            access: seal(ACCESS, &pair.access),
            refresh: pair.refresh.as_ref().map(|token| seal(REFRESH, token)),
            with: self.secret.key_id(),
        }
    }

    /// Opens the access token of a row.
    ///
    /// # Errors
    /// When it was sealed for another row, altered, or with a secret that is gone.
    pub fn access(&self, id: ConnectionId, sealed: &Sealed) -> Result<Secret, CannotOpen> {
        self.open(id, ACCESS, &sealed.access)
    }

    /// Opens the refresh token of a row, if there is one.
    ///
    /// # Errors
    /// When it was sealed for another row, altered, or with a secret that is gone.
    pub fn refresh(&self, id: ConnectionId, sealed: &Sealed) -> Result<Option<Secret>, CannotOpen> {
        sealed.refresh.as_deref().map(|text| self.open(id, REFRESH, text)).transpose()
    }

    /// Opens both.
    ///
    /// # Errors
    /// When either was sealed for another row, altered, or with a secret that is gone.
    pub fn pair(&self, stored: &Stored) -> Result<Pair, CannotOpen> {
        let (id, sealed) = (stored.connection.id, &stored.sealed);
        Ok(Pair { access: self.access(id, sealed)?, refresh: self.refresh(id, sealed)? })
    }

    fn open(&self, id: ConnectionId, column: &str, text: &str) -> Result<Secret, CannotOpen> {
        let bytes = self.secret.open(Purpose::ProviderToken, &context(id, column), text)?;
        String::from_utf8(bytes).map(Secret::new).map_err(|_| CannotOpen)
    }

    /// Seals anew whatever is sealed with an earlier secret. Says how many were,
    /// and how many no secret opens: those stay, and their people are told.
    pub async fn seal_anew(&self, db: &Db) -> Result<Resealed, Error> {
        let mut done = Resealed::default();
        let mut after = None;
        loop {
            let page =
                connections::sealed_otherwise(db, &self.secret.key_id(), after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(done) };
            after = Some(last.connection.id);
            for stored in page {
                let id = stored.connection.id;
                match self.pair(&stored) {
                    Ok(pair) => {
                        let sealed = self.seal(id, &pair);
                        connections::reseal(db, id, stored.version, &sealed).await?;
                        done.resealed += 1;
                    }
                    Err(CannotOpen) => done.lost += 1,
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// So many are sealed with the current secret now.
    pub resealed: u32,
    /// So many cannot be opened.
    pub lost: u32,
}

const ACCESS: &str = "access_token";
const REFRESH: &str = "refresh_token";

fn context(id: ConnectionId, column: &str) -> String {
    format!("{id}/{column}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_domain::Timestamp;

    fn vault(current: &str, earlier: &[&str]) -> Vault {
        let earlier: Vec<_> = earlier.iter().map(|secret| Secret::new(*secret)).collect();
        Vault::new(AppSecret::new(&Secret::new(current), &earlier))
    }

    #[test]
    fn a_token_opens_in_its_own_row_and_column_only() {
        let id = |n| ConnectionId::new(Timestamp::from_millis(1), [n; 10]);
        let pair = Pair { access: Secret::new("a-token"), refresh: Some(Secret::new("r-token")) };
        let ours = vault("one", &[]);
        let sealed = ours.seal(id(1), &pair);
        assert_eq!(ours.access(id(1), &sealed), Ok(Secret::new("a-token")));
        assert_eq!(ours.refresh(id(1), &sealed), Ok(Some(Secret::new("r-token"))));
        assert_eq!(ours.access(id(2), &sealed), Err(CannotOpen));
        let swapped = Sealed {
            access: sealed.refresh.clone().unwrap_or_default(),
            refresh: Some(sealed.access.clone()),
            ..sealed.clone()
        };
        assert_eq!(ours.access(id(1), &swapped), Err(CannotOpen));
        assert_eq!(ours.refresh(id(1), &swapped), Err(CannotOpen));
        assert_eq!(vault("two", &["one"]).access(id(1), &sealed), Ok(Secret::new("a-token")));
        assert_eq!(vault("two", &[]).access(id(1), &sealed), Err(CannotOpen));
        assert!(!format!("{pair:?} {sealed:?}").contains("token\""));
    }
}
