//! Runs Calendar Printer on its own: `cargo run -p calendar-printer -- --help`.
//!
//! In development Latchkey serves it too, next to the local provider. On its own it must be
//! registered at the authorization server in the API's metadata.

use std::net::SocketAddr;

use calendar_printer::{CLIENT_ID, Config, redirect_uri, router};
use clap::Parser;
use tokio::net::TcpListener;
use url::Url;

/// An OAuth 2.0 client that prints a user's calendar from Latchkey.
///
/// Register it first at the authorization server, with the redirect URI
/// http://127.0.0.1:3002/calendar-printer/callback. For the local provider, set
/// LOCAL_IDP_CLIENTS="calendar-printer|<secret>|<redirect URI>|Calendar Printer".
#[derive(Parser)]
struct Args {
    /// Where to listen: a loopback address
    #[arg(long, env = "PRINTER_ADDRESS", default_value = "127.0.0.1:3002")]
    address: SocketAddr,
    /// The API's identifier, RFC 8707
    #[arg(long, env = "PRINTER_RESOURCE", default_value = "http://localhost:3000/api")]
    resource: Url,
    /// The API's metadata, RFC 9728: /.well-known/oauth-protected-resource at its origin
    #[arg(long, env = "PRINTER_API_METADATA")]
    api_metadata: Option<Url>,
    #[arg(long, env = "PRINTER_CLIENT_ID", default_value = CLIENT_ID)]
    client_id: String,
    #[arg(long, env = "PRINTER_CLIENT_SECRET", hide_env_values = true)]
    client_secret: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let listener = TcpListener::bind(args.address).await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let api_metadata = match args.api_metadata {
        Some(url) => url,
        None => args.resource.join("/.well-known/oauth-protected-resource")?,
    };
    let router = router(Config {
        origin: origin.clone(),
        client_id: args.client_id,
        client_secret: args.client_secret,
        api_metadata,
        resource: args.resource.to_string(),
        api_name: "Latchkey".to_owned(),
    });
    println(&format!("{origin}/calendar-printer, redirect URI {}", redirect_uri(&origin)))?;
    axum::serve(listener, router).await?;
    Ok(())
}

fn println(line: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{line}")
}
