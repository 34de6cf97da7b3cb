//! May this refresh token be exchanged? (RFC 6749 §6, RFC 9700 §4.14.2)

use crate::{Span, Timestamp};

/// How long after its use a refresh token may come a second time: a request that
/// was sent twice, or two tabs that refreshed at once.
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
    /// It was exchanged a moment ago: the answer is the same successor, so that
    /// the family does not fork and nobody is signed out.
    SameSuccessor,
    /// It was exchanged long ago: either its owner or a thief has the
    /// successor, and nobody can tell which. The family ends.
    EndFamily,
    Expired,
    Ended,
}

pub fn may_rotate(token: RefreshTokenState, now: Timestamp) -> Verdict {
    match token {
        RefreshTokenState { ended: true, .. } => Verdict::Ended,
        RefreshTokenState { expires_at, .. } if expires_at <= now => Verdict::Expired,
        RefreshTokenState { used_at: None, .. } => Verdict::Rotate,
        // Clocks differ by seconds; a use that lies further ahead was written by
        // one that has been put right since, and says nothing about how long ago.
        RefreshTokenState { used_at: Some(at), .. }
            if now.since(at).max(at.since(now)) <= GRACE =>
        {
            Verdict::SameSuccessor
        }
        RefreshTokenState { used_at: Some(_), .. } => Verdict::EndFamily,
    }
}
