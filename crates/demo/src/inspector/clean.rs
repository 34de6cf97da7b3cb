//! The token in what somebody pasted.

use latchkey_auth::jose::Members;

use super::visible::is_unseen;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cleaned {
    pub(crate) token: String,
    /// What came with it and is no part of it, in words.
    pub(crate) removed: Vec<String>,
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

/// What is removed, in words, and what is left.
type Rule = fn(&str) -> Option<(String, String)>;

/// In this order: the innermost come last.
const RULES: [Rule; 11] = [
    blanks,
    unseen,
    in_json,
    command,
    header_name,
    scheme,
    parameter,
    quotes,
    punctuation,
    blanks_inside,
    disclosures,
];

fn blanks(text: &str) -> Option<(String, String)> {
    left("blanks around it", text, text.trim())
}

/// Says that `what` was removed, if that is so.
fn left(what: &str, text: &str, rest: &str) -> Option<(String, String)> {
    (rest.len() < text.len()).then(|| (what.to_owned(), rest.to_owned()))
}

fn unseen(text: &str) -> Option<(String, String)> {
    let is_unwanted = |c: &char| is_unseen(*c) && !c.is_whitespace();
    let count = text.chars().filter(is_unwanted).count();
    let rest = text.chars().filter(|c| !is_unwanted(c)).collect();
    (count > 0).then(|| (format!("{count} characters that cannot be seen"), rest))
}

/// `{"access_token":"…"}`, whole or cut off, or one line of it.
fn in_json(text: &str) -> Option<(String, String)> {
    let members =
        if text.starts_with('{') { Members::parse_partial(text).0 } else { <_>::default() };
    let member = |name: &&str| Some(members.get(name)?.as_str()?.to_owned());
    let line = |name: &&str| {
        let (_, after) = text.split_once(&format!("\"{name}\""))?;
        let value = after.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        let (value, _) = value.split_once('"').unwrap_or((value, ""));
        // A second reading, for escapes like \u002d.
        Some(serde_json::from_str(&format!("\"{value}\"")).unwrap_or_else(|_| value.to_owned()))
    };
    let named = |find: &dyn Fn(&&str) -> Option<String>| {
        NAMES.iter().find_map(|name| Some((name, find(name)?)))
    };
    let (name, value) = named(&member).or_else(|| named(&line))?;
    Some((format!("the JSON around its member {name}"), value))
}

/// The argument of a command line of curl that holds a token.
fn command(text: &str) -> Option<(String, String)> {
    let arguments = text.strip_prefix("curl ")?.split(['"', '\'']);
    let mut rules = arguments.map(|it| (it, header_name(it).or(scheme(it)).or(parameter(it))));
    let (argument, _) = rules.find(|(_, found)| found.is_some())?;
    left("the command around it", text, argument)
}

fn header_name(text: &str) -> Option<(String, String)> {
    const NAME: &str = "authorization";
    let (start, rest) = text.split_at_checked(NAME.len())?;
    let rest = rest.trim_start_matches(['"', '\'']).trim_start().strip_prefix(':')?.trim_start();
    let is_it = start.eq_ignore_ascii_case(NAME);
    is_it.then(|| ("the header name Authorization".to_owned(), rest.to_owned()))
}

/// `Bearer …`, wherever it stands.
fn scheme(text: &str) -> Option<(String, String)> {
    let lower = text.to_ascii_lowercase();
    ["Bearer", "DPoP"].into_iter().find_map(|scheme| {
        let at = lower.find(&scheme.to_ascii_lowercase())?;
        let begins = text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        let rest = &text[at + scheme.len()..];
        let is_scheme = begins && rest.starts_with(char::is_whitespace);
        is_scheme.then(|| (format!("the scheme {scheme}"), rest.trim_start().to_owned()))
    })
}

fn parameter(text: &str) -> Option<(String, String)> {
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
        Some((format!("{name}= before it, and what followed"), value.to_owned()))
    };
    let mut found =
        NAMES.into_iter().flat_map(|name| text.match_indices(name).map(move |(at, _)| (name, at)));
    found.find_map(|(name, at)| find(name, at))
}

fn quotes(text: &str) -> Option<(String, String)> {
    // Those at the end of a JSON document belong to it.
    if text.starts_with('{') {
        return None;
    }
    left("quotation marks around it", text, text.trim_matches(QUOTES))
}

/// Not a full stop: it may be the second dot of a token without a signature.
fn punctuation(text: &str) -> Option<(String, String)> {
    if text.starts_with("<saml") || text.starts_with("<?xml") {
        return None;
    }
    let bare = text.trim_end_matches([',', ';', ')', '}', ']', '>']).trim_start_matches(['(', '<']);
    left("punctuation behind it", text, bare)
}

fn blanks_inside(text: &str) -> Option<(String, String)> {
    // Also those that were written as `\n` on the way.
    let joined = text.replace("\\r", "").replace("\\n", "");
    let escaped = (text.len() - joined.len()) / 2;
    let bare: String = joined.chars().filter(|c| !c.is_whitespace()).collect();
    let count = escaped + joined.chars().count() - bare.chars().count();
    (count > 0).then(|| (format!("{count} blanks or line breaks inside it"), bare))
}

/// `<JWT>~<disclosure>~…`: what the issuer signed, and what its holder tells of it.
fn disclosures(text: &str) -> Option<(String, String)> {
    let (token, disclosures) = text.split_once('~').filter(|(token, _)| token.contains('.'))?;
    let (proof, all): (Vec<_>, Vec<_>) =
        disclosures.split('~').filter(|one| !one.is_empty()).partition(|one| one.contains('.'));
    // Each is a JSON array in base64url.
    if all.iter().any(|one| !one.starts_with('W')) {
        return None;
    }
    let count = all.len();
    let bound = if !proof.is_empty() { " and a proof of its holder’s key" } else { "" };
    let what = format!("{count} disclosures{bound} behind it: an SD-JWT (RFC 9901)");
    Some((what, token.to_owned()))
}
