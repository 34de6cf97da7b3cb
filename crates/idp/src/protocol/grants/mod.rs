//! Consents, codes and tokens, as transitions that take the time.
//!
//! Of codes and tokens only digests are kept.

mod code;
mod consent;
mod kept;
mod refresh;

use std::{
    collections::HashMap,
    sync::{Arc, mpsc::SyncSender},
    time::Duration,
};

use self::{code::Code, refresh::RefreshToken};
pub(crate) use self::{
    code::{Binding, RedeemError, Redemption},
    consent::{Consent, ConsentKey},
    kept::{Kept, Register},
    refresh::{Renewal, RenewalError},
};
use super::scopes::{Audience, Scopes};
use crate::{
    Client, Provider, bounded::Bounded, clock::Timestamp, digest::Digest, misbehave::Misbehaviour,
    people::Person,
};

/// How many codes, and how many tokens of a kind, are kept at most.
const CAPACITY: usize = 4096;

/// The testing rule of Google: "a refresh token expiring in 7 days".
const TESTING_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Google ends refresh tokens that were not used for six months; here it is six months in all.
const REFRESH_LIFETIME: Duration = Duration::from_secs(180 * 24 * 60 * 60);

#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    pub(crate) client: Arc<Client>,
    pub(crate) person: Arc<Person>,
    pub(crate) audience: Audience,
    pub(crate) scopes: Scopes,
    pub(crate) nonce: Option<String>,
    /// When the person said who they are: `auth_time`, OIDC Core §2.
    pub(crate) auth_time: Timestamp,
    pub(crate) offline: Offline,
    pub(crate) misbehaviour: Misbehaviour,
}

impl Authorization {
    /// How long a refresh token of this authorization is good for.
    pub(crate) fn refresh_lifetime(&self) -> Duration {
        if self.person.testing { TESTING_LIFETIME } else { REFRESH_LIFETIME }
    }
}

/// Whether a refresh token goes with the access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offline {
    No,
    /// Only when there is something new to consent to.
    WhenNew,
    Always,
}

/// Tokens that nobody knows yet. Which of them come into use is decided in one step.
#[derive(Debug)]
pub(crate) struct Fresh<'a> {
    pub(crate) access: &'a str,
    pub(crate) refresh: &'a str,
}

/// What came of a token request.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) authorization: Arc<Authorization>,
    /// Whether the fresh refresh token came into use.
    pub(crate) refresh: bool,
}

#[derive(Debug)]
struct AccessToken {
    authorization: Arc<Authorization>,
    /// The code that it goes back to, so that a replay finds it.
    family: Digest,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

impl AccessToken {
    fn found(&self) -> Found {
        Found {
            authorization: Arc::clone(&self.authorization),
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            refresh: false,
            rotated: false,
        }
    }
}

/// A token that is good, whatever its kind: what introspection and revocation need to know.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) authorization: Arc<Authorization>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) refresh: bool,
    /// A refresh token whose place a newer one has taken: no longer good for much.
    pub(crate) rotated: bool,
}

/// Every code and token that is out, and what people have allowed.
#[derive(Debug)]
pub(crate) struct Grants {
    codes: Bounded<Code>,
    access_tokens: Bounded<AccessToken>,
    refresh_tokens: Bounded<RefreshToken>,
    /// Bounded by the people, the clients and the APIs there are; who passes by is not among them.
    consents: HashMap<ConsentKey, Consent>,
    /// Rung when something has changed that is to outlive the process.
    bell: Option<SyncSender<()>>,
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            codes: Bounded::new(CAPACITY),
            access_tokens: Bounded::new(CAPACITY),
            refresh_tokens: Bounded::new(CAPACITY),
            consents: HashMap::new(),
            bell: None,
        }
    }
}

impl Grants {
    pub(crate) fn ring_on_change(&mut self, bell: SyncSender<()>) {
        self.bell = Some(bell);
    }

    fn changed(&self) {
        if let Some(bell) = &self.bell {
            // Full means that it was rung already.
            let _ = bell.try_send(());
        }
    }

    /// What a good access token for a provider's own APIs stands for. Takes note of its use.
    pub(crate) fn access(
        &mut self,
        now: Timestamp,
        provider: Provider,
        access_token: &str,
    ) -> Option<Arc<Authorization>> {
        let found = self.find(now, provider, access_token)?;
        let good = !found.refresh && found.authorization.audience == Audience::Provider;
        good.then(|| {
            self.used(now, &found.authorization);
            found.authorization
        })
    }

    /// A good token of a provider, of either kind.
    pub(crate) fn find(&self, now: Timestamp, provider: Provider, token: &str) -> Option<Found> {
        let key = Digest::of(token);
        let access = self.access_tokens.get(now, &key).map(AccessToken::found);
        access
            .or_else(|| self.refresh_tokens.get(now, &key).map(RefreshToken::found))
            .filter(|found| found.authorization.client.provider == provider)
    }

    fn issue_access(
        &mut self,
        now: Timestamp,
        token: &str,
        authorization: &Arc<Authorization>,
        family: Digest,
    ) {
        let expires_at = now.plus(authorization.client.provider.access_token_lifetime());
        let authorization = Arc::clone(authorization);
        let access = AccessToken { authorization, family, issued_at: now, expires_at };
        self.access_tokens.insert(now, Digest::of(token), expires_at, access);
    }

    /// RFC 9700 §4.5: everything that goes back to one code.
    fn end_family(&mut self, family: &Digest) {
        self.access_tokens.retain(|token| token.family != *family);
        self.refresh_tokens.retain(|token| token.family != *family);
        self.changed();
    }
}

#[cfg(test)]
mod tests;
