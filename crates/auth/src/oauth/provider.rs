//! A provider: what it speaks, and our client there.

use latchkey_domain::connection::Family;
use oauth2::RedirectUrl;
use url::Url;

use super::discovery::Discovery;
use super::jwks::KeySet;
use super::{facebook, github};
use crate::secret::Secret;

#[derive(Clone, Debug)]
pub struct Provider {
    pub slug: String,
    pub label: String,
    pub kind: Kind,
    pub client_id: String,
    pub client_secret: Secret,
    /// One for each provider, so that one provider's code is never taken for
    /// another's (RFC 9700 §4.4).
    pub redirect_uri: RedirectUrl,
    /// What we ask for, beyond what the dialect needs in any case.
    pub scopes: Vec<String>,
    pub local: bool,
}

/// What a provider speaks, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// OpenID Connect, by discovery: Google, and any other issuer.
    OpenId(OpenId),
    GitHub {
        web: Url,
        api: Url,
    },
    Facebook {
        web: Url,
        graph: Url,
    },
}

/// An OpenID issuer, and what was fetched from it.
#[derive(Debug)]
pub struct OpenId {
    pub issuer: String,
    pub apis: Apis,
    pub discovery: Discovery,
    pub keys: KeySet,
}

/// The APIs that an OpenID issuer has beyond OpenID Connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apis {
    Google,
    None,
}

impl OpenId {
    fn new(issuer: String, apis: Apis) -> Self {
        Self { issuer, apis, discovery: Discovery::default(), keys: KeySet::default() }
    }
}

/// The same issuer, with nothing fetched yet.
impl Clone for OpenId {
    fn clone(&self) -> Self {
        Self::new(self.issuer.clone(), self.apis)
    }
}

impl PartialEq for OpenId {
    fn eq(&self, other: &Self) -> bool {
        (&self.issuer, self.apis) == (&other.issuer, other.apis)
    }
}

impl Eq for OpenId {}

impl Kind {
    pub fn open_id(issuer: impl Into<String>) -> Self {
        Self::OpenId(OpenId::new(issuer.into(), Apis::None))
    }

    pub fn google(issuer: impl Into<String>) -> Self {
        Self::OpenId(OpenId::new(issuer.into(), Apis::Google))
    }
}

impl Provider {
    pub fn family(&self) -> Family {
        match &self.kind {
            Kind::OpenId(OpenId { apis: Apis::Google, .. }) => Family::Google,
            Kind::OpenId(_) => Family::OpenId,
            Kind::GitHub { .. } => Family::GitHub,
            Kind::Facebook { .. } => Family::Facebook,
        }
    }

    /// Parameters of the authorization request that make a grant last beyond the
    /// sign-in.
    pub(crate) fn consent_parameters(&self) -> &'static [(&'static str, &'static str)] {
        match self.family() {
            // Both of the first are needed for a refresh token ("Using OAuth 2.0 for
            // Web Server Applications"); the last adds what was granted before.
            Family::Google => &[
                ("access_type", "offline"),
                ("prompt", "consent"),
                ("include_granted_scopes", "true"),
            ],
            // OpenID Connect Core §11: offline access needs consent each time.
            Family::OpenId => &[("prompt", "consent")],
            // Without this, what somebody unticked once is not asked again.
            Family::Facebook => &[("auth_type", "rerequest")],
            Family::GitHub => &[],
        }
    }

    /// As in [`latchkey_domain::identity::Profile::issuer`]: not its name here, which
    /// the settings may give to another provider tomorrow.
    pub fn issuer(&self) -> String {
        match &self.kind {
            Kind::OpenId(openid) => openid.issuer.clone(),
            Kind::GitHub { web, .. } => github::issuer(web),
            Kind::Facebook { web, .. } => facebook::issuer(web),
        }
    }

    /// The origin to which a browser is sent, if it is known already.
    ///
    /// For a `form-action` in a Content-Security-Policy, which Chromium applies
    /// to the redirect after a form post, too.
    pub fn authorization_origin(&self) -> Option<String> {
        let url = match &self.kind {
            Kind::OpenId(openid) => openid.discovery.known()?.authorization_endpoint.clone(),
            Kind::GitHub { web, .. } | Kind::Facebook { web, .. } => web.clone(),
        };
        Some(url.origin().ascii_serialization())
    }

    /// How often it was asked where it is: with it, the origin may change.
    pub fn times_discovered(&self) -> u64 {
        match &self.kind {
            Kind::OpenId(openid) => openid.discovery.times(),
            Kind::GitHub { .. } | Kind::Facebook { .. } => 0,
        }
    }

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
