//! Every setting there is, read once at the start.
//!
//! [`Settings::load`] is the one list. It reads from an [`Environment`], which
//! is the process's own with `.env` behind it, and complains about everything
//! at once: a person who sets something up wants one list, not ten starts.

mod aliases;
mod app_secret;
mod credentials;
mod environment;
mod introspection;
mod looks;
mod providers;
mod reader;
pub mod variables;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use latchkey_auth::oauth::discovery::is_loopback;
use latchkey_auth::secret::{AppSecret, Secret};
use latchkey_auth::tokens::{Algorithm, SigningKey};
use latchkey_domain::Span;
use latchkey_domain::sign_in::Lifetime;
use latchkey_store::Backend;
use url::Url;

use crate::mail::Mailer;
pub use app_secret::{SecretFacts, SecretSource};

pub use environment::Environment;
pub use introspection::IntrospectionSettings;
pub use latchkey_axum::config::{JwtSettings, Revocation};
pub use providers::{BUILT_IN, Dialect, ProviderSettings};
pub use reader::{Problem, Problems};

use reader::Reader;

#[derive(Debug)]
pub struct Settings {
    /// The only origin that the app believes in.
    pub public_url: Url,
    pub listen: Vec<SocketAddr>,
    /// Where the database is; it may hold a password.
    pub database_url: Secret,
    pub app_secret: AppSecret,
    /// Where that came from, and how good it is.
    pub app_secret_facts: SecretFacts,
    /// How long a server session lives.
    pub session: Lifetime,
    /// Whether a session that was read within the last second is not read again.
    pub session_cache: bool,
    pub jwt: JwtSettings,
    /// Whether sign-ins are recorded, for their owners to read.
    pub traces: bool,
    /// The providers at which people can sign in, in the order of the buttons.
    pub providers: Vec<ProviderSettings>,
    /// Where other apps' tokens are asked about, if anywhere.
    pub introspection: Option<IntrospectionSettings>,
    /// The local provider, where there is one.
    pub local_idp: Option<LocalIdp>,
    /// The mail server; it may hold a password.
    pub smtp_url: Option<Secret>,
    /// Who may say from where a request came.
    pub trusted_proxies: Vec<IpNet>,
    /// What may be right, and does not look like it: variables that nobody
    /// reads, ids that look like something else.
    pub doubts: Vec<Problem>,
}

/// The provider that plays the others in development.
#[derive(Clone, Debug)]
pub struct LocalIdp {
    /// The port on which it listens, on 127.0.0.1.
    pub port: u16,
    /// Its address: another site than `localhost`, so that cookies behave as
    /// they do between two real sites.
    pub url: Url,
    /// Where the people are kept that somebody made up there.
    pub people_file: PathBuf,
}

/// What the program was built with beside the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// A provider that can play the others in development.
    pub local_provider: bool,
    /// Something that records sign-ins.
    pub traces: bool,
}

impl Capabilities {
    pub const ALL: Self = Self { local_provider: true, traces: true };
}

impl Settings {
    /// Reads every setting.
    ///
    /// # Errors
    /// Everything that makes no sense, at once.
    pub fn load(environment: &Environment, built_with: Capabilities) -> Result<Self, Problems> {
        let (settings, problems) = Self::read(Reader::new(environment), built_with);
        if problems.0.is_empty() { Ok(settings) } else { Err(problems) }
    }

    /// Looks at every setting, and makes nothing that is missing. What makes no
    /// sense is left at its default, so that the rest can be looked into.
    #[must_use]
    pub fn look(environment: &Environment, built_with: Capabilities) -> (Self, Problems) {
        Self::read(Reader::that_only_looks(environment), built_with)
    }

