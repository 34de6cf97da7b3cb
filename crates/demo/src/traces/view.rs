//! A trace as its page shows it.

use latchkey_auth::jose::decode_unverified;
use latchkey_domain::Timestamp;

use super::model::{Body, Header, Hop, Party, Trace};
use super::sequence::{Diagram, called, draw, in_answer, in_request, is_provider_unseen};
use super::steps::{About, Step};
use super::text::{Kind, Mark, Segment, Text};
use latchkey_web::claims::{Claim, describe};

#[derive(Debug)]
pub(crate) struct View {
    pub(crate) id: String,
    pub(crate) begun_at: Timestamp,
    pub(crate) is_whole: bool,
    pub(crate) steps: Vec<StepView>,
    pub(crate) diagram: Diagram,
    pub(crate) was_known: Option<&'static str>,
    pub(crate) round_trips: usize,
    pub(crate) back: usize,
    pub(crate) bytes: String,
    pub(crate) took: String,
}

#[derive(Debug)]
pub(crate) struct StepView {
    pub(crate) number: usize,
    pub(crate) about: About,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) is_back: bool,
    pub(crate) call: String,
    pub(crate) status: Option<String>,
    pub(crate) at: String,
    pub(crate) took: String,
    pub(crate) up: String,
    pub(crate) down: String,
    pub(crate) sent: Vec<Chip>,
    pub(crate) got: Vec<Chip>,
    pub(crate) request: Vec<Vec<Bit>>,
    pub(crate) answer: Vec<Vec<Bit>>,
    pub(crate) tokens: Vec<Token>,
    /// Nobody of us saw what came between the step before and this one.
    pub(crate) after_unseen: Option<String>,
}

/// A secret, by its kind and label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chip {
    pub(crate) label: String,
    pub(crate) class: &'static str,
}

impl Chip {
    fn of((kind, label): Mark) -> Self {
        Self { label: format!("{} {label}", kind.name()), class: class(kind) }
    }
}

const fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::State => "state",
        Kind::Nonce => "nonce",
        Kind::Challenge | Kind::Verifier => "pkce",
        Kind::Code => "code",
        _ => "other",
    }
}

/// A part of a line from the wire.
#[derive(Clone, Debug)]
pub(crate) enum Bit {
    Text(String),
    Secret { chip: Chip, begins: String, length: usize },
}

/// A token that was taken apart.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) label: String,
    pub(crate) header: Vec<Claim>,
    pub(crate) claims: Vec<Claim>,
}

impl View {
    pub(crate) fn of(trace: &Trace) -> Self {
        let back = trace.hops.iter().filter(|hop| hop.from != Party::Browser).count();
        Self {
            id: trace.id.to_string(),
            begun_at: trace.begun_at,
            is_whole: trace.is_whole,
            steps: trace.hops.iter().enumerate().map(|(at, hop)| step(trace, at, hop)).collect(),
            diagram: draw(trace),
            was_known: was_known(trace),
            round_trips: trace.hops.len(),
            back,
            bytes: grouped(trace.bytes()),
            took: millis(trace.micros()),
        }
    }
}

/// What an OpenID sign-in did without, because it had been asked before.
fn was_known(trace: &Trace) -> Option<&'static str> {
    let has = |step| trace.hops.iter().any(|hop| hop.step == step);
    if !has(Step::UserInfo) && !has(Step::Keys) && !has(Step::Discovery) {
        // Not an OpenID provider, or nothing to say.
        return None;
    }
    match (has(Step::Discovery), has(Step::Keys)) {
        (true, true) => None,
        (true, false) => Some(
            "The provider’s keys were cached from an earlier sign-in, so they were not fetched.",
        ),
        (false, true) => Some(
            "The discovery document was cached from an earlier sign-in, so it was not fetched.",
        ),
        (false, false) => Some(
            "The discovery document and the provider’s keys were cached from an earlier sign-in, so neither was fetched.",
        ),
    }
}

fn step(trace: &Trace, at: usize, hop: &Hop) -> StepView {
    let response = hop.response.as_ref();
    let name = |party| match party {
        Party::Browser => "Browser".to_owned(),
        Party::App => "Latchkey".to_owned(),
        Party::Provider => trace.provider.clone().unwrap_or_else(|| "Provider".to_owned()),
    };
    let request = &hop.request;
    let size = |head: usize, body: &Body| bytes(head + body.size.unwrap_or(0));
    let chips = |marks: Vec<Mark>| marks.into_iter().map(Chip::of).collect();
    StepView {
        number: at + 1,
        about: hop.step.about(),
        from: name(hop.from),
        to: name(hop.to),
        is_back: hop.from != Party::Browser,
        call: called(hop),
        status: response.map(|r| format!("{} {}", r.status, r.reason)),
        at: millis(hop.begun),
        took: millis(hop.waited + hop.received),
        up: size(request.head, &request.body),
        down: response.map(|r| size(r.head, &r.body)).unwrap_or_default(),
        sent: chips(in_request(hop)),
        got: chips(in_answer(hop)),
        request: {
            let mut first = vec![Bit::Text(format!("{} ", request.method))];
            first.extend(target(&request.url));
            first.push(Bit::Text(format!(" {}", request.version)));
            message(first, &request.headers, &request.body)
        },
        answer: response.map_or_else(Vec::new, |r| {
            let first = vec![Bit::Text(format!("{} {} {}", r.version, r.status, r.reason))];
            message(first, &r.headers, &r.body)
        }),
        tokens: tokens(hop),
        after_unseen: after_unseen(trace, at, hop),
    }
}

