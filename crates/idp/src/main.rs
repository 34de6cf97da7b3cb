//! `latchkey-idp`: the local provider by itself.

use std::{
    env,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey_idp::{Client, Config, Provider};
use tracing_subscriber::EnvFilter;

const DEFAULT_PORT: u16 = 3001;
const DEFAULT_CLIENT_ID: &str = "latchkey-local";
/// `{provider}` stands for google, github or facebook: each gets a redirect URI of its own, so that
/// one cannot be mistaken for another (RFC 9700 §4.4).
const DEFAULT_REDIRECT_URI: &str = "http://localhost:3000/auth/{provider}/callback";

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .with_writer(io::stderr)
        .init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::read(from_environment)?;
    // The address is not a setting: this provider believes anyone.
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, settings.port));
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let base_url = format!("http://{}", listener.local_addr()?).parse()?;

    let (secret, made) = match settings.client_secret {
        Some(secret) => (secret, false),
        None => (new_secret()?, true),
    };
    let clients = clients(&settings.client_id, &secret, &settings.redirect_uris);
    let router = latchkey_idp::router(Config {
        base_url,
        clients,
        apis: Vec::new(),
        people_file: None,
        grants_file: None,
    })?;

    let mut out = io::stdout();
    writeln!(out, "The local provider is at http://{}", listener.local_addr()?)?;
    writeln!(out, "client_id      {}", settings.client_id)?;
    if made {
        writeln!(out, "client_secret  {secret}  (new at every start)")?;
    }
    axum::serve(listener, router).with_graceful_shutdown(interrupted()).await?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the one place of this binary that reads settings")]
fn from_environment(name: &str) -> Option<String> {
    env::var(name).ok()
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a signal to wait for, the process ends the way any other does.
        std::future::pending::<()>().await;
    }
}

/// What the environment says.
#[derive(Debug, PartialEq, Eq)]
struct Settings {
    port: u16,
    client_id: String,
    client_secret: Option<String>,
    redirect_uris: Vec<String>,
}

impl Settings {
    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let port = match set("LOCAL_IDP_PORT") {
            None => DEFAULT_PORT,
            Some(port) => port
                .parse()
                .map_err(|_| "LOCAL_IDP_PORT must be a port number, like 3001".to_owned())?,
        };
        let redirect_uris = set("LOCAL_IDP_REDIRECT_URIS")
            .unwrap_or_else(|| DEFAULT_REDIRECT_URI.to_owned())
            .split(',')
            .map(|uri| uri.trim().to_owned())
            .collect();
        Ok(Self {
            port,
            client_id: set("LOCAL_IDP_CLIENT_ID").unwrap_or_else(|| DEFAULT_CLIENT_ID.to_owned()),
            client_secret: set("LOCAL_IDP_CLIENT_SECRET"),
            redirect_uris,
        })
    }
}

fn clients(id: &str, secret: &str, redirect_uris: &[String]) -> Vec<Client> {
    let client = |provider: Provider| Client {
        provider,
        id: id.to_owned(),
        secret: secret.to_owned(),
        redirect_uris: redirect_uris
            .iter()
            .map(|uri| uri.replace("{provider}", provider.key()))
            .collect(),
        name: "Latchkey".to_owned(),
    };
    Provider::ALL.map(client).into()
}

fn new_secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::read(|name| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let settings = read(&[("LOCAL_IDP_CLIENT_ID", "")]).unwrap();
        assert_eq!(settings.port, 3001);
        assert_eq!(settings.client_id, "latchkey-local");
        assert_eq!(settings.client_secret, None);
        let clients = clients("id", "secret", &settings.redirect_uris);
        let uris: Vec<&str> = clients.iter().map(|c| c.redirect_uris[0].as_str()).collect();
        assert_eq!(
            uris,
            [
                "http://localhost:3000/auth/google/callback",
                "http://localhost:3000/auth/github/callback",
                "http://localhost:3000/auth/facebook/callback",
            ]
        );
    }

    #[test]
    fn everything_can_be_set() {
        let settings = read(&[
            ("LOCAL_IDP_PORT", "4000"),
            ("LOCAL_IDP_CLIENT_ID", "id"),
            ("LOCAL_IDP_CLIENT_SECRET", "secret"),
            ("LOCAL_IDP_REDIRECT_URIS", "http://a/cb, http://b/cb"),
        ]);
        assert_eq!(
            settings.unwrap(),
            Settings {
                port: 4000,
                client_id: "id".into(),
                client_secret: Some("secret".into()),
                redirect_uris: vec!["http://a/cb".into(), "http://b/cb".into()],
            }
        );
        assert!(read(&[("LOCAL_IDP_PORT", "many")]).is_err());
    }
}
