//! `latchkey-idp`: the local provider as a stand-alone program.

use std::error::Error;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use latchkey_idp::{Api, Client, Config, Provider, random_token};
use tracing_subscriber::EnvFilter;
use url::Url;

/// An identity provider for development, at http://127.0.0.1:3001. It simulates Google, GitHub
/// and Facebook.
///
/// To try it with a third-party app, run the Calendar Printer: examples/calendar-printer.
#[derive(Debug, Parser)]
#[command(name = "latchkey-idp")]
struct Args {
    #[arg(long, env = "LOCAL_IDP_PORT", default_value_t = 3001)]
    port: u16,
    #[arg(long, env = "LOCAL_IDP_CLIENT_ID", default_value = "latchkey-local")]
    client_id: String,
    /// Generated at every start and printed, unless set
    #[arg(long, env = "LOCAL_IDP_CLIENT_SECRET", hide_env_values = true)]
    client_secret: Option<String>,
    /// Separated by commas; {provider} becomes google, github and facebook. Separate redirect URIs
    /// prevent mix-up attacks (RFC 9700 §4.4)
    #[arg(
        long,
        env = "LOCAL_IDP_REDIRECT_URIS",
        value_delimiter = ',',
        default_value = "http://localhost:3000/auth/{provider}/callback"
    )]
    redirect_uris: Vec<String>,
    /// Third-party apps at Google, separated by semicolons, each id|secret|redirect URI|name
    #[arg(long, env = "LOCAL_IDP_CLIENTS", hide_env_values = true, default_value = "")]
    clients: String,
    /// The file in which grants are stored; by default they stay in memory
    #[arg(long, env = "LOCAL_IDP_GRANTS_FILE")]
    grants_file: Option<PathBuf>,
    /// The URI of an API for which Google issues access tokens (RFC 8707), for example
    /// http://localhost:3000/api. The API may introspect them (RFC 7662)
    #[arg(long, env = "LOCAL_IDP_API_AUDIENCE", value_parser = absolute_uri)]
    api_audience: Option<String>,
    #[arg(long, env = "LOCAL_IDP_API_ID", default_value = "api")]
    api_id: String,
    /// Generated at every start and printed, unless set
    #[arg(long, env = "LOCAL_IDP_API_SECRET", hide_env_values = true)]
    api_secret: Option<String>,
    #[arg(long, env = "LOCAL_IDP_API_NAME", default_value = "The API")]
    api_name: String,
    /// Each scope=description, separated by semicolons
    #[arg(
        long,
        env = "LOCAL_IDP_API_SCOPES",
        value_delimiter = ';',
        value_parser = scope,
        default_value = "calendar:read=Read your calendar"
    )]
    api_scopes: Vec<Option<(String, String)>>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let command = ignoring_variables(Args::command(), |name| {
        std::env::var_os(name).is_some_and(|value| value.is_empty())
    });
    let args = Args::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    // The address is not a setting, because anyone who reaches this provider can sign in.
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let origin = format!("http://{}", listener.local_addr()?);
    let mut out = io::stdout();
    writeln!(out, "The local provider is at {origin}")?;
    let config = args.config(origin.parse()?, |id| {
        let secret = random_token()?;
        writeln!(out, "client_id {id}, client_secret {secret} (new at every start)")?;
        Ok(secret)
    })?;
    let router = latchkey_idp::router(config)?;
    axum::serve(listener, router).with_graceful_shutdown(interrupted()).await?;
    Ok(())
}

/// Treats empty variables as unset.
fn ignoring_variables(command: clap::Command, empty: impl Fn(&OsStr) -> bool) -> clap::Command {
    command.mut_args(|arg| match arg.get_env().is_some_and(&empty) {
        true => arg.env(None::<&'static str>),
        false => arg,
    })
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a signal handler, Ctrl+C ends the process.
        std::future::pending::<()>().await;
    }
}

impl Args {
    fn config(
        self,
        base_url: Url,
        mut generate: impl FnMut(&str) -> Result<String, Box<dyn Error>>,
    ) -> Result<Config, Box<dyn Error>> {
        let mut or_generated = |secret: Option<String>, id: &str| match secret {
            Some(secret) => Ok(secret),
            None => generate(id),
        };
        let secret = or_generated(self.client_secret, &self.client_id)?;
        let first_party = Provider::ALL.map(|provider| Client {
            provider,
            id: self.client_id.clone(),
            secret: secret.clone(),
            redirect_uris: (self.redirect_uris.iter())
                .map(|uri| uri.trim().replace("{provider}", provider.key()))
                .collect(),
            name: "Latchkey".to_owned(),
            uri: None,
        });
        let third_parties = self.clients.split(';').map(str::trim).filter(|one| !one.is_empty());
        let third_parties = third_parties.map(third_party).collect::<Result<Vec<_>, _>>()?;
        let api = match self.api_audience {
            None => None,
            Some(audience) => Some(Api {
                name: self.api_name,
                audience,
                scopes: self.api_scopes.into_iter().flatten().collect(),
                secret: or_generated(self.api_secret, &self.api_id)?,
                id: self.api_id,
            }),
        };
        Ok(Config {
            base_url,
            clients: first_party.into_iter().chain(third_parties).collect(),
            apis: api.into_iter().collect(),
            people_file: None,
            grants_file: self.grants_file,
        })
    }
}

