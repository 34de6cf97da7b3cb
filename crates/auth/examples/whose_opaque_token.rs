//! An opaque token says nothing by itself: whoever issued it is asked (RFC 7662).
//!
//! `curl -u "$API_ID:$API_SECRET" --data-urlencode "token=$TOKEN" "$INTROSPECTION_URL"`
//! asks the same at a terminal.

use latchkey_auth::introspection::{CallCounter, Error, Introspection};
use latchkey_domain::{Clock, Scope};

/// One call, or an answer of the last few seconds (`OAUTH_INTROSPECTION_CACHE`).
async fn may_read_the_calendar(issuer: &Introspection, token: &str) -> Result<bool, Error> {
    let calls = CallCounter::default();
    let delegation = issuer.delegation(token, &Clock::System, &calls).await?;
    Ok(delegation.scopes.contains(Scope::CalendarRead))
}

/// Somebody took an app's access back here: believe no answer that came before.
fn taken_back(issuer: &Introspection) {
    issuer.clear_cache();
}

fn main() {
    // Their place is in the handlers of a server: crates/axum/src/caller/.
    let _ = (may_read_the_calendar, taken_back);
}