    fn read(mut read: Reader<'_>, built_with: Capabilities) -> (Self, Problems) {
        let port = read.parsed("PORT", "a port number between 0 and 65535").unwrap_or(3000_u16);
        let public_url = public_url(&mut read, port);
        let development = is_development(&public_url);
        let listen = listen(&mut read, port);
        let database_url = database_url(&mut read);
        // Whatever stands in for one that was complained of is never used.
        let (app_secret, app_secret_facts) =
            app_secret::read(&mut read, development).unwrap_or_else(app_secret::stand_in);
        let session = session(&mut read);
        let session_cache = read.one_of("SESSION_CACHE", &[("off", false), ("watch", true)]);
        let jwt = jwt(&mut read, &public_url);
        let traces = traces(&mut read, development, built_with.traces);
        let local_idp = local_idp(&mut read, development, built_with.local_provider);
        let providers = providers::read(&mut read, local_idp.as_ref());
        let introspection = introspection::read(&mut read, &providers, local_idp.as_ref());
        let trusted_proxies = trusted_proxies(&mut read);
        let smtp_url = smtp_url(&mut read);
        let unread = aliases::unread(read.environment());
        let (problems, mut doubts) = read.finish();
        doubts.extend(unread);
        let settings = Self {
            public_url,
            listen,
            database_url,
            app_secret,
            app_secret_facts,
            session,
            session_cache,
            jwt,
            traces,
            providers,
            introspection,
            local_idp,
            trusted_proxies,
            smtp_url,
            doubts,
        };
        (settings, problems)
    }

    /// Whether this is somebody's own machine: `PUBLIC_URL` is http on a
    /// loopback name. There is no other switch.
    #[must_use]
    pub fn is_development(&self) -> bool {
        is_development(&self.public_url)
    }

    /// The origin in the form in which browsers write it in `Origin`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }

    /// The address of one of our pages, as the outside world sees it.
    #[must_use]
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }
}

fn is_development(public_url: &Url) -> bool {
    public_url.scheme() == "http" && is_loopback(public_url)
}

fn public_url(read: &mut Reader<'_>, port: u16) -> Url {
    const NAME: &str = "PUBLIC_URL";
    let default = format!("http://localhost:{port}");
    let text = read.text(NAME).unwrap_or(default);
    let complain = match Url::parse(&text) {
        Err(_) => "is not a URL: write the address that people type, like https://app.example.com",
        Ok(url) if !matches!(url.scheme(), "http" | "https") || !url.has_host() => {
            "has to begin with https:// (or http:// on loopback)"
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "must not hold a user name or a password"
        }
        Ok(url) if url.path() != "/" || url.query().is_some() || url.fragment().is_some() => {
            "is an origin: leave out everything behind the host and the port"
        }
        Ok(url) if url.scheme() == "http" && !is_loopback(&url) => {
            "is http on a public name: passwords and cookies would travel in clear; use https"
        }
        Ok(url) => return url,
    };
    read.complain(NAME, complain);
    #[expect(clippy::expect_used, reason = "a constant; the start ends with the complaint anyway")]
    Url::parse("http://localhost:3000").expect("a URL")
}

fn listen(read: &mut Reader<'_>, port: u16) -> Vec<SocketAddr> {
    let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let hosts = match read.text("HOST").as_deref() {
        None | Some("localhost") => both.to_vec(),
        Some(host) => match host.trim_matches(['[', ']']).parse() {
            Ok(address) => vec![address],
            Err(_) => {
                read.complain("HOST", "is not an IP address: write 127.0.0.1, ::1, 0.0.0.0 or ::");
                Vec::new()
            }
        },
    };
    hosts.into_iter().map(|host| SocketAddr::new(host, port)).collect()
}

fn database_url(read: &mut Reader<'_>) -> Secret {
    const NAME: &str = "DATABASE_URL";
    let url = read.secret(NAME).unwrap_or_else(|| Secret::new("sqlite://data/latchkey.db"));
    if Backend::of(url.expose()).is_err() {
        read.complain(NAME, "has to begin with sqlite: or postgres:");
    }
    url
}

fn session(read: &mut Reader<'_>) -> Lifetime {
    let lifetime = Lifetime {
        idle: read.span("SESSION_IDLE_TTL", Span::days(7)),
        absolute: read.span("SESSION_TTL", Span::days(30)),
    };
    if lifetime.idle > lifetime.absolute {
        read.complain("SESSION_IDLE_TTL", "is longer than SESSION_TTL, and so would never matter");
    }
    lifetime
}

