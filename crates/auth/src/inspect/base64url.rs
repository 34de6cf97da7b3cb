//! base64url, strict to judge and lenient to read (RFC 7515 §2).

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};

/// Why a part is no base64url as JOSE wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotBase64Url {
    #[error("is empty")]
    Empty,
    /// `=` at its end.
    #[error("ends in =: base64url is written without padding here (RFC 7515 §2)")]
    Padded,
    /// `+` or `/`.
    #[error("holds {0}: that is ordinary base64; base64url has - and _ instead (RFC 4648 §5)")]
    Ordinary(char),
    #[error("holds a character that is not in base64url, at position {0}")]
    Foreign(usize),
    /// A length that no bytes can have.
    #[error("has a length that base64url cannot have: a character is missing, or one too many")]
    Length,
    /// Bits at the end that belong to no byte.
    #[error("has bits at its end that belong to no byte: the last character was changed")]
    StrayBits,
}

/// Forgives what [`NotBase64Url::StrayBits`] complains of.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone),
);

/// The bytes of a part, as far as they can be read, and what is wrong with it.
pub(super) fn decode(part: &str) -> (Vec<u8>, Option<NotBase64Url>) {
    if let Ok(bytes) = URL_SAFE_NO_PAD.decode(part) {
        let wrong = part.is_empty().then_some(NotBase64Url::Empty);
        return (bytes, wrong);
    }
    (salvaged(part), Some(wrong_with(part)))
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

/// What can be read of a part that is not as it should be.
fn salvaged(part: &str) -> Vec<u8> {
    let mut text: String = part
        .chars()
        .map(|c| match c {
            '+' => '-',
            '/' => '_',
            c => c,
        })
        .take_while(|c| is_of_alphabet(*c))
        .collect();
    if text.len() % 4 == 1 {
        text.pop();
    }
    LENIENT.decode(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_and_the_rest_is_read() {
        for (part, bytes, wrong) in [
            ("aGk", &b"hi"[..], None),
            ("", b"", Some(NotBase64Url::Empty)),
            ("aGk=", b"hi", Some(NotBase64Url::Padded)),
            ("-_8", b"\xfb\xff", None),
            ("+/8", b"\xfb\xff", Some(NotBase64Url::Ordinary('+'))),
            ("+/8=", b"\xfb\xff", Some(NotBase64Url::Ordinary('+'))),
            ("aG k", b"h", Some(NotBase64Url::Foreign(3))),
            ("aGkA\u{e9}", b"hi\0", Some(NotBase64Url::Foreign(5))),
            ("aGkAa", b"hi\0", Some(NotBase64Url::Length)),
            ("aGl", b"hi", Some(NotBase64Url::StrayBits)),
            ("a", b"", Some(NotBase64Url::Length)),
        ] {
            assert_eq!(decode(part), (bytes.to_vec(), wrong), "{part}");
        }
    }
}
