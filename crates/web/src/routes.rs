//! Every route, and the layers around it.

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn;
use axum::response::Redirect;
use axum::routing::{MethodRouter, get, post};
use http::Uri;
use latchkey_axum::{AppError, HandlerResult, Routes, catalogue, middleware, session_layer};

use crate::app::App;
use crate::pages::account::{forms, link};
use crate::pages::{
    account, audit, connected_apps, connections, development, docs, errors, health, home, recovery,
    sign_in,
};
use crate::{api, compression, static_files};

fn pages() -> Router<App> {
    Router::new()
        .route("/sign-in", get(sign_in::page))
        .route("/sign-up", get(sign_in::sign_up))
        .route("/account", get(account::page))
        .route("/account/devices", get(account::devices_page))
        .route("/account/activity", get(account::activity_page))
        .route("/account/link", get(link::confirm).post(link::accept))
        .route("/account/link/{provider}", post(link::start))
        .route("/account/unlink", post(link::unlink))
        .route("/account/password", post(forms::change_password))
        .route("/account/proof", post(forms::submit_code))
        .route("/account/proof/send", post(forms::send_code))
        .route("/account/sign-ins/{id}/end", post(forms::end_one))
        .route("/account/sign-ins/end-others", post(forms::end_others))
        .route("/account/verify-email", post(forms::send_verification))
        .route("/connections", get(connections::index))
        .route("/connections/{provider}", post(connections::connect))
        .route("/connections/{provider}/refresh", post(connections::refresh))
        .route("/connections/{provider}/disconnect", post(connections::disconnect))
        .route("/connections/{provider}/{service}", get(connections::service))
        .route("/connections/apps/end", post(connected_apps::end))
        .route("/forgot", get(recovery::forgot_page).post(recovery::forgot))
        .route("/reset/{token}", get(recovery::reset_page).post(recovery::reset))
        .route("/verify/{token}", get(recovery::confirm).post(recovery::verify))
        .route("/outbox", get(development::outbox))
        .route("/audit", get(audit::page))
        .route("/.well-known/change-password", get(async || Redirect::to("/account#ways")))
        .route("/docs", get(docs::page))
        .route("/doctor", get(development::doctor))
        .route("/errors", get(errors::index))
        .route("/errors/{code}", get(errors::entry))
}

/// Routes that sign the caller out.
fn sign_out_routes() -> Router<App> {
    Router::new()
        .route("/account/sign-ins/end-all", post(forms::end_all))
        .route("/account/delete", post(forms::delete))
}

/// Health checks and files, served for any `Host`.
fn files() -> Router<App> {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/static/{file}", get(static_files::serve).layer(from_fn(compression::always)))
        .route("/favicon.ico", get(static_files::serve))
        .route("/robots.txt", get(static_files::serve))
}

/// 404, or a redirect that removes a trailing slash.
async fn not_found(State(app): State<App>, uri: Uri) -> HandlerResult<Redirect> {
    let path = uri.path().strip_suffix('/').filter(|path| !path.is_empty());
    let path = path.ok_or_else(|| AppError::new(catalogue::NOT_FOUND))?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    // Absolute, because `//evil.test/` is another site's URL.
    Ok(Redirect::permanent(&app.settings.absolute(&format!("{path}{query}"))))
}

/// Routes that another crate adds within the product's layers.
#[derive(Debug, Default)]
pub struct Extra {
    pub routes: Router<App>,
    pub home: Option<MethodRouter<App>>,
}

pub fn router(app: &App, extra: Extra) -> Router {
    let latchkey = &app.latchkey;
    let pages = pages()
        .merge(sign_out_routes().layer(session_layer(latchkey)))
        .merge(latchkey_axum::routes::pages(latchkey, Routes::ALL))
        .route("/", extra.home.unwrap_or_else(|| get(home::page)))
        .merge(extra.routes)
        .layer(from_fn(compression::without_credentials))
        .fallback(not_found);
    middleware::guard_pages(pages, app)
        .merge(middleware::guard_files(files(), app))
        .merge(middleware::guard_api(api::routes(), latchkey))
        .with_state(app.clone())
}
