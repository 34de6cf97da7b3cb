//! Grants: what was requested, what was granted, and the tokens; and what can go wrong
//! with a connection.

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
    #[error("it is not connected")]
    NotConnected,
    /// Its scope was not granted. Nothing was sent, unless the provider said so itself.
    #[error("its scope was not granted")]
    NotGranted,
    /// Only the person can give access again.
    #[error("the person has to connect again")]
    Reconnect { reason: BrokenReason, newly_broken: bool },
    #[error("the provider {}", .0.phrase())]
    Unavailable(Failure),
    #[error("the access token is being renewed")]
    Busy,
    #[error(transparent)]
    Store(#[from] latchkey_store::Error),
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
}

pub type Result<T> = std::result::Result<T, Error>;

/// Codes of RFC 6749 §4.1.2.1 that some send at the token endpoint, too.
const TEMPORARY: [&str; 2] = ["server_error", "temporarily_unavailable"];

/// None of these failures ends a grant: they are temporary.
pub(super) fn failure(error: &oauth::Error) -> Failure {
    use oauth::Error::{ProviderUnavailable, TokenRefused, Unreachable};
    match error {
        Unreachable { source: http::Error::Timeout, .. } => Failure::Timeout,
        Unreachable { .. } => Failure::Unreachable,
        ProviderUnavailable { .. } => Failure::Down,
        TokenRefused { code } if TEMPORARY.contains(&code.as_str()) => Failure::Down,
        // RFC 6749 §5.2: `invalid_client`, `unauthorized_client` and the like.
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

/// One task at a time in this process, for each connection.
#[derive(Debug, Default)]
pub(super) struct KeyedMutex(Mutex<HashMap<ConnectionId, Arc<tokio::sync::Mutex<()>>>>);

impl KeyedMutex {
    /// Those that nobody holds or waits for are dropped.
    pub(super) fn get(&self, id: ConnectionId) -> Arc<tokio::sync::Mutex<()>> {
        let mut mutexes = self.0.lock();
        mutexes.retain(|_, mutex| Arc::strong_count(mutex) > 1);
        Arc::clone(mutexes.entry(id).or_default())
    }
}

/// Writes tokens down. A short outage of the database must not cost the only
/// valid ones.
pub(super) async fn retry_unavailable<T, F>(
    mut write: impl FnMut() -> F,
) -> latchkey_store::Result<T>
where
    F: Future<Output = latchkey_store::Result<T>>,
{
    let mut pause = Duration::from_millis(100);
    loop {
        match write().await {
            Err(latchkey_store::Error::Unavailable(_)) if pause < Duration::from_secs(4) => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            written => return written,
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

    /// A lease holder: different for each process and try.
    pub(super) fn lease_holder(&self) -> String {
        format!("{}/{}", self.process, random::token())
    }

    /// Stores what a provider has just granted. Says whether its person still
    /// has an account.
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

    /// Revokes a grant that is not saved, if the provider can be reached.
    ///
    /// Not while another grant of this person is active there: it would be
    /// revoked with it.
    pub async fn revoke_unsaved(&self, provider: &Provider, tokens: &Tokens) {
        let tokens = ProviderTokens::from(tokens);
        match revocation::revoke(&self.http, provider, &tokens, self.clock.now()).await {
            Ok(ended) => tracing::info!(provider = provider.slug, ?ended, "a grant was not saved"),
            Err(error) => {
                tracing::warn!(provider = provider.slug, %error, "a grant that was not saved could not be revoked");
            }
        }
    }

    /// Records that the grant is over. Gives back the lease, if there is one.
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
