//! The product's part of the command line.

mod audit;
mod common;
mod doctor;
mod health;
mod keys;
mod migrate;
mod user;

use clap::Subcommand;

use crate::api;
use crate::settings::{Capabilities, Environment, Settings};

pub use common::{Outcome, print};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the settings, providers, clock and database. Exits with 1 if there
    /// is a problem.
    Doctor(doctor::Arguments),
    /// Add, list, show, block and delete accounts; grant and remove roles.
    #[command(subcommand)]
    User(user::Command),
    /// List or rotate the keys that sign JWTs.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Show what happened to accounts, the newest first.
    Audit(audit::Arguments),
    /// Copy a database to another one, SQLite or PostgreSQL, and compare them.
    Migrate(migrate::Arguments),
    /// Ask the running instance whether it is ready. Exits with 1 if it is not.
    Health,
    /// Print the OpenAPI description of the API.
    Openapi,
}

impl Command {
    /// Does what was asked for.
    pub async fn run(self, built_with: Capabilities) -> Outcome {
        match self {
            Self::Doctor(arguments) => doctor::run(arguments, built_with).await,
            Self::User(command) => user::run(command, built_with).await,
            Self::Keys(command) => keys::run(command, built_with).await,
            Self::Audit(arguments) => audit::run(arguments, built_with).await,
            Self::Migrate(arguments) => migrate::run(arguments).await,
            Self::Health => health::run(built_with).await,
            Self::Openapi => {
                let environment = Environment::of_process();
                let (settings, _) = Settings::dry_run(&environment, built_with);
                print(&serde_json::to_string_pretty(&api::document(&settings.product))?)
            }
        }
    }
}
