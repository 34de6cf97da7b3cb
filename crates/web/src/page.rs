//! Renders a template as a response. The HTML is in `templates/`, each template's
//! struct beside its handler.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use latchkey_axum::{AppError, catalogue};

#[derive(Debug)]
pub struct Page<T>(pub T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(html) => Html(html).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                AppError::new(catalogue::INTERNAL_ERROR).into_response()
            }
        }
    }
}

/// Shows the form again instead of the error page.
pub(crate) fn with_page(error: AppError, page: &impl Template) -> AppError {
    error.html(page.render().ok())
}
