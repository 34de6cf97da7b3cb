//! Consents, authorization codes and tokens. Only digests of codes and tokens are stored.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::pkce::CodeChallenge;
use super::scopes::{Audience, Scopes};
use crate::config::Client;
use crate::kit::{Digest, ExpiringMap, Timestamp};
use crate::misbehave::Misbehaviour;
use crate::people::{Person, is_ephemeral};
use crate::provider::Provider;

/// The maximum number of codes, and of tokens of each kind.
const CAPACITY: usize = 4096;
/// RFC 6749 §4.1.2 recommends ten minutes at most; a redirect takes less than one.
pub const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// Google's rule for applications in testing: "a refresh token expiring in 7 days".
const TESTING_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Google revokes refresh tokens after six months without use; here they expire after six months.
const REFRESH_LIFETIME: Duration = Duration::from_secs(180 * 24 * 60 * 60);
/// A rotated refresh token works once more within this time, because a response may get lost.
const RETRY_PERIOD: Duration = Duration::from_secs(60);
/// How often [`Misbehaviour::RevocationFails`] fails before the revocation succeeds.
const REVOCATION_FAILURES: u8 = 2;

#[derive(Clone, Debug)]
pub struct Authorization {
    pub client: Arc<Client>,
    pub person: Arc<Person>,
    pub audience: Audience,
    pub scopes: Scopes,
    pub nonce: Option<String>,
    /// `auth_time`, OIDC Core §2.
    pub auth_time: Timestamp,
    pub offline: Offline,
    pub misbehaviour: Misbehaviour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offline {
    No,
    /// Only if there is something new to consent to.
    WhenNew,
    Always,
}

impl Authorization {
    pub fn consent_key(&self) -> Digest {
        consent_key(&self.client, &self.person, &self.audience)
    }

    pub fn refresh_lifetime(&self) -> Duration {
        if self.person.testing { TESTING_LIFETIME } else { REFRESH_LIFETIME }
    }

    fn was_issued_to(&self, client: &Client) -> bool {
        self.client.provider == client.provider && self.client.id == client.id
    }

    fn is_for(&self, audience: Option<&Audience>) -> bool {
        audience.is_none_or(|audience| *audience == self.audience)
    }

    /// Google issues a refresh token if the person consented to something new, but not if an
    /// application merely requests the same again.
    fn needs_refresh_token(&self, earlier: &Scopes, has_one: bool) -> bool {
        let is_new = !self.scopes.without(earlier).is_empty();
        let is_requested = match self.offline {
            Offline::No => false,
            Offline::WhenNew => is_new || !has_one,
            Offline::Always => true,
        };
        is_requested && self.misbehaviour != Misbehaviour::NoRefreshToken
    }
}

/// A code exchange of an authenticated client, RFC 6749 §4.1.3.
#[derive(Debug)]
pub struct CodeExchange<'a> {
    pub client: &'a Client,
    pub code: &'a str,
    pub redirect_uri: &'a str,
    pub verifier: &'a str,
    /// `resource`, RFC 8707 §2.2.
    pub audience: Option<&'a Audience>,
}

/// A refresh request of an authenticated client, RFC 6749 §6.
#[derive(Debug)]
pub struct RefreshRequest<'a> {
    pub client: &'a Client,
    pub refresh_token: &'a str,
    /// A subset of the granted scopes.
    pub scope: Option<&'a str>,
    /// `resource`, RFC 8707 §2.2.
    pub audience: Option<&'a Audience>,
}

/// RFC 6749 §4.1.3 and §6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantType {
    AuthorizationCode,
    RefreshToken,
}

/// The cause of an `invalid_grant` (RFC 6749 §5.2), unless stated otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantError {
    /// Includes revoked tokens and expired refresh tokens.
    Unknown,
    /// Issued to another client. The request has no effect.
    WrongClient,
    /// Reuse of a code or rotated refresh token revokes the family (RFC 9700 §4.5 and §4.14.2).
    Replayed,
    Expired,
    RedirectUriMismatch,
    VerifierMismatch,
    ScopeTooWide,
    /// The consent is for another API: `invalid_target`, RFC 8707 §2.
    WrongAudience,
}

