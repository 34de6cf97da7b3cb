//! The steps of a sign-in: the one table that says where each is specified,
//! and what would go wrong without it.

use http::Method;
use latchkey_auth::oauth::{Kind, Provider};
use serde::{Deserialize, Serialize};
use url::Url;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Step {
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

#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    pub(crate) title: &'static str,
    pub(crate) spec: &'static str,
    pub(crate) spec_url: &'static str,
    pub(crate) what: &'static str,
    pub(crate) without: &'static str,
}

impl Step {
    pub(crate) const fn about(self) -> About {
        match self {
            Self::Password => About {
                title: "The password is checked here",
                spec: "OWASP ASVS 5.0, V6",
                spec_url: "https://owasp.org/www-project-application-security-verification-standard/",
                what: "The browser sends an e-mail address and a password. The app hashes the password with Argon2id, compares, and sets a credential in a cookie.",
                without: "If the hash were fast to compute, a thief who stole the table would have most passwords within hours.",
            },
            Self::Start => About {
                title: "The app sends the browser to the provider",
                spec: "RFC 6749 §4.1.1, RFC 7636 §4.3",
                spec_url: "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1",
                what: "The app generates a state, a nonce and a code verifier, stores them encrypted in a cookie, and redirects with the state, the nonce and the hash of the verifier.",
                without: "Without the state, someone else’s response could be planted in this browser. Without the challenge, a thief could inject a stolen code into their own sign-in.",
            },
            Self::Discovery => About {
                title: "The app asks where the endpoints are",
                spec: "OpenID Connect Discovery §4",
                spec_url: "https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig",
                what: "One document lists the provider’s endpoints, keys and capabilities. It is cached for an hour, so most sign-ins skip this call.",
                without: "Every endpoint would have to be configured by hand. Its issuer must match the configured one exactly, or one provider could speak for another.",
            },
            Self::Authorize => About {
                title: "The provider asks the user",
                spec: "RFC 6749 §4.1.1, §3.1",
                spec_url: "https://www.rfc-editor.org/rfc/rfc6749#section-3.1",
                what: "The browser opens the provider’s page. The app never sees what the user types there.",
                without: "The app would have to ask for the provider’s password itself, which OAuth was made to avoid.",
            },
            Self::Decision => About {
                title: "The user agrees, and the provider sends the browser back",
                spec: "RFC 6749 §4.1.2, RFC 9207",
                spec_url: "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2",
                what: "The provider redirects with a code, the same state, and its own name in iss. The code works once, and should expire within ten minutes.",
                without: "A token in this redirect would end up in histories and logs. A code is useless without the verifier.",
            },
            Self::ProviderPage => About {
                title: "Another page of the provider",
                spec: "Not specified",
                spec_url: "https://www.rfc-editor.org/rfc/rfc6749#section-3.1",
                what: "How a provider identifies its users is up to the provider.",
                without: "OAuth does not say anything about it.",
            },
            Self::Callback => About {
                title: "The browser brings the code and gets a credential",
                spec: "RFC 6749 §4.1.2, RFC 9700 §4.7",
                spec_url: "https://www.rfc-editor.org/rfc/rfc9700#section-4.7",
                what: "The app decrypts the cookie for this state, checks the issuer, exchanges the code and sets a cookie of its own. The provider’s tokens stay on the server.",
                without: "If the state were not compared with this browser’s cookie, an attacker could sign you in to their account.",
            },
            Self::Token => About {
                title: "The code is exchanged for tokens",
                spec: "RFC 6749 §4.1.3, RFC 7636 §4.5",
                spec_url: "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3",
                what: "Server to server: the code, the client secret and the code verifier go in; tokens come out.",
                without: "The verifier ties the code to the browser that started. Without it, a thief could inject a stolen code into their own sign-in here (RFC 9700 §4.5).",
            },
            Self::Keys => About {
                title: "The app fetches the provider’s keys",
                spec: "RFC 7517 §5, OpenID Connect Core §10.1.1",
                spec_url: "https://www.rfc-editor.org/rfc/rfc7517#section-5",
                what: "The public keys that verify the ID token. They are cached, and fetched again when a token names an unknown one.",
                without: "An ID token with any signature, or none, would be accepted.",
            },
            Self::UserInfo => About {
                title: "The app asks who it is",
                spec: "OpenID Connect Core §5.3",
                spec_url: "https://openid.net/specs/openid-connect-core-1_0.html#UserInfo",
                what: "The access token opens the profile. Its subject must match the ID token’s.",
                without: "If the two subjects were not compared (§5.3.2), someone else’s profile could be substituted.",
            },
            Self::Profile => About {
                title: "The app asks who it is",
                spec: "RFC 6750 §2.1",
                spec_url: "https://www.rfc-editor.org/rfc/rfc6750#section-2.1",
                what: "Plain OAuth 2.0 has no ID token: the access token opens the provider’s API, which says whose token it is.",
                without: "Without this call the app would not know the user: OAuth 2.0 by itself says what a client may do, not who the user is.",
            },
            Self::Emails => About {
                title: "The app asks which addresses are verified",
                spec: "GitHub REST API, /user/emails",
                spec_url: "https://docs.github.com/en/rest/users/emails",
                what: "The address in the public profile may be anything. Only this list says which are verified.",
                without: "Someone could put your address into their profile and be taken for you.",
            },
            Self::Other => About {
                title: "Another call to the provider",
                spec: "RFC 6750 §2.1",
                spec_url: "https://www.rfc-editor.org/rfc/rfc6750#section-2.1",
                what: "A call of the app to the provider’s API.",
                without: "It is not part of the sign-in itself.",
            },
        }
    }

    pub(crate) fn of_call(provider: Option<&Provider>, method: &Method, url: &Url) -> Self {
        if url.path().ends_with("/.well-known/openid-configuration") {
            return Self::Discovery;
        }
        if method == Method::POST {
            return Self::Token;
        }
        let path = url.path();
        match provider.map(|provider| &provider.kind) {
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
        if path.ends_with("/decide") {
            Self::Decision
        } else if *method == Method::GET {
            Self::Authorize
        } else {
            Self::ProviderPage
        }
    }
}
