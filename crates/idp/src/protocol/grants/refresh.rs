//! Refresh tokens, RFC 6749 §6.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Authorization, Found, Fresh, Grants, Issued};
use crate::{
    Provider,
    clock::Timestamp,
    digest::Digest,
    misbehave::Misbehaviour,
    protocol::scopes::{Audience, Scopes},
};

/// How long a rotated refresh token is good for one more try: an answer may have got lost.
const RETRY_WITHIN: Duration = Duration::from_secs(60);

/// An attempt to refresh, by a client that has authenticated.
#[derive(Debug)]
pub(crate) struct Renewal<'a> {
    pub(crate) provider: Provider,
    pub(crate) client_id: &'a str,
    pub(crate) refresh_token: &'a str,
    /// What is asked for, when it is less than what was granted.
    pub(crate) scope: Option<&'a str>,
    /// `resource`, RFC 8707 §2.2.
    pub(crate) audience: Option<&'a Audience>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RenewalError {
    /// Unknown, revoked or past its time; or made to be refused. `invalid_grant`.
    Unknown,
    /// Issued to another client, who learns nothing and harms nobody. `invalid_grant`.
    ForeignClient,
    /// A rotated one came back: RFC 9700 §4.14.2 then ends the whole family. `invalid_grant`.
    Reused,
    /// More than was granted: `invalid_scope`.
    TooWide,
    /// `invalid_target`, RFC 8707 §2.
    OtherAudience,
}

#[derive(Debug)]
pub(super) struct RefreshToken {
    pub(super) authorization: Arc<Authorization>,
    pub(super) family: Digest,
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) rotated: Option<Rotated>,
}

/// A newer one has taken its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rotated {
    at: Timestamp,
    retried: bool,
}

impl RefreshToken {
    pub(super) fn found(&self) -> Found {
        Found {
            authorization: Arc::clone(&self.authorization),
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            refresh: true,
            rotated: self.rotated.is_some(),
        }
    }

    fn judge(&self, attempt: &Renewal<'_>, now: Timestamp) -> Result<Scopes, RenewalError> {
        let granted = &self.authorization;
        if granted.client.provider != attempt.provider || granted.client.id != attempt.client_id {
            return Err(RenewalError::ForeignClient);
        }
        if let Some(Rotated { at, retried }) = self.rotated
            && (retried || now.since(at) > RETRY_WITHIN)
        {
            return Err(RenewalError::Reused);
        }
        if granted.misbehaviour == Misbehaviour::RefreshRefused {
            return Err(RenewalError::Unknown);
        }
        if attempt.audience.is_some_and(|audience| *audience != granted.audience) {
            return Err(RenewalError::OtherAudience);
        }
        match attempt.scope {
            Some(asked) => granted.scopes.narrowed(asked).ok_or(RenewalError::TooWide),
            None => Ok(granted.scopes.clone()),
        }
    }
}

impl Grants {
    pub(super) fn issue_refresh(
        &mut self,
        now: Timestamp,
        token: &str,
        authorization: &Arc<Authorization>,
        family: Digest,
    ) {
        let expires_at = now.plus(authorization.refresh_lifetime());
        let authorization = Arc::clone(authorization);
        let issued =
            RefreshToken { authorization, family, issued_at: now, expires_at, rotated: None };
        self.refresh_tokens.insert(now, Digest::of(token), expires_at, issued);
    }

    /// A refresh token against a new access token, and against a successor where it rotates.
    pub(crate) fn renew(
        &mut self,
        now: Timestamp,
        attempt: &Renewal<'_>,
        fresh: &Fresh<'_>,
    ) -> Result<Issued, RenewalError> {
        let key = Digest::of(attempt.refresh_token);
        let token = self.refresh_tokens.get_mut(now, &key).ok_or(RenewalError::Unknown)?;
        let (authorization, family) = (Arc::clone(&token.authorization), token.family);
        let scopes = match token.judge(attempt, now) {
            Ok(scopes) => scopes,
            Err(refusal) => {
                if refusal == RenewalError::Reused {
                    self.end_family(&family);
                }
                return Err(refusal);
            }
        };
        let rotates = authorization.misbehaviour == Misbehaviour::RefreshRotates;
        if rotates {
            token.rotated = Some(match token.rotated {
                Some(earlier) => Rotated { retried: true, ..earlier },
                None => Rotated { at: now, retried: false },
            });
            self.issue_refresh(now, fresh.refresh, &authorization, family);
        }
        // A narrower access token leaves the refresh token as wide as it was.
        let narrowed = match scopes == authorization.scopes {
            true => authorization,
            false => Arc::new(Authorization { scopes, ..(*authorization).clone() }),
        };
        self.issue_access(now, fresh.access, &narrowed, family);
        self.used(now, &narrowed);
        self.changed();
        Ok(Issued { authorization: narrowed, refresh: rotates })
    }
}