fn after_unseen(trace: &Trace, at: usize, hop: &Hop) -> Option<String> {
    if hop.step != Step::Callback || !is_provider_unseen(trace) {
        return None;
    }
    let before = trace.hops[..at].iter().rev().find(|hop| hop.step == Step::Start);
    Some(match before {
        Some(before) => millis(hop.begun.saturating_sub(before.ended())),
        None => "an unknown time".to_owned(),
    })
}

fn message(first: Vec<Bit>, headers: &[Header], body: &Body) -> Vec<Vec<Bit>> {
    let mut lines = vec![first];
    for header in headers {
        let mut line = vec![Bit::Text(format!("{}: ", header.name))];
        line.extend(bits(&header.value));
        lines.push(line);
    }
    match (&body.text, body.size) {
        (Some(text), _) => {
            lines.push(Vec::new());
            lines.push(bits(text));
        }
        (None, Some(0)) => {}
        (None, size) => {
            lines.push(Vec::new());
            let size = size.map_or("of unknown size".to_owned(), bytes);
            let kind = if body.kind.is_empty() { "a body" } else { body.kind.as_str() };
            lines.push(vec![Bit::Text(format!("[{kind}, {size}: only the size was kept]"))]);
        }
    }
    lines
}

fn bits(text: &Text) -> Vec<Bit> {
    let bit = |segment: &Segment| {
        let Some(mark) = segment.mark() else { return Bit::Text(segment.text()) };
        let begins = match segment {
            Segment::Short { begins, .. } => begins.clone(),
            _ => String::new(),
        };
        Bit::Secret { chip: Chip::of(mark), begins, length: segment.len() }
    };
    text.0.iter().filter(|segment| segment.len() > 0).map(bit).collect()
}

/// A URL as it stands in a request's first line: the origin is in `host`.
fn target(url: &Text) -> Vec<Bit> {
    let mut bits = bits(url);
    if let Some(Bit::Text(first)) = bits.first_mut()
        && let Some((_, rest)) = first.split_once("://")
        && let Some(at) = rest.find('/')
    {
        *first = rest[at..].to_owned();
    }
    bits
}

fn tokens(hop: &Hop) -> Vec<Token> {
    let response = hop.response.iter();
    let bodies = response.clone().filter_map(|response| response.body.text.as_ref());
    let headers = response.flat_map(|response| &response.headers);
    let headers = headers.filter(|header| header.name == "set-cookie").map(|header| &header.value);
    bodies.chain(headers).flat_map(|text| &text.0).filter_map(token).collect()
}

fn token(segment: &Segment) -> Option<Token> {
    let Segment::Jwt { kind, label, header, payload, .. } = segment else { return None };
    // Any signature will do: nothing is verified, and the real one is gone.
    let shown = decode_unverified(&format!("{header}.{payload}.AAAA"))?;
    Some(Token {
        label: format!("{} {label}", kind.name()),
        header: describe(&shown.header),
        claims: describe(&shown.claims),
    })
}

/// "1,234 bytes"
pub(crate) fn bytes(count: usize) -> String {
    format!("{}\u{a0}bytes", grouped(count))
}

fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "12.3 ms", "4.56 s"
pub(crate) fn millis(micros: u64) -> String {
    let millis = micros as f64 / 1000.0;
    if millis < 1000.0 {
        format!("{millis:.1}\u{a0}ms")
    } else {
        format!("{:.2}\u{a0}s", millis / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        for (count, text) in [
            (0, "0\u{a0}bytes"),
            (999, "999\u{a0}bytes"),
            (1234, "1,234\u{a0}bytes"),
            (1_234_567, "1,234,567\u{a0}bytes"),
        ] {
            assert_eq!(bytes(count), text);
        }
        for (micros, text) in
            [(40, "0.0\u{a0}ms"), (12_345, "12.3\u{a0}ms"), (4_560_000, "4.56\u{a0}s")]
        {
            assert_eq!(millis(micros), text);
        }
    }
}
