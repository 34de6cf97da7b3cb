//! Errors as the Graph API tells them, "Handling errors".

use axum::{
    Json,
    http::{StatusCode, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::random;

/// One error of the Graph API; its status is always 400 here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GraphError {
    pub(super) message: &'static str,
    pub(super) kind: &'static str,
    pub(super) code: u16,
    pub(super) subcode: Option<u32>,
}

impl GraphError {
    /// Anything about OAuth: 190 is a bad access token.
    pub(super) const fn oauth(code: u16, message: &'static str) -> Self {
        Self { message, kind: "OAuthException", code, subcode: None }
    }

    pub(super) const fn subcode(self, subcode: u32) -> Self {
        Self { subcode: Some(subcode), ..self }
    }
}

impl IntoResponse for GraphError {
    fn into_response(self) -> Response {
        let mut error = json!({
            "message": self.message,
            "type": self.kind,
            "code": self.code,
            // Names this one answer in Facebook's support forms; here in nothing.
            "fbtrace_id": random::token().unwrap_or_default(),
        });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = subcode.into();
        }
        let challenge = format!(
            r#"OAuth "Facebook Platform" "{}" "{}""#,
            if self.code == 190 { "invalid_token" } else { "invalid_request" },
            self.message
        );
        let body = Json(json!({ "error": error }));
        (StatusCode::BAD_REQUEST, [(WWW_AUTHENTICATE, challenge)], body).into_response()
    }
}
