//! `latchkey audit`

use clap::Args;
use latchkey_domain::audit::Event;
use latchkey_store::audit;

use super::common::{Outcome, app, find, print};
use crate::settings::Capabilities;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Only what happened to this account: its ID, or its verified e-mail address.
    #[arg(long)]
    user: Option<String>,
    /// How many events, the newest first.
    #[arg(long, default_value_t = 100)]
    limit: u32,
}

pub(super) async fn run(arguments: Arguments, built_with: Capabilities) -> Outcome {
    let app = app(built_with).await?;
    let events = match arguments.user {
        Some(who) => {
            audit::of_user(&app.db, find(&app.db, &who).await?.id, None, arguments.limit).await?
        }
        None => audit::page(&app.db, None, arguments.limit).await?,
    };
    events.iter().try_for_each(|event| print(&line(event)))
}

pub(super) fn line(event: &Event) -> String {
    let user = event.user_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let address = event.address.as_deref().unwrap_or("-");
    let (at, kind, actor) = (event.at.rfc3339(), event.kind, event.actor);
    format!("{at}\t{kind}\t{user}\t{actor}\t{}\t{address}", event.detail)
}
