//! The command line.

mod compare;
mod doctor;
mod keys;
mod user;

use std::io::Write as _;

use clap::{Parser, Subcommand};
use latchkey_domain::Clock;

use crate::api::openapi;
use crate::app::{App, Application};
use crate::logging;
use crate::serve::{self, Listeners};
use crate::settings::{Environment, Settings};

/// Two doors and two keys: OAuth or a password, a server session or a JWT.
#[derive(Debug, Parser)]
#[command(name = "latchkey", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the app (the default).
    Serve,
    /// Check everything: settings, providers, clock, database. Ends with 1 when
    /// there is a problem.
    Doctor(doctor::Arguments),
    /// Add accounts, list them, give and take roles.
    #[command(subcommand)]
    User(user::Command),
    /// Look at the keys that sign JWTs, or change them.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Measure what is said of OAuth and JWT, at instances of its own. Ends with
    /// 1 when something could not be measured.
    Compare(compare::Arguments),
    /// Print the description of the API.
    Openapi,
}

/// What a command ends with.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Does what was asked for.
///
/// # Errors
/// A sentence for the person at the terminal.
pub async fn run(arguments: Arguments) -> Outcome {
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve().await,
        Command::Doctor(arguments) => doctor::run(arguments).await,
        Command::User(command) => user::run(command).await,
        Command::Keys(command) => keys::run(command).await,
        Command::Compare(arguments) => compare::run(arguments).await,
        Command::Openapi => print(&serde_json::to_string_pretty(&openapi::document())?),
    }
}

async fn serve() -> Outcome {
    let environment = Environment::of_process()?;
    let settings = Settings::load(&environment)?;
    logging::start(environment.rust_log());
    let listeners = Listeners::bind(&settings).await?;
    let app = Application::new(settings, Clock::System).await?;
    tracing::info!("Latchkey is at {}", app.settings.origin());
    crate::doctor::tell(&app.settings);
    if let Some(idp) = &app.settings.local_idp {
        tracing::info!("the local provider is at {}", idp.url.origin().ascii_serialization());
    }
    serve::run(app, listeners, serve::asked_to_stop()).await?;
    Ok(())
}

/// The app as it is configured, for a command that does one thing and ends.
async fn app() -> Result<App, Box<dyn std::error::Error>> {
    let settings = Settings::load(&Environment::of_process()?)?;
    Ok(Application::new(settings, Clock::System).await?)
}

fn print(line: &str) -> Outcome {
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}
