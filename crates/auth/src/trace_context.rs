//! W3C Trace Context: continues the trace of a request, and propagates it to providers.

use std::future::Future;

use ::http::{HeaderMap, HeaderName, HeaderValue};

use crate::random;

pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

const SAMPLED: u8 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    pub trace_id: u128,
    /// `None` for a root span.
    pub parent: Option<u64>,
    pub span: u64,
    flags: u8,
}

tokio::task_local! {
    static CURRENT: Option<TraceContext>;
}

impl TraceContext {
    /// Strict, because the value gets into our log.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut all = headers.get_all(TRACEPARENT).into_iter();
        let (text, None) = (all.next()?.to_str().ok()?, all.next()) else { return None };
        let parts: Vec<_> = text.split('-').collect();
        let (&[version, trace_id, parent, flags], rest) = parts.split_first_chunk::<4>()?;
        let (version, trace_id) = (hex(version, 2)?, hex(trace_id, 32)?);
        let (parent, flags) = (hex(parent, 16)?.try_into().ok()?, hex(flags, 2)?.try_into().ok()?);
        let is_valid =
            version != 0xff && (version != 0 || rest.is_empty()) && trace_id != 0 && parent != 0;
        is_valid.then(|| Self { trace_id, parent: Some(parent), span: new_span(), flags })
    }

    pub fn new_root() -> Self {
        let trace_id = u128::from_be_bytes(random::bytes()) | 1;
        Self { trace_id, parent: None, span: new_span(), flags: SAMPLED }
    }

    /// A child span of the current task's trace, if it has one.
    pub(crate) fn child() -> Option<Self> {
        let current = CURRENT.try_with(|current| *current).ok().flatten()?;
        Some(Self { parent: Some(current.span), span: new_span(), ..current })
    }

    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Runs `future` in this trace.
    pub async fn scope<F: Future>(trace: Option<Self>, future: F) -> F::Output {
        CURRENT.scope(trace, future).await
    }

    pub(crate) fn traceparent(&self) -> Option<HeaderValue> {
        let Self { trace_id, span, flags, .. } = self;
        HeaderValue::try_from(format!("00-{trace_id:032x}-{span:016x}-{flags:02x}")).ok()
    }
}

fn new_span() -> u64 {
    u64::from_be_bytes(random::bytes()) | 1
}

fn hex(text: &str, length: usize) -> Option<u128> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_hex && text.len() == length).then(|| u128::from_str_radix(text, 16).ok())?
}
