//! The current request, for log lines.

use std::fmt::{self, Display};
use std::future::Future;
use std::sync::Arc;

use axum::extract::MatchedPath;
use http::Method;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::request_id::RequestId;

/// The request that log lines belong to. A custom log format gets it with
/// [`CurrentRequest::get`]. At `debug` there is also a span with the same fields.
#[derive(Debug)]
pub struct CurrentRequest {
    pub(super) id: RequestId,
    pub(super) method: Method,
    pub(super) route: Option<MatchedPath>,
    pub(super) trace_id: Option<String>,
}

tokio::task_local! {
    static CURRENT: Arc<CurrentRequest>;
}

impl CurrentRequest {
    /// The request of the current task.
    pub fn get() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    pub(super) fn scope<F: Future>(self: Arc<Self>, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    pub(super) fn enter<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(Arc::clone(self), work)
    }

    /// The value of `X-Request-Id`.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// The route pattern, not the path: a URL may contain a code or a token.
    pub fn route(&self) -> &str {
        self.route.as_ref().map_or("-", MatchedPath::as_str)
    }

    /// From `traceparent` (W3C Trace Context), or our own if traces are exported.
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let always = [("id", self.id()), ("method", self.method.as_str()), ("route", self.route())];
        always.into_iter().chain(self.trace_id().map(|trace_id| ("trace_id", trace_id)))
    }
}

impl Display for CurrentRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("request{")?;
        for (n, (name, value)) in self.fields().enumerate() {
            let space = if n == 0 { "" } else { " " };
            write!(f, "{space}{name}={value}")?;
        }
        f.write_str("}")
    }
}

impl Serialize for CurrentRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.fields() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
