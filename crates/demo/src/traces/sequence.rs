//! The messages of a trace in order, as an SVG sequence diagram and as Mermaid.

use askama::Template;
use latchkey_domain::sign_in::SignInMethod;

use super::model::{Hop, Message as Head, Party, Trace};
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
    Response,
    /// Whatever the browser and an unrecorded provider exchange.
    Unseen,
}

const UNSEEN: &str = "Seen only by your browser and the provider";

fn messages(trace: &Trace) -> Vec<Message> {
    let mut messages: Vec<(u64, usize, Message)> = Vec::new();
    for (at, hop) in trace.hops.iter().enumerate() {
        let request = Message {
            kind: MessageKind::Request(at + 1),
            from: hop.from,
            to: hop.to,
            is_back: hop.is_back_channel(),
            label: request_line(hop),
            carries: join(&request_marks(hop)),
        };
        if hop.step == Step::Callback && is_provider_unrecorded(trace) {
            let (kind, to) = (MessageKind::Unseen, Party::Provider);
            let (label, carries) = (UNSEEN.to_owned(), String::new());
            let unseen = Message { kind, to, label, carries, ..request.clone() };
            messages.push((hop.start, at * 2, unseen));
        }
        let response = hop.response.as_ref().map(|response| Message {
            kind: MessageKind::Response,
            from: hop.to,
            to: hop.from,
            label: format!("{} {}", response.status, response.reason),
            carries: join(&response_marks(hop)),
            ..request
        });
        messages.push((hop.start, at * 2, request));
        messages.extend(response.map(|response| (hop.end(), at * 2 + 1, response)));
    }
    messages.sort_by_key(|(when, at, _)| (*when, *at));
    messages.into_iter().map(|(.., message)| message).collect()
}

/// Whether the browser went to a provider other than the local one.
pub(crate) fn is_provider_unrecorded(trace: &Trace) -> bool {
    let is_recorded = |hop: &Hop| hop.from == Party::Browser && hop.to == Party::Provider;
    trace.method != SignInMethod::Password && !trace.hops.iter().any(is_recorded)
}

/// The secrets that the diagram shows, in this order.
const MARKED: [Kind; 10] = [
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

pub(crate) fn request_marks(hop: &Hop) -> Vec<Mark> {
    marks(&[&hop.request.url], &hop.request.message)
}

pub(crate) fn response_marks(hop: &Hop) -> Vec<Mark> {
    hop.response.iter().flat_map(|response| marks(&[], &response.message)).collect()
}

fn marks(before: &[&Text], message: &Head) -> Vec<Mark> {
    // A Referer only repeats an earlier URL.
    let headers = message.headers.iter().filter(|header| header.name != "referer");
    let texts = before.iter().copied().chain(&message.body.text);
    let texts = texts.chain(headers.map(|header| &header.value));
    let of = |segment: &Segment| {
        let nonce = match segment {
            Segment::Jwt { nonce, .. } => nonce.map(|label| Mark { kind: Kind::Nonce, label }),
            _ => None,
        };
        [nonce, segment.mark()]
    };
    let all = texts.flat_map(|text| &text.0).flat_map(of).flatten();
    let order = |kind: Kind| MARKED.iter().position(|marked| *marked == kind);
    let mut found: Vec<Mark> = all.filter(|mark| MARKED.contains(&mark.kind)).collect();
    found.sort_by_key(|mark| (order(mark.kind), mark.label.0));
    found.dedup();
    found
}

fn join(marks: &[Mark]) -> String {
    marks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The method and path, without the query.
pub(crate) fn request_line(hop: &Hop) -> String {
    let url = hop.request.url.to_string();
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let path = path
        .split_once("://")
        .map_or(path, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    format!("{} {path}", hop.request.method)
}

/// Two lanes fit on a phone.
pub(crate) const NARROW: u32 = 340;
const WIDE: u32 = 720;
const HEAD: u32 = 56;
const ROW: u32 = 48;

/// The characters that fit between two lanes.
pub(crate) const LABEL_LENGTH: usize = 38;

/// A layout in SVG units.
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
    pub(crate) message: Message,
}

pub(crate) fn draw(trace: &Trace) -> Diagram {
    let (width, app) = if trace.provider.is_some() { (WIDE, 360) } else { (NARROW, 280) };
    let mut lanes = vec![(60, "Browser".to_owned()), (app, "Latchkey".to_owned())];
    lanes.extend(trace.provider.as_deref().map(|provider| (660, truncate(provider, 16))));
    let x = |party: Party| lanes.get(party as usize).map_or(width / 2, |(x, _)| *x);
    let rows = (HEAD + ROW / 2..).step_by(ROW as usize);
    let arrow = |(y, message): (u32, Message)| Arrow {
        y,
        from: x(message.from),
        to: x(message.to),
        message,
    };
    let arrows: Vec<_> = rows.zip(messages(trace)).map(arrow).collect();
    let height = arrows.last().map_or(HEAD, |last| last.y + ROW);
    Diagram { width, height, arrows, lanes }
}

pub(crate) fn truncate(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    text.chars().take(length - 1).chain(['…']).collect()
}

#[derive(Template)]
#[template(path = "trace-mermaid.txt", whitespace = "preserve")]
pub(crate) struct Mermaid<'a> {
    trace: &'a Trace,
    messages: Vec<Message>,
}

impl<'a> Mermaid<'a> {
    pub(crate) fn of(trace: &'a Trace) -> Self {
        Self { trace, messages: messages(trace) }
    }
}

const fn initial(party: Party) -> &'static str {
    match party {
        Party::Browser => "B",
        Party::App => "A",
        Party::Provider => "P",
    }
}

/// Without the characters that mean something in Mermaid.
fn mermaid_safe(text: &str) -> String {
    text.chars().filter(|c| !"#;<>%:\"\\".contains(*c) && !c.is_control()).collect()
}
