//! The rules of connections: what may be called, when to refresh, and what to request.

use super::{BrokenReason, Family, Offer, ProviderScopes, State};
use crate::{Span, Timestamp};

/// An access token is refreshed this long before it expires, so that it does not expire
/// in transit.
pub const REFRESH_MARGIN: Span = Span::seconds(60);

const MAX_RETRY_DELAY: Span = Span::minutes(6 * 60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallDenied {
    NotGranted,
    Reconnect(BrokenReason),
    Disconnecting,
}

pub fn may_call(state: State, granted: &ProviderScopes, offer: &Offer) -> Result<(), CallDenied> {
    match state {
        State::Disconnecting { .. } => Err(CallDenied::Disconnecting),
        State::NeedsReconnect { reason, .. } => Err(CallDenied::Reconnect(reason)),
        State::Active if granted.contains(offer.scope) => Ok(()),
        State::Active => Err(CallDenied::NotGranted),
    }
}

/// A token without an expiry is valid until the provider rejects it.
pub fn needs_refresh(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_some_and(|end| now.plus(REFRESH_MARGIN) >= end)
}

/// The required scopes, those granted before, so that requesting more loses nothing, and
/// those chosen now. What a user has unticked before is not requested again.
pub fn scopes_to_request(
    family: Family,
    granted: Option<&ProviderScopes>,
    chosen: &[&Offer],
) -> ProviderScopes {
    let required = ProviderScopes::new(family.required_scopes().iter().copied());
    let chosen = ProviderScopes::new(chosen.iter().map(|offer| offer.scope));
    let before = granted.cloned().unwrap_or_default();
    required.union(&before).union(&chosen)
}

/// The scope of the token response, else the requested one (RFC 6749 §5.1).
pub fn granted_scopes(
    requested: &ProviderScopes,
    in_response: Option<&ProviderScopes>,
) -> ProviderScopes {
    in_response.unwrap_or(requested).clone()
}

/// Before the next attempt to revoke, after this many failures.
pub fn retry_delay(tries: u32) -> Span {
    let factor = 1_i64 << tries.saturating_sub(1).min(20);
    Span::millis(Span::seconds(30).as_millis() * factor).min(MAX_RETRY_DELAY)
}
