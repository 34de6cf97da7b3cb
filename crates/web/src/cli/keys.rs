//! `latchkey keys`

use clap::Subcommand;
use latchkey_axum::audit;
use latchkey_domain::Timestamp;
use latchkey_domain::audit::{Actor, Kind};

use super::common::{Outcome, app, print};
use crate::settings::Capabilities;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the keys that sign and verify JWTs.
    List,
    /// Create a signing key. It signs after ten seconds, when every process has
    /// loaded it; tokens signed with the old key stay valid until they expire.
    Rotate,
}

pub(super) async fn run(command: Command, built_with: Capabilities) -> Outcome {
    let app = app(built_with).await?;
    let now = app.clock.now();
    match command {
        Command::List => {
            let ring = app.keys.ring();
            for key in ring.keys() {
                let verifying = key.key.verifying();
                let state = state(key.signs_from, ring.accepted_until(key), now);
                print(&format!("{}\t{}\t{state}", verifying.kid(), verifying.algorithm()))?;
            }
            Ok(())
        }
        Command::Rotate if app.settings.jwt.private_key.is_some() => {
            Err("JWT_PRIVATE_KEY sets the signing key: replace it there and restart".into())
        }
        Command::Rotate => {
            let kid = app.keys.rotate(app.settings.jwt.algorithm, now).await?;
            audit::record(&app, Kind::KeysRotated, None, Actor::Operator, &*kid, None).await;
            print(&format!("{kid}\tsigns in ten seconds"))
        }
    }
}

fn state(signs_from: Timestamp, accepted_until: Option<Timestamp>, now: Timestamp) -> String {
    match accepted_until {
        Some(until) => format!("accepted until {}", until.rfc3339()),
        None if now < signs_from => format!("signs from {}", signs_from.rfc3339()),
        None => "signs".to_owned(),
    }
}
