//! Writes the audit trail.

use latchkey_auth::random;
use latchkey_domain::audit::{Actor, Event, Kind};
use latchkey_domain::{AuditId, UserId};
use latchkey_store::audit;

use crate::client::Client;
use crate::state::Latchkey;

/// Records an event in the audit trail and in the log.
///
/// A failure is only logged: a broken trail must not stop users from revoking a sign-in.
pub async fn record(
    latchkey: &Latchkey,
    kind: Kind,
    user: Option<UserId>,
    actor: Actor,
    detail: impl Into<String>,
    client: Option<&Client>,
) {
    let at = latchkey.clock.now();
    let event = Event {
        id: AuditId::new(at, random::bytes()),
        at,
        kind,
        user_id: user,
        actor,
        detail: detail.into(),
        address: client.map(Client::display_address),
    };
    tracing::info!(
        audit = kind.as_str(),
        user = user.map(|id| id.to_string()),
        actor = actor.as_str(),
        "audit"
    );
    // At `info` the log has no personal data; the trail does.
    tracing::debug!(detail = event.detail, address = event.address, "audit");
    if let Err(error) = audit::record(&latchkey.db, &event).await {
        tracing::error!(%error, "an event could not be recorded in the audit trail");
    }
}

/// Records what users did to their own account.
pub async fn record_by_user(
    latchkey: &Latchkey,
    kind: Kind,
    user: UserId,
    detail: impl Into<String>,
    client: &Client,
) {
    record(latchkey, kind, Some(user), Actor::Person, detail, Some(client)).await;
}
