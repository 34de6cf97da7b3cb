//! Stores grants in a file, so that they survive a restart. Tokens are stored as digests.
//!
//! A background thread writes the file, so that no request waits for the disk.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::grants::{Authorization, Consent, Grants, Offline, Rotated, Token, TokenKind};
use super::scopes::{Audience, Scopes};
use crate::app::App;
use crate::config::{Client, Error};
use crate::json_file;
use crate::kit::{Digest, Timestamp};
use crate::misbehave::Misbehaviour;
use crate::people::{Person, is_ephemeral};
use crate::provider::Provider;

/// Changes within this time are written together.
const WRITE_INTERVAL: Duration = Duration::from_millis(200);
/// Access tokens that expire sooner are not stored, because a refresh yields another. In seconds.
const MIN_LIFETIME: u64 = 2 * 60 * 60;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Snapshot {
    consents: Vec<StoredConsent>,
    access_tokens: Vec<StoredToken>,
    refresh_tokens: Vec<StoredToken>,
}

#[derive(Serialize, Deserialize)]
struct StoredAuthorization {
    provider: String,
    client: String,
    person: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<String>,
    scope: String,
}

#[derive(Serialize, Deserialize)]
struct StoredConsent {
    #[serde(flatten)]
    authorization: StoredAuthorization,
    id: String,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    offline: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredToken {
    #[serde(flatten)]
    authorization: StoredAuthorization,
    digest: String,
    family: String,
    auth_time: Timestamp,
    issued_at: Timestamp,
    expires_at: Timestamp,
    misbehave: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotated: Option<Rotated>,
}

impl StoredAuthorization {
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

    /// `None` if the client or person no longer exists.
    fn restore(&self, app: &App) -> Option<Authorization> {
        let provider = Provider::ALL.into_iter().find(|one| one.key() == self.provider)?;
        let audience = match &self.api {
            None => Audience::Provider,
            Some(uri) => Audience::Api(uri.as_str().into()),
        };
        Some(Authorization {
            client: Arc::clone(app.clients.find(provider, &self.client)?),
            person: app.people.find(&self.person)?,
            scopes: app.catalogue.parse(provider, &audience, &self.scope),
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
            authorization: StoredAuthorization::of(client, person, audience, scopes),
            digest: key.to_base64url(),
            family: token.family.to_base64url(),
            auth_time: token.authorization.auth_time,
            issued_at: token.issued_at,
            expires_at: token.expires_at,
            misbehave: token.authorization.misbehaviour.key().to_owned(),
            rotated: token.rotated,
        }
    }

    fn restore(&self, kind: TokenKind, app: &App) -> Option<(Digest, Token)> {
        let authorization = self.authorization.restore(app)?;
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
    /// Without the grants of ephemeral people.
    fn of(grants: &Grants, now: Timestamp) -> Self {
        let is_stored =
            |(_, token): &(&Digest, &Token)| !is_ephemeral(&token.authorization.person.key);
        let is_long_lived =
            |(_, token): &(&Digest, &Token)| token.expires_at.0 > now.0 + MIN_LIFETIME;
        let access_tokens = grants.access_tokens.iter(now).filter(is_stored).filter(is_long_lived);
        let refresh_tokens = grants.refresh_tokens.iter(now).filter(is_stored);
        let consents = grants.consents.values().map(|one| StoredConsent {
            authorization: StoredAuthorization::of(
                &one.client,
                &one.person,
                &one.audience,
                &one.scopes,
            ),
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

    fn restore(self, app: &App) {
        let grants = &mut *app.grants();
        for one in self.consents {
            if let Some(authorization) = one.authorization.restore(app) {
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
            for (key, token) in stored.iter().filter_map(|one| one.restore(kind, app)) {
                map.insert(app.now(), key, token.expires_at, token);
            }
        }
    }
}

/// Restores the grants from the file, then writes them after every change until `app` is dropped.
pub fn start(path: PathBuf, app: &Arc<App>) -> Result<(), Error> {
    let snapshot: Snapshot = json_file::read(&path)
        .map_err(|source| Error::GrantsFile { path: path.clone(), source })?;
    snapshot.restore(app);
    // One pending signal is enough.
    let (on_change, changed) = mpsc::sync_channel(1);
    app.grants().on_change = Some(on_change);
    let app = Arc::downgrade(app);
    std::thread::spawn(move || {
        while changed.recv().is_ok() {
            let Some(app) = app.upgrade() else { break };
            let snapshot = Snapshot::of(&app.grants(), app.now());
            drop(app);
            if let Err(error) = json_file::write(&path, &snapshot) {
                tracing::error!(%error, path = %path.display(), "the grants could not be written");
            }
            std::thread::sleep(WRITE_INTERVAL);
        }
    });
    Ok(())
}
