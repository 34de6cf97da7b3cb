//! E-mail addresses in canonical form.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// The longest address in SMTP (RFC 5321 §4.5.3.1.3, without the angle brackets).
const MAX_BYTES: usize = 254;

/// An e-mail address, normalized: NFKC, lower case, trimmed, and the domain in ASCII
/// (IDNA), as in DNS, SMTP and browser forms. `Display` shows the domain in Unicode.
///
/// Every address is normalized here, so that they compare with `==`. RFC 5321 allows a
/// case-sensitive local part, but no mailbox provider uses that, and people vary the case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct InvalidEmail;

impl Email {
    /// Rejects what is not `local@domain`, contains blanks, quotes or control characters,
    /// is longer than 254 bytes, or has an invalid domain (RFC 5321 §4.1.2, RFC 1035 §2.3.1).
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        // Checked first, because a provider may send megabytes.
        if text.len() > 4 * MAX_BYTES {
            return Err(InvalidEmail);
        }
        // Composed again after lowercasing: only the lower-case `t` with a diaeresis is a
        // character of its own.
        let address: String =
            text.trim().nfkc().flat_map(char::to_lowercase).collect::<String>().nfkc().collect();
        let (local, domain) = address.split_once('@').ok_or(InvalidEmail)?;
        let forbidden =
            |c: char| c.is_control() || c.is_whitespace() || "<>()[]\",;:\\@".contains(c);
        let is_local = local.len() <= 64
            && local.split('.').all(|atom| !atom.is_empty())
            && !local.contains(forbidden);
        let address = format!("{local}@{}", ascii(domain).ok_or(InvalidEmail)?);
        if is_local && address.len() <= MAX_BYTES { Ok(Self(address)) } else { Err(InvalidEmail) }
    }

    /// An address from the database, not checked again: an older version may have had other rules.
    pub const fn from_stored(address: String) -> Self {
        Self(address)
    }

    /// Whether the domain has a dot, unlike a local host name.
    pub fn is_public(&self) -> bool {
        self.0.rsplit_once('@').is_some_and(|(_, domain)| domain.contains('.'))
    }

    /// With the domain in ASCII.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.rsplit_once('@') {
            Some((local, domain)) if domain.split('.').any(|label| label.starts_with("xn--")) => {
                write!(f, "{local}@{}", url::quirks::domain_to_unicode(domain))
            }
            _ => f.write_str(&self.0),
        }
    }
}

/// The domain in ASCII and lower case, without a trailing dot.
fn ascii(domain: &str) -> Option<String> {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let url::Host::Domain(ascii) = url::Host::parse(domain).ok()? else { return None };
    let is_label = |label: &str| {
        let is_ldh = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        is_ldh && matches!(label.len(), 1..=63) && label.trim_matches('-') == label
    };
    // `Host::parse` accepts percent-encoding, which addresses do not have.
    (!domain.contains('%') && ascii.split('.').all(is_label)).then_some(ascii)
}

impl FromStr for Email {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        Self::parse(text)
    }
}

text_form!(Email, InvalidEmail);
