//! Grants in a file, so that a connection survives a restart of `cargo run`: digests in place of
//! tokens, names in place of things.
//!
//! A thread of its own writes: no request waits for a disk.

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::grants::{Authorization, Consent, Grants, Offline, Rotated, Token, TokenKind};
use super::registry::Clients;
use super::scopes::{Audience, Catalogue, Scopes};
use crate::config::{Client, Error};
use crate::json_file;
use crate::kit::{Clock, Digest, Timestamp};
use crate::misbehave::Misbehaviour;
use crate::people::{People, Person, is_ephemeral};
use crate::provider::Provider;

/// Changes within this time are written together.
const WRITE_INTERVAL: Duration = Duration::from_millis(200);
/// An access token that expires sooner is not worth storing: a refresh brings another. In seconds.
const MIN_LIFETIME: u64 = 2 * 60 * 60;

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    consents: Vec<StoredConsent>,
    access_tokens: Vec<StoredToken>,
    refresh_tokens: Vec<StoredToken>,
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
struct StoredConsent {
    #[serde(flatten)]
    parties: Parties,
    id: String,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    offline: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredToken {
    #[serde(flatten)]
    parties: Parties,
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
pub struct RestoreContext<'a> {
    pub clients: &'a Clients,
    pub people: &'a People,
    pub catalogue: &'a Catalogue,
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

    fn restore(&self, context: &RestoreContext<'_>) -> Option<Authorization> {
        let provider = Provider::ALL.into_iter().find(|one| one.key() == self.provider)?;
        let audience = match &self.api {
            None => Audience::Provider,
            Some(uri) => Audience::Api(uri.as_str().into()),
        };
        Some(Authorization {
            client: Arc::clone(context.clients.find(provider, &self.client)?),
            person: context.people.find(&self.person)?,
            scopes: context.catalogue.parse(provider, &audience, &self.scope),
            audience,
            nonce: None,
            auth_time: Timestamp::default(),
            offline: Offline::No,
            misbehaviour: Misbehaviour::None,
        })
    }
}

impl StoredToken {
    fn of((key, token): (&Digest, &Token)) -> Self {
        let Authorization { client, person, audience, scopes, .. } = &*token.authorization;
        Self {
            parties: Parties::of(client, person, audience, scopes),
            digest: key.to_base64url(),
            family: token.family.to_base64url(),
            auth_time: token.authorization.auth_time,
            issued_at: token.issued_at,
            expires_at: token.expires_at,
            misbehave: token.authorization.misbehaviour.key().to_owned(),
            rotated: token.rotated,
        }
    }

    fn restore(&self, kind: TokenKind, context: &RestoreContext<'_>) -> Option<(Digest, Token)> {
        let authorization = self.parties.restore(context)?;
        let provider = authorization.client.provider;
        let misbehaviour = Misbehaviour::parse(provider, Some(&self.misbehave))?;
        let auth_time = self.auth_time;
        let authorization = Authorization { auth_time, misbehaviour, ..authorization };
        let token = Token {
            kind,
            authorization: Arc::new(authorization),
            family: Digest::from_base64url(&self.family)?,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            rotated: self.rotated,
        };
        Some((Digest::from_base64url(&self.digest)?, token))
    }
}

impl Snapshot {
    /// Everything that is to outlive the process; ephemeral people do not.
    pub fn of(grants: &Grants, now: Timestamp) -> Self {
        let stays = |(_, token): &(&Digest, &Token)| !is_ephemeral(&token.authorization.person.key);
        let lasts = |(_, token): &(&Digest, &Token)| token.expires_at.0 > now.0 + MIN_LIFETIME;
        let access_tokens = grants.access_tokens.iter(now).filter(stays).filter(lasts);
        let refresh_tokens = grants.refresh_tokens.iter(now).filter(stays);
        let consents = grants.consents.values().map(|one| StoredConsent {
            parties: Parties::of(&one.client, &one.person, &one.audience, &one.scopes),
            id: one.id.clone(),
            created_at: one.created_at,
            last_used_at: one.last_used_at,
            offline: one.offline,
        });
        Self {
            consents: consents.collect(),
            access_tokens: access_tokens.map(StoredToken::of).collect(),
            refresh_tokens: refresh_tokens.map(StoredToken::of).collect(),
        }
    }

    pub fn restore(self, grants: &mut Grants, now: Timestamp, context: &RestoreContext<'_>) {
        for one in self.consents {
            if let Some(authorization) = one.parties.restore(context) {
                let consent = Consent {
                    id: one.id,
                    last_used_at: one.last_used_at,
                    scopes: authorization.scopes.clone(),
                    offline: one.offline,
                    ..Consent::new(one.created_at, &authorization)
                };
                grants.consents.insert(authorization.consent_key(), consent);
            }
        }
        for (stored, kind, map) in [
            (self.access_tokens, TokenKind::Access, &mut grants.access_tokens),
            (self.refresh_tokens, TokenKind::Refresh, &mut grants.refresh_tokens),
        ] {
            for (key, token) in stored.iter().filter_map(|one| one.restore(kind, context)) {
                map.insert(now, key, token.expires_at, token);
            }
        }
    }
}

pub fn read(path: &Path) -> Result<Snapshot, Error> {
    json_file::read(path).map_err(|source| Error::GrantsFile { path: path.to_owned(), source })
}

/// Writes the file after every change, for as long as the grants are there.
pub fn start(path: PathBuf, grants: &Arc<Mutex<Grants>>, clock: Clock) {
    // One pending signal is enough to know that something has changed.
    let (on_change, changed) = mpsc::sync_channel(1);
    grants.lock().on_change = Some(on_change);
    let grants = Arc::downgrade(grants);
    std::thread::spawn(move || {
        while changed.recv().is_ok() {
            let Some(grants) = grants.upgrade() else { break };
            let snapshot = Snapshot::of(&grants.lock(), clock.now());
            drop(grants);
            if let Err(error) = json_file::write(&path, &snapshot) {
                tracing::error!(%error, path = %path.display(), "the grants could not be written");
            }
            std::thread::sleep(WRITE_INTERVAL);
        }
    });
}
