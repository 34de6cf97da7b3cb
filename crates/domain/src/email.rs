//! E-mail addresses in their one canonical form.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// The longest address that SMTP can carry (RFC 5321 §4.5.3.1.3, less the brackets).
const MAX_BYTES: usize = 254;

/// An e-mail address, normalised: NFKC, lower case, no blanks around it.
///
/// The only place that normalises one, so that addresses from registration,
/// sign-in and providers compare with `==`. RFC 5321 would allow the part before
/// the `@` to be case-sensitive; no mailbox provider makes use of that, and
/// people do not type their address the same way twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct InvalidEmail;

impl Email {
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        // First, because a provider may send megabytes.
        if text.len() > 4 * MAX_BYTES {
            return Err(InvalidEmail);
        }
        // Lower case can need composing once more: a T with two dots has no
        // capital of its own, a small one has.
        let address: String =
            text.trim().nfkc().flat_map(char::to_lowercase).collect::<String>().nfkc().collect();
        let forbidden = |c: char| {
            c.is_control()
                || c.is_whitespace()
                || matches!(c, '<' | '>' | '"' | ',' | ';' | ':' | '\\')
        };
        let (local, domain) = address.split_once('@').ok_or(InvalidEmail)?;
        let plausible = !local.is_empty()
            && local.len() <= 64
            && domain.split('.').all(|label| !label.is_empty())
            && !domain.contains('@')
            && !address.chars().any(forbidden)
            && address.len() <= MAX_BYTES;
        if plausible { Ok(Self(address)) } else { Err(InvalidEmail) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        Self::parse(text)
    }
}

text_form!(Email, InvalidEmail);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_has_one_form() {
        for written in [
            "ada@example.test",
            "Ada@Example.TEST",
            "  ada@example.test\t",
            "ａｄａ@example.test", // full-width letters
        ] {
            assert_eq!(Email::parse(written).map(String::from), Ok("ada@example.test".to_owned()));
        }
    }

    #[test]
    fn the_canonical_form_is_its_own() {
        for code in 0x20..0x3000_u32 {
            let Some(base) = char::from_u32(code) else { continue };
            for written in [format!("{base}@x.test"), format!("{base}\u{308}@x.test")] {
                let Ok(once) = Email::parse(&written) else { continue };
                assert_eq!(Email::parse(once.as_str()).as_ref(), Ok(&once), "{code:x}");
            }
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.test", "a".repeat(300));
        let huge = "a".repeat(100_000);
        for wrong in [
            "",
            "ada",
            "@",
            "ada@",
            "@example.test",
            "a@b@c",
            "a b@example.test",
            "ada@example..test",
            "ada@.test",
            "ada\r\nBcc: x@example.test",
            "ada\0@example.test",
            "Ada <ada@example.test>",
            &long,
            &huge,
        ] {
            assert_eq!(Email::parse(wrong), Err(InvalidEmail), "{wrong:.40}");
        }
    }
}
