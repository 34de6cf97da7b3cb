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

    pub(crate) const fn took(&self) -> u64 {
        self.waited + self.received
    }

    /// When it was over, in microseconds since the trace began.
    pub(crate) const fn ended(&self) -> u64 {
        self.begun + self.took()
    }

    pub(crate) fn messages(&self) -> impl Iterator<Item = &Message> {
        [&self.request.message].into_iter().chain(self.response.as_ref().map(|it| &it.message))
    }

    /// Lets go of the bodies, and of everything but the sizes if that is not enough.
    pub(crate) fn drop_bodies(&mut self, headers_too: bool) {
        self.request.message.drop_body(headers_too);
        if headers_too {
            self.request.url = "(too long to be kept)".into();
        }
        if let Some(response) = &mut self.response {
            response.message.drop_body(headers_too);
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

/// What a request and an answer have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) version: String,
    pub(crate) headers: Vec<Header>,
    /// The size of the head, in bytes, as HTTP/1.1 writes it.
    pub(crate) head: usize,
    pub(crate) body: Body,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: Text,
    #[serde(flatten)]
    pub(crate) message: Message,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) reason: String,
    #[serde(flatten)]
    pub(crate) message: Message,
}

impl Message {
    pub(crate) fn size(&self) -> usize {
        self.head + self.body.size.unwrap_or(0)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&Text> {
        self.headers.iter().find(|header| header.name == name).map(|header| &header.value)
    }

    fn drop_body(&mut self, headers_too: bool) {
        self.body.text = None;
        if headers_too {
            self.headers.clear();
        }
    }
}

impl Trace {
    pub(crate) fn has(&self, step: Step) -> bool {
        self.hops.iter().any(|hop| hop.step == step)
    }

    pub(crate) fn name(&self, party: Party) -> &str {
        match party {
            Party::Browser => "Browser",
            Party::App => "Latchkey",
            Party::Provider => self.provider.as_deref().unwrap_or("Provider"),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.hops.iter().flat_map(Hop::messages).map(Message::size).sum()
    }

    pub(crate) fn back_channel(&self) -> usize {
        self.hops.iter().filter(|hop| hop.is_back()).count()
    }

    /// From the first byte to the last, in microseconds.
    pub(crate) fn micros(&self) -> u64 {
        self.hops.iter().map(Hop::ended).max().unwrap_or(0)
    }
}
