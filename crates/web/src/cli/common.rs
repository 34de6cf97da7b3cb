//! What every command does.

use std::io::Write as _;

use latchkey_domain::Clock;

use crate::app::App;
use crate::links::Links;
use crate::settings::{Capabilities, Environment, Settings};

/// What a command ends with: an error is a sentence for the person at the terminal.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The app as it is configured, for a command that does one thing and ends.
pub(super) async fn app(built_with: Capabilities) -> Result<App, Box<dyn std::error::Error>> {
    let settings = Settings::load(&Environment::of_process()?, built_with)?;
    Ok(App::open(settings, Clock::System, Links::default()).await?)
}

/// Prints a line to standard output.
pub fn print(line: &str) -> Outcome {
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}
