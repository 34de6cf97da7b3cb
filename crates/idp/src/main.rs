//! `latchkey-idp`: the local provider by itself. `--help` says what can be set.

use std::{
    env,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey_idp::{Api, Client, Config, Provider};
use tracing_subscriber::EnvFilter;
use url::Url;

const DEFAULT_PORT: u16 = 3001;
const DEFAULT_CLIENT_ID: &str = "latchkey-local";
/// `{provider}` stands for google, github or facebook: each gets a redirect URI of its own, so that
/// one cannot be mistaken for another (RFC 9700 §4.4).
const DEFAULT_REDIRECT_URI: &str = "http://localhost:3000/auth/{provider}/callback";

const HELP: &str = "\
latchkey-idp: an identity provider for development, at http://127.0.0.1:3001.
It plays Google, GitHub and Facebook. Everything is set by variables:

  LOCAL_IDP_PORT            3001
  LOCAL_IDP_CLIENT_ID       latchkey-local
  LOCAL_IDP_CLIENT_SECRET   made at every start, and printed
  LOCAL_IDP_REDIRECT_URIS   http://localhost:3000/auth/{provider}/callback
                            separated by commas; {provider} becomes google, github, facebook
  LOCAL_IDP_CLIENTS         third parties at Google, separated by semicolons, each
                            id|secret|redirect URI|name
  LOCAL_IDP_GRANTS_FILE     where grants are kept; without it, in memory

An API that Google issues access tokens for (RFC 8707) and that may introspect them (RFC 7662):

  LOCAL_IDP_API_AUDIENCE    the URI that names it, like http://localhost:3000/api; without it,
                            there is no API
  LOCAL_IDP_API_ID          api
  LOCAL_IDP_API_SECRET      made at every start, and printed
  LOCAL_IDP_API_NAME        The API
  LOCAL_IDP_API_SCOPES      calendar:read=Read your calendar
                            separated by semicolons
  LOCAL_IDP_API_METADATA    its RFC 9728 document: /.well-known/oauth-protected-resource at the
                            origin of the audience
";

#[tokio::main]
async fn main() -> ExitCode {
    if env::args().nth(1).is_some_and(|argument| ["-h", "--help"].contains(&&*argument)) {
        return match write!(io::stdout(), "{HELP}") {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
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

    let mut out = io::stdout();
    writeln!(out, "The local provider is at http://{}", listener.local_addr()?)?;
    let secret = known_or_made(settings.client_secret, &settings.client_id, &mut out)?;
    let mut clients = clients(&settings.client_id, &secret, &settings.redirect_uris);
    clients.extend(settings.third_parties);
    let api = match settings.api {
        None => None,
        Some(mut api) => {
            let known = Some(api.secret).filter(|secret| !secret.is_empty());
            api.secret = known_or_made(known, &api.id, &mut out)?;
            Some(api)
        }
    };
    let router = latchkey_idp::router(Config {
        base_url,
        clients,
        apis: api.into_iter().collect(),
        people_file: None,
        grants_file: settings.grants_file,
    })?;
    axum::serve(listener, router).with_graceful_shutdown(interrupted()).await?;
    Ok(())
}

/// A secret that nobody set is made, and said: there is no other way to learn it.
fn known_or_made(
    known: Option<String>,
    id: &str,
    out: &mut impl Write,
) -> Result<String, Box<dyn std::error::Error>> {
    if let Some(secret) = known {
        return Ok(secret);
    }
    let secret = new_secret()?;
    writeln!(out, "client_id {id}, client_secret {secret} (new at every start)")?;
    Ok(secret)
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
#[derive(Debug)]
struct Settings {
    port: u16,
    client_id: String,
    client_secret: Option<String>,
    redirect_uris: Vec<String>,
    third_parties: Vec<Client>,
    /// Its secret is empty when none was set.
    api: Option<Api>,
    grants_file: Option<PathBuf>,
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
        let third_parties = set("LOCAL_IDP_CLIENTS").unwrap_or_default();
        Ok(Self {
            port,
            client_id: set("LOCAL_IDP_CLIENT_ID").unwrap_or_else(|| DEFAULT_CLIENT_ID.to_owned()),
            client_secret: set("LOCAL_IDP_CLIENT_SECRET"),
            redirect_uris,
            third_parties: entries(&third_parties).map(third_party).collect::<Result<_, _>>()?,
            api: set("LOCAL_IDP_API_AUDIENCE").map(|uri| api(uri, &set)).transpose()?,
            grants_file: set("LOCAL_IDP_GRANTS_FILE").map(PathBuf::from),
        })
    }
}

fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split(';').map(str::trim).filter(|entry| !entry.is_empty())
}

/// `id|secret|redirect URI|name`
fn third_party(entry: &str) -> Result<Client, String> {
    let fields: Vec<&str> = entry.split('|').map(str::trim).collect();
    let [id, secret, redirect_uri, name] = fields.as_slice() else {
        // Not shown: one of its fields is a secret.
        return Err("LOCAL_IDP_CLIENTS must be id|secret|redirect URI|name".to_owned());
    };
    Ok(Client {
        provider: Provider::Google,
        id: (*id).to_owned(),
        secret: (*secret).to_owned(),
        redirect_uris: vec![(*redirect_uri).to_owned()],
        name: (*name).to_owned(),
    })
}

fn api(audience: String, set: &impl Fn(&str) -> Option<String>) -> Result<Api, String> {
    let scopes = set("LOCAL_IDP_API_SCOPES")
        .unwrap_or_else(|| "calendar:read=Read your calendar".to_owned());
    let scopes = entries(&scopes)
        .map(|entry| match entry.split_once('=') {
            Some((name, sentence)) => Ok((name.trim().to_owned(), sentence.trim().to_owned())),
            None => Err(format!("LOCAL_IDP_API_SCOPES: {entry:?} must be name=sentence")),
        })
        .collect::<Result<_, _>>()?;
    let metadata_url = match set("LOCAL_IDP_API_METADATA") {
        Some(url) => Url::parse(&url),
        None => Url::parse(&audience)
            .and_then(|audience| audience.join("/.well-known/oauth-protected-resource")),
    };
    Ok(Api {
        name: set("LOCAL_IDP_API_NAME").unwrap_or_else(|| "The API".to_owned()),
        scopes,
        id: set("LOCAL_IDP_API_ID").unwrap_or_else(|| "api".to_owned()),
        secret: set("LOCAL_IDP_API_SECRET").unwrap_or_default(),
        metadata_url: metadata_url
            .map_err(|_| "LOCAL_IDP_API_METADATA must be a URL".to_owned())?,
        audience,
    })
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
            ("LOCAL_IDP_GRANTS_FILE", "grants.json"),
            ("LOCAL_IDP_CLIENTS", "one|s1|http://a/1|One; two|s2|http://a/2|Number two;"),
            ("LOCAL_IDP_API_AUDIENCE", "http://localhost:3000/api"),
            ("LOCAL_IDP_API_SECRET", "hush"),
            ("LOCAL_IDP_API_SCOPES", "a=Do a; b = Do b"),
        ])
        .unwrap();
        assert_eq!(settings.port, 4000);
        assert_eq!(settings.client_id, "id");
        assert_eq!(settings.client_secret.as_deref(), Some("secret"));
        assert_eq!(settings.redirect_uris, ["http://a/cb", "http://b/cb"]);
        assert_eq!(settings.grants_file, Some(PathBuf::from("grants.json")));
        let names: Vec<_> = settings.third_parties.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["One", "Number two"]);
        assert_eq!(settings.third_parties[1].redirect_uris, ["http://a/2"]);
        let api = settings.api.unwrap();
        assert_eq!((api.id.as_str(), api.secret.as_str()), ("api", "hush"));
        assert_eq!(api.scopes[1], ("b".to_owned(), "Do b".to_owned()));
        let metadata = "http://localhost:3000/.well-known/oauth-protected-resource";
        assert_eq!(api.metadata_url.as_str(), metadata);
    }

    #[test]
    fn what_makes_no_sense_is_refused_without_showing_a_secret() {
        for set in [
            &[("LOCAL_IDP_PORT", "many")][..],
            &[("LOCAL_IDP_CLIENTS", "one|hush|http://a/1")],
            &[("LOCAL_IDP_API_AUDIENCE", "api")],
            &[("LOCAL_IDP_API_AUDIENCE", "http://a/api"), ("LOCAL_IDP_API_SCOPES", "a")],
            &[("LOCAL_IDP_API_AUDIENCE", "http://a/api"), ("LOCAL_IDP_API_METADATA", "x")],
        ] {
            let complaint = read(set).unwrap_err();
            assert!(!complaint.contains("hush"), "{complaint}");
        }
    }
}
