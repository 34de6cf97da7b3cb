//! A trace in progress. Every message is redacted before it is added.

use std::time::{Duration, Instant};

use http::{HeaderMap, Method, StatusCode, Version};
use latchkey_domain::{Timestamp, TraceId};
use latchkey_web::sign_in::SignedIn;

use super::model::{Hop, Request, Response, Trace};
use super::redact::Redactor;
use super::text::Text;

/// A sign-in takes at most 15 requests; the rest of these are room for retries.
const MAX_HOPS: usize = 40;

/// Beyond this many bytes, only the sizes of further messages are kept.
const MAX_SIZE: usize = 192 * 1024;

#[derive(Clone, Debug)]
pub(crate) struct TraceBuilder {
    started: Instant,
    started_at: Timestamp,
    is_complete: bool,
    hops: Vec<Hop>,
    redactor: Redactor,
    size: usize,
}

impl TraceBuilder {
    pub(crate) fn new(started: Instant, started_at: Timestamp, is_complete: bool) -> Self {
        let (hops, redactor) = (Vec::new(), Redactor::default());
        Self { started, started_at, is_complete, hops, redactor, size: 0 }
    }

    pub(crate) fn request(
        &mut self,
        (method, url, target): (&Method, &str, &str),
        version: Version,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Request {
        let head = request_head(method, target, headers);
        Request {
            method: method.as_str().to_owned(),
            url: self.redactor.url(url),
            message: self.redactor.message(version, head, headers, Some(body)),
        }
    }

    /// Without a `body`, its size is taken from `Content-Length`.
    pub(crate) fn response(
        &mut self,
        status: StatusCode,
        version: Version,
        headers: &HeaderMap,
        body: Option<&[u8]>,
    ) -> Response {
        let head = response_head(status, headers);
        Response {
            status: status.as_u16(),
            reason: reason(status).to_owned(),
            message: self.redactor.message(version, head, headers, body),
        }
    }

    pub(crate) fn add(&mut self, mut hop: Hop) {
        if self.hops.len() >= MAX_HOPS {
            return;
        }
        self.size += stored_size(&hop);
        if self.size > MAX_SIZE {
            hop.drop_bodies(true);
        }
        self.hops.push(hop);
    }

    /// Microseconds since the trace started.
    pub(crate) fn offset(&self, at: Instant) -> u64 {
        micros(at.saturating_duration_since(self.started))
    }

    pub(crate) fn finish(
        self,
        id: TraceId,
        signed_in: SignedIn,
        provider: Option<String>,
    ) -> Trace {
        let mut hops = self.hops;
        hops.sort_by_key(|hop| hop.start);
        Trace {
            id,
            method: signed_in.method,
            credential: signed_in.credential,
            provider,
            started_at: self.started_at,
            is_complete: self.is_complete,
            hops,
        }
    }
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Roughly how many bytes a hop occupies.
fn stored_size(hop: &Hop) -> usize {
    hop.messages().map(|it| it.head + it.body.text.as_ref().map_or(0, Text::len)).sum()
}

/// Bytes of `GET /path HTTP/1.1`, the headers and the empty line (RFC 9112 §2.1).
fn request_head(method: &Method, target: &str, headers: &HeaderMap) -> usize {
    method.as_str().len() + 1 + target.len() + 1 + "HTTP/1.1".len() + 2 + header_lines(headers)
}

/// Bytes of `HTTP/1.1 200 OK`, the headers and the empty line.
fn response_head(status: StatusCode, headers: &HeaderMap) -> usize {
    "HTTP/1.1 200 ".len() + reason(status).len() + 2 + header_lines(headers)
}

/// The reason phrase, as hyper writes it.
fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("<none>")
}

fn header_lines(headers: &HeaderMap) -> usize {
    let line = |name: &str, value: &[u8]| name.len() + 2 + value.len() + 2;
    headers.iter().map(|(name, value)| line(name.as_str(), value.as_bytes())).sum::<usize>() + 2
}
