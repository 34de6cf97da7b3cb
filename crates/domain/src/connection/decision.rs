//! What follows from what was granted, and from the time.

use super::{BrokenReason, Family, Offer, ProviderScopes, State};
use crate::{Span, Timestamp};

/// An access token is refreshed this long before it expires, so that it does not
/// expire on the way.
pub const EARLY: Span = Span::seconds(60);

const LONGEST_PAUSE: Span = Span::minutes(6 * 60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallDenied {
    NotGranted,
    Reconnect(BrokenReason),
    Disconnecting,
}

/// May this call be made with what was granted?
pub fn may_call(state: State, granted: &ProviderScopes, offer: &Offer) -> Result<(), CallDenied> {
    match state {
        State::Disconnecting { .. } => Err(CallDenied::Disconnecting),
        State::NeedsReconnect { reason, .. } => Err(CallDenied::Reconnect(reason)),
        State::Active if granted.contains(offer.scope) => Ok(()),
        State::Active => Err(CallDenied::NotGranted),
    }
}

/// Is it time to refresh an access token that expires then? One without an expiry
/// is good until the provider says otherwise.
pub fn needs_refresh(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_some_and(|end| now.plus(EARLY) >= end)
}

/// What to request: what is needed in any case, what was granted before, so that
/// nothing is lost by asking for more, and what was chosen now. What was requested
/// before and unticked is not requested again.
pub fn scopes_to_request(
    family: Family,
    granted: Option<&ProviderScopes>,
    chosen: &[&Offer],
) -> ProviderScopes {
    let needed = ProviderScopes::new(family.required_scopes().iter().copied());
    let chosen = ProviderScopes::new(chosen.iter().map(|offer| offer.scope));
    let before = granted.cloned().unwrap_or_default();
    needed.and(&before).and(&chosen)
}

/// What the token response says, else what was requested (RFC 6749 §5.1).
pub fn granted_scopes(requested: &ProviderScopes, said: Option<&ProviderScopes>) -> ProviderScopes {
    said.unwrap_or(requested).clone()
}

/// How long to wait after so many failed tries to revoke.
pub fn retry_delay(tries: u32) -> Span {
    let factor = 1_i64 << tries.saturating_sub(1).min(20);
    Span::millis(Span::seconds(30).as_millis() * factor).min(LONGEST_PAUSE)
}
