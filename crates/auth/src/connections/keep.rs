//! A grant is written down: what was asked, what was granted, and the tokens.

use std::time::Duration;

use latchkey_domain::connection::{Granted, decision};
use latchkey_domain::identity::Profile;
use latchkey_domain::{ConnectionId, UserId};
use latchkey_store::connections::{self as store, New};
use oauth2::TokenResponse as _;

use super::{Connections, Result, revocation};
use crate::oauth::Provider;
use crate::oauth::token::Tokens;
use crate::random;
use crate::secret::Secret;
use crate::vault::Pair;

/// The pair in a token response.
pub(super) fn pair(tokens: &Tokens) -> Pair {
    Pair {
        access: Secret::new(tokens.access_token().secret()),
        refresh: tokens.refresh_token().map(|token| Secret::new(token.secret())),
    }
}

/// What a token response says was granted, if it does.
pub(super) fn said(tokens: &Tokens) -> Option<Granted> {
    let scopes = tokens.scopes()?;
    Some(Granted::of(scopes.iter().map(|scope| scope.as_str())))
}

/// Writes tokens down. A database that is away for a moment must not cost the
/// only ones that live.
pub(super) async fn insist<T, F>(mut write: impl FnMut() -> F) -> latchkey_store::Result<T>
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
    /// Keeps what a provider has just granted. Says whether its person still
    /// has an account.
    ///
    /// # Errors
    /// When the database fails: the tokens are not kept then.
    pub async fn keep(
        &self,
        provider: &Provider,
        user: UserId,
        asked: Granted,
        profile: &Profile,
        tokens: &Tokens,
    ) -> Result<bool> {
        let now = self.clock.now();
        let id = ConnectionId::new(now, random::bytes());
        let new = New {
            id,
            user,
            provider: provider.slug.clone(),
            issuer: profile.issuer.clone(),
            subject: profile.subject.to_string(),
            name: profile.name.clone(),
            email: profile.email.clone(),
            granted: decision::granted(&asked, said(tokens).as_ref()),
            asked,
            sealed: self.vault.seal(id, &pair(tokens)),
            expires_at: tokens.lifetime().map(|span| now.plus(span)),
        };
        Ok(insist(|| store::add(&self.db, &new, now)).await?)
    }

    /// Ends a grant that came and was not kept, as well as it goes: nobody has its
    /// tokens any more.
    ///
    /// Not while another grant of this person lives there, which would end with it.
    pub async fn let_go(&self, provider: &Provider, tokens: &Tokens) {
        let pair = pair(tokens);
        match revocation::revoke(&self.http, provider, &pair, self.clock.now()).await {
            Ok(ended) => tracing::info!(provider = provider.slug, ?ended, "a grant was not kept"),
            Err(error) => {
                tracing::warn!(provider = provider.slug, %error, "a grant lives on, and was not kept");
            }
        }
    }
}