/// An authorization code: the decision, and what the code is bound to.
#[derive(Debug)]
pub struct Code {
    pub authorization: Arc<Authorization>,
    pub redirect_uri: String,
    pub challenge: CodeChallenge,
    /// The requested scopes, granted or not. This decision replaces earlier ones about them.
    pub requested: Scopes,
    pub expires_at: Timestamp,
    pub used: bool,
}

impl Code {
    /// RFC 6749 §4.1.3 and RFC 7636 §4.6. The client comes first, so that others learn nothing.
    fn validate(&self, request: &CodeExchange<'_>, now: Timestamp) -> Result<(), GrantError> {
        if !self.authorization.was_issued_to(request.client) {
            Err(GrantError::WrongClient)
        } else if self.used {
            Err(GrantError::Replayed)
        } else if now >= self.expires_at {
            Err(GrantError::Expired)
        } else if self.redirect_uri != request.redirect_uri {
            Err(GrantError::RedirectUriMismatch)
        } else if !self.challenge.verify(request.verifier) {
            Err(GrantError::VerifierMismatch)
        } else if !self.authorization.is_for(request.audience) {
            Err(GrantError::WrongAudience)
        } else {
            Ok(())
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Access,
    Refresh,
}

#[derive(Clone, Debug)]
pub struct Token {
    pub kind: TokenKind,
    pub authorization: Arc<Authorization>,
    /// The digest of the code that it was issued for, to revoke it after a replay.
    pub family: Digest,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    pub rotated: Option<Rotated>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotated {
    at: Timestamp,
    retried: bool,
}

impl Token {
    fn validate_refresh(
        &self,
        request: &RefreshRequest<'_>,
        now: Timestamp,
    ) -> Result<Scopes, GrantError> {
        let granted = &self.authorization;
        let is_replay = |Rotated { at, retried }| retried || now.since(at) > RETRY_PERIOD;
        if !granted.was_issued_to(request.client) {
            Err(GrantError::WrongClient)
        } else if self.rotated.is_some_and(is_replay) {
            Err(GrantError::Replayed)
        } else if granted.misbehaviour == Misbehaviour::RefreshRefused {
            Err(GrantError::Unknown)
        } else if !granted.is_for(request.audience) {
            Err(GrantError::WrongAudience)
        } else if let Some(scope) = request.scope {
            granted.scopes.narrowed(scope).ok_or(GrantError::ScopeTooWide)
        } else {
            Ok(granted.scopes.clone())
        }
    }
}

/// Generated tokens, not all of which are always used.
#[derive(Debug)]
pub struct NewTokens {
    pub access: String,
    pub refresh: String,
}

#[derive(Debug)]
pub struct Issued {
    pub grant_type: GrantType,
    pub authorization: Arc<Authorization>,
    pub access_token: String,
    pub refresh_token: Option<String>,
}

/// There is one consent per person, client and API.
pub fn consent_key(client: &Client, person: &Person, audience: &Audience) -> Digest {
    Digest::of(format!("{:?}", (client.provider, &client.id, &person.key, audience)))
}

/// What a person allows an application to do, until it is revoked.
#[derive(Clone, Debug)]
pub struct Consent {
    /// Identifies it to the API. Not a secret.
    pub id: String,
    pub client: Arc<Client>,
    pub person: Arc<Person>,
    pub audience: Audience,
    pub scopes: Scopes,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub offline: bool,
    pub failures: u8,
}

impl Consent {
    pub fn new(now: Timestamp, authorization: &Authorization) -> Self {
        let Authorization { client, person, audience, .. } = authorization;
        let parties = format!("{:?} {:?} {}", now, audience, [&*client.id, &person.key].join(" "));
        Self {
            id: Digest::of(parties).left_half(),
            client: Arc::clone(client),
            person: Arc::clone(person),
            audience: audience.clone(),
            scopes: Scopes::default(),
            created_at: now,
            last_used_at: None,
            offline: false,
            failures: 0,
        }
    }
}

/// All codes, tokens and consents.
#[derive(Debug)]
pub struct Grants {
    codes: ExpiringMap<Code>,
    pub access_tokens: ExpiringMap<Token>,
    pub refresh_tokens: ExpiringMap<Token>,
    /// Bounded by the numbers of people, clients and APIs; ephemeral people have none.
    pub consents: HashMap<Digest, Consent>,
    /// Signaled when something to be stored has changed.
    pub on_change: Option<SyncSender<()>>,
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            codes: ExpiringMap::new(CAPACITY),
            access_tokens: ExpiringMap::new(CAPACITY),
            refresh_tokens: ExpiringMap::new(CAPACITY),
            consents: HashMap::new(),
            on_change: None,
        }
    }
}

impl Grants {
    pub fn issue_code(&mut self, now: Timestamp, code: &str, issued: Code) {
        // Kept for the lifetime of its tokens, so that a replay can revoke them.
        let token_lifetime = issued.authorization.client.provider.access_token_lifetime();
        let remove_at = issued.expires_at.plus(token_lifetime);
        self.codes.insert(now, Digest::of(code), remove_at, issued);
    }

