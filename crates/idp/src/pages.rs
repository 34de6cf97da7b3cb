//! HTML answers.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

/// A template and the status that it is answered with.
pub struct Page<T>(pub StatusCode, pub T);

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

/// A page that says what went wrong and who can fix it. The words for a status are its template's.
#[derive(Template)]
#[template(path = "problem.html")]
pub struct Problem {
    status: StatusCode,
    /// What is wrong this time.
    sentence: String,
}

impl Problem {
    pub fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status, sentence: sentence.into() }
    }
}

impl From<StatusCode> for Problem {
    fn from(status: StatusCode) -> Self {
        Self::new(status, "")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Page(self.status, self).into_response()
    }
}
