//! What every request can reach.

use std::sync::Arc;

use latchkey_auth::connections::Connections;
use latchkey_auth::http::Outbound;
use latchkey_auth::introspection::Introspection;
use latchkey_auth::jwt::Expected;
use latchkey_auth::key_ring::{self, Keys, Wanted};
use latchkey_auth::oauth::{Kind, Provider};
use latchkey_auth::password::{self, Hasher};
use latchkey_auth::refresh::Issuer;
use latchkey_auth::revocation::Revoked;
use latchkey_auth::vault::Vault;
use latchkey_domain::{Clock, SignInId, Timestamp, UserId};
use latchkey_store::{Db, Sessions, accounts, sign_ins};
use oauth2::RedirectUrl;

use crate::beside::Beside;
use crate::cookies::CookieProfile;
use crate::layout::Links;
use crate::limits::Limits;
use crate::mail::{InvalidUrl, Mailer};
use crate::settings::{Dialect, ProviderSettings, Revocation, Settings};
use crate::used::UsedAttempts;

/// The app, as handlers see it.
pub type App = Arc<Application>;

/// Everything that lives as long as the process.
#[derive(Debug)]
pub struct Application {
    pub settings: Settings,
    pub db: Db,
    pub sessions: Sessions,
    pub http: Outbound,
    /// The providers, in the order of the buttons.
    pub providers: Vec<Provider>,
    pub connections: Connections,
    /// What goes on there without a browser that waits.
    pub beside: Beside,
    /// How cookies are named and marked.
    pub cookies: CookieProfile,
    pub keys: Arc<Keys>,
    /// What issues and renews pairs of tokens.
    pub issuer: Issuer,
    /// The sign-ins whose JWTs are refused before they expire.
    pub revoked: Revoked,
    /// Who is asked about other apps' tokens, where anybody is.
    pub introspection: Option<Introspection>,
    /// The attempts whose answer has come.
    pub used_attempts: UsedAttempts,
    /// How often somebody may try.
    pub limits: Limits,
    pub mailer: Mailer,
    /// Where our pages lead beyond the product.
    pub links: Links,
    /// What hashes passwords.
    pub hasher: Hasher,
    pub clock: Clock,
}

