//! A trace for other tools.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use super::pages::find;
use super::{curl as script, har as archive, mermaid as diagram};
use latchkey_web::app::App;
use latchkey_web::caller::PageCaller;
use latchkey_web::errors::HandlerResult;

/// `GET /traces/{id}/har`
pub(crate) async fn har(
    State(app): State<App>,
    caller: PageCaller,
    Path(id): Path<String>,
) -> HandlerResult<Response> {
    let trace = find(&app, &caller, &id).await?;
    let mut response = Json(archive::render(&trace)).into_response();
    let name = format!("attachment; filename=\"latchkey-{}.har\"", trace.id);
    if let Ok(name) = HeaderValue::try_from(name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// `GET /traces/{id}/mermaid`
pub(crate) async fn mermaid(
    State(app): State<App>,
    caller: PageCaller,
    Path(id): Path<String>,
) -> HandlerResult<String> {
    Ok(diagram::render(&find(&app, &caller, &id).await?))
}

/// `GET /traces/{id}/curl`
pub(crate) async fn curl(
    State(app): State<App>,
    caller: PageCaller,
    Path(id): Path<String>,
) -> HandlerResult<String> {
    Ok(script::render(&find(&app, &caller, &id).await?))
}
