//! The shared state of sign-in.

use std::ops::Deref;
use std::sync::Arc;

use latchkey_auth::http::Outbound;
use latchkey_auth::introspection::Introspection;
use latchkey_auth::oauth::Provider;
use latchkey_auth::password::{self, Hasher};
use latchkey_auth::tokens::{
    Expected, KeySource, RevocationList, SigningKeys, TokenIssuer, signing_keys,
};
use latchkey_domain::{Clock, SignInId, UserId};
use latchkey_store::{Db, Sessions, accounts, users};

use crate::config::{Config, JwtSettings, Revocation};
use crate::cookies::CookieProfile;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::settings::Settings;

/// The shared state of sign-in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Latchkey(Arc<Parts>);

#[derive(Debug)]
pub struct Parts {
    pub config: Config,
    pub db: Db,
    pub sessions: Sessions,
    pub http: Outbound,
    pub providers: Vec<Provider>,
    pub cookies: CookieProfile,
    pub keys: Arc<SigningKeys>,
    pub issuer: TokenIssuer,
    pub revoked: RevocationList,
    pub introspection: Option<Introspection>,
    pub limits: Limits,
    pub hasher: Hasher,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
}

impl Deref for Latchkey {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database of DATABASE_URL cannot be used: {0}")]
    Store(#[from] latchkey_store::Error),
    #[error("no signing key can be used: {0}")]
    Keys(#[from] signing_keys::Error),
    #[error("passwords cannot be hashed: {0}")]
    Password(#[from] password::Error),
}

impl Latchkey {
    /// Opens the database and reads the signing keys and the revocation list. Does not call
    /// providers: the app must start even if one is down.
    pub async fn open(settings: &Settings, clock: Clock) -> Result<Self, Error> {
        let config = settings.config.clone();
        let db = Db::open_with(settings.database_url.expose(), settings.database_limits).await?;
        for user in users::normalize_emails(&db).await? {
            tracing::warn!(%user, "another account has the same address in its normalized form");
        }
        let metrics = Arc::<Metrics>::default();
        let observer = Arc::clone(&metrics);
        let http = Outbound::new(config.outbound_proxy.as_ref(), &config.product.name)
            .with_observer(Arc::new(move |call| observer.call_finished(call)));
        let keys = Arc::new(signing_keys(&config, &db, &clock).await?);
        let JwtSettings { issuer, audience, access_ttl, revocation, .. } = &config.jwt;
        let issuer = TokenIssuer {
            db: db.clone(),
            keys: Arc::clone(&keys),
            secret: config.app_secret.clone(),
            issuer: issuer.clone(),
            audience: audience.clone(),
            access_ttl: *access_ttl,
        };
        let revoked =
            RevocationList::new(*access_ttl, keys.leeway(), *revocation == Revocation::Watch);
        revoked.poll(&db, clock.now()).await?;
        let sessions = Sessions::new(db.clone(), clock.clone(), config.session);
        Ok(Self(Arc::new(Parts {
            sessions: if config.session_cache { sessions.with_cache() } else { sessions },
            introspection: settings.introspection.as_ref().map(|introspection| {
                Introspection::new(introspection.config.clone(), http.clone(), db.clone())
            }),
            providers: settings.providers.clone(),
            cookies: CookieProfile::new(&config.public_url, &config.product.cookie_prefix),
            limits: Limits::new(db.clone(), clock.clone()),
            hasher: Hasher::new(&password::Settings::default())?,
            metrics,
            http,
            keys,
            issuer,
            revoked,
            db,
            clock,
            config,
        })))
    }
}

impl Parts {
    pub fn provider(&self, slug: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.slug == slug)
    }

    /// Drops a revoked sign-in from this process's caches. Its JWTs are rejected too if
    /// `JWT_REVOCATION=watch`.
    pub fn mark_revoked(&self, sign_in: SignInId) {
        self.sessions.invalidate(sign_in);
        self.revoked.insert_if_watching(sign_in);
    }

    /// Deletes an account. Its JWTs are rejected immediately in this process, and within a
    /// second in others, regardless of `JWT_REVOCATION`.
    pub async fn delete_account(&self, user: UserId) -> latchkey_store::Result<()> {
        let now = self.clock.now();
        for sign_in in accounts::delete(&self.db, user, now).await? {
            self.sessions.invalidate(sign_in);
            self.revoked.insert(sign_in);
        }
        self.clear_introspection_cache();
        Ok(())
    }

    /// Forgets cached introspection responses, after an app has lost access.
    pub fn clear_introspection_cache(&self) {
        if let Some(introspection) = &self.introspection {
            introspection.clear_cache();
        }
    }
}

async fn signing_keys(config: &Config, db: &Db, clock: &Clock) -> Result<SigningKeys, Error> {
    let source = match &config.jwt.private_key {
        Some(key) => KeySource::Provided(key.clone()),
        None => KeySource::Generated(config.jwt.algorithm),
    };
    let expected = Expected::new(&config.jwt.issuer, &config.jwt.audience);
    let (db, secret) = (db.clone(), config.app_secret.clone());
    Ok(SigningKeys::open(db, secret, config.jwt.access_ttl, expected, source, clock.now()).await?)
}
