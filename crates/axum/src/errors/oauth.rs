//! Maps failed sign-ins at a provider to entries of the catalogue.

use latchkey_auth::http;
use latchkey_auth::oauth::attempt::AttemptError;
use latchkey_auth::oauth::id_token::IdTokenError;
use latchkey_auth::oauth::{Attempt, Error, Provider, Purpose};
use latchkey_domain::CredentialKind;

use super::app_error::{Action, AppError};
use super::catalogue as c;

impl AppError {
    pub fn from_oauth(error: &Error, provider: &Provider, attempt: &Attempt) -> Self {
        let entry = match error {
            Error::Declined => c::PROVIDER_DECLINED,
            Error::Refused { .. } => c::PROVIDER_REFUSED,
            Error::Response(_) => c::PROVIDER_RESPONSE_INVALID,
            Error::Unreachable { source: http::Error::Timeout, .. } => c::PROVIDER_TIMEOUT,
            Error::Unreachable { .. } => c::PROVIDER_UNREACHABLE,
            Error::ProviderUnavailable { .. } => c::PROVIDER_DOWN,
            Error::InvalidResponse { .. } => c::PROVIDER_NONSENSE,
            Error::InvalidGrant => c::CODE_REFUSED,
            Error::TokenRefused { .. } => c::TOKEN_EXCHANGE_REFUSED,
            Error::ClockSkew { .. } => c::CLOCK_SKEW,
            Error::IdToken(IdTokenError::AuthTime) => c::PROVIDER_DID_NOT_ASK,
            Error::IdToken(_) => c::ID_TOKEN_REFUSED,
        };
        tracing::warn!(code = entry.code, provider = provider.slug, %error, "sign-in failed");
        let mut app_error = Self::new(entry).for_provider(provider);
        if entry.owner.is_some() {
            app_error = app_error.fact("What happened", sentence(&error.to_string()));
        }
        if let Error::TokenRefused { .. } = error {
            app_error = app_error.fact("Redirect URI we sent", provider.redirect_uri.as_str());
        }
        let credential = match attempt.purpose {
            Purpose::SignIn(credential) => credential,
            Purpose::Reauthenticate(_) => {
                if let Error::Refused { .. } = error {
                    app_error = app_error.detail(format!(
                        "{} refused to ask you anew who you are. Prove it another way: with your \
                         password, or a code by e-mail.",
                        provider.label
                    ));
                }
                return app_error.action(reauthenticate(attempt.return_to.as_str()));
            }
            Purpose::Link(_) | Purpose::Connect { .. } => CredentialKind::Session,
        };
        app_error
            .action(Action::SignIn {
                label: format!("Try {} again", provider.label),
                provider: provider.slug.clone(),
                credential,
                next: attempt.return_to.to_string(),
            })
            .link(
                "Choose another sign-in method",
                sign_in_page(&[("next", attempt.return_to.as_str())]),
            )
    }

    /// A callback that does not belong to a pending sign-in of this browser.
    pub fn from_attempt(error: AttemptError, provider: &Provider, signed_in: bool) -> Self {
        tracing::info!(?error, provider = provider.slug, "a callback was rejected");
        let app_error = match error {
            AttemptError::Expired { age } => {
                Self::new(c::ATTEMPT_EXPIRED).fact("Age of the sign-in", age.to_string())
            }
            AttemptError::AlreadyUsed => Self::new(c::ATTEMPT_USED),
            AttemptError::CookieMissing => Self::new(c::ATTEMPT_COOKIE_MISSING),
            AttemptError::OtherBrowser => Self::new(c::ATTEMPT_OTHER_BROWSER),
            AttemptError::Unknown => Self::new(c::ATTEMPT_UNKNOWN),
        };
        let app_error = app_error.for_provider(provider);
        if signed_in {
            app_error.link("Continue to your account", "/account")
        } else {
            app_error.link("Sign in again", "/sign-in")
        }
    }
}

/// A link to the page where a signed-in user proves who they are again.
pub(crate) fn reauthenticate(next: &str) -> Action {
    Action::link("Prove it again", sign_in_page(&[("again", "1"), ("next", next)]))
}

/// The path of the sign-in page with this query.
pub fn sign_in_page(query: &[(&str, &str)]) -> String {
    const PAGE: &str = "/sign-in?";
    let mut text = url::form_urlencoded::Serializer::for_suffix(PAGE.to_owned(), PAGE.len());
    text.extend_pairs(query).finish()
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}
