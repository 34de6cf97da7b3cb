//! A trace as its page shows it.

use latchkey_auth::jose::decode_unverified;

use super::model::{Body, Header, Hop, Party, Trace};
use super::sequence::{in_answer, in_request, is_provider_unseen};
use super::steps::Step;
use super::text::{Mark, Segment, Text};
use latchkey_web::claims::{Claim, describe};

#[derive(Debug)]
pub(crate) struct StepView<'t> {
    pub(crate) hop: &'t Hop,
    pub(crate) from: &'t str,
    pub(crate) to: &'t str,
    pub(crate) sent: Vec<Mark>,
    pub(crate) got: Vec<Mark>,
    /// Line by line.
    pub(crate) request: Vec<Text>,
    pub(crate) answer: Vec<Text>,
    pub(crate) tokens: Vec<Token>,
    /// Nobody of us saw what came between the step before and this one.
    pub(crate) after_unseen: Option<String>,
}

impl StepView<'_> {
    pub(crate) fn begun(&self) -> String {
        millis(self.hop.begun)
    }
}

#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) mark: Mark,
    pub(crate) header: Vec<Claim>,
    pub(crate) claims: Vec<Claim>,
}

/// What an OpenID sign-in did without, because it had been asked before.
pub(crate) fn was_known(trace: &Trace) -> Option<&'static str> {
    let has = |step| trace.hops.iter().any(|hop| hop.step == step);
    match (has(Step::Discovery), has(Step::Keys)) {
        (true, true) => None,
        (true, false) => Some(
            "The provider’s keys were cached from an earlier sign-in, so they were not fetched.",
        ),
        (false, true) => Some(
            "The discovery document was cached from an earlier sign-in, so it was not fetched.",
        ),
        // Not an OpenID provider, or nothing to say.
        (false, false) if !has(Step::UserInfo) => None,
        (false, false) => Some(
            "The discovery document and the provider’s keys were cached from an earlier sign-in, so neither was fetched.",
        ),
    }
}

pub(crate) fn steps(trace: &Trace) -> Vec<StepView<'_>> {
    let name = |party| match party {
        Party::Browser => "Browser",
        Party::App => "Latchkey",
        Party::Provider => trace.provider.as_deref().unwrap_or("Provider"),
    };
    let step = |(at, hop)| StepView {
        hop,
        from: name(hop.from),
        to: name(hop.to),
        sent: in_request(hop),
        got: in_answer(hop),
        request: request(hop),
        answer: answer(hop),
        tokens: tokens(hop),
        after_unseen: after_unseen(trace, at, hop),
    };
    trace.hops.iter().enumerate().map(step).collect()
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

fn request(hop: &Hop) -> Vec<Text> {
    let request = &hop.request;
    let line = Text::plain(format!("{} ", request.method)).then(target(&request.url));
    let line = line.then(Text::plain(format!(" {}", request.version)));
    message(line, &request.headers, &request.body)
}

/// A URL as it stands in a request's first line: the origin is in `host`.
fn target(url: &Text) -> Text {
    let mut target = url.clone();
    if let Some(Segment::Plain(first)) = target.0.first_mut()
        && let Some((_, rest)) = first.split_once("://")
        && let Some(at) = rest.find('/')
    {
        *first = rest[at..].to_owned();
    }
    target
}

fn answer(hop: &Hop) -> Vec<Text> {
    let Some(response) = &hop.response else { return Vec::new() };
    let line = format!("{} {} {}", response.version, response.status, response.reason);
    message(Text::plain(line), &response.headers, &response.body)
}

fn message(first: Text, headers: &[Header], body: &Body) -> Vec<Text> {
    let header =
        |header: &Header| Text::plain(format!("{}: ", header.name)).then(header.value.clone());
    let mut lines = vec![first];
    lines.extend(headers.iter().map(header));
    match (&body.text, body.size) {
        (Some(text), _) => lines.extend([Text::default(), text.clone()]),
        (None, Some(0)) => {}
        (None, size) => {
            let size = size.map_or("of unknown size".to_owned(), bytes);
            let kind = if body.kind.is_empty() { "a body" } else { body.kind.as_str() };
            let kept = format!("[{kind}, {size}: only the size was kept]");
            lines.extend([Text::default(), Text::plain(kept)]);
        }
    }
    lines
}

fn tokens(hop: &Hop) -> Vec<Token> {
    let response = hop.response.iter();
    let bodies = response.clone().filter_map(|response| response.body.text.as_ref());
    let headers = response.flat_map(|response| &response.headers);
    let headers = headers.filter(|header| header.name == "set-cookie").map(|header| &header.value);
    bodies.chain(headers).flat_map(|text| &text.0).filter_map(token).collect()
}

fn token(segment: &Segment) -> Option<Token> {
    let Segment::Jwt { header, payload, .. } = segment else { return None };
    // Any signature will do: nothing is verified, and the real one is gone.
    let shown = decode_unverified(&format!("{header}.{payload}.AAAA"))?;
    let (header, claims) = (describe(&shown.header), describe(&shown.claims));
    Some(Token { mark: segment.mark()?, header, claims })
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
