//! The commands of the product.

mod common;
mod health;
mod keys;
mod migrate;
mod user;

use clap::Subcommand;
use latchkey_domain::Clock;
use latchkey_store::audit;

use crate::api;
use crate::doctor::{Level, examine};
use crate::settings::{Capabilities, Environment, Settings};

pub use common::{Outcome, print};
use common::{app, event_line, find};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the settings, providers, clock and database. Exits with 1 if there
    /// is a problem.
    Doctor {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Add, list, show, block and delete accounts; grant and remove roles.
    #[command(subcommand)]
    User(user::Command),
    /// List or rotate the keys that sign JWTs.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Show the audit trail, newest first.
    Audit {
        /// Only this account: its ID, or its verified e-mail address.
        #[arg(long)]
        user: Option<String>,
        /// The number of events.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Copy a database to another, SQLite or PostgreSQL, and compare them.
    Migrate {
        /// The database to copy, like sqlite://data/latchkey.db.
        #[arg(long)]
        from: String,
        /// The target database, new or copied to before. Its tables are created.
        #[arg(long)]
        to: String,
    },
    /// Ask the running instance whether it is ready. Exits with 1 if it is not.
    Health,
    /// Print the OpenAPI description of the API.
    Openapi,
}

impl Command {
    pub async fn run(self, built_with: Capabilities) -> Outcome {
        match self {
            Self::Doctor { json } => doctor(json, built_with).await,
            Self::User(command) => user::run(command, built_with).await,
            Self::Keys(command) => keys::run(command, built_with).await,
            Self::Audit { user, limit } => {
                let app = app(built_with).await?;
                let events = match user {
                    Some(user) => {
                        let user = find(&app.db, &user).await?.id;
                        audit::of_user(&app.db, user, None, limit).await?
                    }
                    None => audit::page(&app.db, None, limit).await?,
                };
                events.iter().try_for_each(|event| print(&event_line(event)))
            }
            Self::Migrate { from, to } => migrate::run(&from, &to).await,
            Self::Health => health::run(built_with).await,
            Self::Openapi => {
                let environment = Environment::from_process();
                let (settings, _) = Settings::dry_run(&environment, built_with);
                print(&serde_json::to_string_pretty(&api::document(&settings.product))?)
            }
        }
    }
}

/// A problem makes the exit status 1; a warning does not.
async fn doctor(json: bool, built_with: Capabilities) -> Outcome {
    let report = examine(&Environment::from_process(), built_with, &Clock::System).await;
    if json {
        print(&serde_json::to_string_pretty(&report.json())?)?;
    } else {
        print(&report.to_string())?;
    }
    if report.worst() < Level::Problem { Ok(()) } else { Err(report.summary().into()) }
}
