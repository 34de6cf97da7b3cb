//! The faults that endpoints of every dialect can show.

use std::time::Duration;

use axum::{
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use crate::misbehave::Misbehaviour;

const LATE: Duration = Duration::from_secs(10);

/// What a token endpoint answers instead of the truth; `None` means the truth, perhaps late.
///
/// The code is used up by then, as it would be at a real provider that fails halfway.
pub(crate) async fn token_endpoint(misbehaviour: Misbehaviour) -> Option<Response> {
    match misbehaviour {
        Misbehaviour::ServerError => Some(told_to_fail()),
        Misbehaviour::GarbageToken => Some(
            ([(CONTENT_TYPE, "application/json")], "<!doctype html><title>Not a token</title>")
                .into_response(),
        ),
        Misbehaviour::Late => {
            tokio::time::sleep(LATE).await;
            None
        }
        _ => None,
    }
}

/// The same for a refresh. The refresh token stays as good as it was.
pub(crate) async fn refresh(misbehaviour: Misbehaviour) -> Option<Response> {
    match misbehaviour {
        Misbehaviour::RefreshFails => Some(told_to_fail()),
        Misbehaviour::RefreshLate => {
            tokio::time::sleep(LATE).await;
            None
        }
        _ => None,
    }
}

/// A 500, on purpose.
pub(crate) fn told_to_fail() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "The local provider was told to fail here.").into_response()
}
