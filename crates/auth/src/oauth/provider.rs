//! A provider: what it speaks, and our client there.

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
    /// One for each provider, so that one provider's code is never taken for
    /// another's (RFC 9700 §4.4).
    pub redirect_uri: RedirectUrl,
    /// What we ask for in place of what the dialect asks for by itself, if anything.
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

/// An OpenID issuer, and what was fetched from it.
#[derive(Debug)]
pub struct OpenId {
    pub issuer: String,
    pub apis: Apis,
    pub options: Options,
    pub discovery: Discovery,
    pub keys: KeySet,
}

/// What has to be said of an issuer because its discovery document does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Who may be named beside us in the `aud` of its ID tokens.
    pub audiences: Vec<String>,
    /// Whether it sends its answers as a form (OAuth 2.0 Form Post Response Mode).
    pub form_post: bool,
    /// Whether the client secret goes into the body, whatever the document says.
    pub secret_in_body: Option<bool>,
}

/// The APIs that an OpenID issuer has beyond OpenID Connect.
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

    /// Whether it can be asked to have a person prove anew who they are, and says
    /// when they last did (`auth_time`). Without that, coming back from there
    /// shows only that somebody is signed in there in this browser.
    pub const fn can_reauthenticate(&self) -> bool {
        matches!(self.kind, Kind::OpenId(_))
    }

    /// Whether it sends the browser back with a form instead of a redirect.
    pub fn uses_form_post(&self) -> bool {
        matches!(&self.kind, Kind::OpenId(openid) if openid.options.form_post)
    }

    /// Parameters of the authorization request that have the person asked anew
    /// (OpenID Connect Core §3.1.2.1).
    pub(crate) fn reauthentication_parameters(&self) -> &'static [(&'static str, &'static str)] {
        match self.family() {
            Family::OpenId => &[("prompt", "login"), ("max_age", "0")],
            // Google knows no `login`, and says when it asked only if it is asked
            // to ("Security bundle").
            Family::Google => &[
                ("prompt", "select_account"),
                ("max_age", "0"),
                ("claims", r#"{"id_token":{"auth_time":{"essential":true}}}"#),
            ],
            Family::GitHub | Family::Facebook => &[],
        }
    }

    /// What signing in needs. An OpenID issuer that refuses scopes which it does
    /// not know is asked for just what the settings name.
    pub(crate) fn sign_in_scopes(&self) -> Vec<String> {
        let needed: &[&str] = match self.kind {
            Kind::OpenId(_) if self.scopes.is_empty() => &["openid", "email", "profile"],
            Kind::OpenId(_) => &["openid"],
            Kind::GitHub { .. } => &["read:user", "user:email"],
            Kind::Facebook { .. } => &["public_profile", "email"],
        };
        let more = self.scopes.iter().filter(|scope| !needed.contains(&scope.as_str()));
        needed.iter().map(|scope| (*scope).to_owned()).chain(more.cloned()).collect()
    }
}
