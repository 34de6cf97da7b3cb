//! Finds the token in pasted text.

use latchkey_auth::jose::Members;

use super::escape::is_invisible;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cleaned {
    pub(crate) token: String,
    /// Descriptions of what was removed.
    pub(crate) removed: Vec<String>,
}

/// The names of JSON members, cookies and parameters that hold tokens, in order of preference.
const TOKEN_NAMES: [&str; 8] = [
    "access_token",
    "id_token",
    "latchkey_token",
    "jwt",
    "token",
    "refresh_token",
    "latchkey_session",
    "latchkey_refresh",
];

/// Bounds the work on text that consists of nothing but wrapping.
const MAX_ROUNDS: usize = 16;

const QUOTES: [char; 11] = ['"', '\'', '`', '“', '”', '„', '‘', '’', '«', '»', '\\'];

pub(crate) fn clean(pasted: &str) -> Cleaned {
    let mut token = pasted.to_owned();
    let mut removed = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let Some((part, rest)) = RULES.iter().find_map(|rule| rule(&token)) else { break };
        token = rest;
        if !removed.contains(&part) {
            removed.push(part);
        }
    }
    Cleaned { token, removed }
}

/// A description of what is removed, and the rest.
type Rule = fn(&str) -> Option<(String, String)>;

/// From the outermost wrapping to the innermost.
const RULES: [Rule; 11] = [
    surrounding_whitespace,
    invisible_characters,
    json,
    curl_command,
    header_name,
    scheme,
    parameter,
    quotes,
    punctuation,
    inner_whitespace,
    disclosures,
];

fn surrounding_whitespace(text: &str) -> Option<(String, String)> {
    shortened("spaces around it", text, text.trim())
}

/// `None` if `rest` is no shorter than `text`.
fn shortened(removed: &str, text: &str, rest: &str) -> Option<(String, String)> {
    (rest.len() < text.len()).then(|| (removed.to_owned(), rest.to_owned()))
}

fn invisible_characters(text: &str) -> Option<(String, String)> {
    let is_removed = |c: &char| is_invisible(*c) && !c.is_whitespace();
    let count = text.chars().filter(is_removed).count();
    let rest = text.chars().filter(|c| !is_removed(c)).collect();
    (count > 0).then(|| (format!("invisible characters ({count})"), rest))
}

/// `{"access_token":"…"}`, complete or truncated, or one line of it.
fn json(text: &str) -> Option<(String, String)> {
    let members =
        if text.starts_with('{') { Members::parse_partial(text).0 } else { <_>::default() };
    let member = |name: &&str| Some(members.get(name)?.as_str()?.to_owned());
    let line = |name: &&str| {
        let (_, after) = text.split_once(&format!("\"{name}\""))?;
        let value = after.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        let (value, _) = value.split_once('"').unwrap_or((value, ""));
        // Decodes escapes such as \u002d.
        Some(serde_json::from_str(&format!("\"{value}\"")).unwrap_or_else(|_| value.to_owned()))
    };
    let named = |find: &dyn Fn(&&str) -> Option<String>| {
        TOKEN_NAMES.iter().find_map(|name| Some((name, find(name)?)))
    };
    let (name, value) = named(&member).or_else(|| named(&line))?;
    Some((format!("the JSON around {name}"), value))
}

fn curl_command(text: &str) -> Option<(String, String)> {
    let mut arguments = text.strip_prefix("curl ")?.split(['"', '\'']);
    let has_token = |it: &&str| header_name(it).or(scheme(it)).or(parameter(it)).is_some();
    shortened("the curl command around it", text, arguments.find(has_token)?)
}

fn header_name(text: &str) -> Option<(String, String)> {
    const NAME: &str = "authorization";
    let (start, rest) = text.split_at_checked(NAME.len())?;
    let rest = rest.trim_start_matches(['"', '\'']).trim_start().strip_prefix(':')?.trim_start();
    let is_name = start.eq_ignore_ascii_case(NAME);
    is_name.then(|| ("the header name Authorization".to_owned(), rest.to_owned()))
}

/// `Bearer …` anywhere in the text.
fn scheme(text: &str) -> Option<(String, String)> {
    let lower = text.to_ascii_lowercase();
    ["Bearer", "DPoP"].into_iter().find_map(|scheme| {
        let at = lower.find(&scheme.to_ascii_lowercase())?;
        let starts_word = text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        let rest = &text[at + scheme.len()..];
        let is_scheme = starts_word && rest.starts_with(char::is_whitespace);
        is_scheme.then(|| (format!("the scheme {scheme}"), rest.trim_start().to_owned()))
    })
}

fn parameter(text: &str) -> Option<(String, String)> {
    let find = |name: &'static str, at: usize| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        // On loopback, cookie names end with the port.
        let port = after.strip_prefix('_').map(|rest| rest.trim_start_matches(char::is_numeric));
        let after = port.unwrap_or(after).strip_prefix('=')?;
        let starts_word =
            before.chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        // The `=` of `abc=` is base64 padding.
        if !starts_word || after.trim_matches(['=', ' ']).is_empty() {
            return None;
        }
        let value = after.split(['&', ';', '#']).next().unwrap_or(after);
        Some((format!("{name}= and everything after its value"), value.to_owned()))
    };
    let mut names = TOKEN_NAMES
        .into_iter()
        .flat_map(|name| text.match_indices(name).map(move |(at, _)| (name, at)));
    names.find_map(|(name, at)| find(name, at))
}

fn quotes(text: &str) -> Option<(String, String)> {
    // They may be part of a JSON document.
    if text.starts_with('{') {
        return None;
    }
    shortened("quotation marks", text, text.trim_matches(QUOTES))
}

/// Keeps a full stop, which may be the second dot of an unsigned token.
fn punctuation(text: &str) -> Option<(String, String)> {
    if text.starts_with("<saml") || text.starts_with("<?xml") {
        return None;
    }
    let bare = text.trim_end_matches([',', ';', ')', '}', ']', '>']).trim_start_matches(['(', '<']);
    shortened("punctuation around it", text, bare)
}

fn inner_whitespace(text: &str) -> Option<(String, String)> {
    // Includes escaped line breaks.
    let joined = text.replace("\\r", "").replace("\\n", "");
    let escaped = (text.len() - joined.len()) / 2;
    let bare: String = joined.chars().filter(|c| !c.is_whitespace()).collect();
    let count = escaped + joined.chars().count() - bare.chars().count();
    (count > 0).then(|| (format!("spaces or line breaks in it ({count})"), bare))
}

/// An SD-JWT: `<JWT>~<disclosure>~…`, with a key binding JWT at the end or without.
fn disclosures(text: &str) -> Option<(String, String)> {
    let (token, disclosures) = text.split_once('~').filter(|(token, _)| token.contains('.'))?;
    let (key_binding, disclosures): (Vec<_>, Vec<_>) =
        disclosures.split('~').filter(|one| !one.is_empty()).partition(|one| one.contains('.'));
    // Each is a JSON array in base64url.
    if disclosures.iter().any(|one| !one.starts_with('W')) {
        return None;
    }
    let count = disclosures.len();
    let key_binding = if key_binding.is_empty() { "" } else { " and the key binding JWT" };
    let removed = format!("the disclosures ({count}){key_binding} of an SD-JWT (RFC 9901)");
    Some((removed, token.to_owned()))
}
