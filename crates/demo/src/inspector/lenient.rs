//! Decodes malformed parts as far as possible and says what is wrong. Verification never uses it.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use latchkey_auth::jose::{self, Members};
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Base64UrlError {
    #[error("is empty")]
    Empty,
    #[error("ends in =, but base64url has no padding here (RFC 7515 §2)")]
    Padded,
    #[error("contains {0}, which is standard base64; base64url uses - and _ (RFC 4648 §5)")]
    StandardAlphabet(char),
    #[error("contains a character that is not base64url, at position {0}")]
    InvalidCharacter(usize),
    #[error("has an impossible length for base64url: a character is missing or extra")]
    Length,
    #[error("ends in stray bits: its last character was changed")]
    StrayBits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ObjectError {
    #[error("breaks off in the middle of its JSON")]
    Truncated,
    #[error("is not UTF-8 text")]
    NotText,
    #[error("is not JSON")]
    NotJson,
    #[error("is nested too deeply")]
    TooDeep,
    #[error("contains a number that is too large")]
    NumberTooLarge,
    #[error("is JSON, but {0} instead of an object")]
    NotAnObject(&'static str),
    #[error("continues after the end of its JSON")]
    TrailingText,
}

/// Accepts [`Base64UrlError::StrayBits`].
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// The bytes that can be decoded, and what is wrong with the part.
pub(super) fn base64url(part: &str) -> (Vec<u8>, Option<Base64UrlError>) {
    if let Some(bytes) = jose::base64url::decode(part) {
        return (bytes, part.is_empty().then_some(Base64UrlError::Empty));
    }
    let url_safe = part.replace('+', "-").replace('/', "_");
    let mut text: String = url_safe.chars().take_while(|c| is_base64url(*c)).collect();
    if text.len() % 4 == 1 {
        text.pop();
    }
    (LENIENT.decode(text).unwrap_or_default(), Some(base64url_error(part)))
}

fn is_base64url(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

fn base64url_error(part: &str) -> Base64UrlError {
    let unpadded = part.trim_end_matches('=');
    match unpadded.chars().enumerate().find(|(_, c)| !is_base64url(*c)) {
        Some((_, c @ ('+' | '/'))) => Base64UrlError::StandardAlphabet(c),
        Some((at, _)) => Base64UrlError::InvalidCharacter(at + 1),
        None if unpadded.len() < part.len() => Base64UrlError::Padded,
        None if part.len() % 4 == 1 => Base64UrlError::Length,
        None => Base64UrlError::StrayBits,
    }
}

/// The complete members, and why there are no more.
pub(super) fn object(bytes: &[u8]) -> (Members, Option<ObjectError>) {
    let (text, utf8_error) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            // `error_len` is `None` if the text ends inside a character.
            let is_truncated = error.error_len().is_none();
            let error = if is_truncated { ObjectError::Truncated } else { ObjectError::NotText };
            (std::str::from_utf8(valid).unwrap_or_default(), Some(error))
        }
    };
    if !text.trim_start().starts_with('{') {
        return (Members::default(), Some(utf8_error.unwrap_or_else(|| not_an_object(text))));
    }
    match Members::parse_partial(text) {
        (members, Ok(())) => (members, utf8_error),
        (members, Err(error)) => (members, Some(utf8_error.unwrap_or_else(|| json_error(&error)))),
    }
}

fn json_error(error: &serde_json::Error) -> ObjectError {
    let message = error.to_string();
    match message {
        _ if error.is_eof() => ObjectError::Truncated,
        message if message.starts_with("recursion limit") => ObjectError::TooDeep,
        message if message.starts_with("number out of range") => ObjectError::NumberTooLarge,
        message if message.starts_with("trailing characters") => ObjectError::TrailingText,
        _ => ObjectError::NotJson,
    }
}

fn not_an_object(text: &str) -> ObjectError {
    match serde_json::from_str(text) {
        Ok(Value::Array(_)) => ObjectError::NotAnObject("an array"),
        Ok(Value::String(_)) => ObjectError::NotAnObject("a string"),
        Ok(Value::Number(_)) => ObjectError::NotAnObject("a number"),
        Ok(Value::Bool(_)) => ObjectError::NotAnObject("true or false"),
        Ok(Value::Null) => ObjectError::NotAnObject("null"),
        Ok(Value::Object(_)) => ObjectError::NotJson,
        Err(error) => match json_error(&error) {
            ObjectError::Truncated if text.trim().is_empty() => ObjectError::NotJson,
            error => error,
        },
    }
}
