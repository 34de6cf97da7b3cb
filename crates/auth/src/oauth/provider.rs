//! A provider: which dialect it speaks, and who we are to it.

use latchkey_domain::connection::Family;
use oauth2::RedirectUrl;
use url::Url;

use super::discovery::Discovery;
use super::jwks::KeySet;
use crate::secret::Secret;

/// A provider at which people can sign in.
#[derive(Debug)]
pub struct Provider {
    /// Its name in our URLs: `google`.
    pub slug: String,
    pub label: String,
    pub kind: Kind,
    pub client_id: String,
    pub client_secret: Secret,
    /// Where it sends people back to. One for each provider, so that one
    /// provider's code is never taken for another's (RFC 9700 §4.4).
    pub redirect_uri: RedirectUrl,
    /// What we ask for, beyond what the dialect needs in any case.
    pub scopes: Vec<String>,
    /// Whether the local provider plays it.
    pub local: bool,
}

/// The dialects of OAuth that are spoken here.
#[derive(Debug)]
pub enum Kind {
    /// OpenID Connect, by discovery: Google, and any other issuer.
    OpenId(OpenId),
    GitHub {
        /// Where people sign in: `https://github.com`.
        web: Url,
        /// Where the API is: `https://api.github.com`.
        api: Url,
    },
    Facebook {
        /// Where people sign in: `https://www.facebook.com/v23.0`.
        web: Url,
        /// Where the Graph API is: `https://graph.facebook.com/v23.0`.
        graph: Url,
    },
}

/// An OpenID issuer, and what it told us of itself.
#[derive(Debug)]
pub struct OpenId {
    pub issuer: String,
    pub discovery: Discovery,
    /// The keys with which it signs.
    pub keys: KeySet,
}

impl Kind {
    #[must_use]
    pub fn open_id(issuer: impl Into<String>) -> Self {
        Self::OpenId(OpenId {
            issuer: issuer.into(),
            discovery: Discovery::default(),
            keys: KeySet::default(),
        })
    }
}

impl Provider {
    /// Which kind of services it has.
    #[must_use]
    pub fn family(&self) -> Family {
        match self.kind {
            Kind::OpenId(_) if self.slug == "google" => Family::Google,
            Kind::OpenId(_) => Family::OpenId,
            Kind::GitHub { .. } => Family::GitHub,
            Kind::Facebook { .. } => Family::Facebook,
        }
    }

    /// Who it is, as it stands in [`latchkey_domain::identity::Profile::issuer`]:
    /// not its name here, which the settings may give to another tomorrow.
    #[must_use]
    pub fn issuer(&self) -> String {
        match &self.kind {
            Kind::OpenId(openid) => openid.issuer.clone(),
            Kind::GitHub { web, .. } => super::github::issuer(web),
            Kind::Facebook { web, .. } => super::facebook::issuer(web),
        }
    }

    /// The origin to which a browser is sent, if it is known already.
    ///
    /// For a `form-action` in a Content-Security-Policy, which Chromium applies
    /// to the redirect after a form post, too.
    #[must_use]
    pub fn authorization_origin(&self) -> Option<String> {
        let url = match &self.kind {
            Kind::OpenId(openid) => openid.discovery.known()?.authorization_endpoint.clone(),
            Kind::GitHub { web, .. } | Kind::Facebook { web, .. } => web.clone(),
        };
        Some(url.origin().ascii_serialization())
    }

    /// What the authorization request asks for.
    pub(crate) fn all_scopes(&self) -> impl Iterator<Item = String> {
        let needed: &[&str] = match self.kind {
            Kind::OpenId(_) => &["openid", "email", "profile"],
            Kind::GitHub { .. } => &["read:user", "user:email"],
            Kind::Facebook { .. } => &["public_profile", "email"],
        };
        let more = self.scopes.iter().filter(|scope| !needed.contains(&scope.as_str()));
        needed.iter().map(|scope| (*scope).to_owned()).chain(more.cloned())
    }
}

/// `base` with one more path behind it, whether or not it ends in a slash.
pub(crate) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}
