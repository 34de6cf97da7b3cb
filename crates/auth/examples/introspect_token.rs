//! Introspects an opaque token at its authorization server (RFC 7662).
//!
//! `curl -u "$API_ID:$API_SECRET" --data-urlencode "token=$TOKEN" "$INTROSPECTION_URL"`
//! does the same in a terminal.

use latchkey_auth::introspection::{CallCounter, Error, Introspection};
use latchkey_domain::{Clock, Scope};

/// One call, or a cached result of the last few seconds (`OAUTH_INTROSPECTION_CACHE`).
async fn may_read_the_calendar(issuer: &Introspection, token: &str) -> Result<bool, Error> {
    let calls = CallCounter::default();
    let delegation = issuer.delegation(token, &Clock::System, &calls).await?;
    Ok(delegation.scopes.contains(Scope::CalendarRead))
}

/// After a user has revoked an app's access: drop the cached results.
fn access_revoked(issuer: &Introspection) {
    issuer.clear_cache();
}

fn main() {
    // For use in the handlers of a server, as in crates/axum/src/caller/.
    let _ = (may_read_the_calendar, access_revoked);
}