fn jwt(read: &mut Reader<'_>, public_url: &Url) -> JwtSettings {
    let origin = public_url.origin().ascii_serialization();
    let access_ttl = read.span("JWT_ACCESS_TTL", Span::minutes(5));
    let refresh_ttl = read.span("JWT_REFRESH_TTL", Span::days(30));
    if access_ttl > refresh_ttl {
        read.complain("JWT_ACCESS_TTL", "is longer than JWT_REFRESH_TTL");
    }
    let named = read.parsed("JWT_ALGORITHM", "EdDSA, ES256, RS256 or HS256");
    let private_key = private_key(read, named);
    let algorithm = named.or(private_key.as_ref().map(SigningKey::algorithm)).unwrap_or_default();
    let revocation = read
        .one_of("JWT_REVOCATION", &[("expiry", Revocation::Expiry), ("watch", Revocation::Watch)]);
    JwtSettings {
        access_ttl,
        refresh_ttl,
        algorithm,
        private_key,
        issuer: read.text("JWT_ISSUER").unwrap_or_else(|| origin.clone()),
        audience: read.text("JWT_AUDIENCE").unwrap_or_else(|| format!("{origin}/api")),
        revocation,
    }
}

/// The owner's own key, whose algorithm has to be the one that is named.
fn private_key(read: &mut Reader<'_>, named: Option<Algorithm>) -> Option<SigningKey> {
    const NAME: &str = "JWT_PRIVATE_KEY";
    let pem = read.secret(NAME)?;
    match SigningKey::from_pkcs8_pem(pem.expose()) {
        Ok(key) if named.is_some_and(|named| named != key.algorithm()) => {
            read.complain(NAME, "is of another algorithm than JWT_ALGORITHM names");
            None
        }
        Ok(key) => Some(key),
        Err(error) => {
            read.complain(NAME, format!("cannot be used: {error}"));
            None
        }
    }
}

/// Whether sign-ins are recorded: in development, unless it is said otherwise.
fn traces(read: &mut Reader<'_>, development: bool, is_built_in: bool) -> bool {
    const NAME: &str = "TRACES";
    let said = read.one_of(NAME, &[("auto", None), ("on", Some(true)), ("off", Some(false))]);
    if said == Some(true) && !is_built_in {
        read.complain(
            NAME,
            "asks for something that this build does not have: write auto or off, \
             or build with the feature demo",
        );
    }
    is_built_in && said.unwrap_or(development)
}

fn local_idp(read: &mut Reader<'_>, development: bool, is_built_in: bool) -> Option<LocalIdp> {
    const NAME: &str = "LOCAL_IDP";
    if !is_built_in && read.text(NAME).as_deref() == Some("on") {
        read.complain(
            NAME,
            "asks for a provider that this build does not have: write auto or off, \
             or build with the feature local-idp",
        );
        return None;
    }
    let wanted = read.one_of(NAME, &[("auto", true), ("off", false)]);
    let port = read.parsed("LOCAL_IDP_PORT", "a port number between 0 and 65535").unwrap_or(3001);
    let url = Url::parse(&format!("http://127.0.0.1:{port}")).ok()?;
    let people_file = read.environment().path("data/local-people.json");
    (wanted && development && is_built_in).then_some(LocalIdp { port, url, people_file })
}

fn smtp_url(read: &mut Reader<'_>) -> Option<Secret> {
    const NAME: &str = "SMTP_URL";
    let url = read.secret(NAME)?;
    if Mailer::new(Some(&url), false, "localhost").is_err() {
        read.complain(
            NAME,
            "has to be smtps://user:password@host or smtp://host:port?tls=required",
        );
    }
    Some(url)
}

fn trusted_proxies(read: &mut Reader<'_>) -> Vec<IpNet> {
    const NAME: &str = "TRUSTED_PROXIES";
    let Some(text) = read.text(NAME) else { return Vec::new() };
    let network = |text: &str| {
        let text = text.trim();
        text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
    };
    match text.split(',').map(network).collect() {
        Ok(networks) => networks,
        Err(_) => {
            read.complain(NAME, "is a list of addresses or networks: 10.0.0.1, 10.1.0.0/16");
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests;
