//! The pages.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::oauth::DiscoveryError;

#[derive(Template)]
#[template(path = "welcome.html")]
pub struct Welcome {
    pub api: String,
    pub connected: bool,
}

/// The events, and the 403 for contacts.
#[derive(Template)]
#[template(path = "printout.html")]
pub struct Printout {
    pub api: String,
    pub events_url: String,
    pub lines: Vec<Line>,
    pub contacts_url: String,
    pub contacts: ContactsResponse,
}

pub struct Line {
    pub title: String,
    pub location: Option<String>,
    /// RFC 3339, as the API writes it.
    pub starts_at: String,
}

impl Line {
    fn day(&self) -> &str {
        self.starts_at.get(..10).unwrap_or(&self.starts_at)
    }

    fn time(&self) -> &str {
        self.starts_at.get(11..16).unwrap_or_default()
    }
}

/// The response of the API for contacts.
pub struct ContactsResponse {
    pub status: String,
    pub refused: bool,
    pub challenge: Option<String>,
    pub code: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    ApiDown,
    ServerDown,
    Metadata,
    Declined,
    OtherRequest,
    NoToken,
    NotGranted,
    Ended,
    NotRevoked,
    CrossSite,
    NoRandomness,
}

impl From<DiscoveryError> for Failure {
    fn from(error: DiscoveryError) -> Self {
        match error {
            DiscoveryError::ApiUnreachable => Self::ApiDown,
            DiscoveryError::ServerUnreachable => Self::ServerDown,
            DiscoveryError::Metadata => Self::Metadata,
        }
    }
}

impl From<getrandom::Error> for Failure {
    fn from(_: getrandom::Error) -> Self {
        Self::NoRandomness
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage {
    status: StatusCode,
    title: &'static str,
    sentence: &'static str,
}

impl Failure {
    const fn page(self) -> FailurePage {
        let (status, title, sentence) = match self {
            Self::ApiDown => (
                StatusCode::BAD_GATEWAY,
                "The calendar cannot be reached",
                "It did not respond, or its response was invalid. Try again in a moment.",
            ),
            Self::ServerDown => (
                StatusCode::BAD_GATEWAY,
                "The authorization server cannot be reached",
                "The server that gives access to the calendar did not respond. Try again in a \
                 moment.",
            ),
            Self::Metadata => (
                StatusCode::BAD_GATEWAY,
                "The calendar’s metadata is wrong",
                "The metadata of the calendar or of its authorization server is inconsistent, so \
                 nothing was sent.",
            ),
            Self::Declined => (
                StatusCode::FORBIDDEN,
                "You declined",
                "Nothing was printed, and nothing was stored.",
            ),
            Self::OtherRequest => (
                StatusCode::BAD_REQUEST,
                "This response belongs to another request",
                "It does not match a request from this browser. Start again from the first page.",
            ),
            Self::NoToken => (
                StatusCode::BAD_GATEWAY,
                "No access token",
                "The authorization server did not issue a token. Start again.",
            ),
            Self::NotGranted => (
                StatusCode::FORBIDDEN,
                "You did not allow the calendar",
                "Without your events, there is nothing to print.",
            ),
            Self::Ended => (
                StatusCode::UNAUTHORIZED,
                "Access has ended",
                "It was revoked or has expired. Connect again if you still want a printout.",
            ),
            Self::NotRevoked => (
                StatusCode::BAD_GATEWAY,
                "The token could not be revoked",
                "The authorization server did not revoke it, so it is still stored here. Try again.",
            ),
            Self::CrossSite => (
                StatusCode::FORBIDDEN,
                "Sent from another site",
                "This form only accepts requests from its own page.",
            ),
            Self::NoRandomness => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something failed here",
                "The operating system could not provide random numbers.",
            ),
        };
        FailurePage { status, title, sentence }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let page = self.page();
        (page.status, html(page)).into_response()
    }
}

impl IntoResponse for Welcome {
    fn into_response(self) -> Response {
        html(self)
    }
}

impl IntoResponse for Printout {
    fn into_response(self) -> Response {
        html(self)
    }
}

fn html(page: impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
