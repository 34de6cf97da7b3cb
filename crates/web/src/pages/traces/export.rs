//! A trace for other tools.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use super::find;
use crate::app::App;
use crate::caller::Caller;
use crate::errors::Result;
use crate::traces::har::render;

/// `GET /traces/{id}/har`
pub(crate) async fn har(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response> {
    let trace = find(&app, &caller, &id).await?;
    let mut response = Json(render(&trace)).into_response();
    attach(&mut response, &format!("latchkey-{}.har", trace.id));
    Ok(response)
}

/// Has browsers save it rather than show it.
fn attach(response: &mut Response, name: &str) {
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
}
