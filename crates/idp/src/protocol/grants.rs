//! Consents, authorization codes and tokens, as transitions that take the time. Of codes and tokens
//! only digests are kept.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::pkce::CodeChallenge;
use super::scopes::{Audience, Scopes};
use crate::config::Client;
use crate::kit::{Bounded, Digest, Timestamp};
use crate::misbehave::Misbehaviour;
use crate::people::{Person, is_ephemeral};
use crate::provider::Provider;

/// How many codes, and how many tokens of a kind, are kept at most.
const CAPACITY: usize = 4096;
/// RFC 6749 §4.1.2 recommends ten minutes at most; a redirect takes less than one.
pub const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// Google's rule for applications in testing: "a refresh token expiring in 7 days".
const TESTING_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Google ends refresh tokens that were not used for six months; here it is six months in all.
const REFRESH_LIFETIME: Duration = Duration::from_secs(180 * 24 * 60 * 60);
/// How long a rotated refresh token is good for one more try: an answer may have got lost.
const RETRY_WITHIN: Duration = Duration::from_secs(60);
/// How often a revocation fails that was told to, before it works: an application that tries again
/// is to be seen to succeed.
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
    /// Only when there is something new to consent to.
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

    /// Whether a refresh token goes with this: Google gives one when the person consented to
    /// something new, and none when an application merely asks again.
    fn refresh_is_due(&self, earlier: &Scopes, given: bool) -> bool {
        let new = !self.scopes.without(earlier).is_empty();
        let wanted = match self.offline {
            Offline::No => false,
            Offline::WhenNew => new || !given,
            Offline::Always => true,
        };
        wanted && self.misbehaviour != Misbehaviour::NoRefreshToken
    }
}

/// An attempt to redeem a code, by a client that has authenticated. RFC 6749 §4.1.3.
#[derive(Debug)]
pub struct Redemption<'a> {
    pub client: &'a Client,
    pub code: &'a str,
    pub redirect_uri: &'a str,
    pub verifier: &'a str,
    /// `resource`, RFC 8707 §2.2.
    pub audience: Option<&'a Audience>,
}

/// An attempt to refresh, by a client that has authenticated. RFC 6749 §6.
#[derive(Debug)]
pub struct Refresh<'a> {
    pub client: &'a Client,
    pub refresh_token: &'a str,
    /// What is asked for, when it is less than what was granted.
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

/// Why there are no tokens: `invalid_grant` in RFC 6749 §5.2 unless said otherwise, and told apart by
/// the dialects that do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantError {
    /// Or revoked, or a refresh token that has expired.
    Unknown,
    /// Issued to another client, whose attempt has no effect.
    ForeignClient,
    /// A code or a rotated refresh token came back: everything that goes back to the same code ends
    /// (RFC 9700 §4.5 and §4.14.2).
    Replayed,
    Expired,
    RedirectUriMismatch,
    VerifierMismatch,
    TooWide,
    /// Consent was given for another API: `invalid_target`, RFC 8707 §2.
    OtherAudience,
}

/// What was decided, and what the code is bound to besides.
#[derive(Debug)]
pub struct Code {
    pub authorization: Arc<Authorization>,
    pub redirect_uri: String,
    pub challenge: CodeChallenge,
    /// What the person was asked, ticked or not: this decision replaces earlier ones about these.
    pub asked: Scopes,
    pub expires_at: Timestamp,
    pub spent: bool,
}

