//! Checks the configuration and everything it depends on: what is set, what is
//! wrong, and what to do.
//!
//! Each check asks as little as possible, and a pure function judges the answer.
//! Nothing is changed: no file is created, no migration run. No finding is secret.

mod database;
mod introspection;
mod network;
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
    let http = Outbound::through(settings.outbound_proxy.as_ref(), &settings.product.name);
    let context = Context { settings: &settings, problems: &problems };
    let (ports, database, asked) = tokio::join!(
        network::ports(&context, &http),
        database::findings(&context, clock),
        asked(&context, &http, clock, false),
    );
    Report::new([settings::findings(&context), ports, database, asked].concat())
}

/// Checks everything from within the running app.
pub async fn examine_running(app: &Application) -> Report {
    let context = Context { settings: &app.settings, problems: &Problems::default() };
    let (database, asked) = tokio::join!(
        database::of_open(&context, &app.db, &app.clock),
        asked(&context, &app.http, &app.clock, true),
    );
    Report::new([settings::findings(&context), database, asked].concat())
}

/// Logs what matters at the start: where real providers redirect to, which are
/// local, and every warning that needs nobody's answer.
pub async fn log(app: &Application) {
    let settings = &app.settings;
    let (local, real): (Vec<_>, Vec<_>) = settings.providers.iter().partition(|one| one.local);
    let labels: Vec<_> = local.iter().map(|one| one.label.as_str()).collect();
    if !labels.is_empty() {
        tracing::info!("the local provider stands in for {}", labels.join(", "));
    }
    for provider in real {
        let uri = provider.redirect_uri.as_str();
        tracing::info!("{} is configured; register this redirect URI: {uri}", provider.label);
    }
    let context = Context { settings, problems: &Problems::default() };
    let findings = settings::findings(&context).into_iter().chain(network::wrong_port(settings));
    for finding in findings
        .chain(database::compare_clocks(&app.db, &app.clock).await)
        .filter(|one| one.level > Level::Ok)
    {
        tracing::warn!("{} {}", finding.finding, finding.what_to_do.unwrap_or_default());
    }
}

/// What others have to be asked, all at once. `serving` says whether this
/// process should answer at `PUBLIC_URL`.
async fn asked(
    context: &Context<'_>,
    http: &Outbound,
    clock: &Clock,
    serving: bool,
) -> Vec<Finding> {
    let settings = context.settings;
    let (probed, responder, introspection) = tokio::join!(
        network::probe(&settings.providers, http, clock),
        network::responder(http, &settings.public_url, &settings.product.name),
        introspection::finding(context, http, clock),
    );
    let providers =
        probed.iter().map(|(provider, responses)| network::judge_provider(provider, responses));
    let mut findings: Vec<_> = providers.chain(introspection).collect();
    findings.push(network::clock(probed.iter().flat_map(|(_, responses)| responses)));
    if context.valid(&["PUBLIC_URL", "PORT"]) {
        findings.push(network::public_url(settings, responder, serving));
    }
    findings
}
