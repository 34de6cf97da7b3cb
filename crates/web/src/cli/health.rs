//! `latchkey health`: a health check for containers, which have no `curl`.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::common::{Outcome, print};
use crate::serve::connect_address;
use crate::settings::{Capabilities, Environment, Settings};

const TIMEOUT: Duration = Duration::from_secs(3);

pub(super) async fn run(built_with: Capabilities) -> Outcome {
    let settings = Settings::load(&Environment::from_process(), built_with)?;
    let address = *settings.listen.first().ok_or("there is no address to ask")?;
    let status = tokio::time::timeout(
        TIMEOUT,
        readyz_status(connect_address(address), settings.public_url.authority()),
    )
    .await
    .map_err(|_| format!("no answer from {address} in {} s", TIMEOUT.as_secs()))?
    .map_err(|error| format!("{address}: {error}"))?;
    if status == "200" { print("ready") } else { Err(format!("not ready: HTTP {status}").into()) }
}

async fn readyz_status(address: SocketAddr, host: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    stream.take(4096).read_to_string(&mut response).await?;
    Ok(response.split(' ').nth(1).unwrap_or("unreadable").to_owned())
}
