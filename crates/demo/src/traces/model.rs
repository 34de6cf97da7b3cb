//! A recorded sign-in, as it is stored: HTTP exchanges with their sizes and times.

use latchkey_domain::sign_in::{CredentialKind, SignInMethod};
use latchkey_domain::{Timestamp, TraceId};
use serde::{Deserialize, Serialize};

use super::steps::Step;
use super::text::Text;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trace {
    pub(crate) id: TraceId,
    #[serde(rename = "door")]
    pub(crate) method: SignInMethod,
    #[serde(rename = "key")]
    pub(crate) credential: CredentialKind,
    pub(crate) provider: Option<String>,
    #[serde(rename = "begun_at")]
    pub(crate) started_at: Timestamp,
    /// False if another process redirected the browser to the provider.
    #[serde(rename = "is_whole")]
    pub(crate) is_complete: bool,
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
    /// Microseconds since the start of the trace.
    #[serde(rename = "begun")]
    pub(crate) start: u64,
    /// Microseconds until the response headers arrived.
    #[serde(rename = "waited")]
    pub(crate) wait: u64,
    /// Microseconds from the response headers to the end of the body.
    #[serde(rename = "received")]
    pub(crate) receive: u64,
    pub(crate) request: Request,
    pub(crate) response: Option<Response>,
}

impl Hop {
    /// Whether it is server to server. What the browser carries may leak (RFC 9700 §2.1).
    pub(crate) fn is_back_channel(&self) -> bool {
        self.from != Party::Browser
    }

    pub(crate) fn channel(&self) -> &'static str {
        if self.is_back_channel() { "back" } else { "front" }
    }

    /// In microseconds.
    pub(crate) const fn duration(&self) -> u64 {
        self.wait + self.receive
    }

    /// Microseconds since the start of the trace.
    pub(crate) const fn end(&self) -> u64 {
        self.start + self.duration()
    }

    pub(crate) fn messages(&self) -> impl Iterator<Item = &Message> {
        [&self.request.message].into_iter().chain(self.response.as_ref().map(|it| &it.message))
    }

    /// Drops the bodies; with `headers_too`, everything but the sizes.
    pub(crate) fn drop_bodies(&mut self, headers_too: bool) {
        self.request.message.drop_body(headers_too);
        if headers_too {
            self.request.url = "(too long to store)".into();
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
    /// In bytes; `None` for a streamed response.
    pub(crate) size: Option<usize>,
    #[serde(rename = "kind")]
    pub(crate) content_type: String,
    pub(crate) text: Option<Text>,
}

/// The parts that requests and responses share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) version: String,
    pub(crate) headers: Vec<Header>,
    /// Bytes of the first line and the headers, as HTTP/1.1 writes them.
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

    pub(crate) fn party_name(&self, party: Party) -> &str {
        match party {
            Party::Browser => "Browser",
            Party::App => "Latchkey",
            Party::Provider => self.provider.as_deref().unwrap_or("Provider"),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.hops.iter().flat_map(Hop::messages).map(Message::size).sum()
    }

    pub(crate) fn back_channel_hops(&self) -> usize {
        self.hops.iter().filter(|hop| hop.is_back_channel()).count()
    }

    /// In microseconds.
    pub(crate) fn duration(&self) -> u64 {
        self.hops.iter().map(Hop::end).max().unwrap_or(0)
    }
}
