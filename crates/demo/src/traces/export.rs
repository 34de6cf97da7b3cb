//! A trace for other tools.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use super::find;
use crate::app::App;
use crate::caller::Caller;
use crate::errors::Result;
use crate::traces;

/// `GET /traces/{id}/har`
pub(crate) async fn har(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response> {
    let trace = find(&app, &caller, &id).await?;
    let mut response = Json(traces::har::render(&trace)).into_response();
    let name = format!("attachment; filename=\"latchkey-{}.har\"", trace.id);
    if let Ok(name) = HeaderValue::try_from(name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// `GET /traces/{id}/mermaid`
pub(crate) async fn mermaid(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<String> {
    Ok(traces::mermaid::render(&find(&app, &caller, &id).await?))
}

/// `GET /traces/{id}/curl`
pub(crate) async fn curl(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<String> {
    Ok(traces::curl::render(&find(&app, &caller, &id).await?))
}
