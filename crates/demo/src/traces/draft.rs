//! A sign-in as far as it has come. Nothing in it is a secret any more: each
//! message loses its secrets before it is added.

use std::time::{Duration, Instant};

use http::{HeaderMap, Method, StatusCode, Version, header};
use latchkey_domain::{Timestamp, TraceId};
use latchkey_web::sign_in::SignedIn;

use super::model::{Body, Hop, Party, Request, Response, Trace};
use super::redact::Redactor;
use super::size;
use super::steps::Step;

/// How many requests of one sign-in are kept. More than fifteen take no part in one.
const MAX_HOPS: usize = 40;

/// How many bytes of one sign-in are kept while it goes on.
const MAX_WEIGHT: usize = 192 * 1024;

/// A sign-in that is under way.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
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
    /// As it stands in the request's first line.
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

impl Draft {
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

    /// How long it has been under way.
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
            hop.forget_texts(true);
        }
        self.hops.push(hop);
    }

    fn request(&mut self, wire: &Wire<'_>) -> Request {
        let redactor = &mut self.redactor;
        Request {
            method: wire.method.as_str().to_owned(),
            url: redactor.url(wire.url),
            version: version(wire.version),
            head: size::request(wire.method, wire.target, wire.headers),
            headers: redactor.headers(wire.headers),
            body: redactor.body(content_type(wire.headers), wire.body),
        }
    }

    fn response(&mut self, answer: &Answer<'_>) -> Response {
        let redactor = &mut self.redactor;
        let kind = content_type(answer.headers);
        Response {
            status: answer.status.as_u16(),
            reason: size::reason(answer.status).to_owned(),
            version: version(answer.version),
            head: size::response(answer.status, answer.headers),
            headers: redactor.headers(answer.headers),
            body: match answer.body {
                Content::Bytes(bytes) => redactor.body(kind, bytes),
                Content::Size(size) => Body { size, ..redactor.body(kind, b"") },
            },
        }
    }

    /// The whole record of a sign-in that has succeeded.
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
    heads + texts.map(super::text::Text::len).sum::<usize>()
}
