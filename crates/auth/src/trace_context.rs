//! A request's place in a trace (W3C Trace Context): taken up from whoever
//! sends it, and passed on to the providers that are asked for it.

use std::fmt::Write as _;
use std::future::Future;

use ::http::{HeaderMap, HeaderName, HeaderValue};

use crate::random;

pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: String,
    flags: String,
}

tokio::task_local! {
    static CURRENT: Option<TraceContext>;
}

impl TraceContext {
    /// What the request says; nothing when it is not to the letter, for it
    /// stands in our log.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut all = headers.get_all(TRACEPARENT).into_iter();
        let (text, None) = (all.next()?.to_str().ok()?, all.next()) else { return None };
        let parts: Vec<_> = text.split('-').collect();
        let (&[version, trace_id, parent, flags], more) = parts.split_first_chunk::<4>()?;
        let is_hex = |text: &str, length| {
            let mut bytes = text.bytes();
            text.len() == length && bytes.all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_id = |text: &str, length| is_hex(text, length) && text.bytes().any(|b| b != b'0');
        let valid = is_hex(version, 2)
            && version != "ff"
            && (version != "00" || more.is_empty())
            && is_id(trace_id, 32)
            && is_id(parent, 16)
            && is_hex(flags, 2);
        valid.then(|| Self { trace_id: trace_id.to_owned(), flags: flags.to_owned() })
    }

    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// Runs `future` as a part of this trace, if there is one.
    pub async fn scope<F: Future>(this: Option<Self>, future: F) -> F::Output {
        CURRENT.scope(this, future).await
    }

    /// What a call says that is made for the current request.
    pub(crate) fn header() -> Option<HeaderValue> {
        let current = CURRENT.try_with(Clone::clone).ok().flatten()?;
        let mut text = format!("00-{}-", current.trace_id);
        for byte in random::bytes::<8>() {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        HeaderValue::try_from(format!("{text}-{}", current.flags)).ok()
    }
}