/// `id|secret|redirect URI|name`
fn third_party(entry: &str) -> Result<Client, &'static str> {
    let fields: Vec<&str> = entry.split('|').map(str::trim).collect();
    let [id, secret, redirect_uri, name] = fields[..] else {
        // Without the entry, because one of its fields is a secret.
        return Err("LOCAL_IDP_CLIENTS must be id|secret|redirect URI|name");
    };
    Ok(Client {
        provider: Provider::Google,
        id: id.to_owned(),
        secret: secret.to_owned(),
        redirect_uris: vec![redirect_uri.to_owned()],
        name: name.to_owned(),
        uri: None,
    })
}

/// Unchanged, because it is compared byte for byte.
fn absolute_uri(value: &str) -> Result<String, url::ParseError> {
    Url::parse(value).map(|_| value.to_owned())
}

/// `scope=description`; `None` after the last semicolon.
fn scope(entry: &str) -> Result<Option<(String, String)>, &'static str> {
    match entry.split_once('=') {
        Some((name, text)) => Ok(Some((name.trim().to_owned(), text.trim().to_owned()))),
        None if entry.trim().is_empty() => Ok(None),
        None => Err("must be scope=description"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn config(set: &[(&str, &str)]) -> Result<Config, Box<dyn Error>> {
        let set = set.iter().map(|(name, value)| format!("--{name}={value}"));
        let args = Args::try_parse_from(std::iter::once("latchkey-idp".to_owned()).chain(set))?;
        args.config("http://127.0.0.1:3001".parse()?, |id| Ok(format!("made for {id}")))
    }

    #[test]
    fn idp_config_has_working_defaults() {
        let set = ignoring_variables(Args::command(), |_| true);
        assert!(set.get_arguments().all(|arg| arg.get_env().is_none()));
        assert_eq!(Args::try_parse_from(["latchkey-idp"]).unwrap().port, 3001);
        let config = config(&[]).unwrap();
        for (client, provider) in config.clients.iter().zip(["google", "github", "facebook"]) {
            assert_eq!(client.id, "latchkey-local");
            assert_eq!(client.secret, "made for latchkey-local");
            let redirect_uri = format!("http://localhost:3000/auth/{provider}/callback");
            assert_eq!(client.redirect_uris, [redirect_uri]);
        }
        assert!(config.apis.is_empty());
    }

    #[test]
    fn idp_config_reads_every_setting() {
        let config = config(&[
            ("port", "4000"),
            ("client-id", "id"),
            ("client-secret", "secret"),
            ("redirect-uris", "http://a/cb, http://b/cb"),
            ("grants-file", "grants.json"),
            ("clients", "one|s1|http://a/1|One; two|s2|http://a/2|Number two;"),
            ("api-audience", "http://localhost:3000/api"),
            ("api-secret", "hush"),
            ("api-scopes", "a=Do a; b = Do b;"),
        ])
        .unwrap();
        let names: Vec<_> = config.clients.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["Latchkey", "Latchkey", "Latchkey", "One", "Number two"]);
        assert_eq!((&*config.clients[0].id, &*config.clients[0].secret), ("id", "secret"));
        assert_eq!(config.clients[0].redirect_uris, ["http://a/cb", "http://b/cb"]);
        assert_eq!(config.clients[4].redirect_uris, ["http://a/2"]);
        assert_eq!(config.grants_file, Some(PathBuf::from("grants.json")));
        let [api] = &config.apis[..] else { unreachable!() };
        assert_eq!((&*api.id, &*api.secret), ("api", "hush"));
        assert_eq!(api.audience, "http://localhost:3000/api");
        assert_eq!(api.scopes[1], ("b".to_owned(), "Do b".to_owned()));
        assert_eq!(api.scopes.len(), 2);
    }

    #[test]
    fn invalid_idp_settings_fail_without_leaking_secrets() {
        for set in [
            &[("port", "many")][..],
            &[("clients", "one|hush|http://a/1")],
            &[("api-audience", "api")],
            &[("api-audience", "http://a/api"), ("api-scopes", "a")],
        ] {
            let error = config(set).unwrap_err().to_string();
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