/// Why the app could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database could not be opened.
    #[error("the database of DATABASE_URL cannot be used: {0}")]
    Store(#[from] latchkey_store::Error),
    /// The HTTP client could not be made.
    #[error("no HTTP client can be made: {0}")]
    Http(#[from] latchkey_auth::http::Error),
    /// There is nothing to sign JWTs with.
    #[error("no signing key can be used: {0}")]
    Keys(#[from] key_ring::Error),
    /// Passwords cannot be hashed.
    #[error("passwords cannot be hashed: {0}")]
    Password(#[from] password::Error),
    /// E-mails cannot be sent.
    #[error(transparent)]
    Mail(#[from] InvalidUrl),
    /// A redirect URI could not be made.
    #[error("the redirect URI of {0} is not a URL")]
    RedirectUri(String),
}

impl Application {
    /// Opens the database and puts everything together. Calls no provider: one
    /// that is down must not keep the app from starting.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn new(settings: Settings, clock: Clock, links: Links) -> Result<App, Error> {
        let db = Db::open(settings.database_url.expose()).await?;
        let keys = Arc::new(keys(&settings, &db, &clock).await?);
        let issuer = Issuer {
            db: db.clone(),
            keys: Arc::clone(&keys),
            secret: settings.app_secret.clone(),
            issuer: settings.jwt.issuer.clone(),
            audience: settings.jwt.audience.clone(),
            access_ttl: settings.jwt.access_ttl,
        };
        let watches_all = settings.jwt.revocation == Revocation::Watch;
        let revoked = Revoked::new(settings.jwt.access_ttl, keys.leeway(), watches_all);
        revoked.poll(&db, None, clock.now()).await?;
        let providers = settings.providers.iter().map(|provider| connect(&settings, provider));
        let http = Outbound::new()?;
        let vault = Vault::new(settings.app_secret.clone());
        Ok(Arc::new(Self {
            connections: Connections::new(db.clone(), http.clone(), vault, clock.clone()),
            sessions: sessions(&settings, &db, &clock),
            introspection: settings
                .introspection_config()
                .map(|config| Introspection::new(config, http.clone(), db.clone())),
            http,
            providers: providers.collect::<Result<_, _>>()?,
            beside: Beside::default(),
            cookies: CookieProfile::of(&settings.public_url),
            used_attempts: UsedAttempts::default(),
            limits: Limits::new(clock.clone()),
            mailer: mailer(&settings)?,
            links,
            hasher: Hasher::new(&password::Settings::default())?,
            keys,
            issuer,
            revoked,
            db,
            clock,
            settings,
        }))
    }

    /// Takes note that a sign-in has ended, whichever key it carried: in this
    /// process nothing remembers it any longer.
    pub fn note_ended(&self, sign_in: SignInId, at: Timestamp) {
        self.sessions.ended(sign_in);
        self.revoked.note_ended(sign_in, at);
    }

    /// Takes note that the account of a sign-in is gone.
    pub fn note_gone(&self, sign_in: SignInId, at: Timestamp) {
        self.sessions.ended(sign_in);
        self.revoked.note(sign_in, at);
    }

    /// Takes note that an app may no longer do what it could a moment ago:
    /// nothing that was heard about its token is believed any longer.
    pub fn forget_delegations(&self) {
        if let Some(introspection) = &self.introspection {
            introspection.forget();
        }
    }

    /// Deletes an account. Its JWTs are refused at once here, and within a second
    /// elsewhere, whatever JWT_REVOCATION says.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_account(&self, user: UserId) -> latchkey_store::Result<()> {
        let now = self.clock.now();
        for sign_in in sign_ins::living(&self.db, user, self.settings.session, now).await? {
            self.note_gone(sign_in.id, now);
        }
        accounts::delete(&self.db, user, now).await?;
        self.forget_delegations();
        Ok(())
    }

    /// The provider with this name in our URLs.
    #[must_use]
    pub fn provider(&self, slug: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.slug == slug)
    }
}

fn sessions(settings: &Settings, db: &Db, clock: &Clock) -> Sessions {
    let sessions = Sessions::new(db.clone(), clock.clone(), settings.session);
    if settings.session_cache { sessions.cached() } else { sessions }
}

fn mailer(settings: &Settings) -> Result<Mailer, Error> {
    let host = settings.public_url.host_str().unwrap_or("localhost");
    Ok(Mailer::new(settings.smtp_url.as_ref(), settings.is_development(), host)?)
}

async fn keys(settings: &Settings, db: &Db, clock: &Clock) -> Result<Keys, Error> {
    let wanted = match &settings.jwt.private_key {
        Some(key) => Wanted::Own(key.clone()),
        None => Wanted::Any(settings.jwt.algorithm),
    };
    let expected = Expected::new(&settings.jwt.issuer, &settings.jwt.audience);
    let (db, secret) = (db.clone(), settings.app_secret.clone());
    let ttl = settings.jwt.access_ttl;
    Ok(Keys::open(db, secret, ttl, expected, wanted, clock.now()).await?)
}

fn connect(settings: &Settings, provider: &ProviderSettings) -> Result<Provider, Error> {
    let redirect_uri = settings.absolute(&format!("/auth/{}/callback", provider.slug));
    Ok(Provider {
        slug: provider.slug.clone(),
        label: provider.label.clone(),
        kind: match &provider.dialect {
            Dialect::OpenId { issuer } => Kind::open_id(issuer),
            Dialect::GitHub { web, api } => Kind::GitHub { web: web.clone(), api: api.clone() },
            Dialect::Facebook { web, graph } => {
                Kind::Facebook { web: web.clone(), graph: graph.clone() }
            }
        },
        client_id: provider.client_id.clone(),
        client_secret: provider.client_secret.clone(),
        redirect_uri: RedirectUrl::new(redirect_uri)
            .map_err(|_| Error::RedirectUri(provider.label.clone()))?,
        scopes: provider.scopes.clone(),
        local: provider.local,
    })
}
