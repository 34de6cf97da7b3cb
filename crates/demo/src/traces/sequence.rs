//! The messages of a trace in the order in which they went, and the diagram of
//! them.

use latchkey_domain::sign_in::SignInMethod;

use super::model::{Header, Hop, Party, Trace};
use super::steps::Step;
use super::text::{Kind, Mark, Segment, Text};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: MessageKind,
    pub(crate) from: Party,
    pub(crate) to: Party,
    pub(crate) is_back: bool,
    pub(crate) label: String,
    pub(crate) carries: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageKind {
    Request(usize),
    Answer,
    /// What went on between the browser and the provider, where nobody of us was.
    Unseen,
}

pub(crate) const UNSEEN: &str = "Seen only by your browser and the provider";

pub(crate) fn messages(trace: &Trace) -> Vec<Message> {
    let mut messages: Vec<(u64, usize, Message)> = Vec::new();
    for (at, hop) in trace.hops.iter().enumerate() {
        let is_back = hop.is_back();
        let (kind, label) = (MessageKind::Request(at + 1), called(hop));
        let (from, to, carries) = (hop.from, hop.to, said(&in_request(hop)));
        if hop.step == Step::Callback && is_provider_unseen(trace) {
            let (from, to) = (Party::Browser, Party::Provider);
            let (label, carries) = (UNSEEN.to_owned(), String::new());
            let kind = MessageKind::Unseen;
            let unseen = Message { kind, from, to, is_back: false, label, carries };
            messages.push((hop.begun, at * 2, unseen));
        }
        messages.push((hop.begun, at * 2, Message { kind, from, to, is_back, label, carries }));
        if let Some(response) = &hop.response {
            let label = format!("{} {}", response.status, response.reason);
            let (kind, carries) = (MessageKind::Answer, said(&in_answer(hop)));
            let answer = Message { kind, from: to, to: from, is_back, label, carries };
            messages.push((hop.ended(), at * 2 + 1, answer));
        }
    }
    messages.sort_by_key(|(when, at, _)| (*when, *at));
    messages.into_iter().map(|(.., message)| message).collect()
}

/// Whether the browser went to a provider that is not ours to look into.
pub(crate) fn is_provider_unseen(trace: &Trace) -> bool {
    let seen = |hop: &Hop| hop.from == Party::Browser && hop.to == Party::Provider;
    trace.door != SignInMethod::Password && !trace.hops.iter().any(seen)
}

/// What is worth following through a sign-in.
const FOLLOWED: [Kind; 10] = [
    Kind::State,
    Kind::Nonce,
    Kind::Challenge,
    Kind::Verifier,
    Kind::Code,
    Kind::AccessToken,
    Kind::IdToken,
    Kind::RefreshToken,
    Kind::SessionId,
    Kind::Password,
];

pub(crate) fn in_request(hop: &Hop) -> Vec<Mark> {
    let request = &hop.request;
    marks([Some(&request.url), request.body.text.as_ref()], &request.headers)
}

pub(crate) fn in_answer(hop: &Hop) -> Vec<Mark> {
    let Some(response) = &hop.response else { return Vec::new() };
    marks([response.body.text.as_ref(), None], &response.headers)
}

fn marks(texts: [Option<&Text>; 2], headers: &[Header]) -> Vec<Mark> {
    // A Referer says again where the browser was.
    let headers = headers.iter().filter(|header| header.name != "referer");
    let texts = texts.into_iter().flatten().chain(headers.map(|header| &header.value));
    let of = |segment: &Segment| {
        let nonce = match segment {
            Segment::Jwt { nonce, .. } => nonce.map(|label| Mark { kind: Kind::Nonce, label }),
            _ => None,
        };
        [nonce, segment.mark()]
    };
    let all = texts.flat_map(|text| &text.0).flat_map(of).flatten();
    let order = |kind: Kind| FOLLOWED.iter().position(|followed| *followed == kind);
    let mut found: Vec<Mark> = all.filter(|mark| FOLLOWED.contains(&mark.kind)).collect();
    found.sort_by_key(|mark| (order(mark.kind), mark.label.0));
    found.dedup();
    found
}

fn said(marks: &[Mark]) -> String {
    marks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What a request is called in a diagram: its method and path.
pub(crate) fn called(hop: &Hop) -> String {
    let url = hop.request.url.to_string();
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let path = path
        .split_once("://")
        .map_or(path, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    format!("{} {path}", hop.request.method)
}

const WIDTH: u32 = 720;
const HEAD: u32 = 56;
const ROW: u32 = 48;

/// How many characters fit between two neighbouring lanes.
const FITS: usize = 38;

/// Where everything stands, in the units of the drawing.
#[derive(Clone, Debug)]
pub(crate) struct Diagram {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) lanes: Vec<(u32, String)>,
    pub(crate) arrows: Vec<Arrow>,
}

#[derive(Clone, Debug)]
pub(crate) struct Arrow {
    pub(crate) y: u32,
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) middle: u32,
    pub(crate) tip: String,
    pub(crate) message: Message,
}

impl Arrow {
    fn new(from: u32, to: u32, y: u32, message: Message) -> Self {
        let back = if to > from { to - 9 } else { to + 9 };
        let tip = format!("{to},{y} {back},{} {back},{}", y - 4, y + 4);
        Self { y, from, to, middle: u32::midpoint(from, to), tip, message }
    }

    pub(crate) fn label(&self) -> String {
        match self.message.kind {
            MessageKind::Request(number) => {
                format!("{number}. {}", short(&self.message.label, FITS))
            }
            MessageKind::Answer | MessageKind::Unseen => self.message.label.clone(),
        }
    }

    pub(crate) fn class(&self) -> &'static str {
        match (self.message.kind, self.message.is_back) {
            (MessageKind::Unseen, _) => " is-unseen",
            (MessageKind::Answer, false) => " is-answer",
            (MessageKind::Answer, true) => " is-answer is-back",
            (MessageKind::Request(_), false) => "",
            (MessageKind::Request(_), true) => " is-back",
        }
    }
}

pub(crate) fn draw(trace: &Trace) -> Diagram {
    let provider = trace.provider.as_deref();
    let mut lanes = vec![(70, "Browser".to_owned()), (650, "Latchkey".to_owned())];
    if let Some(provider) = provider {
        lanes[1].0 = 360;
        lanes.push((650, short(provider, 16)));
    }
    let x = |party: Party| lanes.get(party as usize).map_or(WIDTH / 2, |(x, _)| *x);
    let mut arrows = Vec::new();
    let mut y = HEAD + ROW / 2;
    for message in messages(trace) {
        arrows.push(Arrow::new(x(message.from), x(message.to), y, message));
        y += ROW;
    }
    Diagram { width: WIDTH, height: y, arrows, lanes }
}

fn short(text: &str, fits: usize) -> String {
    if text.chars().count() <= fits {
        return text.to_owned();
    }
    text.chars().take(fits - 1).chain(['…']).collect()
}
