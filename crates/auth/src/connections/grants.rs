//! Stores grants and their tokens, and the errors of connections.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use latchkey_domain::connection::{BrokenReason, Failure, ProviderScopes, decision};
use latchkey_domain::{Clock, ConnectionId, Profile, UserId};
use latchkey_store::Db;
use latchkey_store::connections::lease::{self, Lease};
use latchkey_store::connections::{self as store, NewConnection};
use parking_lot::Mutex;

use super::revocation;
use crate::http::{self, Outbound};
use crate::oauth::provider::Provider;
use crate::oauth::token::Tokens;
use crate::secret::EncryptError;
use crate::vault::{ProviderTokens, Vault};
use crate::{oauth, random};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the service is not connected")]
    NotConnected,
    /// Nothing was sent, unless the provider itself said so.
    #[error("the scope was not granted")]
    NotGranted,
    /// Only the user can grant access again.
    #[error("the user has to reconnect")]
    Reconnect { reason: BrokenReason, newly_broken: bool },
    #[error("the provider {}", .0.phrase())]
    Unavailable(Failure),
    #[error("the access token is being refreshed")]
    Busy,
    #[error("there is no refresh token")]
    NotRenewable,
    #[error(transparent)]
    Store(#[from] latchkey_store::Error),
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
}

pub type Result<T> = std::result::Result<T, Error>;

/// Codes of RFC 6749 §4.1.2.1 that some providers also send from the token endpoint.
const TEMPORARY: [&str; 2] = ["server_error", "temporarily_unavailable"];

/// Temporary failures, which do not end a grant.
pub(super) fn failure(error: &oauth::Error) -> Failure {
    use oauth::Error::{ProviderUnavailable, TokenRefused, Unreachable};
    match error {
        Unreachable { source: http::Error::Timeout, .. } => Failure::Timeout,
        Unreachable { .. } => Failure::Unreachable,
        ProviderUnavailable { .. } => Failure::Down,
        TokenRefused { code } if TEMPORARY.contains(&code.as_str()) => Failure::Down,
        // Such as `invalid_client` (RFC 6749 §5.2).
        TokenRefused { .. } => Failure::ClientRejected,
        _ => Failure::InvalidResponse,
    }
}

#[derive(Debug)]
pub struct Connections {
    pub(super) db: Db,
    pub(super) http: Outbound,
    pub(super) vault: Vault,
    pub(super) clock: Clock,
    process: String,
    pub(super) refreshing: KeyedMutex,
}

/// One task at a time for each connection, in this process.
#[derive(Debug, Default)]
pub(super) struct KeyedMutex(Mutex<HashMap<ConnectionId, Arc<tokio::sync::Mutex<()>>>>);

impl KeyedMutex {
    /// Also drops unused mutexes.
    pub(super) fn get(&self, id: ConnectionId) -> Arc<tokio::sync::Mutex<()>> {
        let mut mutexes = self.0.lock();
        mutexes.retain(|_, mutex| Arc::strong_count(mutex) > 1);
        Arc::clone(mutexes.entry(id).or_default())
    }
}

/// Retries during a short database outage, which must not lose the only valid tokens.
pub(super) async fn retry_unavailable<T, F>(
    mut write: impl FnMut() -> F,
) -> latchkey_store::Result<T>
where
    F: Future<Output = latchkey_store::Result<T>>,
{
    let mut delay = Duration::from_millis(100);
    loop {
        match write().await {
            Err(latchkey_store::Error::Unavailable(_)) if delay < Duration::from_secs(4) => {
                tokio::time::sleep(delay).await;
                delay *= 2;
            }
            result => return result,
        }
    }
}

impl Connections {
    pub fn new(db: Db, http: Outbound, vault: Vault, clock: Clock) -> Self {
        let (process, refreshing) = (random::token(), KeyedMutex::default());
        Self { db, http, vault, clock, process, refreshing }
    }

    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Unique for each process and attempt.
    pub(super) fn lease_holder(&self) -> String {
        format!("{}/{}", self.process, random::token())
    }

    /// Stores a new grant. Returns whether the account still exists.
    pub async fn save(
        &self,
        provider: &Provider,
        user: UserId,
        requested: ProviderScopes,
        profile: &Profile,
        tokens: &Tokens,
    ) -> Result<bool> {
        let now = self.clock.now();
        let id = ConnectionId::new(now, random::bytes());
        let new = NewConnection {
            id,
            user,
            provider: provider.slug.clone(),
            issuer: profile.issuer.clone(),
            subject: profile.subject.to_string(),
            name: profile.name.clone(),
            email: profile.email.clone(),
            granted: decision::granted_scopes(&requested, tokens.granted().as_ref()),
            requested,
            tokens: self.vault.seal(id, &ProviderTokens::from(tokens))?,
            expires_at: tokens.lifetime().map(|span| now.plus(span)),
        };
        Ok(retry_unavailable(|| store::add(&self.db, &new, now)).await?)
    }

    /// Revokes a grant that is not stored, if the provider can be reached.
    ///
    /// Not for use while the user has another grant there, which it might revoke too.
    pub async fn revoke_unsaved(&self, provider: &Provider, tokens: &Tokens) {
        let tokens = ProviderTokens::from(tokens);
        match revocation::revoke(&self.http, provider, &tokens, self.clock.now()).await {
            Ok(revoked) => {
                tracing::info!(provider = provider.slug, ?revoked, "a grant was not saved");
            }
            Err(error) => {
                tracing::warn!(provider = provider.slug, %error, "a grant that was not saved could not be revoked");
            }
        }
    }

    /// Records that the grant has ended, and releases the lease, if there is one.
    pub(super) async fn mark_broken(
        &self,
        lease: Lease<'_>,
        reason: BrokenReason,
    ) -> Result<Error> {
        let newly_broken = lease::mark_broken(&self.db, lease, reason, self.clock.now()).await?;
        if !newly_broken && !lease.by.is_empty() {
            lease::release(&self.db, lease).await?;
        }
        Ok(Error::Reconnect { reason, newly_broken })
    }
}
