//! A sign-in as far as it has come. Nothing in it is a secret any more: each
//! message loses its secrets before it is added.

use std::time::{Duration, Instant};

use http::{HeaderMap, Method, StatusCode, Version, header};
use latchkey_domain::{Timestamp, TraceId};
use latchkey_web::sign_in::SignedIn;

use super::model::{Body, Hop, Party, Request, Response, Trace};
use super::redact::Redactor;
use super::steps::Step;
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

/// A request and its answer as they stood on the wire, secrets and all: lent
/// for the moment that it takes to redact them.
pub(crate) struct Wire<'a> {
    pub(crate) step: Step,
    pub(crate) from: Party,
    pub(crate) to: Party,
    pub(crate) method: &'a Method,
    pub(crate) url: &'a str,
    pub(crate) target: &'a str,
    pub(crate) version: Version,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    pub(crate) begun: Instant,
    pub(crate) waited: Duration,
    pub(crate) received: Duration,
    pub(crate) answer: Option<Answer<'a>>,
}

pub(crate) struct Answer<'a> {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Content<'a>,
}

pub(crate) enum Content<'a> {
    Bytes(&'a [u8]),
    /// Only its size was looked at.
    Size(Option<usize>),
}

impl TraceBuilder {
    pub(crate) fn new(begun: Instant, begun_at: Timestamp, is_whole: bool) -> Self {
        Self {
            begun,
            begun_at,
            is_whole,
            hops: Vec::new(),
            redactor: Redactor::default(),
            weight: 0,
        }
    }

    pub(crate) fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Adds a request and its answer, without their secrets.
    pub(crate) fn add(&mut self, wire: &Wire<'_>) {
        if self.hops.len() >= MAX_HOPS {
            return;
        }
        let request = self.request(wire);
        let response = wire.answer.as_ref().map(|answer| self.response(answer));
        let mut hop = Hop {
            step: wire.step,
            from: wire.from,
            to: wire.to,
            begun: micros(wire.begun.saturating_duration_since(self.begun)),
            waited: micros(wire.waited),
            received: micros(wire.received),
            request,
            response,
        };
        self.weight += weight(&hop);
        if self.weight > MAX_WEIGHT {
            hop.drop_bodies(true);
        }
        self.hops.push(hop);
    }

    fn request(&mut self, wire: &Wire<'_>) -> Request {
        let redactor = &mut self.redactor;
        Request {
            method: wire.method.as_str().to_owned(),
            url: redactor.url(wire.url),
            version: version(wire.version),
            head: request_head(wire.method, wire.target, wire.headers),
            headers: redactor.headers(wire.headers),
            body: redactor.body(content_type(wire.headers), wire.body),
        }
    }

    fn response(&mut self, answer: &Answer<'_>) -> Response {
        let redactor = &mut self.redactor;
        let kind = content_type(answer.headers);
        Response {
            status: answer.status.as_u16(),
            reason: reason(answer.status).to_owned(),
            version: version(answer.version),
            head: response_head(answer.status, answer.headers),
            headers: redactor.headers(answer.headers),
            body: match answer.body {
                Content::Bytes(bytes) => redactor.body(kind, bytes),
                Content::Size(size) => Body { size, ..redactor.body(kind, b"") },
            },
        }
    }

    pub(crate) fn finish(self, id: TraceId, of: SignedIn, provider: Option<String>) -> Trace {
        let mut hops = self.hops;
        hops.sort_by_key(|hop| hop.begun);
        let (begun_at, is_whole) = (self.begun_at, self.is_whole);
        Trace { id, door: of.method, key: of.credential, provider, begun_at, is_whole, hops }
    }
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()
}

fn version(version: Version) -> String {
    match version {
        Version::HTTP_2 => "HTTP/2.0".to_owned(),
        other => format!("{other:?}"),
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// About how much room a hop takes.
fn weight(hop: &Hop) -> usize {
    let response = hop.response.as_ref();
    let texts = [Some(&hop.request.body), response.map(|response| &response.body)];
    let texts = texts.into_iter().flatten().filter_map(|body| body.text.as_ref());
    let heads = hop.request.head + response.map_or(0, |response| response.head);
    heads + texts.map(Text::len).sum::<usize>()
}

/// How many bytes HTTP/1.1 takes for a head (RFC 9112 §2.1): `GET /path HTTP/1.1`, the headers and the empty line.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_counted_as_they_are_written() {
        let mut headers = HeaderMap::new();
        headers.append("host", http::HeaderValue::from_static("a.test"));
        headers.append("x", http::HeaderValue::from_static("1"));
        headers.append("x", http::HeaderValue::from_static("2"));
        let written = "GET /a?b HTTP/1.1\r\nhost: a.test\r\nx: 1\r\nx: 2\r\n\r\n";
        assert_eq!(request_head(&Method::GET, "/a?b", &headers), written.len());
        let written = "HTTP/1.1 303 See Other\r\nhost: a.test\r\nx: 1\r\nx: 2\r\n\r\n";
        assert_eq!(response_head(StatusCode::SEE_OTHER, &headers), written.len());
    }
}
