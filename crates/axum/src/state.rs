//! What sign-in needs for as long as the process lives.

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

/// The part of an application's state that sign-in needs. Cheap to clone.
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
    /// Opens the database, and reads the signing keys and what was revoked. Calls no
    /// provider: one that is down must not keep the app from starting.
    pub async fn open(settings: &Settings, clock: Clock) -> Result<Self, Error> {
        let config = settings.config.clone();
        let db = Db::open_with(settings.database_url.expose(), settings.database_limits).await?;
        for user in users::normalize_emails(&db).await? {
            tracing::warn!(%user, "somebody else has signed up with the same address since");
        }
        let metrics = Arc::<Metrics>::default();
        let counted = Arc::clone(&metrics);
        let http = Outbound::new(config.outbound_proxy.as_ref(), &config.product.name)
            .with_observer(Arc::new(move |call| counted.called(call)));
        let keys = Arc::new(keys(&config, &db, &clock).await?);
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
            cookies: CookieProfile::of(&config.public_url, &config.product.cookie_prefix),
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
    /// The provider with this name in our URLs.
    pub fn provider(&self, slug: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.slug == slug)
    }

    /// Takes note that a sign-in has ended, whichever key it carried: in this
    /// process nothing remembers it any longer.
    pub fn note_ended(&self, sign_in: SignInId) {
        self.sessions.invalidate(sign_in);
        self.revoked.insert_if_watching(sign_in);
    }

    /// Takes note that the account of a sign-in is gone.
    pub fn note_gone(&self, sign_in: SignInId) {
        self.sessions.invalidate(sign_in);
        self.revoked.insert(sign_in);
    }

    /// Deletes an account. Its JWTs are refused at once here, and within a second
    /// elsewhere, whatever JWT_REVOCATION says.
    pub async fn delete_account(&self, user: UserId) -> latchkey_store::Result<()> {
        let now = self.clock.now();
        for sign_in in accounts::delete(&self.db, user, now).await? {
            self.note_gone(sign_in);
        }
        self.forget_delegations();
        Ok(())
    }

    /// Takes note that an app may no longer do what it could a moment ago:
    /// nothing that was heard about its token is believed any longer.
    pub fn forget_delegations(&self) {
        if let Some(introspection) = &self.introspection {
            introspection.clear_cache();
        }
    }
}

async fn keys(config: &Config, db: &Db, clock: &Clock) -> Result<SigningKeys, Error> {
    let wanted = match &config.jwt.private_key {
        Some(key) => KeySource::Provided(key.clone()),
        None => KeySource::Generated(config.jwt.algorithm),
    };
    let expected = Expected::new(&config.jwt.issuer, &config.jwt.audience);
    let (db, secret) = (db.clone(), config.app_secret.clone());
    Ok(SigningKeys::open(db, secret, config.jwt.access_ttl, expected, wanted, clock.now()).await?)
}
