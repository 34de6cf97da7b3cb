//! A token taken apart to be shown: nothing in it is believed.

use serde_json::Value;

use super::members::Members;
use super::verify::Parts;

/// What a token says in its header and in its claims, in the order in which
/// it is written. Nothing of it is verified: it is for people to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub header: Vec<(String, Value)>,
    pub claims: Vec<(String, Value)>,
}

/// Takes a token apart; `None` when it is no JWT at all.
#[must_use]
pub fn shown(token: &str) -> Option<Shown> {
    let parts = Parts::of(token).ok()?;
    let read = |json: &[u8]| Members::read(json).map(Members::into_vec);
    Some(Shown { header: read(&parts.header)?, claims: read(&parts.claims)? })
}
