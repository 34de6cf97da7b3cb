//! `latchkey doctor`

use clap::Args;
use latchkey_domain::Clock;

use super::common::{Outcome, print};
use crate::doctor::{Level, examine};
use crate::settings::{Capabilities, Environment};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A problem is an error, and so an exit status of 1; a warning is not.
pub(super) async fn run(arguments: Arguments, built_with: Capabilities) -> Outcome {
    let environment = Environment::of_process();
    let report = examine(&environment, built_with, &Clock::System).await;
    if arguments.json {
        print(&serde_json::to_string_pretty(&report.json())?)?;
    } else {
        print(&report.to_string())?;
    }
    if report.worst() < Level::Problem { Ok(()) } else { Err(report.summary().into()) }
}
