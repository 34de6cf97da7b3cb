//! Refresh token rotation (RFC 6749 §6, RFC 9700 §4.14.2).

use crate::{Span, Timestamp};

/// How long a used refresh token is accepted again: for a request that was sent twice, or
/// two tabs that refresh at the same time.
pub const GRACE: Span = Span::seconds(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshTokenState {
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
    pub ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Rotate,
    /// It was exchanged a moment ago: respond with the same successor, so that the family
    /// does not fork and nobody is signed out.
    SameSuccessor,
    /// It was exchanged long ago: its owner or a thief has the successor, and we cannot
    /// tell which. Revoke the family.
    EndFamily,
    Expired,
    Ended,
}

pub fn may_rotate(token: RefreshTokenState, now: Timestamp) -> Verdict {
    match token {
        RefreshTokenState { ended: true, .. } => Verdict::Ended,
        RefreshTokenState { expires_at, .. } if expires_at <= now => Verdict::Expired,
        RefreshTokenState { used_at: None, .. } => Verdict::Rotate,
        // Clocks differ by seconds. A use further in the future was recorded by a clock
        // that has been corrected since, so its age is unknown.
        RefreshTokenState { used_at: Some(at), .. }
            if now.since(at).max(at.since(now)) <= GRACE =>
        {
            Verdict::SameSuccessor
        }
        RefreshTokenState { used_at: Some(_), .. } => Verdict::EndFamily,
    }
}
