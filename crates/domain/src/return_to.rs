//! The page to return to after signing in, always on our own origin.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

const DEFAULT: &str = "/account";

/// A longer one would not fit into a cookie.
const MAX_BYTES: usize = 1024;

/// A path (with query and fragment) on our own origin.
///
/// An open redirector lends our name to any page (RFC 9700 §4.11). We do not search for bad
/// patterns: we resolve the value as a browser would, and compare the origins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// The account page if `next` is missing or leads to another origin.
    pub fn parse(next: Option<&str>, public_url: &Url) -> Self {
        next.and_then(|next| own_path(next, public_url)).map_or_else(Self::default, Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ReturnTo {
    fn default() -> Self {
        Self(DEFAULT.to_owned())
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn own_path(next: &str, public_url: &Url) -> Option<String> {
    // Browsers read `\` as `/` and drop tabs and newlines in URLs. Our pages write none.
    let is_plain = !next.is_empty()
        && next.len() <= MAX_BYTES
        && next.starts_with('/')
        && !next.starts_with("//")
        && !next.chars().any(|c| c == '\\' || c.is_control());
    if !is_plain {
        return None;
    }
    let url = public_url.join(next).ok()?;
    if url.origin() != public_url.origin() {
        return None;
    }
    // `/.//host` resolves to `//host`, which browsers take for another host.
    let path = &url[url::Position::BeforePath..];
    (!path.starts_with("//")).then(|| path.to_owned())
}
