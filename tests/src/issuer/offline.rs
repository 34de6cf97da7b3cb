//! Refresh tokens (RFC 6749 §6) and their end (RFC 7009), as strict as a test
//! wants them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Request};

/// Where a token is ended.
pub const REVOKE: &str = "/revoke";

/// What becomes of a refresh token that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It goes on; no other is given out.
    Never,
    /// It works once. Whoever comes with it again ends the whole grant (RFC 9700 §4.14).
    Strict,
    /// It works once, and whoever comes with the last one again gets the same answer.
    WithGrace,
}

/// How an issuer gives out refresh tokens.
#[derive(Clone, Debug)]
pub(super) struct Offline {
    rotation: Rotation,
    lifetime: i64,
    /// The living grants: by subject, how often each was renewed.
    grants: BTreeMap<String, u32>,
    /// Whether the next answer gets lost on its way.
    lose_next: bool,
}

impl Offline {
    pub(super) fn new(rotation: Rotation, lifetime: i64) -> Self {
        Self { rotation, lifetime, grants: BTreeMap::new(), lose_next: false }
    }

    pub(super) fn lose_next(&mut self) {
        self.lose_next = true;
    }

    /// Ends every grant, as somebody does in their settings there.
    pub(super) fn end_all(&mut self) {
        self.grants.clear();
    }

    /// Makes a first token response one that lasts.
    pub(super) fn begin(&mut self, subject: &str, response: &mut Value) {
        self.grants.insert(subject.to_owned(), 0);
        response["refresh_token"] = json!(format!("refresh-{subject}.0"));
        response["expires_in"] = json!(self.lifetime);
    }

    /// Whether an access token is one of a living grant.
    pub(super) fn takes(&self, access_token: &str) -> bool {
        let subject = access_token.split('.').next().unwrap_or_default();
        self.grants.contains_key(subject)
    }

    /// The refresh token grant.
    pub(super) fn refresh(&mut self, token: &str) -> Answer {
        let refused = || {
            let error = json!({ "error": "invalid_grant" }).to_string();
            Answer::Says(400, "application/json", error)
        };
        let parsed = token.strip_prefix("refresh-").and_then(|rest| rest.split_once('.'));
        let Some((subject, shown)) = parsed else { return refused() };
        let shown: u32 = shown.parse().unwrap_or(u32::MAX);
        let Some(current) = self.grants.get(subject).copied() else { return refused() };
        let next = match self.rotation {
            Rotation::Never => current + 1,
            _ if shown == current => current + 1,
            Rotation::WithGrace if shown + 1 == current => current,
            _ => {
                self.grants.remove(subject);
                return refused();
            }
        };
        self.grants.insert(subject.to_owned(), next);
        if std::mem::take(&mut self.lose_next) {
            return Answer::HangUp;
        }
        let mut response = json!({
            "access_token": format!("access-{subject}.{next}"),
            "token_type": "Bearer",
            "expires_in": self.lifetime,
        });
        if self.rotation != Rotation::Never {
            response["refresh_token"] = json!(format!("refresh-{subject}.{next}"));
        }
        Answer::Json(response)
    }

    /// RFC 7009 §2: either token ends the grant.
    pub(super) fn revoke(&mut self, request: &Request) -> Answer {
        let token = request.field("token").unwrap_or_default();
        let rest = token.split_once('-').map(|(_, rest)| rest).unwrap_or_default();
        self.grants.remove(rest.split('.').next().unwrap_or_default());
        Answer::Json(json!({}))
    }
}
