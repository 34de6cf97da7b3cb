//! The product's part of the command line.

mod doctor;
mod keys;
mod user;

use std::io::Write as _;

use clap::Subcommand;
use latchkey_domain::Clock;

use crate::api;
use crate::app::{App, Application};
use crate::layout::Links;
use crate::settings::{Capabilities, Environment, Settings};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the settings, providers, clock and database. Exits with 1 if there
    /// is a problem.
    Doctor(doctor::Arguments),
    /// Add and list accounts, grant and remove roles.
    #[command(subcommand)]
    User(user::Command),
    /// List or rotate the keys that sign JWTs.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Print the OpenAPI description of the API.
    Openapi,
}

/// What a command ends with: an error is a sentence for the person at the terminal.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

impl Command {
    /// Does what was asked for.
    ///
    /// # Errors
    /// A sentence for the person at the terminal.
    pub async fn run(self, built_with: Capabilities) -> Outcome {
        match self {
            Self::Doctor(arguments) => doctor::run(arguments, built_with).await,
            Self::User(command) => user::run(command, built_with).await,
            Self::Keys(command) => keys::run(command, built_with).await,
            Self::Openapi => print(&serde_json::to_string_pretty(&api::document())?),
        }
    }
}

/// The app as it is configured, for a command that does one thing and ends.
async fn app(built_with: Capabilities) -> Result<App, Box<dyn std::error::Error>> {
    let settings = Settings::load(&Environment::of_process()?, built_with)?;
    Ok(Application::new(settings, Clock::System, Links::default()).await?)
}

/// Prints a line to standard output.
///
/// # Errors
/// When nobody reads it.
pub fn print(line: &str) -> Outcome {
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}
