//! The one list of addresses, and what happens around each of them.

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use http::StatusCode;
use latchkey_axum::middleware::{canonical, faults, request, same_site, security_headers};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use tower_sessions::SessionManagerLayer;
use tower_sessions::cookie::SameSite;

use crate::api;
use crate::app::App;
use crate::cookies;
use crate::errors::{Fault, catalogue};
use crate::pages::account::{delete, link, sign_ins};
use crate::pages::{
    account, audit, connected_apps, connections, docs, doctor, errors, health, home, outbox,
    recovery, sign_in, sign_up,
};
use crate::static_files;

/// Larger than any form here, smaller than anything that hurts.
const BODY_LIMIT: usize = 64 * 1024;

/// How long the body of a request may stand still.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a whole answer may take: longer than the slowest provider
/// (discovery, token, keys and profile may each take their time).
const ANSWER_TIMEOUT: Duration = Duration::from_secs(40);

fn pages() -> Router<App> {
    Router::new()
        .route("/sign-in", get(sign_in::show))
        .route("/sign-up", get(sign_up::show).post(sign_up::act))
        .route("/account", get(account::show))
        .route("/account/link", get(link::confirm).post(link::accept))
        .route("/account/link/{provider}", post(link::start))
        .route("/account/unlink", post(link::unlink))
        .route("/account/password", post(account::password::act))
        .route("/account/sign-ins/{id}/end", post(sign_ins::end_one))
        .route("/account/sign-ins/end-others", post(sign_ins::end_others))
        .route("/account/sign-ins/end-all", post(sign_ins::end_all))
        .route("/account/verify-email", post(delete::send_verification))
        .route("/account/delete", post(delete::act))
        .route("/connections", get(connections::index))
        .route("/connections/{provider}", post(connections::connect))
        .route("/connections/{provider}/disconnect", post(connections::disconnect))
        .route("/connections/{provider}/{service}", get(connections::service))
        .route("/connections/apps/end", post(connected_apps::end))
        .route("/forgot", get(recovery::ask).post(recovery::forgot))
        .route("/reset/{token}", get(recovery::choose).post(recovery::reset))
        .route("/verify/{token}", get(recovery::confirm).post(recovery::verify))
        .route("/outbox", get(outbox::show))
        .route("/audit", get(audit::show))
        .route("/.well-known/change-password", get(async || Redirect::to("/account#ways")))
        .route("/docs", get(docs::show))
        .route("/doctor", get(doctor::show))
        .route("/errors", get(errors::index))
        .route("/errors/{code}", get(errors::entry))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/static/{file}", get(static_files::serve))
        .merge(latchkey_axum::routes::pages())
        .merge(api::routes())
        .fallback(async || Fault::new(catalogue::NOT_FOUND))
}

/// What a crate above the product serves within the product's layers.
#[derive(Debug, Default)]
pub struct Extra {
    pub routes: Router<App>,
    /// Its own page at `/`.
    pub home: Option<MethodRouter<App>>,
}

/// The whole app. Layers are listed from the inside out: the last one sees a
/// request first.
pub fn router(app: &App, extra: Extra) -> Router {
    let with = |app: &App| app.latchkey.clone();
    pages()
        .route("/", extra.home.unwrap_or_else(|| get(home::show)))
        .merge(extra.routes)
        .layer(sessions(app))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, ANSWER_TIMEOUT))
        .layer(from_fn(cookies::deliver))
        .layer(from_fn_with_state(with(app), same_site::only))
        .layer(from_fn_with_state(with(app), canonical::name))
        .layer(CatchPanicLayer::custom(caught))
        .layer(from_fn_with_state(app.clone(), faults::render::<App>))
        .layer(from_fn_with_state(with(app), security_headers::add))
        .layer(from_fn_with_state(with(app), request::identify))
        .with_state(app.clone())
}

fn sessions(app: &App) -> SessionManagerLayer<latchkey_store::Sessions> {
    SessionManagerLayer::new(app.sessions.clone())
        .with_name(app.cookies.name(cookies::SESSION))
        .with_secure(app.cookies.is_secure())
        // Not `Strict`, its default: coming back from a provider is a request
        // from another site.
        .with_same_site(SameSite::Lax)
        .with_http_only(true)
        .with_path("/")
}

/// A panic is a fault of ours: it ends one request, not the process.
fn caught(panic: Box<dyn std::any::Any + Send>) -> Response {
    let said = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = said.unwrap_or("something that is no text"), "a handler panicked");
    Fault::new(catalogue::INTERNAL).into_response()
}
