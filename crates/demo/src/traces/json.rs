//! Splits a JSON document into tokens that add up to the same bytes.

use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'j> {
    /// Member names, punctuation, whitespace, `true`, `false` and `null`: never secret.
    Structure(&'j str),
    String(&'j str),
    Number(&'j str),
}

struct Level {
    is_object: bool,
    member: Option<String>,
}

/// Each token with the name of the member that holds it, also through arrays. `None` if `json`
/// is not valid.
pub(super) fn tokens(json: &str) -> Option<Vec<(Option<String>, Token<'_>)>> {
    // The loop below relies on valid JSON.
    serde_json::from_str::<Value>(json).ok()?;
    let mut tokens = Vec::new();
    let mut path = vec![Level { is_object: false, member: None }];
    let mut rest = json;
    while let Some(c) = rest.chars().next() {
        let level = path.last_mut()?;
        let end = match c {
            '"' => end_of_string(rest) + 1,
            '-' | '0'..='9' => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c));
                end.unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        let (text, after) = rest.split_at(end);
        match c {
            '"' if level.is_object && after.trim_start().starts_with(':') => {
                level.member = Some(unescaped(&text[1..end - 1]));
                tokens.push((None, Token::Structure(text)));
            }
            '"' => tokens.extend([
                (None, Token::Structure("\"")),
                (level.member.clone(), Token::String(&text[1..end - 1])),
                (None, Token::Structure("\"")),
            ]),
            '-' | '0'..='9' => tokens.push((level.member.clone(), Token::Number(text))),
            c => {
                tokens.push((None, Token::Structure(text)));
                if matches!(c, '{' | '[') {
                    let member = level.member.clone();
                    path.push(Level { is_object: c == '{', member });
                } else if matches!(c, '}' | ']') {
                    path.pop();
                }
            }
        }
        rest = after;
    }
    Some(tokens)
}

/// The index of the closing quote of the string at the start of `json`.
fn end_of_string(json: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at,
            _ => {}
        }
    }
    json.len() - 1
}

pub(super) fn unescaped(raw: &str) -> String {
    serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_else(|_| raw.to_owned())
}
