//! Refresh tokens (RFC 6749 §6) and their revocation (RFC 7009).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Request};

/// Path of the revocation endpoint.
pub const REVOKE: &str = "/revoke";

/// Whether a used refresh token is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It stays valid.
    Never,
    /// It works once. Reuse revokes the grant (RFC 9700 §4.14).
    Strict,
    /// It works once. Reuse of the last one gets the same response again.
    WithGrace,
}

#[derive(Clone, Debug)]
pub(super) struct Offline {
    rotation: Rotation,
    lifetime: i64,
    /// Active grants: the number of refreshes by subject.
    grants: BTreeMap<String, u32>,
    /// Whether to drop the next response.
    lose_next: bool,
}

impl Offline {
    pub(super) fn new(rotation: Rotation, lifetime: i64) -> Self {
        Self { rotation, lifetime, grants: BTreeMap::new(), lose_next: false }
    }

    pub(super) fn lose_next(&mut self) {
        self.lose_next = true;
    }

    pub(super) fn revoke_all(&mut self) {
        self.grants.clear();
    }

    /// Adds a refresh token to the first token response.
    pub(super) fn begin(&mut self, subject: &str, response: &mut Value) {
        self.grants.insert(subject.to_owned(), 0);
        response["refresh_token"] = json!(format!("refresh-{subject}.0"));
        response["expires_in"] = json!(self.lifetime);
    }

    /// Whether an access token belongs to an active grant.
    pub(super) fn accepts(&self, access_token: &str) -> bool {
        let subject = access_token.split('.').next().unwrap_or_default();
        self.grants.contains_key(subject)
    }

    /// The refresh token grant.
    pub(super) fn refresh(&mut self, token: &str) -> Answer {
        let refused = || {
            let error = json!({ "error": "invalid_grant" }).to_string();
            Answer::Body(400, "application/json", error)
        };
        let parsed = token.strip_prefix("refresh-").and_then(|rest| rest.split_once('.'));
        let Some((subject, used)) = parsed else { return refused() };
        let used: u32 = used.parse().unwrap_or(u32::MAX);
        let Some(current) = self.grants.get(subject).copied() else { return refused() };
        let next = match self.rotation {
            Rotation::Never => current + 1,
            _ if used == current => current + 1,
            Rotation::WithGrace if used + 1 == current => current,
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

    /// RFC 7009 §2: either token revokes the grant.
    pub(super) fn revoke(&mut self, request: &Request) -> Answer {
        let token = request.field("token").unwrap_or_default();
        let rest = token.split_once('-').map(|(_, rest)| rest).unwrap_or_default();
        self.grants.remove(rest.split('.').next().unwrap_or_default());
        Answer::Json(json!({}))
    }
}
