//! The steps of a sign-in and their specifications. `trace-steps.html` explains them.

use http::Method;
use latchkey_auth::oauth::{Kind, Provider};
use serde::{Deserialize, Serialize};
use strum::EnumMessage;
use url::Url;

/// Each variant's doc comment is its title on the page, its message the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumMessage)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Step {
    /// The app asks the user
    #[strum(message = "HTML, autofill: current-password")]
    Form,
    /// The password is checked here
    #[strum(message = "OWASP ASVS 5.0, V6")]
    Password,
    /// The app sends the browser to the provider
    #[strum(message = "RFC 6749 §4.1.1, RFC 7636 §4.3")]
    Start,
    /// The app looks up the provider’s endpoints
    #[strum(message = "OpenID Connect Discovery §4")]
    Discovery,
    /// The provider asks the user
    #[strum(message = "RFC 6749 §4.1.1, §3.1")]
    Authorize,
    /// The user agrees and the provider sends the browser back
    #[strum(message = "RFC 6749 §4.1.2")]
    Decision,
    /// Another page of the provider
    #[strum(message = "Not specified")]
    ProviderPage,
    /// The browser brings the code and gets a credential
    #[strum(message = "RFC 6749 §4.1.2, RFC 9700 §4.7")]
    Callback,
    /// The code is exchanged for tokens
    #[strum(message = "RFC 6749 §4.1.3, RFC 7636 §4.5")]
    Token,
    /// The app fetches the provider’s keys
    #[strum(message = "RFC 7517 §5, OpenID Connect Core §10.1.1")]
    Keys,
    /// The app fetches the user’s profile
    #[strum(message = "OpenID Connect Core §5.3")]
    UserInfo,
    /// The app fetches the user’s profile
    #[strum(message = "RFC 6750 §2.1")]
    Profile,
    /// The app fetches the verified addresses
    #[strum(message = "GitHub REST API, /user/emails")]
    Emails,
    /// Another call to the provider
    #[strum(message = "RFC 6750 §2.1")]
    Other,
}

impl Step {
    pub(crate) fn title(self) -> &'static str {
        self.get_documentation().unwrap_or_default()
    }

    pub(crate) fn spec(self) -> &'static str {
        self.get_message().unwrap_or_default()
    }

    pub(crate) fn of_provider_call(
        provider: Option<&Provider>,
        method: &Method,
        url: &Url,
    ) -> Self {
        let path = url.path();
        match provider.map(|provider| &provider.kind) {
            _ if path.ends_with("/.well-known/openid-configuration") => Self::Discovery,
            _ if method == Method::POST => Self::Token,
            Some(Kind::OpenId(openid)) => match openid.discovery.cached() {
                Some(known) if known.jwks_uri == *url => Self::Keys,
                Some(known) if known.userinfo_endpoint.as_ref() == Some(url) => Self::UserInfo,
                _ => Self::Other,
            },
            Some(Kind::GitHub { .. }) if path.ends_with("/user/emails") => Self::Emails,
            Some(Kind::GitHub { .. }) if path.ends_with("/user") => Self::Profile,
            Some(Kind::Facebook { .. }) if path.ends_with("/me") => Self::Profile,
            _ => Self::Other,
        }
    }

    pub(crate) fn of_provider_page(method: &Method, path: &str) -> Self {
        match *method {
            _ if path.ends_with("/decide") => Self::Decision,
            Method::GET => Self::Authorize,
            _ => Self::ProviderPage,
        }
    }
}
