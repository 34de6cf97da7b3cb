//! Routes that only exist in development, because they put load on the server or are vulnerable on
//! purpose.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use latchkey_web::app::App;
use latchkey_web::errors::{AppError, catalogue};

use crate::state::Demo;

/// What the 404 says outside development: the reason, and a link.
pub(crate) type NotAvailable = (Option<&'static str>, Option<(&'static str, &'static str)>);

pub(crate) fn only(demo: &Demo, not_available: NotAvailable, routes: Router<Demo>) -> Router<Demo> {
    routes.route_layer(from_fn_with_state((demo.app.clone(), not_available), check))
}

async fn check(
    State((app, (reason, link))): State<(App, NotAvailable)>,
    request: Request,
    next: Next,
) -> Response {
    if app.settings.is_development() {
        return next.run(request).await;
    }
    let mut error = AppError::new(catalogue::NOT_FOUND);
    if let Some(reason) = reason {
        error = error.detail(reason);
    }
    if let Some((label, href)) = link {
        error = error.link(label, href);
    }
    error.into_response()
}
