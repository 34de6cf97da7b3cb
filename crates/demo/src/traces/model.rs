//! A recorded sign-in: who said what to whom, how long it was and how long it took.

use latchkey_domain::sign_in::{CredentialKind, SignInMethod};
use latchkey_domain::{Timestamp, TraceId};
use serde::{Deserialize, Serialize};

use super::steps::Step;
use super::text::Text;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trace {
    pub(crate) id: TraceId,
    pub(crate) door: SignInMethod,
    pub(crate) key: CredentialKind,
    pub(crate) provider: Option<String>,
    pub(crate) begun_at: Timestamp,
    /// Whether it was seen from its beginning: another process may have sent
    /// the browser on its way.
    pub(crate) is_whole: bool,
    pub(crate) hops: Vec<Hop>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Party {
    Browser,
    App,
    Provider,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hop {
    pub(crate) step: Step,
    pub(crate) from: Party,
    pub(crate) to: Party,
    /// Microseconds since the trace began.
    pub(crate) begun: u64,
    /// Microseconds until the head of the answer was there.
    pub(crate) waited: u64,
    /// Microseconds that the rest of the answer took.
    pub(crate) received: u64,
    pub(crate) request: Request,
    pub(crate) response: Option<Response>,
}

impl Hop {
    /// Whether the two servers speak to each other, or the person's browser
    /// carries it (RFC 9700 §2.1: what it carries, others may see).
    pub(crate) fn is_back(&self) -> bool {
        self.from != Party::Browser
    }

    pub(crate) fn channel(&self) -> &'static str {
        if self.is_back() { "back" } else { "front" }
    }

    /// In microseconds.
    pub(crate) const fn took(&self) -> u64 {
        self.waited + self.received
    }

    /// When it was over, in microseconds since the trace began.
    pub(crate) const fn ended(&self) -> u64 {
        self.begun + self.took()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.request.size() + self.response.as_ref().map_or(0, Response::size)
    }

    /// Lets go of the bodies, and of everything but the sizes if that is not enough.
    pub(crate) fn drop_bodies(&mut self, headers_too: bool) {
        let request = &mut self.request;
        request.body.text = None;
        if headers_too {
            request.headers.clear();
            request.url = Text::plain("(too long to be kept)");
        }
        if let Some(response) = &mut self.response {
            response.body.text = None;
            if headers_too {
                response.headers.clear();
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) value: Text,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Body {
    /// In bytes, where it was known beforehand.
    pub(crate) size: Option<usize>,
    pub(crate) kind: String,
    pub(crate) text: Option<Text>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: Text,
    pub(crate) version: String,
    pub(crate) headers: Vec<Header>,
    /// The size of the head, in bytes, as HTTP/1.1 writes it.
    pub(crate) head: usize,
    pub(crate) body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) version: String,
    pub(crate) headers: Vec<Header>,
    /// The size of the head, in bytes, as HTTP/1.1 writes it.
    pub(crate) head: usize,
    pub(crate) body: Body,
}

impl Request {
    pub(crate) fn size(&self) -> usize {
        self.head + self.body.size.unwrap_or(0)
    }
}

impl Response {
    pub(crate) fn size(&self) -> usize {
        self.head + self.body.size.unwrap_or(0)
    }
}

impl Trace {
    pub(crate) fn bytes(&self) -> usize {
        self.hops.iter().map(Hop::bytes).sum()
    }

    pub(crate) fn back_channel(&self) -> usize {
        self.hops.iter().filter(|hop| hop.is_back()).count()
    }

    /// From the first byte to the last, in microseconds.
    pub(crate) fn micros(&self) -> u64 {
        self.hops.iter().map(Hop::ended).max().unwrap_or(0)
    }

    /// Lets go of what takes most room.
    pub(crate) fn drop_bodies(&mut self, headers_too: bool) {
        self.hops.iter_mut().for_each(|hop| hop.drop_bodies(headers_too));
    }
}

pub(crate) fn header<'h>(headers: &'h [Header], name: &str) -> Option<&'h Text> {
    headers.iter().find(|header| header.name == name).map(|header| &header.value)
}
