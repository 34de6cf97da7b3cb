//! The application's pages. They look like nobody else's here, on purpose.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header::REFERRER_POLICY},
    response::{IntoResponse, Response},
};

use super::discovery::DiscoveryError;
use crate::pages::Page;

/// What it is, before anything has happened.
#[derive(Template)]
#[template(path = "printer/welcome.html")]
pub(super) struct Welcome {
    pub(super) api: String,
    pub(super) connected: bool,
}

/// The events, and the refusal of what was not asked for.
#[derive(Template)]
#[template(path = "printer/printout.html")]
pub(super) struct Printout {
    pub(super) api: String,
    pub(super) events_url: String,
    pub(super) lines: Vec<Line>,
    pub(super) contacts_url: String,
    pub(super) contacts: Refusal,
}

pub(super) struct Line {
    pub(super) title: String,
    pub(super) location: Option<String>,
    /// RFC 3339, as the API writes it.
    pub(super) starts_at: String,
}

impl Line {
    fn day(&self) -> &str {
        self.starts_at.get(..10).unwrap_or(&self.starts_at)
    }

    fn time(&self) -> &str {
        self.starts_at.get(11..16).unwrap_or_default()
    }
}

/// How the API answered about the contacts.
pub(super) struct Refusal {
    pub(super) status: String,
    pub(super) refused: bool,
    pub(super) challenge: Option<String>,
    pub(super) code: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    ApiDown,
    ServerDown,
    Metadata,
    Declined,
    NotOurs,
    NoToken,
    NotGranted,
    Ended,
    NotRevoked,
}

impl From<DiscoveryError> for Failure {
    fn from(error: DiscoveryError) -> Self {
        match error {
            DiscoveryError::ApiUnreachable => Self::ApiDown,
            DiscoveryError::ServerUnreachable => Self::ServerDown,
            DiscoveryError::ApiMetadata | DiscoveryError::ServerMetadata => Self::Metadata,
        }
    }
}

impl Failure {
    const fn status(self) -> StatusCode {
        match self {
            Self::ApiDown
            | Self::ServerDown
            | Self::Metadata
            | Self::NoToken
            | Self::NotRevoked => StatusCode::BAD_GATEWAY,
            Self::Declined | Self::NotGranted => StatusCode::FORBIDDEN,
            Self::Ended => StatusCode::UNAUTHORIZED,
            Self::NotOurs => StatusCode::BAD_REQUEST,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::ApiDown => "The calendar cannot be reached",
            Self::ServerDown => "Nobody to ask for permission",
            Self::Metadata => "The addresses do not fit together",
            Self::Declined => "You said no",
            Self::NotOurs => "This answer is to another question",
            Self::NoToken => "No permission came",
            Self::NotGranted => "Not the calendar",
            Self::Ended => "The permission has ended",
            Self::NotRevoked => "It could not be given back",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::ApiDown => "It does not answer, or not as it should. Try again in a moment.",
            Self::ServerDown => {
                "The calendar says who gives permission for it, but nobody answers there. Try \
                 again in a moment."
            }
            Self::Metadata => {
                "What the calendar says about itself is not what it should say, so nothing was \
                 sent anywhere."
            }
            Self::Declined => "Nothing is printed, and nothing was kept.",
            Self::NotOurs => {
                "It does not belong to anything that was begun in this browser. Begin again from \
                 the first page."
            }
            Self::NoToken => "The authorization server gave no token. Begin again.",
            Self::NotGranted => {
                "You let us in, but not to your events. Without them there is nothing to print."
            }
            Self::Ended => {
                "It was taken back, or its hour is over. Ask again if you still want a printout."
            }
            Self::NotRevoked => {
                "The authorization server did not take the token back, so it is still here. Try \
                 again."
            }
        }
    }
}

#[derive(Template)]
#[template(path = "printer/failure.html")]
struct FailurePage {
    status: StatusCode,
    title: &'static str,
    sentence: &'static str,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, title, sentence) = (self.status(), self.title(), self.sentence());
        form_page(status, FailurePage { status, title, sentence })
    }
}

impl IntoResponse for Welcome {
    fn into_response(self) -> Response {
        form_page(StatusCode::OK, self)
    }
}

impl IntoResponse for Printout {
    fn into_response(self) -> Response {
        form_page(StatusCode::OK, self)
    }
}

/// With `same-origin`, so that a browser without Sec-Fetch-Site still names this origin.
fn form_page(status: StatusCode, page: impl Template) -> Response {
    let mut response = Page(status, page).into_response();
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}
