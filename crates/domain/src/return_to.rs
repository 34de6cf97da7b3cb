//! Where to go after signing in: a place on our own origin, or nowhere.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

const DEFAULT: &str = "/account";

/// A longer one would not fit into a cookie.
const MAX_BYTES: usize = 1024;

/// A path (with query and fragment) on our own origin.
///
/// An open redirector on the way through sign-in lends our name to any page
/// (RFC 9700 §4.11). So the value is not searched for bad patterns: it is
/// resolved as a browser would resolve it, and the origins are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// What leads elsewhere, or is missing, becomes the account page.
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
    // Browsers read `\` as `/` and drop tabs and newlines inside a URL: what
    // holds one of them was not written by a page of ours.
    let plain = !next.is_empty()
        && next.len() <= MAX_BYTES
        && next.starts_with('/')
        && !next.starts_with("//")
        && !next.chars().any(|c| c == '\\' || c.is_control());
    if !plain {
        return None;
    }
    let url = public_url.join(next).ok()?;
    if url.origin() != public_url.origin() {
        return None;
    }
    // `/.//host` resolves to `//host`, which a browser would take for another host.
    let path = &url[url::Position::BeforePath..];
    (!path.starts_with("//")).then(|| path.to_owned())
}
