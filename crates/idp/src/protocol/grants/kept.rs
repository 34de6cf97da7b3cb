//! Grants as they are written down: digests in place of tokens, names in place of things.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    AccessToken, Authorization, Consent, ConsentKey, Found, Grants, Offline,
    refresh::{RefreshToken, Rotated},
};
use crate::{
    Client, Provider,
    clock::Timestamp,
    digest::Digest,
    misbehave::Misbehaviour,
    people::{People, Person, is_passing},
    protocol::{
        clients::Clients,
        scopes::{Audience, Catalogue, Scopes},
    },
};

/// An access token that ends sooner is not worth writing down: a refresh brings another.
const WORTH_KEEPING: u64 = 2 * 60 * 60;

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Kept {
    consents: Vec<KeptConsent>,
    access_tokens: Vec<KeptToken>,
    refresh_tokens: Vec<KeptToken>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Parties {
    provider: String,
    client: String,
    person: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<String>,
    scope: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptConsent {
    #[serde(flatten)]
    parties: Parties,
    id: String,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    offline: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptToken {
    #[serde(flatten)]
    parties: Parties,
    /// SHA-256, base64url.
    digest: String,
    family: String,
    auth_time: Timestamp,
    issued_at: Timestamp,
    expires_at: Timestamp,
    misbehave: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotated: Option<Rotated>,
}

/// Where names are looked up. What is not registered any more is not restored.
pub(crate) struct Register<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) people: &'a People,
    pub(crate) catalogue: &'a Catalogue,
}

impl Parties {
    fn of(client: &Client, person: &Person, audience: &Audience, scopes: &Scopes) -> Self {
        Self {
            provider: client.provider.key().to_owned(),
            client: client.id.clone(),
            person: person.key.clone(),
            api: match audience {
                Audience::Provider => None,
                Audience::Api(uri) => Some(uri.to_string()),
            },
            scope: scopes.joined(" "),
        }
    }

    fn read(&self, register: &Register<'_>) -> Option<Authorization> {
        let provider = Provider::ALL.into_iter().find(|one| one.key() == self.provider)?;
        let audience = match &self.api {
            None => Audience::Provider,
            Some(uri) => Audience::Api(uri.as_str().into()),
        };
        Some(Authorization {
            client: Arc::clone(register.clients.find(provider, &self.client)?),
            person: register.people.find(&self.person)?,
            scopes: register.catalogue.parse(provider, &audience, &self.scope),
            audience,
            nonce: None,
            auth_time: Timestamp::default(),
            offline: Offline::No,
            misbehaviour: Misbehaviour::None,
        })
    }
}

impl KeptToken {
    fn of(key: &Digest, family: &Digest, token: &Found, rotated: Option<Rotated>) -> Self {
        let Authorization { client, person, audience, scopes, .. } = &*token.authorization;
        Self {
            parties: Parties::of(client, person, audience, scopes),
            digest: key.text(),
            family: family.text(),
            auth_time: token.authorization.auth_time,
            issued_at: token.issued_at,
            expires_at: token.expires_at,
            misbehave: token.authorization.misbehaviour.key().to_owned(),
            rotated,
        }
    }

    fn read(&self, register: &Register<'_>) -> Option<(Digest, Digest, Arc<Authorization>)> {
        let authorization = self.parties.read(register)?;
        let provider = authorization.client.provider;
        let authorization = Authorization {
            auth_time: self.auth_time,
            misbehaviour: Misbehaviour::parse(provider, Some(&self.misbehave))?,
            ..authorization
        };
        let digest = Digest::from_text(&self.digest)?;
        Some((digest, Digest::from_text(&self.family)?, Arc::new(authorization)))
    }
}

impl Grants {
    /// Everything that is to outlive the process; who passes by does not.
    pub(crate) fn kept(&self, now: Timestamp) -> Kept {
        let stays = |authorization: &Authorization| !is_passing(&authorization.person.key);
        let access = self
            .access_tokens
            .iter(now)
            .filter(|(_, token)| token.expires_at.0 > now.0 + WORTH_KEEPING)
            .filter(|(_, token)| stays(&token.authorization))
            .map(|(key, token)| KeptToken::of(key, &token.family, &token.found(), None));
        let refresh =
            self.refresh_tokens.iter(now).filter(|(_, token)| stays(&token.authorization)).map(
                |(key, token)| KeptToken::of(key, &token.family, &token.found(), token.rotated),
            );
        let consents = self.consents.values().map(|consent| KeptConsent {
            parties: Parties::of(
                &consent.client,
                &consent.person,
                &consent.audience,
                &consent.scopes,
            ),
            id: consent.id.clone(),
            created_at: consent.created_at,
            last_used_at: consent.last_used_at,
            offline: consent.offline,
        });
        Kept {
            consents: consents.collect(),
            access_tokens: access.collect(),
            refresh_tokens: refresh.collect(),
        }
    }

    /// Takes back what an earlier process kept.
    pub(crate) fn restore(&mut self, now: Timestamp, kept: Kept, register: &Register<'_>) {
        for one in kept.consents {
            if let Some(authorization) = one.parties.read(register) {
                let consent = Consent {
                    id: one.id,
                    last_used_at: one.last_used_at,
                    scopes: authorization.scopes.clone(),
                    offline: one.offline,
                    ..Consent::new(one.created_at, &authorization)
                };
                self.consents.insert(ConsentKey::of(&authorization), consent);
            }
        }
        for token in kept.access_tokens {
            if let Some((key, family, authorization)) = token.read(register) {
                let KeptToken { issued_at, expires_at, .. } = token;
                let access = AccessToken { authorization, family, issued_at, expires_at };
                self.access_tokens.insert(now, key, expires_at, access);
            }
        }
        for token in kept.refresh_tokens {
            if let Some((key, family, authorization)) = token.read(register) {
                let KeptToken { issued_at, expires_at, rotated, .. } = token;
                let refresh =
                    RefreshToken { authorization, family, issued_at, expires_at, rotated };
                self.refresh_tokens.insert(now, key, expires_at, refresh);
            }
        }
    }
}
