//! Scopes at providers, which we only compare.

use std::collections::BTreeSet;
use std::fmt;

const MAX_SCOPES: usize = 100;

const MAX_LENGTH: usize = 256;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderScopes(BTreeSet<String>);

impl ProviderScopes {
    /// Skips invalid scopes (RFC 6749 §3.3).
    pub fn new<'a>(scopes: impl IntoIterator<Item = &'a str>) -> Self {
        let scopes = scopes.into_iter().filter(|scope| is_scope(scope)).take(MAX_SCOPES);
        Self(scopes.map(str::to_owned).collect())
    }

    /// Separated by spaces (RFC 6749 §3.3), or by commas as at GitHub.
    pub fn parse(text: &str) -> Self {
        Self::new(text.split([' ', ',']))
    }

    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    pub fn union(&self, others: &Self) -> Self {
        Self(self.0.union(&others.0).take(MAX_SCOPES).cloned().collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

fn is_scope(text: &str) -> bool {
    let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !text.is_empty() && text.len() <= MAX_LENGTH && text.bytes().all(allowed)
}

impl fmt::Display for ProviderScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().collect::<Vec<_>>().join(" "))
    }
}
