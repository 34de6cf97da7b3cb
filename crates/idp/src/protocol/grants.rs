//! Authorization codes and access tokens, as transitions that take the time.

use std::{sync::Arc, time::Duration};

use super::{pkce::CodeChallenge, scopes::Scopes};
use crate::{
    Client, Provider, bounded::Bounded, clock::Timestamp, digest::Digest, misbehave::Misbehaviour,
    people::Person,
};

/// RFC 6749 §4.1.2 recommends ten minutes at most; a redirect takes less than one.
const CODE_LIFETIME: Duration = Duration::from_secs(60);

/// How many codes, and how many tokens, are kept at most.
const CAPACITY: usize = 4096;

/// What a person decided.
#[derive(Debug)]
pub(crate) struct Authorization {
    pub(crate) client: Arc<Client>,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: CodeChallenge,
    pub(crate) nonce: Option<String>,
    pub(crate) scopes: Scopes,
    pub(crate) person: Arc<Person>,
    /// When the person said who they are: `auth_time`, OIDC Core §2.
    pub(crate) auth_time: Timestamp,
    pub(crate) misbehaviour: Misbehaviour,
}

/// An attempt to redeem a code, by a client that has authenticated. RFC 6749 §4.1.3.
#[derive(Debug)]
pub(crate) struct Redemption<'a> {
    pub(crate) provider: Provider,
    pub(crate) client_id: &'a str,
    pub(crate) code: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) verifier: &'a str,
}

/// Why a code is not redeemed: all of them `invalid_grant` in RFC 6749 §5.2, and told apart by the
/// dialects that do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RedeemError {
    Unknown,
    /// Issued to another client. It is not used up by a stranger's attempt.
    ForeignClient,
    Replayed,
    Expired,
    RedirectUriMismatch,
    VerifierMismatch,
}

#[derive(Debug)]
struct Code {
    authorization: Arc<Authorization>,
    expires_at: Timestamp,
    spent: bool,
}

#[derive(Debug)]
struct AccessToken {
    authorization: Arc<Authorization>,
    /// The code it was issued from, so that a replay finds it.
    code: Digest,
}

impl Code {
    /// RFC 6749 §4.1.3 and RFC 7636 §4.6, in an order that lets a stranger learn nothing.
    fn judge(&self, attempt: &Redemption<'_>, now: Timestamp) -> Result<(), RedeemError> {
        let asked = &self.authorization;
        if asked.client.provider != attempt.provider || asked.client.id != attempt.client_id {
            return Err(RedeemError::ForeignClient);
        }
        if self.spent {
            return Err(RedeemError::Replayed);
        }
        if now >= self.expires_at {
            return Err(RedeemError::Expired);
        }
        if asked.redirect_uri != attempt.redirect_uri {
            return Err(RedeemError::RedirectUriMismatch);
        }
        if !asked.challenge.is_met_by(attempt.verifier) {
            return Err(RedeemError::VerifierMismatch);
        }
        Ok(())
    }
}

/// Every code and token that is out.
#[derive(Debug)]
pub(crate) struct Grants {
    codes: Bounded<Code>,
    access_tokens: Bounded<AccessToken>,
}

impl Default for Grants {
    fn default() -> Self {
        Self { codes: Bounded::new(CAPACITY), access_tokens: Bounded::new(CAPACITY) }
    }
}

impl Grants {
    /// Takes note of a code that is about to be handed out.
    pub(crate) fn issue_code(&mut self, now: Timestamp, code: &str, authorization: Authorization) {
        let expires_at = now.plus(CODE_LIFETIME);
        // Kept as long as its tokens may live: a replay must still find what to revoke.
        let forget_at = expires_at.plus(authorization.client.provider.access_token_lifetime());
        let code_state = Code { authorization: Arc::new(authorization), expires_at, spent: false };
        self.codes.insert(now, Digest::of(code), forget_at, code_state);
    }

    /// Exchanges a code for `access_token`, in one step that cannot be interleaved.
    ///
    /// Any attempt by the right client uses the code up, so a verifier cannot be guessed at. A
    /// second attempt also revokes what the first one got (RFC 6749 §4.1.2, RFC 9700 §4.5).
    pub(crate) fn redeem(
        &mut self,
        now: Timestamp,
        attempt: &Redemption<'_>,
        access_token: &str,
    ) -> Result<Arc<Authorization>, RedeemError> {
        let key = Digest::of(attempt.code);
        let code = self.codes.get_mut(now, &key).ok_or(RedeemError::Unknown)?;
        let judgement = code.judge(attempt, now);
        match judgement {
            Err(RedeemError::ForeignClient) => {}
            Err(RedeemError::Replayed) => self.access_tokens.retain(|token| token.code != key),
            _ => code.spent = true,
        }
        judgement?;
        let authorization = Arc::clone(&code.authorization);
        let lifetime = attempt.provider.access_token_lifetime();
        let token = AccessToken { authorization: Arc::clone(&authorization), code: key };
        self.access_tokens.insert(now, Digest::of(access_token), now.plus(lifetime), token);
        Ok(authorization)
    }

    /// What a good access token of this provider stands for.
    pub(crate) fn access(
        &self,
        now: Timestamp,
        provider: Provider,
        access_token: &str,
    ) -> Option<Arc<Authorization>> {
        self.access_tokens
            .get(now, &Digest::of(access_token))
            .map(|token| &token.authorization)
            .filter(|authorization| authorization.client.provider == provider)
            .cloned()
    }
}

#[cfg(test)]
mod tests;