    /// Exchanges a code for tokens, atomically.
    ///
    /// Any attempt by the right client uses up the code, so that a verifier cannot be guessed. A
    /// second attempt also revokes the tokens of the first one (RFC 6749 §4.1.2, RFC 9700 §4.5).
    pub fn redeem(
        &mut self,
        now: Timestamp,
        request: &CodeExchange<'_>,
        new: NewTokens,
    ) -> Result<Issued, GrantError> {
        let family = Digest::of(request.code);
        let code = self.codes.get_mut(now, &family).ok_or(GrantError::Unknown)?;
        let result = code.validate(request, now);
        let authorization = Arc::clone(&code.authorization);
        let requested = code.requested.clone();
        match result {
            Err(GrantError::WrongClient) => {}
            Err(GrantError::Replayed) => self.revoke_family(&family),
            _ => code.used = true,
        }
        result?;
        let needs_refresh_token = self.record_consent(now, &authorization, &requested);
        let refresh_token = needs_refresh_token.then_some(new.refresh);
        self.issue(TokenKind::Access, now, &new.access, &authorization, family);
        if let Some(token) = &refresh_token {
            self.issue(TokenKind::Refresh, now, token, &authorization, family);
        }
        self.changed();
        let grant_type = GrantType::AuthorizationCode;
        Ok(Issued { grant_type, authorization, access_token: new.access, refresh_token })
    }

    /// Exchanges a refresh token for a new access token, and for a new refresh token if it rotates.
    pub fn refresh(
        &mut self,
        now: Timestamp,
        request: &RefreshRequest<'_>,
        new: NewTokens,
    ) -> Result<Issued, GrantError> {
        let key = Digest::of(request.refresh_token);
        let token = self.refresh_tokens.get_mut(now, &key).ok_or(GrantError::Unknown)?;
        let (authorization, family) = (Arc::clone(&token.authorization), token.family);
        let result = token.validate_refresh(request, now);
        let rotates = result.is_ok() && authorization.misbehaviour == Misbehaviour::RefreshRotates;
        if rotates {
            token.rotated = Some(match token.rotated {
                Some(earlier) => Rotated { retried: true, ..earlier },
                None => Rotated { at: now, retried: false },
            });
        }
        if result == Err(GrantError::Replayed) {
            self.revoke_family(&family);
        }
        let scopes = result?;
        let refresh_token = rotates.then_some(new.refresh);
        if let Some(token) = &refresh_token {
            self.issue(TokenKind::Refresh, now, token, &authorization, family);
        }
        // The refresh token keeps its scopes, even if the access token has fewer.
        let narrowed = match scopes == authorization.scopes {
            true => authorization,
            false => Arc::new(Authorization { scopes, ..(*authorization).clone() }),
        };
        self.issue(TokenKind::Access, now, &new.access, &narrowed, family);
        self.record_use(now, &narrowed);
        self.changed();
        let (grant_type, authorization) = (GrantType::RefreshToken, narrowed);
        Ok(Issued { grant_type, authorization, access_token: new.access, refresh_token })
    }

    fn issue(
        &mut self,
        kind: TokenKind,
        now: Timestamp,
        token: &str,
        authorization: &Arc<Authorization>,
        family: Digest,
    ) {
        let (map, lifetime) = match kind {
            TokenKind::Access => {
                (&mut self.access_tokens, authorization.client.provider.access_token_lifetime())
            }
            TokenKind::Refresh => (&mut self.refresh_tokens, authorization.refresh_lifetime()),
        };
        let (authorization, expires_at) = (Arc::clone(authorization), now.plus(lifetime));
        let issued =
            Token { kind, authorization, family, issued_at: now, expires_at, rotated: None };
        map.insert(now, Digest::of(token), expires_at, issued);
    }

