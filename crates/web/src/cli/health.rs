//! `latchkey health`: for images and units, which have no `curl`.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::common::{Outcome, print};
use crate::serve::connect_address;
use crate::settings::{Capabilities, Environment, Settings};

const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the instance that runs with these settings whether it is ready.
pub(super) async fn run(built_with: Capabilities) -> Outcome {
    let settings = Settings::load(&Environment::of_process(), built_with)?;
    let address = *settings.listen.first().ok_or("there is no address to ask")?;
    let status = tokio::time::timeout(
        PATIENCE,
        ask(connect_address(address), settings.public_url.authority()),
    )
    .await
    .map_err(|_| format!("no answer from {address} in {} s", PATIENCE.as_secs()))?
    .map_err(|error| format!("{address}: {error}"))?;
    if status == "200" { print("ready") } else { Err(format!("not ready: HTTP {status}").into()) }
}

/// The status of `GET /readyz`.
async fn ask(address: SocketAddr, host: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer).await?;
    Ok(answer.split(' ').nth(1).unwrap_or("unreadable").to_owned())
}
