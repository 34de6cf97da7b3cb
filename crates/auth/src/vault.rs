//! Encrypts the tokens of providers with `APP_SECRET`.
//!
//! Each is bound to its row and column, and decrypted only for a call. Each row has the ID of its
//! secret, so that a background task finds the rows to encrypt again after a rotation.

use latchkey_domain::ConnectionId;
use latchkey_store::Db;
use latchkey_store::connections::{self, EncryptedTokens, StoredConnection};
use oauth2::TokenResponse as _;

use crate::oauth::token::Tokens;
use crate::secret::{AppSecret, DecryptError, EncryptError, Purpose, Secret};

const PAGE_SIZE: u32 = 100;

#[derive(Clone, Debug)]
pub struct ProviderTokens {
    pub access: Secret,
    pub refresh: Option<Secret>,
}

impl From<&Tokens> for ProviderTokens {
    fn from(tokens: &Tokens) -> Self {
        Self {
            access: Secret::new(tokens.access_token().secret()),
            refresh: tokens.refresh_token().map(|token| Secret::new(token.secret())),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Vault {
    secret: AppSecret,
}

impl Vault {
    pub const fn new(secret: AppSecret) -> Self {
        Self { secret }
    }

    pub fn seal(
        &self,
        id: ConnectionId,
        tokens: &ProviderTokens,
    ) -> Result<EncryptedTokens, EncryptError> {
        let seal = |column, token: &Secret| {
            let context = context(id, column);
            self.secret.seal(Purpose::ProviderToken, &context, token.expose().as_bytes())
        };
        Ok(EncryptedTokens {
            access: seal(ACCESS, &tokens.access)?,
            refresh: tokens.refresh.as_ref().map(|token| seal(REFRESH, token)).transpose()?,
            key_id: self.secret.key_id(),
        })
    }

    pub fn access(
        &self,
        id: ConnectionId,
        sealed: &EncryptedTokens,
    ) -> Result<Secret, DecryptError> {
        self.open(id, ACCESS, &sealed.access)
    }

    pub fn refresh(
        &self,
        id: ConnectionId,
        sealed: &EncryptedTokens,
    ) -> Result<Option<Secret>, DecryptError> {
        sealed.refresh.as_deref().map(|text| self.open(id, REFRESH, text)).transpose()
    }

    pub fn tokens(&self, stored: &StoredConnection) -> Result<ProviderTokens, DecryptError> {
        let (id, sealed) = (stored.connection.id, &stored.tokens);
        Ok(ProviderTokens { access: self.access(id, sealed)?, refresh: self.refresh(id, sealed)? })
    }

    fn open(&self, id: ConnectionId, column: &str, text: &str) -> Result<Secret, DecryptError> {
        let bytes = self.secret.open(Purpose::ProviderToken, &context(id, column), text)?;
        String::from_utf8(bytes).map(Secret::new).map_err(|_| DecryptError)
    }

    /// Encrypts all tokens with the current secret. Those that no secret decrypts stay, and
    /// count as lost.
    pub async fn reencrypt_all(&self, db: &Db) -> Result<Reencrypted, Error> {
        let mut total = Reencrypted::default();
        let mut after = None;
        loop {
            let page =
                connections::encrypted_with_other_keys(db, &self.secret.key_id(), after, PAGE_SIZE)
                    .await?;
            let Some(last) = page.last() else { return Ok(total) };
            after = Some(last.connection.id);
            for stored in page {
                let id = stored.connection.id;
                match self.tokens(&stored) {
                    Ok(tokens) => {
                        let sealed = self.seal(id, &tokens)?;
                        connections::store_reencrypted(db, id, stored.version, &sealed).await?;
                        total.reencrypted += 1;
                    }
                    Err(DecryptError) => total.lost += 1,
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reencrypted {
    pub reencrypted: u32,
    pub lost: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] latchkey_store::Error),
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
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
    fn provider_token_is_bound_to_row_and_column() {
        let id = |n| ConnectionId::new(Timestamp::from_millis(1), [n; 10]);
        let tokens = ProviderTokens {
            access: Secret::new("a-token"),
            refresh: Some(Secret::new("r-token")),
        };
        let ours = vault("one", &[]);
        let sealed = ours.seal(id(1), &tokens).expect("ciphertexts");
        assert_eq!(ours.access(id(1), &sealed), Ok(Secret::new("a-token")));
        assert_eq!(ours.refresh(id(1), &sealed), Ok(Some(Secret::new("r-token"))));
        assert_eq!(ours.access(id(2), &sealed), Err(DecryptError));
        let swapped = EncryptedTokens {
            access: sealed.refresh.clone().unwrap_or_default(),
            refresh: Some(sealed.access.clone()),
            ..sealed.clone()
        };
        assert_eq!(ours.access(id(1), &swapped), Err(DecryptError));
        assert_eq!(ours.refresh(id(1), &swapped), Err(DecryptError));
        assert_eq!(vault("two", &["one"]).access(id(1), &sealed), Ok(Secret::new("a-token")));
        assert_eq!(vault("two", &[]).access(id(1), &sealed), Err(DecryptError));
        assert!(!format!("{tokens:?} {sealed:?}").contains("token\""));
    }
}
