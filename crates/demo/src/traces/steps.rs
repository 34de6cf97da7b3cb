//! The steps of a sign-in, and where each is specified. What each is for, and what would go
//! wrong without it, stands in `trace-steps.html`.

use http::Method;
use latchkey_auth::oauth::{Kind, Provider};
use serde::{Deserialize, Serialize};
use url::Url;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Step {
    /// `GET /sign-in`
    Form,
    /// `POST /sign-in`
    Password,
    /// `POST /auth/{provider}`
    Start,
    Discovery,
    Authorize,
    Decision,
    ProviderPage,
    /// `GET /auth/{provider}/callback`
    Callback,
    Token,
    Keys,
    UserInfo,
    Profile,
    Emails,
    /// A call that is none of these.
    Other,
}

impl Step {
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Form => "The app asks the user",
            Self::Password => "The password is checked here",
            Self::Start => "The app sends the browser to the provider",
            Self::Discovery => "The app asks where the endpoints are",
            Self::Authorize => "The provider asks the user",
            Self::Decision => "The user agrees, and the provider sends the browser back",
            Self::ProviderPage => "Another page of the provider",
            Self::Callback => "The browser brings the code and gets a credential",
            Self::Token => "The code is exchanged for tokens",
            Self::Keys => "The app fetches the provider’s keys",
            Self::UserInfo | Self::Profile => "The app asks who it is",
            Self::Emails => "The app asks which addresses are verified",
            Self::Other => "Another call to the provider",
        }
    }

    pub(crate) const fn spec(self) -> &'static str {
        match self {
            Self::Form => "HTML, autofill: current-password",
            Self::Password => "OWASP ASVS 5.0, V6",
            Self::Start => "RFC 6749 §4.1.1, RFC 7636 §4.3",
            Self::Discovery => "OpenID Connect Discovery §4",
            Self::Authorize => "RFC 6749 §4.1.1, §3.1",
            Self::Decision => "RFC 6749 §4.1.2, RFC 9207",
            Self::ProviderPage => "Not specified",
            Self::Callback => "RFC 6749 §4.1.2, RFC 9700 §4.7",
            Self::Token => "RFC 6749 §4.1.3, RFC 7636 §4.5",
            Self::Keys => "RFC 7517 §5, OpenID Connect Core §10.1.1",
            Self::UserInfo => "OpenID Connect Core §5.3",
            Self::Profile | Self::Other => "RFC 6750 §2.1",
            Self::Emails => "GitHub REST API, /user/emails",
        }
    }

    pub(crate) fn of_call(provider: Option<&Provider>, method: &Method, url: &Url) -> Self {
        let path = url.path();
        match provider.map(|provider| &provider.kind) {
            _ if path.ends_with("/.well-known/openid-configuration") => Self::Discovery,
            _ if method == Method::POST => Self::Token,
            Some(Kind::OpenId(openid)) => match openid.discovery.known() {
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

    pub(crate) fn of_page(method: &Method, path: &str) -> Self {
        match *method {
            _ if path.ends_with("/decide") => Self::Decision,
            Method::GET => Self::Authorize,
            _ => Self::ProviderPage,
        }
    }
}