impl Code {
    /// RFC 6749 §4.1.3 and RFC 7636 §4.6, in an order that lets another client learn nothing.
    fn judge(&self, attempt: &Redemption<'_>, now: Timestamp) -> Result<(), GrantError> {
        if !self.authorization.was_issued_to(attempt.client) {
            Err(GrantError::ForeignClient)
        } else if self.spent {
            Err(GrantError::Replayed)
        } else if now >= self.expires_at {
            Err(GrantError::Expired)
        } else if self.redirect_uri != attempt.redirect_uri {
            Err(GrantError::RedirectUriMismatch)
        } else if !self.challenge.is_met_by(attempt.verifier) {
            Err(GrantError::VerifierMismatch)
        } else if !self.authorization.is_for(attempt.audience) {
            Err(GrantError::OtherAudience)
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
    /// The code that it goes back to, so that a replay finds it.
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
    fn judge_refresh(&self, attempt: &Refresh<'_>, now: Timestamp) -> Result<Scopes, GrantError> {
        let granted = &self.authorization;
        let is_over = |Rotated { at, retried }| retried || now.since(at) > RETRY_WITHIN;
        if !granted.was_issued_to(attempt.client) {
            Err(GrantError::ForeignClient)
        } else if self.rotated.is_some_and(is_over) {
            Err(GrantError::Replayed)
        } else if granted.misbehaviour == Misbehaviour::RefreshRefused {
            Err(GrantError::Unknown)
        } else if !granted.is_for(attempt.audience) {
            Err(GrantError::OtherAudience)
        } else if let Some(asked) = attempt.scope {
            granted.scopes.narrowed(asked).ok_or(GrantError::TooWide)
        } else {
            Ok(granted.scopes.clone())
        }
    }
}

/// Generated tokens. Which of them come into use is decided in one step.
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

/// Same person, same client, same API: one consent, however often it was given.
pub fn consent_key(client: &Client, person: &Person, audience: &Audience) -> Digest {
    Digest::of(format!("{:?}", (client.provider, &client.id, &person.key, audience)))
}

/// What a person has allowed an application, until it is revoked.
#[derive(Clone, Debug)]
pub struct Consent {
    /// Names it to the API whose data it opens. Not a secret.
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
        let name = format!("{:?} {:?} {}", now, audience, [&*client.id, &person.key].join(" "));
        Self {
            id: Digest::of(name).half(),
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

/// Every code and token that is out, and what people have allowed.
#[derive(Debug)]
pub struct Grants {
    codes: Bounded<Code>,
    pub access_tokens: Bounded<Token>,
    pub refresh_tokens: Bounded<Token>,
    /// Bounded by the people, the clients and the APIs there are; ephemeral people have none.
    pub consents: HashMap<Digest, Consent>,
    /// Signalled when something has changed that is to outlive the process.
    pub on_change: Option<SyncSender<()>>,
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            codes: Bounded::new(CAPACITY),
            access_tokens: Bounded::new(CAPACITY),
            refresh_tokens: Bounded::new(CAPACITY),
            consents: HashMap::new(),
            on_change: None,
        }
    }
}

impl Grants {
    pub fn issue_code(&mut self, now: Timestamp, code: &str, issued: Code) {
        // Kept as long as its tokens may live: a replay must still find what to revoke.
        let tokens_live = issued.authorization.client.provider.access_token_lifetime();
        let forget_at = issued.expires_at.plus(tokens_live);
        self.codes.insert(now, Digest::of(code), forget_at, issued);
    }

    /// Exchanges a code for tokens, in one step that cannot be interleaved.
    ///
    /// Any attempt by the right client uses the code up, so a verifier cannot be guessed at. A
    /// second attempt also revokes what the first one got (RFC 6749 §4.1.2, RFC 9700 §4.5).
    pub fn redeem(
        &mut self,
        now: Timestamp,
        attempt: &Redemption<'_>,
        new: NewTokens,
    ) -> Result<Issued, GrantError> {
        let family = Digest::of(attempt.code);
        let code = self.codes.get_mut(now, &family).ok_or(GrantError::Unknown)?;
        let judgement = code.judge(attempt, now);
        let authorization = Arc::clone(&code.authorization);
        let asked = code.asked.clone();
        match judgement {
            Err(GrantError::ForeignClient) => {}
            Err(GrantError::Replayed) => self.revoke_family(&family),
            _ => code.spent = true,
        }
        judgement?;
        let due = self.record_consent(now, &authorization, &asked);
        let refresh_token = due.then_some(new.refresh);
        self.issue(TokenKind::Access, now, &new.access, &authorization, family);
        if let Some(token) = &refresh_token {
            self.issue(TokenKind::Refresh, now, token, &authorization, family);
        }
        self.changed();
        let grant_type = GrantType::AuthorizationCode;
        Ok(Issued { grant_type, authorization, access_token: new.access, refresh_token })
    }

    /// Exchanges a refresh token for a new access token, and for a successor where it rotates.
    pub fn refresh(
        &mut self,
        now: Timestamp,
        attempt: &Refresh<'_>,
        new: NewTokens,
    ) -> Result<Issued, GrantError> {
        let key = Digest::of(attempt.refresh_token);
        let token = self.refresh_tokens.get_mut(now, &key).ok_or(GrantError::Unknown)?;
        let (authorization, family) = (Arc::clone(&token.authorization), token.family);
        let judgement = token.judge_refresh(attempt, now);
        let rotates =
            judgement.is_ok() && authorization.misbehaviour == Misbehaviour::RefreshRotates;
        if rotates {
            token.rotated = Some(match token.rotated {
                Some(earlier) => Rotated { retried: true, ..earlier },
                None => Rotated { at: now, retried: false },
            });
        }
        if judgement == Err(GrantError::Replayed) {
            self.revoke_family(&family);
        }
        let scopes = judgement?;
        let refresh_token = rotates.then_some(new.refresh);
        if let Some(token) = &refresh_token {
            self.issue(TokenKind::Refresh, now, token, &authorization, family);
        }
        // A narrower access token leaves the refresh token as wide as it was.
        let narrowed = match scopes == authorization.scopes {
            true => authorization,
            false => Arc::new(Authorization { scopes, ..(*authorization).clone() }),
        };
        self.issue(TokenKind::Access, now, &new.access, &narrowed, family);
        self.used(now, &narrowed);
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

    /// What a good access token for a provider's own APIs stands for. Records its use.
    pub fn access(
        &mut self,
        now: Timestamp,
        provider: Provider,
        access_token: &str,
    ) -> Option<Arc<Authorization>> {
        let found = self.find(now, provider, access_token)?;
        let good =
            found.kind == TokenKind::Access && found.authorization.audience == Audience::Provider;
        good.then(|| {
            self.used(now, &found.authorization);
            found.authorization
        })
    }

    /// A good token of a provider, of either kind.
    pub fn find(&self, now: Timestamp, provider: Provider, token: &str) -> Option<Token> {
        let key = Digest::of(token);
        let access = self.access_tokens.get(now, &key);
        access
            .or_else(|| self.refresh_tokens.get(now, &key))
            .filter(|found| found.authorization.client.provider == provider)
            .cloned()
    }

    /// The scopes that were granted earlier and are not `asked` about again.
    pub fn granted_earlier(&self, key: &Digest, asked: &Scopes) -> Scopes {
        let earlier = self.consents.get(key).map(|consent| consent.scopes.without(asked));
        earlier.unwrap_or_default()
    }

    /// Returns whether a refresh token is due. Consents of ephemeral people are not recorded: there
    /// would be ever more of them.
    fn record_consent(
        &mut self,
        now: Timestamp,
        authorization: &Authorization,
        asked: &Scopes,
    ) -> bool {
        if is_ephemeral(&authorization.person.key) {
            return authorization.refresh_is_due(&Scopes::default(), false);
        }
        let consent = self
            .consents
            .entry(authorization.consent_key())
            .or_insert_with(|| Consent::new(now, authorization));
        let due = authorization.refresh_is_due(&consent.scopes, consent.offline);
        consent.scopes = consent.scopes.without(asked).with(&authorization.scopes);
        consent.offline |= due;
        due
    }

    pub fn used(&mut self, now: Timestamp, authorization: &Authorization) {
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

    /// Revokes a consent with every code and token that it gave: RFC 7009 §2.1. `false` when it was
    /// told to fail this time.
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

    /// Revokes the consent with this id, if it is one for `audience`.
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

    /// RFC 9700 §4.5: everything that goes back to one code.
    fn revoke_family(&mut self, family: &Digest) {
        self.access_tokens.retain(|token| token.family != *family);
        self.refresh_tokens.retain(|token| token.family != *family);
        self.changed();
    }

    fn changed(&self) {
        if let Some(on_change) = &self.on_change {
            // Full means that it was signalled already.
            let _ = on_change.try_send(());
        }
    }
}
