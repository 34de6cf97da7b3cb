//! A sign-in as far as it has come. Nothing in it is a secret any more: each
//! message loses its secrets before it is added.

use std::time::{Duration, Instant};

use http::{HeaderMap, Method, StatusCode, Version};
use latchkey_domain::{Timestamp, TraceId};
use latchkey_web::sign_in::SignedIn;

use super::model::{Hop, Request, Response, Trace};
use super::redact::Redactor;
use super::text::Text;

/// How many requests of one sign-in are kept. More than fifteen take no part in one.
const MAX_HOPS: usize = 40;

/// How many bytes of one sign-in are kept while it goes on.
const MAX_WEIGHT: usize = 192 * 1024;

#[derive(Clone, Debug)]
pub(crate) struct TraceBuilder {
    begun: Instant,
    begun_at: Timestamp,
    is_whole: bool,
    hops: Vec<Hop>,
    redactor: Redactor,
    weight: usize,
}

impl TraceBuilder {
    pub(crate) fn new(begun: Instant, begun_at: Timestamp, is_whole: bool) -> Self {
        let (hops, redactor) = (Vec::new(), Redactor::default());
        Self { begun, begun_at, is_whole, hops, redactor, weight: 0 }
    }

    /// A request as it stood on the wire, without its secrets.
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

    /// An answer without its secrets; of one whose body was not looked at, with its size.
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
        self.weight += weight(&hop);
        if self.weight > MAX_WEIGHT {
            hop.drop_bodies(true);
        }
        self.hops.push(hop);
    }

    /// Microseconds from the beginning of the trace.
    pub(crate) fn since_begun(&self, at: Instant) -> u64 {
        micros(at.saturating_duration_since(self.begun))
    }

    pub(crate) fn finish(self, id: TraceId, of: SignedIn, provider: Option<String>) -> Trace {
        let mut hops = self.hops;
        hops.sort_by_key(|hop| hop.begun);
        let (begun_at, is_whole) = (self.begun_at, self.is_whole);
        Trace { id, door: of.method, key: of.credential, provider, begun_at, is_whole, hops }
    }
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// About how much room a hop takes.
fn weight(hop: &Hop) -> usize {
    hop.messages().map(|it| it.head + it.body.text.as_ref().map_or(0, Text::len)).sum()
}

/// How many bytes HTTP/1.1 takes for a head (RFC 9112 §2.1): `GET /path HTTP/1.1`, the headers
/// and the empty line.
fn request_head(method: &Method, target: &str, headers: &HeaderMap) -> usize {
    method.as_str().len() + 1 + target.len() + 1 + "HTTP/1.1".len() + 2 + fields(headers)
}

/// `HTTP/1.1 200 OK`, the headers and the empty line.
fn response_head(status: StatusCode, headers: &HeaderMap) -> usize {
    "HTTP/1.1 200 ".len() + reason(status).len() + 2 + fields(headers)
}

/// The words behind a status, as hyper writes them.
fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("<none>")
}

fn fields(headers: &HeaderMap) -> usize {
    let line = |name: &str, value: &[u8]| name.len() + 2 + value.len() + 2;
    headers.iter().map(|(name, value)| line(name.as_str(), value.as_bytes())).sum::<usize>() + 2
}
