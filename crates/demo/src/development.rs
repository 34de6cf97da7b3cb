//! Routes that are there in development alone: nobody may put load on a site
//! that others use, or find a hole there that was made on purpose.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use latchkey_web::app::App;
use latchkey_web::errors::{Action, AppError, catalogue};

use crate::state::Demo;

/// What is said elsewhere: why, and where to go instead.
pub(crate) type Elsewhere = (Option<&'static str>, Option<(&'static str, &'static str)>);

pub(crate) fn only(demo: &Demo, elsewhere: Elsewhere, routes: Router<Demo>) -> Router<Demo> {
    routes.route_layer(from_fn_with_state((demo.app.clone(), elsewhere), check))
}

async fn check(
    State((app, (why, instead))): State<(App, Elsewhere)>,
    request: Request,
    next: Next,
) -> Response {
    if app.settings.is_development() {
        return next.run(request).await;
    }
    let error = AppError::new(catalogue::NOT_FOUND);
    let error = why.into_iter().fold(error, |error, why| error.detail(why));
    let action = instead.map(|(label, href)| Action::link(label, href));
    action.into_iter().fold(error, AppError::action).into_response()
}
