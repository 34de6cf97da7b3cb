//! What can be read of a part that is not as it should be, and what is wrong
//! with it: the doors refuse, the inspector explains.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use latchkey_auth::jose::{self, Members};
use serde_json::Value;

/// Why a part is no base64url as JOSE wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotBase64Url {
    #[error("is empty")]
    Empty,
    #[error("ends in =: base64url is written without padding here (RFC 7515 §2)")]
    Padded,
    #[error("holds {0}: that is ordinary base64; base64url has - and _ instead (RFC 4648 §5)")]
    Ordinary(char),
    #[error("holds a character that is not in base64url, at position {0}")]
    Foreign(usize),
    #[error("has a length that base64url cannot have: a character is missing, or one too many")]
    Length,
    #[error("has bits at its end that belong to no byte: the last character was changed")]
    StrayBits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAnObject {
    #[error("breaks off in the middle of its JSON")]
    BreaksOff,
    #[error("is not UTF-8 text")]
    NotText,
    #[error("is not JSON")]
    NotJson,
    #[error("is nested deeper than anybody reads")]
    TooDeep,
    #[error("holds a number that is too large to be read")]
    NumberTooLarge,
    #[error("is JSON, but {0} instead of an object")]
    Other(&'static str),
    #[error("goes on after the end of its JSON")]
    GoesOn,
}

/// Forgives what [`NotBase64Url::StrayBits`] complains of.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// The bytes of a part, as far as they can be read, and what is wrong with it.
pub(super) fn base64url(part: &str) -> (Vec<u8>, Option<NotBase64Url>) {
    if let Some(bytes) = jose::base64url::decode(part) {
        return (bytes, part.is_empty().then_some(NotBase64Url::Empty));
    }
    let plain = part.replace('+', "-").replace('/', "_");
    let mut text: String = plain.chars().take_while(|c| is_of_alphabet(*c)).collect();
    if text.len() % 4 == 1 {
        text.pop();
    }
    (LENIENT.decode(text).unwrap_or_default(), Some(wrong_with(part)))
}

fn is_of_alphabet(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

fn wrong_with(part: &str) -> NotBase64Url {
    let unpadded = part.trim_end_matches('=');
    match unpadded.chars().enumerate().find(|(_, c)| !is_of_alphabet(*c)) {
        Some((_, c @ ('+' | '/'))) => NotBase64Url::Ordinary(c),
        Some((at, _)) => NotBase64Url::Foreign(at + 1),
        None if unpadded.len() < part.len() => NotBase64Url::Padded,
        None if part.len() % 4 == 1 => NotBase64Url::Length,
        None => NotBase64Url::StrayBits,
    }
}

/// The members of an object, every one that is whole; and why there are no more.
pub(super) fn object(bytes: &[u8]) -> (Members, Option<NotAnObject>) {
    let (text, broken) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            // Half a character at the very end was cut off with the rest.
            let is_cut = error.error_len().is_none();
            let broken = if is_cut { NotAnObject::BreaksOff } else { NotAnObject::NotText };
            (std::str::from_utf8(good).unwrap_or_default(), Some(broken))
        }
    };
    if !text.trim_start().starts_with('{') {
        return (Members::default(), Some(broken.unwrap_or_else(|| kind_of(text))));
    }
    match Members::parse_partial(text) {
        (members, Ok(())) => (members, broken),
        (members, Err(error)) => (members, Some(broken.unwrap_or_else(|| reason(&error)))),
    }
}

fn reason(error: &serde_json::Error) -> NotAnObject {
    let said = error.to_string();
    match said {
        _ if error.is_eof() => NotAnObject::BreaksOff,
        said if said.starts_with("recursion limit") => NotAnObject::TooDeep,
        said if said.starts_with("number out of range") => NotAnObject::NumberTooLarge,
        said if said.starts_with("trailing characters") => NotAnObject::GoesOn,
        _ => NotAnObject::NotJson,
    }
}

fn kind_of(text: &str) -> NotAnObject {
    match serde_json::from_str(text) {
        Ok(Value::Array(_)) => NotAnObject::Other("an array"),
        Ok(Value::String(_)) => NotAnObject::Other("a string"),
        Ok(Value::Number(_)) => NotAnObject::Other("a number"),
        Ok(Value::Bool(_)) => NotAnObject::Other("true or false"),
        Ok(Value::Null) => NotAnObject::Other("null"),
        Ok(Value::Object(_)) => NotAnObject::NotJson,
        Err(error) => match reason(&error) {
            NotAnObject::BreaksOff if text.trim().is_empty() => NotAnObject::NotJson,
            reason => reason,
        },
    }
}
