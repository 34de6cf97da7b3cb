//! The ID token, OIDC Core §2 and §3.1.3.6.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use crate::{
    Provider,
    clock::Timestamp,
    digest::Digest,
    misbehave::Misbehaviour,
    people::Person,
    protocol::{grants::Authorization, scopes::Scopes},
};

const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The claims of an ID token.
#[derive(Clone, Debug, Serialize)]
pub(super) struct IdToken {
    iss: String,
    aud: String,
    azp: String,
    sub: String,
    iat: Timestamp,
    exp: Timestamp,
    auth_time: Timestamp,
    at_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(flatten)]
    profile: Profile,
}

/// The claims about the person, only those whose scope was granted: OIDC Core §5.4.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
}

impl Profile {
    pub(super) fn of(person: &Person, granted: &Scopes, origin: &str) -> Self {
        let email = person.email_at(Provider::Google).filter(|_| granted.contains("email"));
        let profile = granted.contains("profile");
        Self {
            email: email.map(|email| email.address.clone()),
            email_verified: email.map(|email| email.verified),
            name: profile.then(|| person.name.clone()),
            picture: profile.then(|| format!("{origin}{}", person.avatar_path())),
        }
    }
}

impl IdToken {
    pub(super) fn new(
        issuer: &str,
        origin: &str,
        authorization: &Authorization,
        access_token: &str,
        now: Timestamp,
    ) -> Self {
        let client_id = &authorization.client.id;
        Self {
            iss: issuer.to_owned(),
            aud: client_id.clone(),
            azp: client_id.clone(),
            sub: authorization.person.google_sub.clone(),
            iat: now,
            exp: now.plus(LIFETIME),
            auth_time: authorization.auth_time,
            at_hash: at_hash(access_token),
            nonce: authorization.nonce.clone(),
            profile: Profile::of(&authorization.person, &authorization.scopes, origin),
        }
    }

    /// OIDC Core §12.2: an ID token that comes with a refresh should carry no nonce.
    pub(super) fn without_nonce(self) -> Self {
        Self { nonce: None, ..self }
    }

    /// Makes the claims as wrong as the person asked for.
    pub(super) fn twisted(mut self, misbehaviour: Misbehaviour) -> Self {
        match misbehaviour {
            Misbehaviour::WrongNonce => self.nonce = Some("the-nonce-of-another-sign-in".into()),
            Misbehaviour::WrongIssuer => self.iss = "https://issuer.example.test".into(),
            Misbehaviour::WrongAudience => {
                self.aud = "another-app".into();
                self.azp = self.aud.clone();
            }
            Misbehaviour::ExpiredIdToken => {
                let back = LIFETIME * 2;
                self.iat = self.iat.minus(back);
                self.auth_time = self.auth_time.minus(back);
                self.exp = self.exp.minus(back);
            }
            _ => {}
        }
        self
    }
}

/// OIDC Core §3.1.3.6: the left half of the SHA-256 of the access token.
fn at_hash(access_token: &str) -> String {
    let digest = Digest::of(access_token);
    let (left, _) = digest.as_bytes().split_at(16);
    URL_SAFE_NO_PAD.encode(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of OIDC Core, appendix A.3 (errata set 2): its token and its hash.
    #[test]
    fn at_hash_is_that_of_the_standard() {
        assert_eq!(
            at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
    }
}
