//! `latchkey doctor`: checks the settings and everything they depend on.
//!
//! It changes nothing: no file is created, no migration run. Findings hold no secrets.

mod database;
mod introspection;
mod ports;
mod providers;
mod report;
mod settings;

use latchkey_auth::http::Outbound;
use latchkey_domain::Clock;

use crate::app::Application;
use crate::settings::{Capabilities, Environment, Problems, Settings};

use report::Context;
pub use report::{Check, Finding, Level, Report};

/// Checks everything, whether or not the app could start.
pub async fn examine(environment: &Environment, built_with: Capabilities, clock: &Clock) -> Report {
    let (settings, problems) = Settings::dry_run(environment, built_with);
    let http = Outbound::new(settings.outbound_proxy.as_ref(), &settings.product.name);
    let context = Context { settings: &settings, problems: &problems };
    let (listening, database, network) = tokio::join!(
        ports::findings(&context, &http),
        database::findings(&context, clock),
        network_findings(&context, &http, clock, false),
    );
    Report::new([settings::findings(&context), listening, database, network].concat())
}

/// Checks everything from within the running app.
pub async fn examine_running(app: &Application) -> Report {
    let context = Context { settings: &app.settings, problems: &Problems::default() };
    let (database, network) = tokio::join!(
        database::open_database_findings(&context, &app.db, &app.clock),
        network_findings(&context, &app.http, &app.clock, true),
    );
    Report::new([settings::findings(&context), database, network].concat())
}

/// Logs at start: the redirect URIs to register, which providers are simulated, and
/// every warning that needs no provider.
pub async fn log(app: &Application) {
    let settings = &app.settings;
    let (local, real): (Vec<_>, Vec<_>) = settings.providers.iter().partition(|one| one.local);
    let labels: Vec<_> = local.iter().map(|one| one.label.as_str()).collect();
    if !labels.is_empty() {
        tracing::info!("the local provider simulates {}", labels.join(", "));
    }
    for provider in real {
        let uri = provider.redirect_uri.as_str();
        tracing::info!("{} is configured; register this redirect URI: {uri}", provider.label);
    }
    let context = Context { settings, problems: &Problems::default() };
    let findings = settings::findings(&context).into_iter().chain(ports::wrong_port(settings));
    for finding in findings
        .chain(database::compare_clocks(&app.db, &app.clock).await)
        .filter(|one| one.level > Level::Ok)
    {
        tracing::warn!("{} {}", finding.finding, finding.what_to_do.unwrap_or_default());
    }
}

/// Checks providers, introspection, clock and address. `serving`: whether this
/// process should answer at `PUBLIC_URL`.
async fn network_findings(
    context: &Context<'_>,
    http: &Outbound,
    clock: &Clock,
    serving: bool,
) -> Vec<Finding> {
    let settings = context.settings;
    let (probed, responder, introspection) = tokio::join!(
        providers::probe(&settings.providers, http, clock),
        ports::responder(http, &settings.public_url, &settings.product.name),
        introspection::finding(context, http, clock),
    );
    let answers =
        probed.iter().map(|(provider, responses)| providers::provider_finding(provider, responses));
    let mut findings: Vec<_> = answers.chain(introspection).collect();
    findings.push(providers::clock(probed.iter().flat_map(|(_, responses)| responses)));
    if context.valid(&["PUBLIC_URL", "PORT"]) {
        findings.push(ports::public_url_finding(settings, responder, serving));
    }
    findings
}
