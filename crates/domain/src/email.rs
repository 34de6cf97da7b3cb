//! E-mail addresses in their one canonical form.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// The longest address that SMTP can carry (RFC 5321 §4.5.3.1.3, less the brackets).
const MAX_BYTES: usize = 254;

/// An e-mail address, normalised: NFKC, lower case, no blanks around it, and the
/// domain in ASCII (IDNA), as DNS and SMTP have it and as browsers send it from a
/// form. People read the domain as they write it: `Display`.
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
    /// Refuses what no server could be handed an e-mail to: what is not of the form
    /// `local@domain`, holds blanks, quotes or control characters, is longer than
    /// 254 bytes, or whose domain cannot be one (RFC 5321 §4.1.2, RFC 1035 §2.3.1).
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        // First, because a provider may send megabytes.
        if text.len() > 4 * MAX_BYTES {
            return Err(InvalidEmail);
        }
        // Lower case can need composing once more: a T with two dots has no
        // capital of its own, a small one has.
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

    /// One that was written down in this form, perhaps by a version with other rules.
    pub const fn from_stored(address: String) -> Self {
        Self(address)
    }

    /// Whether its domain is one of the Internet's, and not a machine's own name.
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

/// A domain in ASCII and lower case, without the dot of the root.
fn ascii(domain: &str) -> Option<String> {
    // URLs may write a host in percent-encoding; addresses may not.
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let url::Host::Domain(ascii) = url::Host::parse(domain).ok()? else { return None };
    let is_label = |label: &str| {
        let is_ldh = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        is_ldh && matches!(label.len(), 1..=63) && label.trim_matches('-') == label
    };
    (!domain.contains('%') && ascii.split('.').all(is_label)).then_some(ascii)
}

impl FromStr for Email {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        Self::parse(text)
    }
}

text_form!(Email, InvalidEmail);
