//! Helpers of the trace page.

use latchkey_auth::jose::decode_unverified;
use latchkey_web::claims::{Claim, describe};

use super::model::{Hop, Trace};
use super::sequence::{is_provider_unrecorded, request_marks, response_marks};
use super::steps::Step;
use super::text::{Kind, Mark, Segment, Text};

/// At the callback, how long the browser was at a provider that is not recorded.
pub(crate) fn time_away(trace: &Trace, hop: &Hop) -> Option<String> {
    if hop.step != Step::Callback || !is_provider_unrecorded(trace) {
        return None;
    }
    let is_start = |other: &&Hop| other.step == Step::Start && other.start <= hop.start;
    Some(match trace.hops.iter().rev().find(is_start) {
        Some(start) => millis(hop.start.saturating_sub(start.end())),
        None => "an unknown time".to_owned(),
    })
}

/// Whether the authorization request has a nonce: only OpenID Connect defines one.
pub(crate) fn sends_nonce(hop: &Hop) -> bool {
    response_marks(hop).iter().any(|mark| mark.kind == Kind::Nonce)
}

/// Whether the authorization response has the parameter `iss` (RFC 9207). It is in the
/// provider's redirect, and in the request to the callback.
pub(crate) fn names_issuer(hop: &Hop) -> bool {
    let redirect = hop.response.iter().flat_map(|response| response.message.headers.iter());
    let redirect = redirect.filter(|header| header.name == "location").map(|header| &header.value);
    let texts =
        [&hop.request.url].into_iter().chain(&hop.request.message.body.text).chain(redirect);
    texts
        .map(Text::to_string)
        .any(|text| text.split(['?', '&']).any(|parameter| parameter.starts_with("iss=")))
}

/// A secret of this trace, as an example: the code, if there is one.
pub(crate) fn example(trace: &Trace) -> Option<Mark> {
    let both = |hop| [request_marks(hop), response_marks(hop)].concat();
    let marks: Vec<Mark> = trace.hops.iter().flat_map(both).collect();
    marks.iter().find(|mark| mark.kind == Kind::Code).or(marks.first()).copied()
}

/// The path and query, as in the first line of a request.
pub(crate) fn request_target(url: &Text) -> Text {
    let mut target = url.clone();
    if let Some(Segment::Plain(first)) = target.0.first_mut()
        && let Some((_, rest)) = first.split_once("://")
        && let Some(at) = rest.find('/')
    {
        *first = rest[at..].to_owned();
    }
    target
}

#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) mark: Mark,
    pub(crate) header: Vec<Claim>,
    pub(crate) claims: Vec<Claim>,
}

/// The JWTs in a response.
pub(crate) fn tokens(hop: &Hop) -> Vec<Token> {
    let message = hop.response.iter().map(|response| &response.message);
    let texts = message.flat_map(|message| {
        let cookies = message.headers.iter().filter(|header| header.name == "set-cookie");
        message.body.text.iter().chain(cookies.map(|header| &header.value))
    });
    texts.flat_map(|text| &text.0).filter_map(token).collect()
}

fn token(segment: &Segment) -> Option<Token> {
    let Segment::Jwt { mark, header, payload, .. } = segment else { return None };
    // The real signature was not stored. Any will do, as nothing is verified.
    let jwt = decode_unverified(&format!("{header}.{payload}.AAAA"))?;
    Some(Token { mark: *mark, header: describe(&jwt.header), claims: describe(&jwt.claims) })
}

/// "1,234 bytes"
pub(crate) fn bytes(count: usize) -> String {
    format!("{}\u{a0}bytes", grouped(count))
}

pub(crate) fn grouped(count: usize) -> String {
    match count / 1000 {
        0 => count.to_string(),
        thousands => format!("{},{:03}", grouped(thousands), count % 1000),
    }
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
    fn byte_counts_and_times_are_formatted() {
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
