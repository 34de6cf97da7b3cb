//! One error, as it happened.

use axum::response::{IntoResponse, Response};
use latchkey_auth::oauth::Provider;
use latchkey_domain::Span;
use latchkey_domain::contact::Invalid;
use latchkey_domain::sign_in::CredentialKind;

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
pub struct AppError(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    entry: &'static Entry,
    provider: Option<String>,
    facts: Vec<(&'static str, String)>,
    actions: Vec<Action>,
    detail: Option<String>,
    challenge: Option<String>,
    retry_after: Option<Span>,
    rate_limit: Option<u32>,
    oauth_error: Option<&'static str>,
    invalid: Vec<Invalid>,
    html: Option<String>,
}

/// When a database that was away is worth another try.
const DATABASE_BACK: Span = Span::seconds(2);

/// What handlers and extractors answer with.
pub type HandlerResult<T> = Result<T, AppError>;

impl AppError {
    pub fn new(entry: &'static Entry) -> Self {
        Self(Box::new(Inner {
            entry,
            provider: None,
            facts: Vec::new(),
            actions: Vec::new(),
            detail: None,
            challenge: None,
            retry_after: None,
            rate_limit: None,
            oauth_error: None,
            invalid: Vec::new(),
            html: None,
        }))
    }

    /// The database cannot be reached; with luck it can in a moment.
    pub fn database_down() -> Self {
        Self::new(catalogue::DATABASE_DOWN).retry_after(DATABASE_BACK)
    }

    pub fn at(mut self, provider: &Provider) -> Self {
        let played = if provider.local { ", simulated by the local provider" } else { "" };
        self.0.facts.push(("Provider", format!("{}{played}", provider.label)));
        self.0.provider = Some(provider.label.clone());
        self
    }

    /// A fact that helps to mend it. Never a secret.
    pub fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.facts.push((name, value.into()));
        self
    }

    /// What the person can do, the likeliest first.
    pub fn action(mut self, action: Action) -> Self {
        self.0.actions.push(action);
        self
    }

    /// What the person can do, in place of what was said so far.
    pub fn instead(mut self, actions: Vec<Action>) -> Self {
        self.0.actions = actions;
        self
    }

    /// A sentence about this very occurrence, in place of the general one.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// What a `WWW-Authenticate: Bearer` says beside the realm (RFC 6750 §3).
    pub fn challenge(mut self, parameters: impl Into<String>) -> Self {
        self.0.challenge = Some(parameters.into());
        self
    }

    pub fn retry_after(mut self, span: Span) -> Self {
        self.0.facts.push(("Try again in", span.to_string()));
        self.0.retry_after = Some(span);
        self
    }

    /// How many there may be at once of what there were too many.
    pub(crate) fn rate_limit(mut self, limit: u32) -> Self {
        self.0.rate_limit = Some(limit);
        self
    }

    /// What RFC 6749 §5.2 calls it, for clients of the token routes.
    pub fn oauth_error(mut self, error: &'static str) -> Self {
        self.0.oauth_error = Some(error);
        self
    }

    /// The fields that do not make sense.
    pub fn invalid(mut self, invalid: Vec<Invalid>) -> Self {
        self.0.invalid = invalid;
        self
    }

    /// A page of its own, in place of the general one: a form with what is
    /// wrong in it.
    pub fn html(mut self, page: Option<String>) -> Self {
        self.0.html = page;
        self
    }

    pub(crate) fn own_page(&self) -> Option<&str> {
        self.0.html.as_deref()
    }

    /// The challenge, if there is one, with the name of what is protected (RFC 9110 §11.5).
    pub fn www_authenticate(&self, realm: &str) -> Option<String> {
        let parameters = self.0.challenge.as_deref()?;
        let comma = if parameters.is_empty() { "" } else { ", " };
        Some(format!("Bearer realm=\"{realm}\"{comma}{parameters}"))
    }

    pub fn retries_after(&self) -> Option<Span> {
        self.0.retry_after
    }

    pub(crate) fn rate_limited_to(&self) -> Option<u32> {
        self.0.rate_limit
    }

    /// What RFC 6749 calls it.
    pub fn named_in_oauth(&self) -> Option<&'static str> {
        self.0.oauth_error
    }

    /// The fields that do not make sense.
    pub fn invalid_fields(&self) -> &[Invalid] {
        &self.0.invalid
    }

    pub fn entry(&self) -> &'static Entry {
        self.0.entry
    }

    pub fn title(&self) -> String {
        Entry::about(self.0.entry.title, self.0.provider.as_deref())
    }

    pub fn cause(&self) -> String {
        let general = || Entry::about(self.0.entry.cause, self.0.provider.as_deref());
        self.0.detail.clone().unwrap_or_else(general)
    }

    pub fn next(&self) -> String {
        Entry::about(self.0.entry.next, self.0.provider.as_deref())
    }

    pub fn facts(&self) -> &[(&'static str, String)] {
        &self.0.facts
    }

    pub fn actions(&self) -> &[Action] {
        &self.0.actions
    }
}

/// A body that did not arrive in time.
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
        let mut response = self.entry().status.into_response();
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
            latchkey_store::Error::Ownerless => {
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
        [latchkey_store::Error::Ownerless, latchkey_store::Error::Blocked]
            .iter()
            .find(|one| one.to_string() == said)
            .map_or_else(Self::database_down, Self::from)
    }
}
