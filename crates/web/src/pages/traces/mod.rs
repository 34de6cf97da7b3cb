//! One's own sign-ins on the wire.

pub(crate) mod export;

use latchkey_domain::TraceId;

use crate::app::App;
use crate::caller::Caller;
use crate::errors::{Fault, Result, catalogue};
use crate::traces::model::Trace;

/// The record with this name, if it is theirs. Nobody learns whether somebody
/// else has one of this name.
async fn find(app: &App, caller: &Caller, id: &str) -> Result<Trace> {
    let id: TraceId = id.parse().map_err(|_| none())?;
    let now = app.clock.now();
    let record = latchkey_store::traces::record(&app.db, caller.user.id, id, now).await?;
    serde_json::from_str(&record.ok_or_else(none)?).map_err(|error| {
        tracing::error!(%error, "a trace cannot be read");
        Fault::new(catalogue::INTERNAL)
    })
}

fn none() -> Fault {
    Fault::new(catalogue::NOT_FOUND)
        .detail("You have no trace of this name. Traces are forgotten after a day.")
}
