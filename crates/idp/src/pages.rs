//! HTML answers.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};

use crate::protocol::params::ParamsError;

/// A template and the status that it is answered with.
pub(crate) struct Page<T>(pub(crate) StatusCode, pub(crate) T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.1.render() {
            Ok(html) => (self.0, Html(html)).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// A page that says what went wrong and who can mend it.
#[derive(Template)]
#[template(path = "problem.html")]
pub(crate) struct Problem {
    status: StatusCode,
    title: &'static str,
    sentence: String,
}

impl Problem {
    /// The application's fault, or that of whoever typed the address.
    pub(crate) fn bad_request(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "This request cannot be answered", sentence)
    }

    /// A request whose parameters could not even be read.
    pub(crate) fn unreadable(error: ParamsError) -> Self {
        Self::new(error.status(), "This request cannot be read", error.sentence())
    }

    /// A form that was not sent from this provider's own page.
    pub(crate) fn cross_site() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Sent from another site",
            "This form only takes what its own page sends. Go back to the app and start again.",
        )
    }

    /// A `Host` that is not this machine.
    pub(crate) fn misdirected() -> Self {
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            "Not this machine",
            "The local provider answers on loopback names only: localhost, 127.0.0.1 or [::1].",
        )
    }

    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "Nothing here",
            "The local provider has no page at this address. The start page lists what it has.",
        )
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "Not this way",
            "This address exists, but it does not take this kind of request.",
        )
    }

    pub(crate) fn conflict(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "That did not work", sentence)
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The local provider failed",
            "Its log says why.",
        )
    }

    fn new(status: StatusCode, title: &'static str, sentence: impl Into<String>) -> Self {
        Self { status, title, sentence: sentence.into() }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Page(self.status, self).into_response()
    }
}
