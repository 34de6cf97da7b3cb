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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Party {
    Browser,
    App,
    Provider,
}

impl Party {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::App => "app",
            Self::Provider => "provider",
        }
    }
}

/// Whether the person's browser carries a message (RFC 9700 §2.1: what it
/// carries, others may see), or the two servers speak to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Channel {
    Front,
    Back,
}

impl Channel {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Front => "front",
            Self::Back => "back",
        }
    }
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
    pub(crate) fn channel(&self) -> Channel {
        match self.from {
            Party::Browser => Channel::Front,
            Party::App | Party::Provider => Channel::Back,
        }
    }

    /// When it was over, in microseconds since the trace began.
    pub(crate) const fn ended(&self) -> u64 {
        self.begun + self.waited + self.received
    }

    /// Bytes of the request and of its answer.
    pub(crate) fn bytes(&self) -> usize {
        let response = self.response.as_ref();
        let response =
            response.map_or(0, |response| response.head + response.body.size.unwrap_or(0));
        self.request.head + self.request.body.size.unwrap_or(0) + response
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

/// A body, of which the text may be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Body {
    /// In bytes, where it was known beforehand.
    pub(crate) size: Option<usize>,
    pub(crate) kind: String,
    pub(crate) text: Option<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl Trace {
    /// Bytes of all requests and answers.
    pub(crate) fn bytes(&self) -> usize {
        self.hops.iter().map(Hop::bytes).sum()
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

/// A header's value as text, by its name.
pub(crate) fn header<'h>(headers: &'h [Header], name: &str) -> Option<&'h Text> {
    headers.iter().find(|header| header.name == name).map(|header| &header.value)
}
