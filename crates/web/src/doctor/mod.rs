//! What is configured, what is wrong with it, and what to write.
//!
//! One file for each thing that is looked at. Each asks as little as it can,
//! and judges what it heard in a function that asks nobody. Nothing is changed
//! by looking: no file is made, no migration is run. And nothing that is told
//! is secret.

mod address;
mod database;
mod finding;
mod introspection;
mod mail;
mod ports;
mod providers;
mod reach;
mod report;
mod secrets;
mod settings;
mod skew;
mod tokens;

use latchkey_auth::http::{Error, Outbound};
use latchkey_domain::Clock;

use crate::app::Application;
use crate::settings::{Capabilities, Environment, Problems, Settings};

pub use finding::{Check, Finding, Level, Section};
pub use report::Report;

/// The settings as far as they can be read, and what is wrong with the rest.
struct Known<'a> {
    settings: &'a Settings,
    broken: &'a Problems,
}

impl Known<'_> {
    /// Whether these variables make sense. What stands in for one that does
    /// not would lead to findings about something that nobody wrote.
    fn reads(&self, variables: &[&str]) -> bool {
        !self.broken.concern(variables)
    }
}

/// Looks at everything, for somebody who has not started the app. `unread` is
/// what could not be read of the environment itself.
///
/// # Errors
/// When no HTTP client can be made.
pub async fn examine(
    environment: &Environment,
    unread: Problems,
    built_with: Capabilities,
    clock: &Clock,
) -> Result<Report, Error> {
    let http = Outbound::new()?;
    let (settings, problems) = Settings::look(environment, built_with);
    let broken = Problems(unread.0.into_iter().chain(problems.0).collect());
    let known = Known { settings: &settings, broken: &broken };
    let mut findings = without_asking(&known);
    let (ports, database, asked) = tokio::join!(
        ports::findings(&known, &http),
        database::findings(&known),
        asking(&known, &http, clock, false),
    );
    findings.extend(ports.into_iter().chain(database).chain(asked));
    Ok(Report::new(findings))
}

/// Looks at everything while the app is running.
pub async fn examine_running(app: &Application) -> Report {
    let broken = Problems::default();
    let known = Known { settings: &app.settings, broken: &broken };
    let mut findings = without_asking(&known);
    let (database, asked) = tokio::join!(
        database::of_open(&known, &app.db),
        asking(&known, &app.http, &app.clock, true),
    );
    findings.extend(database.into_iter().chain(asked));
    Report::new(findings)
}

/// What can be said at the start, before anybody is asked.
#[must_use]
pub fn at_start(settings: &Settings) -> Report {
    let known = Known { settings, broken: &Problems::default() };
    let findings = without_asking(&known).into_iter().chain(address::elsewhere(settings));
    Report::new(findings.collect())
}

/// Writes to the log what should be known of the start: where real providers
/// send people back to, which are played, and every warning.
pub fn tell(settings: &Settings) {
    let played: Vec<_> =
        settings.providers.iter().filter(|one| one.local).map(|one| one.label.as_str()).collect();
    if !played.is_empty() {
        tracing::info!("played by the local provider: {}", played.join(", "));
    }
    for provider in settings.providers.iter().filter(|one| !one.local) {
        let uri = providers::redirect_uri(settings, &provider.slug);
        tracing::info!("{} is configured; register there: {uri}", provider.label);
    }
    for finding in at_start(settings).findings().iter().filter(|one| one.level > Level::Ok) {
        let what = finding.what_to_do.as_deref().unwrap_or_default();
        tracing::warn!("{} {what}", finding.finding);
    }
}

fn without_asking(known: &Known<'_>) -> Vec<Finding> {
    [
        settings::problems(known.broken),
        settings::doubts(&known.settings.doubts),
        address::findings(known),
        providers::findings(known),
        secrets::findings(known),
        tokens::findings(known),
        mail::findings(known),
    ]
    .concat()
}

/// What others have to be asked for, all at the same time.
async fn asking(known: &Known<'_>, http: &Outbound, clock: &Clock, serving: bool) -> Vec<Finding> {
    let settings = known.settings;
    let (heard, answering, introspected) = tokio::join!(
        reach::ask(&settings.providers, http, clock),
        address::who_answers(http, &settings.public_url),
        introspection::finding(known, http, clock),
    );
    let mut findings = reach::findings(&settings.providers, &heard);
    findings.extend(introspected);
    findings.push(skew::finding(&heard));
    if known.reads(&["PUBLIC_URL", "PORT"]) {
        findings.push(address::seen(settings, answering, serving));
    }
    findings
}
