//! The `latchkey` command.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use latchkey::{LOCAL_PROVIDER, Listeners, Site, built_with};
use latchkey_domain::Clock;
use latchkey_web::cli::Outcome;
use latchkey_web::settings::{Environment, Settings};
use latchkey_web::{doctor, logging, serve};

/// Sign-in with OAuth or a password, kept in a server session or a JWT.
#[derive(Debug, Parser)]
#[command(name = "latchkey", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the app (the default).
    Serve,
    #[command(flatten)]
    Product(latchkey_web::cli::Command),
    #[cfg(feature = "demo")]
    #[command(flatten)]
    Demo(latchkey_demo::cli::Command),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        // The reader, such as `head`, has what it wanted.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            // Ignore a closed stderr.
            let _ = writeln!(io::stderr(), "latchkey: {error}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

async fn run(arguments: Arguments) -> Outcome {
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve().await,
        Command::Product(command) => command.run(built_with(LOCAL_PROVIDER)).await,
        #[cfg(feature = "demo")]
        Command::Demo(command) => command.run(LOCAL_PROVIDER).await,
    }
}

async fn serve() -> Outcome {
    let stop = serve::shutdown_signal()?;
    let environment = Environment::from_process();
    let settings = Settings::load(&environment, built_with(LOCAL_PROVIDER))?;
    let _log = logging::start(&settings.log_filter, settings.json_log);
    let listeners = Listeners::bind(&settings).await?;
    let site = Site::new(settings, Clock::System, LOCAL_PROVIDER).await?;
    let settings = &site.app.settings;
    tracing::info!("Latchkey is at {}", settings.origin());
    doctor::log(&site.app).await;
    if let Some(idp) = &settings.local_idp {
        tracing::info!("the local provider is at {}", idp.url.origin().ascii_serialization());
    }
    let served = site.serve(listeners, stop).await;
    served.map_err(|error| -> Box<dyn std::error::Error> { error })
}
