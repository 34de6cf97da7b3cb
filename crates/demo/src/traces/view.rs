//! A trace as its page shows it.

use latchkey_auth::jose::decode_unverified;

use super::model::{Body, Header, Hop, Party, Trace};
use super::sequence::{Diagram, draw, in_answer, in_request, is_provider_unseen};
use super::steps::Step;
use super::text::{Kind, Mark, Segment, Text};
use latchkey_web::claims::{Claim, describe};

#[derive(Debug)]
pub(crate) struct View {
    pub(crate) trace: Trace,
    pub(crate) diagram: Diagram,
}

#[derive(Debug)]
pub(crate) struct StepView<'t> {
    pub(crate) hop: &'t Hop,
    pub(crate) from: &'t str,
    pub(crate) to: &'t str,
    pub(crate) sent: Vec<Chip>,
    pub(crate) got: Vec<Chip>,
    pub(crate) request: Vec<Vec<Bit>>,
    pub(crate) answer: Vec<Vec<Bit>>,
    pub(crate) tokens: Vec<Token>,
    /// Nobody of us saw what came between the step before and this one.
    pub(crate) after_unseen: Option<String>,
}

impl StepView<'_> {
    pub(crate) fn begun(&self) -> String {
        millis(self.hop.begun)
    }

    pub(crate) fn took(&self) -> String {
        millis(self.hop.waited + self.hop.received)
    }
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

#[derive(Clone, Debug)]
pub(crate) enum Bit {
    Text(String),
    Secret { chip: Chip, begins: String, length: usize },
}

#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) label: String,
    pub(crate) header: Vec<Claim>,
    pub(crate) claims: Vec<Claim>,
}

impl View {
    pub(crate) fn new(trace: Trace) -> Self {
        Self { diagram: draw(&trace), trace }
    }

    pub(crate) fn steps(&self) -> Vec<StepView<'_>> {
        self.trace.hops.iter().enumerate().map(|(at, hop)| step(&self.trace, at, hop)).collect()
    }

    pub(crate) fn back_channel(&self) -> usize {
        self.trace.hops.iter().filter(|hop| hop.is_back()).count()
    }

    pub(crate) fn was_known(&self) -> Option<&'static str> {
        was_known(&self.trace)
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

fn step<'t>(trace: &'t Trace, at: usize, hop: &'t Hop) -> StepView<'t> {
    let name = |party| match party {
        Party::Browser => "Browser",
        Party::App => "Latchkey",
        Party::Provider => trace.provider.as_deref().unwrap_or("Provider"),
    };
    let chips = |marks: Vec<Mark>| marks.into_iter().map(Chip::of).collect();
    let request = &hop.request;
    let mut request_line = vec![Bit::Text(format!("{} ", request.method))];
    request_line.extend(target(&request.url));
    request_line.push(Bit::Text(format!(" {}", request.version)));
    let answer = hop.response.as_ref().map(|response| {
        let line = format!("{} {} {}", response.version, response.status, response.reason);
        message(vec![Bit::Text(line)], &response.headers, &response.body)
    });
    StepView {
        hop,
        from: name(hop.from),
        to: name(hop.to),
        sent: chips(in_request(hop)),
        got: chips(in_answer(hop)),
        request: message(request_line, &request.headers, &request.body),
        answer: answer.unwrap_or_default(),
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

pub(crate) fn grouped(count: usize) -> String {
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
