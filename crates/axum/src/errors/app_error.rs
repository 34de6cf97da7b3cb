//! The error that handlers and extractors return.

use axum::response::{IntoResponse, Response};
use latchkey_auth::oauth::Provider;
use latchkey_domain::contact::InvalidField;
use latchkey_domain::{CredentialKind, Span};

use super::catalogue::{self, Entry};

/// What the user can do next; the error page shows it as a link or a button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Link {
        label: String,
        href: String,
    },
    /// Starts a new sign-in at a provider.
    SignIn {
        label: String,
        provider: String,
        credential: CredentialKind,
        next: String,
    },
}

impl Action {
    pub fn link(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self::Link { label: label.into(), href: href.into() }
    }
}

/// An entry of the catalogue, and the details of this occurrence.
#[derive(Clone, Debug)]
pub struct AppError {
    pub entry: &'static Entry,
    pub details: Box<ErrorDetails>,
}

#[derive(Clone, Debug, Default)]
pub struct ErrorDetails {
    provider: Option<String>,
    pub facts: Vec<(&'static str, String)>,
    pub actions: Vec<Action>,
    detail: Option<String>,
    /// The parameters of `WWW-Authenticate` (RFC 6750 §3).
    pub(crate) challenge: Option<String>,
    pub(crate) retry_after: Option<Span>,
    /// The burst that the exceeded rate limit allows.
    pub(crate) rate_limit: Option<u32>,
    pub(crate) oauth_error: Option<&'static str>,
    pub(crate) invalid: Vec<InvalidField>,
    pub(crate) html: Option<String>,
}

/// `Retry-After` when the database is unavailable.
const DATABASE_RETRY_AFTER: Span = Span::seconds(2);

pub type HandlerResult<T> = Result<T, AppError>;

impl AppError {
    pub fn new(entry: &'static Entry) -> Self {
        Self { entry, details: Box::default() }
    }

    pub fn database_unavailable() -> Self {
        Self::new(catalogue::DATABASE_UNAVAILABLE).retry_after(DATABASE_RETRY_AFTER)
    }

    /// Puts the provider's name into the texts.
    pub fn for_provider(mut self, provider: &Provider) -> Self {
        let note = if provider.local { ", simulated by the local provider" } else { "" };
        self.details.facts.push(("Provider", format!("{}{note}", provider.label)));
        self.details.provider = Some(provider.label.clone());
        self
    }

    /// A detail that helps to fix the error. Never a secret.
    pub fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.facts.push((name, value.into()));
        self
    }

    /// Adds an action. The first one is the most prominent.
    pub fn action(mut self, action: Action) -> Self {
        self.details.actions.push(action);
        self
    }

    pub fn link(self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.action(Action::link(label, href))
    }

    pub fn replace_actions(mut self, actions: Vec<Action>) -> Self {
        self.details.actions = actions;
        self
    }

    /// Replaces the entry's cause with a sentence about this occurrence.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.detail = Some(detail.into());
        self
    }

    /// The parameters of `WWW-Authenticate: Bearer` after the realm (RFC 6750 §3).
    pub fn challenge(mut self, parameters: impl Into<String>) -> Self {
        self.details.challenge = Some(parameters.into());
        self
    }

    pub fn retry_after(mut self, span: Span) -> Self {
        self.details.facts.push(("Try again in", span.to_string()));
        self.details.retry_after = Some(span);
        self
    }

    /// The error code of RFC 6749 §5.2, for the token routes.
    pub fn oauth_error(mut self, error: &'static str) -> Self {
        self.details.oauth_error = Some(error);
        self
    }

    pub fn invalid(mut self, invalid: Vec<InvalidField>) -> Self {
        self.details.invalid = invalid;
        self
    }

    /// Replaces the error page, for example with the form and its errors.
    pub fn html(mut self, page: Option<String>) -> Self {
        self.details.html = page;
        self
    }

    pub fn title(&self) -> String {
        Entry::about(self.entry.title, self.details.provider.as_deref())
    }

    pub fn cause(&self) -> String {
        let general = || Entry::about(self.entry.cause, self.details.provider.as_deref());
        self.details.detail.clone().unwrap_or_else(general)
    }

    pub fn next(&self) -> String {
        Entry::about(self.entry.next, self.details.provider.as_deref())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the body took too long to arrive")]
pub(crate) struct BodyTimeout;

/// The error for a body that could not be read, or did not arrive in time.
pub fn body_rejection(
    status: http::StatusCode,
    rejection: &(dyn std::error::Error + 'static),
) -> AppError {
    let mut cause = Some(rejection);
    while let Some(error) = cause {
        if error.is::<BodyTimeout>() {
            return AppError::new(catalogue::REQUEST_TIMEOUT);
        }
        cause = error.source();
    }
    AppError::new(catalogue::by_status(status))
}

/// The status only: the error goes into the extensions, and the middleware renders it.
impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let mut response = self.entry.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<latchkey_store::Error> for AppError {
    fn from(error: latchkey_store::Error) -> Self {
        Self::from(&error)
    }
}

impl From<latchkey_auth::secret::EncryptError> for AppError {
    fn from(error: latchkey_auth::secret::EncryptError) -> Self {
        tracing::error!(%error, "a cookie could not be encrypted");
        Self::new(catalogue::INTERNAL_ERROR)
    }
}

/// By reference, for a failure that several requests share.
impl From<&latchkey_store::Error> for AppError {
    fn from(error: &latchkey_store::Error) -> Self {
        match error {
            latchkey_store::Error::Blocked => return Self::new(catalogue::ACCOUNT_BLOCKED),
            latchkey_store::Error::SignInEnded => {
                return Self::new(catalogue::TOKEN_REVOKED).challenge("error=\"invalid_token\"");
            }
            // Always the caller's own account: nobody writes to another's.
            latchkey_store::Error::AccountGone => {
                return Self::new(catalogue::SIGN_IN_REQUIRED)
                    .detail("Your account was deleted a moment ago.")
                    .challenge("error=\"invalid_token\"");
            }
            _ => tracing::error!(error = error as &dyn std::error::Error, "the store failed"),
        }
        match error {
            latchkey_store::Error::Unavailable(_) => Self::database_unavailable(),
            _ => Self::new(catalogue::INTERNAL_ERROR),
        }
    }
}

/// The store has already logged the error of the database.
impl From<tower_sessions::session::Error> for AppError {
    fn from(error: tower_sessions::session::Error) -> Self {
        use tower_sessions::session_store::Error::Backend;
        let tower_sessions::session::Error::Store(Backend(message)) = error else {
            return Self::new(catalogue::INTERNAL_ERROR);
        };
        // tower-sessions keeps only the message.
        [latchkey_store::Error::AccountGone, latchkey_store::Error::Blocked]
            .iter()
            .find(|one| one.to_string() == message)
            .map_or_else(Self::database_unavailable, Self::from)
    }
}
