//! One error, as it happened.

use axum::response::{IntoResponse, Response};
use latchkey_auth::oauth::Provider;
use latchkey_domain::contact::InvalidField;
use latchkey_domain::{CredentialKind, Span};

use super::catalogue::{self, Entry};

/// Something that a person can do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Link {
        label: String,
        href: String,
    },
    /// Set out for a provider once more.
    SignIn {
        label: String,
        provider: String,
        key: CredentialKind,
        next: String,
    },
}

impl Action {
    pub fn link(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self::Link { label: label.into(), href: href.into() }
    }
}

/// An error with what is known about this occurrence of it.
#[derive(Clone, Debug)]
pub struct AppError {
    pub entry: &'static Entry,
    pub known: Box<Known>,
}

#[derive(Clone, Debug, Default)]
pub struct Known {
    provider: Option<String>,
    pub facts: Vec<(&'static str, String)>,
    pub actions: Vec<Action>,
    detail: Option<String>,
    challenge: Option<String>,
    pub(crate) retry_after: Option<Span>,
    /// How many there may be at once of what there were too many.
    pub(crate) rate_limit: Option<u32>,
    pub(crate) oauth_error: Option<&'static str>,
    pub(crate) invalid: Vec<InvalidField>,
    pub(crate) html: Option<String>,
}

/// When a database that was away is worth another try.
const DATABASE_BACK: Span = Span::seconds(2);

/// What handlers and extractors answer with.
pub type HandlerResult<T> = Result<T, AppError>;

impl AppError {
    pub fn new(entry: &'static Entry) -> Self {
        Self { entry, known: Box::default() }
    }

    /// The database cannot be reached; with luck it can in a moment.
    pub fn database_down() -> Self {
        Self::new(catalogue::DATABASE_DOWN).retry_after(DATABASE_BACK)
    }

    pub fn at(mut self, provider: &Provider) -> Self {
        let played = if provider.local { ", simulated by the local provider" } else { "" };
        self.known.facts.push(("Provider", format!("{}{played}", provider.label)));
        self.known.provider = Some(provider.label.clone());
        self
    }

    /// A fact that helps to mend it. Never a secret.
    pub fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.known.facts.push((name, value.into()));
        self
    }

    /// What the person can do, the likeliest first.
    pub fn action(mut self, action: Action) -> Self {
        self.known.actions.push(action);
        self
    }

    /// The same: to go there.
    pub fn link(self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.action(Action::link(label, href))
    }

    /// What the person can do, in place of what was said so far.
    pub fn instead(mut self, actions: Vec<Action>) -> Self {
        self.known.actions = actions;
        self
    }

    /// A sentence about this very occurrence, in place of the general one.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.known.detail = Some(detail.into());
        self
    }

    /// What a `WWW-Authenticate: Bearer` says beside the realm (RFC 6750 §3).
    pub fn challenge(mut self, parameters: impl Into<String>) -> Self {
        self.known.challenge = Some(parameters.into());
        self
    }

    pub fn retry_after(mut self, span: Span) -> Self {
        self.known.facts.push(("Try again in", span.to_string()));
        self.known.retry_after = Some(span);
        self
    }

    /// What RFC 6749 §5.2 calls it, for clients of the token routes.
    pub fn oauth_error(mut self, error: &'static str) -> Self {
        self.known.oauth_error = Some(error);
        self
    }

    pub fn invalid(mut self, invalid: Vec<InvalidField>) -> Self {
        self.known.invalid = invalid;
        self
    }

    /// A page of its own, in place of the general one: a form with what is
    /// wrong in it.
    pub fn html(mut self, page: Option<String>) -> Self {
        self.known.html = page;
        self
    }

    /// The challenge, if there is one, with the name of what is protected (RFC 9110 §11.5).
    pub fn www_authenticate(&self, realm: &str) -> Option<String> {
        let parameters = self.known.challenge.as_deref()?;
        let comma = if parameters.is_empty() { "" } else { ", " };
        Some(format!("Bearer realm=\"{realm}\"{comma}{parameters}"))
    }

    pub fn title(&self) -> String {
        Entry::about(self.entry.title, self.known.provider.as_deref())
    }

    pub fn cause(&self) -> String {
        let general = || Entry::about(self.entry.cause, self.known.provider.as_deref());
        self.known.detail.clone().unwrap_or_else(general)
    }

    pub fn next(&self) -> String {
        Entry::about(self.entry.next, self.known.provider.as_deref())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the body took too long to arrive")]
pub(crate) struct LateBody;

/// What to answer to a body that could not be taken in: one that took too long
/// is told from one that cannot be read.
pub fn body_rejection(
    status: http::StatusCode,
    rejection: &(dyn std::error::Error + 'static),
) -> AppError {
    let mut cause = Some(rejection);
    while let Some(error) = cause {
        if error.is::<LateBody>() {
            return AppError::new(catalogue::TIMED_OUT);
        }
        cause = error.source();
    }
    AppError::new(catalogue::by_status(status))
}

/// The status, and the error itself for the middleware that renders it.
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
        tracing::error!(%error, "a cookie could not be made");
        Self::new(catalogue::INTERNAL)
    }
}

/// For a failure that several requests share.
impl From<&latchkey_store::Error> for AppError {
    fn from(error: &latchkey_store::Error) -> Self {
        match error {
            latchkey_store::Error::Blocked => return Self::new(catalogue::ACCOUNT_BLOCKED),
            // The caller's own: nobody writes to another's.
            latchkey_store::Error::AccountGone => {
                return Self::new(catalogue::SIGN_IN_REQUIRED)
                    .detail("Your account was deleted a moment ago.")
                    .challenge("error=\"invalid_token\"");
            }
            _ => tracing::error!(error = error as &dyn std::error::Error, "the store failed"),
        }
        match error {
            latchkey_store::Error::Unavailable(_) => Self::database_down(),
            _ => Self::new(catalogue::INTERNAL),
        }
    }
}

/// A session that cannot be read is the database's failure; it has been logged there.
impl From<tower_sessions::session::Error> for AppError {
    fn from(error: tower_sessions::session::Error) -> Self {
        use tower_sessions::session_store::Error::Backend;
        let tower_sessions::session::Error::Store(Backend(said)) = error else {
            return Self::new(catalogue::INTERNAL);
        };
        // It has nothing but a text to tell them apart.
        [latchkey_store::Error::AccountGone, latchkey_store::Error::Blocked]
            .iter()
            .find(|one| one.to_string() == said)
            .map_or_else(Self::database_down, Self::from)
    }
}
