//! The messages of a trace in the order in which they went, and what each carries.

use latchkey_domain::sign_in::SignInMethod;

use super::model::{Header, Hop, Party, Trace};
use super::text::{Kind, Letter, Piece, Text};

/// One line of a sequence diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line<'t> {
    /// A request, and the number of its hop.
    Request(usize, &'t Hop),
    /// An answer, and the number of its hop.
    Answer(usize, &'t Hop),
    /// What went on between the browser and the provider, where nobody of us was.
    Unseen,
}

/// All lines, in order.
pub(crate) fn lines(trace: &Trace) -> Vec<Line<'_>> {
    let mut lines: Vec<(u64, usize, Line<'_>)> = Vec::new();
    for (at, hop) in trace.hops.iter().enumerate() {
        lines.push((hop.begun, at * 2, Line::Request(at + 1, hop)));
        if hop.response.is_some() {
            lines.push((hop.ended(), at * 2 + 1, Line::Answer(at + 1, hop)));
        }
    }
    lines.sort_by_key(|(when, at, _)| (*when, *at));
    let mut lines: Vec<_> = lines.into_iter().map(|(.., line)| line).collect();
    if is_provider_unseen(trace) {
        let callback = |line: &Line<'_>| matches!(line, Line::Request(_, hop) if hop.step == super::steps::Step::Callback);
        let at = lines.iter().position(callback).unwrap_or(0);
        lines.insert(at, Line::Unseen);
    }
    lines
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

/// A secret, by its kind and letter.
pub(crate) type Mark = (Kind, Letter);

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
    let mut found = Vec::new();
    for piece in texts.flat_map(|text| &text.0) {
        let mark = match piece {
            Piece::Plain(_) => continue,
            Piece::Secret { kind, letter, .. } | Piece::Short { kind, letter, .. } => {
                (*kind, *letter)
            }
            Piece::Jwt { kind, letter, nonce, .. } => {
                if let Some(nonce) = nonce {
                    found.push((Kind::Nonce, *nonce));
                }
                (*kind, *letter)
            }
        };
        found.push(mark);
    }
    found.retain(|(kind, _)| FOLLOWED.contains(kind));
    let order = |kind: Kind| FOLLOWED.iter().position(|followed| *followed == kind);
    found.sort_by_key(|(kind, letter)| (order(*kind), letter.0));
    found.dedup();
    found
}

pub(crate) fn said(marks: &[Mark]) -> String {
    let names: Vec<_> =
        marks.iter().map(|(kind, letter)| format!("{} {letter}", kind.name())).collect();
    names.join(", ")
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
