//! The token in what somebody pasted.

use latchkey_auth::jose::Members;
use serde_json::Value;

use super::visible::is_unseen;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cleaned {
    pub(crate) token: String,
    pub(crate) removed: Vec<Removed>,
}

/// Something that is no part of a token, although it came with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Removed {
    #[error("blanks around it")]
    Blanks,
    #[error("{0} blanks or line breaks inside it")]
    BlanksInside(usize),
    #[error("{0} characters that cannot be seen")]
    Unseen(usize),
    #[error("quotation marks around it")]
    Quotes,
    #[error("punctuation behind it")]
    Punctuation,
    #[error("the header name Authorization")]
    HeaderName,
    #[error("the scheme {0}")]
    Scheme(&'static str),
    #[error("the JSON around its member {0}")]
    Json(&'static str),
    #[error("{0}= before it, and what followed")]
    Parameter(&'static str),
}

/// The members, cookies and parameters in which tokens are handed around, the
/// one that says most first.
const NAMES: [&str; 8] = [
    "access_token",
    "id_token",
    "latchkey_token",
    "jwt",
    "token",
    "refresh_token",
    "latchkey_session",
    "latchkey_refresh",
];

/// Nobody wraps a token more often; a text that is nothing but wrapping would
/// be read again for each layer.
const MAX_ROUNDS: usize = 16;

const SCHEMES: [&str; 2] = ["Bearer", "DPoP"];

const QUOTES: [char; 11] = ['"', '\'', '`', '“', '”', '„', '‘', '’', '«', '»', '\\'];

/// Finds the token in what was pasted. Nothing is lost: what is removed is said.
pub(crate) fn clean(pasted: &str) -> Cleaned {
    let mut token = pasted.to_owned();
    let mut removed = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let Some((what, rest)) = RULES.iter().find_map(|rule| rule(&token)) else { break };
        token = rest;
        if !removed.contains(&what) {
            removed.push(what);
        }
    }
    Cleaned { token, removed }
}

type Rule = fn(&str) -> Option<(Removed, String)>;

/// In this order: the innermost come last.
const RULES: [Rule; 9] =
    [blanks, unseen, in_json, header_name, scheme, parameter, quotes, punctuation, blanks_inside];

fn blanks(text: &str) -> Option<(Removed, String)> {
    let trimmed = text.trim();
    (trimmed.len() < text.len()).then(|| (Removed::Blanks, trimmed.to_owned()))
}

fn unseen(text: &str) -> Option<(Removed, String)> {
    let is_unwanted = |c: char| is_unseen(c) && !c.is_whitespace();
    let count = text.chars().filter(|c| is_unwanted(*c)).count();
    let rest = || text.chars().filter(|c| !is_unwanted(*c)).collect();
    (count > 0).then(|| (Removed::Unseen(count), rest()))
}

/// `{"access_token":"…"}`, whole or cut off, or one line of it.
fn in_json(text: &str) -> Option<(Removed, String)> {
    if text.starts_with('{') {
        let (members, _) = Members::parse_partial(text);
        let member = |name: &str| members.get(name)?.as_str().map(str::to_owned);
        let found = NAMES.into_iter().find_map(|name| Some((Removed::Json(name), member(name)?)));
        if found.is_some() {
            return found;
        }
    }
    NAMES.into_iter().find_map(|name| {
        let (_, after) = text.split_once(&format!("\"{name}\""))?;
        let value = after.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        let (value, _) = value.split_once('"').unwrap_or((value, ""));
        // A second reading, for escapes like \u002d.
        let quoted = format!("\"{value}\"");
        let value = match serde_json::from_str(&quoted) {
            Ok(Value::String(text)) => text,
            _ => value.to_owned(),
        };
        Some((Removed::Json(name), value))
    })
}

fn header_name(text: &str) -> Option<(Removed, String)> {
    const NAME: &str = "authorization";
    let start = text.get(..NAME.len())?;
    let rest = text.get(NAME.len()..)?.trim_start_matches(['"', '\'']).trim_start();
    let rest = rest.strip_prefix(':')?.trim_start();
    start.eq_ignore_ascii_case(NAME).then(|| (Removed::HeaderName, rest.to_owned()))
}

/// `Bearer …`, also at the end of a line of curl.
fn scheme(text: &str) -> Option<(Removed, String)> {
    let lower = text.to_ascii_lowercase();
    SCHEMES.into_iter().find_map(|scheme| {
        let wanted = scheme.to_ascii_lowercase();
        let at = lower.find(&wanted)?;
        let begins = text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        let rest = &text[at + wanted.len()..];
        let is_scheme = begins && rest.starts_with(char::is_whitespace);
        is_scheme.then(|| (Removed::Scheme(scheme), rest.trim_start().to_owned()))
    })
}

fn parameter(text: &str) -> Option<(Removed, String)> {
    let find = |name: &'static str, at: usize| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        // On loopback the name of a cookie ends with the port.
        let port = after.strip_prefix('_').map(|rest| rest.trim_start_matches(char::is_numeric));
        let after = port.unwrap_or(after).strip_prefix('=')?;
        let begins = before.chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        // `abc=` is padding, not a name.
        if !begins || after.trim_matches(['=', ' ']).is_empty() {
            return None;
        }
        let value = after.split(['&', ';', '#']).next().unwrap_or(after);
        Some((Removed::Parameter(name), value.to_owned()))
    };
    let mut found =
        NAMES.into_iter().flat_map(|name| text.match_indices(name).map(move |(at, _)| (name, at)));
    found.find_map(|(name, at)| find(name, at))
}

fn quotes(text: &str) -> Option<(Removed, String)> {
    let bare = text.trim_matches(QUOTES);
    // Those at the end of a JSON document belong to it.
    (bare.len() < text.len() && !text.starts_with('{')).then(|| (Removed::Quotes, bare.to_owned()))
}

/// Not a full stop: it may be the second dot of a token without a signature.
fn punctuation(text: &str) -> Option<(Removed, String)> {
    let bare = text.trim_end_matches([',', ';', ')', '}', ']', '>']).trim_start_matches(['(', '<']);
    (bare.len() < text.len()).then(|| (Removed::Punctuation, bare.to_owned()))
}

fn blanks_inside(text: &str) -> Option<(Removed, String)> {
    // Also those that were written as `\n` on the way.
    let joined = text.replace("\\r", "").replace("\\n", "");
    let escaped = (text.len() - joined.len()) / 2;
    let bare: String = joined.chars().filter(|c| !c.is_whitespace()).collect();
    let count = escaped + joined.chars().count() - bare.chars().count();
    (count > 0).then_some((Removed::BlanksInside(count), bare))
}
