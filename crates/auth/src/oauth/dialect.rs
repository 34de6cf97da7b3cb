//! Helpers for the providers' dialects.

use ::http::{Response, StatusCode, header};
use serde_json::Value;
use url::Url;

#[derive(Clone, Debug)]
pub(crate) struct Endpoints {
    pub(crate) authorization: Url,
    pub(crate) token: Url,
    /// Only if the provider does not accept HTTP Basic (RFC 6749 §2.3.1).
    pub(crate) secret_in_body: bool,
}

/// Appends a path, whether or not `base` ends in a slash.
pub(crate) fn join_path(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

pub(crate) fn json_response(
    mut response: Response<Vec<u8>>,
    status: StatusCode,
    body: &Value,
) -> Response<Vec<u8>> {
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    *response.body_mut() = body.to_string().into_bytes();
    response
}
