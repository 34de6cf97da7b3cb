//! Authorization codes, RFC 6749 §4.1.2 and §4.1.3.

use std::{sync::Arc, time::Duration};

use super::{Authorization, Fresh, Grants, Issued};
use crate::{
    Provider,
    clock::Timestamp,
    digest::Digest,
    protocol::{
        pkce::CodeChallenge,
        scopes::{Audience, Scopes},
    },
};

/// RFC 6749 §4.1.2 recommends ten minutes at most; a redirect takes less than one.
const CODE_LIFETIME: Duration = Duration::from_secs(60);

/// What a code is bound to, beside what was decided.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) redirect_uri: String,
    pub(crate) challenge: CodeChallenge,
    /// What the person was asked, ticked or not: the last word on each of these.
    pub(crate) asked: Scopes,
}

/// An attempt to redeem a code, by a client that has authenticated. RFC 6749 §4.1.3.
#[derive(Debug)]
pub(crate) struct Redemption<'a> {
    pub(crate) provider: Provider,
    pub(crate) client_id: &'a str,
    pub(crate) code: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) verifier: &'a str,
    /// `resource`, RFC 8707 §2.2; `None` when it was not said or names nothing.
    pub(crate) audience: Option<&'a Audience>,
}

/// Why a code is not redeemed: `invalid_grant` in RFC 6749 §5.2 unless said otherwise, and told
/// apart by the dialects that do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RedeemError {
    Unknown,
    /// Issued to another client. It is not used up by a stranger's attempt.
    ForeignClient,
    Replayed,
    Expired,
    RedirectUriMismatch,
    VerifierMismatch,
    /// `invalid_target`, RFC 8707 §2: consent was given for another API.
    OtherAudience,
}

#[derive(Debug)]
pub(super) struct Code {
    pub(super) authorization: Arc<Authorization>,
    binding: Binding,
    expires_at: Timestamp,
    spent: bool,
}

impl Code {
    /// RFC 6749 §4.1.3 and RFC 7636 §4.6, in an order that lets a stranger learn nothing.
    fn judge(&self, attempt: &Redemption<'_>, now: Timestamp) -> Result<(), RedeemError> {
        let decided = &self.authorization;
        if decided.client.provider != attempt.provider || decided.client.id != attempt.client_id {
            return Err(RedeemError::ForeignClient);
        }
        if self.spent {
            return Err(RedeemError::Replayed);
        }
        if now >= self.expires_at {
            return Err(RedeemError::Expired);
        }
        if self.binding.redirect_uri != attempt.redirect_uri {
            return Err(RedeemError::RedirectUriMismatch);
        }
        if !self.binding.challenge.is_met_by(attempt.verifier) {
            return Err(RedeemError::VerifierMismatch);
        }
        if attempt.audience.is_some_and(|audience| *audience != decided.audience) {
            return Err(RedeemError::OtherAudience);
        }
        Ok(())
    }
}

impl Grants {
    /// Takes note of a code that is about to be handed out.
    pub(crate) fn issue_code(
        &mut self,
        now: Timestamp,
        code: &str,
        authorization: Authorization,
        binding: Binding,
    ) {
        let expires_at = now.plus(CODE_LIFETIME);
        // Kept as long as its tokens may live: a replay must still find what to revoke.
        let forget_at = expires_at.plus(authorization.client.provider.access_token_lifetime());
        let authorization = Arc::new(authorization);
        let issued = Code { authorization, binding, expires_at, spent: false };
        self.codes.insert(now, Digest::of(code), forget_at, issued);
    }

    /// Exchanges a code for tokens, in one step that cannot be interleaved.
    ///
    /// Any attempt by the right client uses the code up, so a verifier cannot be guessed at. A
    /// second attempt also revokes what the first one got (RFC 6749 §4.1.2, RFC 9700 §4.5).
    pub(crate) fn redeem(
        &mut self,
        now: Timestamp,
        attempt: &Redemption<'_>,
        fresh: &Fresh<'_>,
    ) -> Result<Issued, RedeemError> {
        let family = Digest::of(attempt.code);
        let code = self.codes.get_mut(now, &family).ok_or(RedeemError::Unknown)?;
        let judgement = code.judge(attempt, now);
        let authorization = Arc::clone(&code.authorization);
        let asked = code.binding.asked.clone();
        match judgement {
            Err(RedeemError::ForeignClient) => {}
            Err(RedeemError::Replayed) => self.end_family(&family),
            _ => code.spent = true,
        }
        judgement?;
        let refresh = self.consented(now, &authorization, &asked);
        self.issue_access(now, fresh.access, &authorization, family);
        if refresh {
            self.issue_refresh(now, fresh.refresh, &authorization, family);
        }
        self.changed();
        Ok(Issued { authorization, refresh })
    }
}
