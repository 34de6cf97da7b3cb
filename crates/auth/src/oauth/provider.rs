//! Providers and our client registrations there.

use latchkey_domain::connection::Family;
use oauth2::RedirectUrl;
use url::Url;

use super::discovery::{Discovery, Metadata};
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
    /// Distinct for each provider, against mix-up attacks (RFC 9700 §4.4).
    pub redirect_uri: RedirectUrl,
    /// Replaces the default scopes unless empty.
    pub scopes: Vec<String>,
    pub local: bool,
}

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

/// An OpenID issuer, with its cached metadata and keys.
#[derive(Debug)]
pub struct OpenId {
    pub issuer: String,
    pub apis: Apis,
    pub options: Options,
    pub discovery: Discovery,
    pub keys: KeySet,
}

/// Settings that the discovery document does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Other audiences that its ID tokens may have.
    pub audiences: Vec<String>,
    /// OAuth 2.0 Form Post Response Mode.
    pub form_post: bool,
    /// Overrides the discovery document.
    pub secret_in_body: Option<bool>,
}

/// APIs of an OpenID issuer beyond OpenID Connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apis {
    Google,
    None,
}

impl OpenId {
    pub fn new(issuer: impl Into<String>, apis: Apis, options: Options) -> Self {
        let (discovery, keys) = (Discovery::default(), KeySet::default());
        Self { issuer: issuer.into(), apis, options, discovery, keys }
    }

    pub(crate) fn secret_in_body(&self, metadata: &Metadata) -> bool {
        self.options.secret_in_body.unwrap_or_else(|| metadata.secret_in_body())
    }
}

impl Clone for OpenId {
    fn clone(&self) -> Self {
        Self::new(&self.issuer, self.apis, self.options.clone())
    }
}

impl PartialEq for OpenId {
    fn eq(&self, other: &Self) -> bool {
        (&self.issuer, self.apis, &self.options) == (&other.issuer, other.apis, &other.options)
    }
}

impl Eq for OpenId {}

impl Kind {
    pub fn open_id(issuer: impl Into<String>) -> Self {
        Self::OpenId(OpenId::new(issuer, Apis::None, Options::default()))
    }

    pub fn google(issuer: impl Into<String>) -> Self {
        Self::OpenId(OpenId::new(issuer, Apis::Google, Options::default()))
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

    /// Parameters of the authorization request for a lasting grant.
    pub(crate) fn consent_parameters(&self) -> &'static [(&'static str, &'static str)] {
        match self.family() {
            // The first two yield a refresh token ("Using OAuth 2.0 for Web Server
            // Applications"); the last adds the scopes that were granted before.
            Family::Google => &[
                ("access_type", "offline"),
                ("prompt", "consent"),
                ("include_granted_scopes", "true"),
            ],
            // OpenID Connect Core §11: offline access requires consent each time.
            Family::OpenId => &[("prompt", "consent")],
            // Otherwise Facebook does not ask again for declined permissions.
            Family::Facebook => &[("auth_type", "rerequest")],
            Family::GitHub => &[],
        }
    }

    /// As in [`latchkey_domain::identity::Profile::issuer`]. Unlike the slug, it cannot pass
    /// to another provider.
    pub fn issuer(&self) -> String {
        match &self.kind {
            Kind::OpenId(openid) => openid.issuer.clone(),
            Kind::GitHub { web, .. } => github::issuer(web),
            Kind::Facebook { web, .. } => facebook::issuer(web),
        }
    }

    /// Whether it can ask the user to authenticate again and prove that with `auth_time`.
    /// Otherwise a response only shows that someone is signed in there in this browser.
    pub const fn can_reauthenticate(&self) -> bool {
        matches!(self.kind, Kind::OpenId(_))
    }

    pub fn uses_form_post(&self) -> bool {
        matches!(&self.kind, Kind::OpenId(openid) if openid.options.form_post)
    }

    /// Parameters that make the provider ask the user to authenticate again
    /// (OpenID Connect Core §3.1.2.1).
    pub(crate) fn reauthentication_parameters(&self) -> &'static [(&'static str, &'static str)] {
        match self.family() {
            Family::OpenId => &[("prompt", "login"), ("max_age", "0")],
            // Google has no `prompt=login`, and returns `auth_time` only on request
            // ("Security bundle").
            Family::Google => &[
                ("prompt", "select_account"),
                ("max_age", "0"),
                ("claims", r#"{"id_token":{"auth_time":{"essential":true}}}"#),
            ],
            Family::GitHub | Family::Facebook => &[],
        }
    }

    /// An OpenID issuer that rejects unknown scopes gets only those in the settings.
    pub(crate) fn sign_in_scopes(&self) -> Vec<String> {
        let required: &[&str] = match self.kind {
            Kind::OpenId(_) if self.scopes.is_empty() => &["openid", "email", "profile"],
            Kind::OpenId(_) => &["openid"],
            Kind::GitHub { .. } => &["read:user", "user:email"],
            Kind::Facebook { .. } => &["public_profile", "email"],
        };
        let extra = self.scopes.iter().filter(|scope| !required.contains(&scope.as_str()));
        required.iter().map(|scope| (*scope).to_owned()).chain(extra.cloned()).collect()
    }
}
