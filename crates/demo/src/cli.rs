//! The demo's commands.

use clap::Subcommand;
use latchkey_web::cli::Outcome;

use crate::state::LocalProvider;
use crate::{compare, lab};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure common claims about OAuth and JWT against temporary instances. Exits
    /// with 1 if one could not be measured.
    Compare(compare::command::Arguments),
    /// Run every attack against a temporary instance. Exits with 1 if one gets
    /// through or could not run.
    Lab(lab::command::Arguments),
}

impl Command {
    pub async fn run(self, local_provider: Option<LocalProvider>) -> Outcome {
        match self {
            Self::Compare(arguments) => compare::command::run(arguments, local_provider).await,
            Self::Lab(arguments) => lab::command::run(arguments, local_provider).await,
        }
    }
}
