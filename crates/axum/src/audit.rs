//! Writing down what happened to accounts.

use latchkey_auth::random;
use latchkey_domain::audit::{Actor, Event, Kind};
use latchkey_domain::{AuditId, UserId};
use latchkey_store::audit;

use crate::client::Client;
use crate::state::Latchkey;

/// Writes an event down, in the trail and in the log.
///
/// What was done is done, whether or not it could be written down: a trail that
/// is out of order must not keep people from ending a sign-in.
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
        address: client.map(Client::shown_address),
    };
    tracing::info!(
        audit = kind.as_str(),
        user = user.map(|id| id.to_string()),
        actor = actor.as_str(),
        "audit"
    );
    // Who it was, and from where, stands in the trail.
    tracing::debug!(detail = event.detail, address = event.address, "audit");
    if let Err(error) = audit::record(&latchkey.db, &event).await {
        tracing::error!(%error, "an event could not be written down");
    }
}

/// What the person whose account it is did themselves.
pub async fn by_person(
    latchkey: &Latchkey,
    kind: Kind,
    user: UserId,
    detail: impl Into<String>,
    client: &Client,
) {
    record(latchkey, kind, Some(user), Actor::Person, detail, Some(client)).await;
}
