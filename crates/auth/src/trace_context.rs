//! A request's place in a trace (W3C Trace Context): taken up from whoever
//! sends it, and passed on to the providers that are asked for it.

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
        let Self { trace_id, flags } = current;
        let parent = u64::from_be_bytes(random::bytes());
        HeaderValue::try_from(format!("00-{trace_id}-{parent:016x}-{flags}")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_to_the_letter_is_no_trace() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        const PARENT: &str = "00f067aa0ba902b7";
        let zeros = "0".repeat(32);
        for (text, taken) in [
            (format!("00-{TRACE}-{PARENT}-01"), true),
            (format!("01-{TRACE}-{PARENT}-01-more"), true),
            (format!("00-{TRACE}-{PARENT}-01-more"), false),
            (format!("ff-{TRACE}-{PARENT}-01"), false),
            (format!("00-{zeros}-{PARENT}-01"), false),
            (format!("00-{TRACE}-{}-01", &zeros[..16]), false),
            (format!("00-{}-{PARENT}-01", TRACE.to_uppercase()), false),
            (format!("00-{TRACE}-{PARENT}"), false),
            (format!("00-{TRACE}-{PARENT}-1"), false),
            (String::new(), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(TRACEPARENT, text.parse().expect("a value"));
            let expected = taken.then_some(TRACE);
            let found = TraceContext::of(&headers);
            assert_eq!(found.as_ref().map(TraceContext::trace_id), expected, "{text}");
            headers.append(TRACEPARENT, text.parse().expect("a value"));
            assert_eq!(TraceContext::of(&headers), None, "twice {text}");
        }
    }
}
