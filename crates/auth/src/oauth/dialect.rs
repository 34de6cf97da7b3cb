//! What the providers' dialects share.

use ::http::{Response, StatusCode, header};
use serde_json::Value;
use url::Url;

/// A provider's endpoints, and how we authenticate there.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints {
    pub(crate) authorization: Url,
    pub(crate) token: Url,
    /// RFC 6749 §2.3.1: in the body only if the provider accepts it nowhere else.
    pub(crate) secret_in_body: bool,
}

/// `base` with a path appended, whether or not it ends in a slash.
pub(crate) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

pub(crate) fn json_response(
    mut answer: Response<Vec<u8>>,
    status: StatusCode,
    body: &Value,
) -> Response<Vec<u8>> {
    *answer.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    *answer.body_mut() = body.to_string().into_bytes();
    answer
}