    /// The authorization behind a valid access token for a provider's own APIs. Records its use.
    pub fn access(
        &mut self,
        now: Timestamp,
        provider: Provider,
        access_token: &str,
    ) -> Option<Arc<Authorization>> {
        let found = self.find(now, provider, access_token)?;
        let is_valid =
            found.kind == TokenKind::Access && found.authorization.audience == Audience::Provider;
        is_valid.then(|| {
            self.record_use(now, &found.authorization);
            found.authorization
        })
    }

    /// A valid access or refresh token of a provider.
    pub fn find(&self, now: Timestamp, provider: Provider, token: &str) -> Option<Token> {
        let key = Digest::of(token);
        let access = self.access_tokens.get(now, &key);
        access
            .or_else(|| self.refresh_tokens.get(now, &key))
            .filter(|found| found.authorization.client.provider == provider)
            .cloned()
    }

    /// The scopes granted earlier that are not requested again.
    pub fn granted_earlier(&self, key: &Digest, requested: &Scopes) -> Scopes {
        let earlier = self.consents.get(key).map(|consent| consent.scopes.without(requested));
        earlier.unwrap_or_default()
    }

    /// Returns whether to issue a refresh token. Consents of ephemeral people are not recorded,
    /// because their number is unbounded.
    fn record_consent(
        &mut self,
        now: Timestamp,
        authorization: &Authorization,
        requested: &Scopes,
    ) -> bool {
        if is_ephemeral(&authorization.person.key) {
            return authorization.needs_refresh_token(&Scopes::default(), false);
        }
        let consent = self
            .consents
            .entry(authorization.consent_key())
            .or_insert_with(|| Consent::new(now, authorization));
        let needs_refresh_token =
            authorization.needs_refresh_token(&consent.scopes, consent.offline);
        consent.scopes = consent.scopes.without(requested).with(&authorization.scopes);
        consent.offline |= needs_refresh_token;
        needs_refresh_token
    }

    pub fn record_use(&mut self, now: Timestamp, authorization: &Authorization) {
        if let Some(consent) = self.consents.get_mut(&authorization.consent_key()) {
            consent.last_used_at = Some(now);
        }
    }

    pub fn consents_for(&self, audience: &Audience) -> Vec<Consent> {
        let consents = self.consents.values().filter(|one| one.audience == *audience);
        let mut found: Vec<Consent> = consents.cloned().collect();
        found.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        found
    }

    /// Revokes a consent with all its codes and tokens; `false` is a simulated failure.
    pub fn revoke(&mut self, authorization: &Authorization) -> bool {
        let key = authorization.consent_key();
        if authorization.misbehaviour == Misbehaviour::RevocationFails
            && let Some(consent) = self.consents.get_mut(&key)
            && consent.failures < REVOCATION_FAILURES
        {
            consent.failures += 1;
            return false;
        }
        self.revoke_consent(&key);
        true
    }

    /// Revokes the consent with this id for `audience`.
    pub fn revoke_by_id(&mut self, audience: &Audience, id: &str) -> bool {
        let found = self.consents.iter().find(|(_, one)| one.id == id && one.audience == *audience);
        let key = found.map(|(key, _)| *key);
        key.as_ref().inspect(|key| self.revoke_consent(key)).is_some()
    }

    fn revoke_consent(&mut self, key: &Digest) {
        self.consents.remove(key);
        self.codes.retain(|code| code.authorization.consent_key() != *key);
        self.access_tokens.retain(|token| token.authorization.consent_key() != *key);
        self.refresh_tokens.retain(|token| token.authorization.consent_key() != *key);
        self.changed();
    }

    /// Revokes all tokens from the same code, RFC 9700 §4.5.
    fn revoke_family(&mut self, family: &Digest) {
        self.access_tokens.retain(|token| token.family != *family);
        self.refresh_tokens.retain(|token| token.family != *family);
        self.changed();
    }

    fn changed(&self) {
        if let Some(on_change) = &self.on_change {
            // A full channel already has a signal.
            let _ = on_change.try_send(());
        }
    }
}
