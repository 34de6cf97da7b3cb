//! Settings from environment variables.
//!
//! [`Settings::load`] reads an [`Environment`] with the table in [`variables`] and reports all
//! problems together.

mod app_secret;
mod credential_lint;
mod environment;
mod introspection;
mod mail;
mod problem;
mod providers;
mod reader;
pub mod variables;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Deref;

use ipnet::IpNet;
use latchkey_auth::http::Proxy;
use latchkey_auth::oauth::Provider;
use latchkey_auth::oauth::discovery::is_loopback;
use latchkey_auth::secret::Secret;
use latchkey_auth::tokens::{Algorithm, SigningKey};
use latchkey_domain::{Lifetime, Span};
use latchkey_store::{Backend, Limits};
use url::Url;

use crate::config::{Config, Product};
pub use app_secret::{SecretFacts, SecretSource};

pub use crate::config::{JwtSettings, LocalIdp, Revocation};
pub use environment::Environment;
pub use introspection::IntrospectionSettings;
pub use mail::{Mailbox, Sender};
pub use problem::{Problem, Problems};
pub use providers::{BUILT_IN, redirect_uri};

use reader::{Reader, parse_duration};

#[derive(Debug)]
pub struct Settings {
    pub config: Config,
    pub providers: Vec<Provider>,
    pub introspection: Option<IntrospectionSettings>,
    pub database_url: Secret,
    pub database_limits: Limits,
    pub app_secret_facts: SecretFacts,
    /// Whether the demo's routes, links and texts are included.
    pub demo: bool,
    pub traces: bool,
    pub smtp_url: Option<Secret>,
    pub mail_sender: Sender,
    pub metrics_addr: Option<SocketAddr>,
    /// The OTLP endpoint and the service name.
    pub otlp: Option<(Url, String)>,
    /// In the syntax of `tracing-subscriber`.
    pub log_filter: String,
    pub json_log: bool,
    /// How long running requests may take after a shutdown signal.
    pub shutdown_grace: Span,
    /// Problems that do not prevent the start, such as unknown variables.
    pub warnings: Vec<Problem>,
}

impl Deref for Settings {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.config
    }
}

/// The optional features of this build.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    pub local_provider: bool,
    pub demo: bool,
    pub otlp: bool,
    /// Validates `SMTP_URL`; `None` without e-mail.
    pub mail: Option<fn(&Secret) -> bool>,
}

impl Capabilities {
    pub const ALL: Self =
        Self { local_provider: true, demo: true, otlp: true, mail: Some(|_| true) };
}

impl Settings {
    /// Reads all settings. In development, creates `APP_SECRET` if it is missing.
    pub fn load(environment: &Environment, built_with: Capabilities) -> Result<Self, Problems> {
        if !environment.problems.0.is_empty() {
            return Err(environment.problems.clone());
        }
        // First without creating the secret: a start that is refused leaves nothing behind.
        let (_, problems) = Self::dry_run(environment, built_with);
        if !problems.0.is_empty() {
            return Err(problems);
        }
        let (settings, problems) = Self::read(Reader::new(environment, false), built_with);
        if problems.0.is_empty() { Ok(settings) } else { Err(problems) }
    }

    /// Reads all settings without creating files. Invalid ones get their default, so that the
    /// others can be checked.
    pub fn dry_run(environment: &Environment, built_with: Capabilities) -> (Self, Problems) {
        Self::read(Reader::new(environment, true), built_with)
    }

    fn read(mut read: Reader<'_>, built_with: Capabilities) -> (Self, Problems) {
        let port = read.port("PORT");
        let product = product(&mut read);
        let public_url = public_url(&mut read, port);
        let development = is_development(&public_url);
        // The placeholder for an invalid secret is never used.
        let (app_secret, app_secret_facts) =
            app_secret::read(&mut read, development).unwrap_or_else(app_secret::placeholder);
        let (idle, absolute) = lifetimes(&mut read, "SESSION_IDLE_TTL", "SESSION_TTL");
        let jwt = jwt(&mut read, &public_url);
        let local_idp =
            providers::read_local(&mut read, development, built_with.local_provider, &product);
        let providers = providers::read(&mut read, &public_url, local_idp.as_ref());
        if let Some(idp) = &local_idp
            && idp.url.host() == public_url.host()
        {
            let fix = format!("Use http://localhost:{port}.");
            let message = "has the same host as the local provider, so they share cookies";
            read.warnings.push(Problem::with_fix("PUBLIC_URL", message, fix));
        }
        read.warn_about_unknown_names();
        let (demo, traces) = demo(&mut read, development, built_with.demo);
        let config = Config {
            listen: listen(&mut read, port),
            session: Lifetime { idle, absolute },
            session_cache: read.one_of("SESSION_CACHE", &[("off", false), ("watch", true)]),
            sign_in_credential: read.optional("SIGN_IN_CREDENTIAL", |text| text.parse().ok()),
            sample_data: demo,
            resource_metadata: None,
            trusted_proxies: trusted_proxies(&mut read),
            hsts_subdomains: read.one_of("HSTS_SUBDOMAINS", &[("off", false), ("on", true)]),
            outbound_proxy: outbound_proxy(&mut read),
            product,
            public_url,
            app_secret,
            jwt,
            local_idp,
        };
        let settings = Self {
            database_url: database_url(&mut read),
            database_limits: database_limits(&mut read),
            introspection: introspection::read(&mut read, &config, &providers),
            smtp_url: smtp_url(&mut read, built_with.mail),
            mail_sender: mail::sender(&mut read, &config),
            metrics_addr: read.optional("METRICS_ADDR", |text| text.parse().ok()),
            otlp: otlp(&mut read, built_with.otlp),
            log_filter: read.parsed("RUST_LOG", |text| Some(text.to_owned())).unwrap_or_default(),
            json_log: read.one_of("LOG_FORMAT", &[("text", false), ("json", true)]),
            shutdown_grace: read.duration("SHUTDOWN_GRACE"),
            warnings: read.warnings,
            config,
            providers,
            app_secret_facts,
            demo,
            traces,
        };
        (settings, read.problems)
    }
}

fn product(read: &mut Reader<'_>) -> Product {
    let fits = |text: &str| (text.chars().count() <= 40).then(|| text.to_owned());
    let product = Product::new(&read.parsed("PRODUCT_NAME", fits).unwrap_or_default());
    // A subset of the names that cookies may have (RFC 6265 §4.1.1).
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let is_prefix =
        |text: &str| text.len() <= 40 && !text.starts_with("__") && text.bytes().all(plain);
    let prefix = read.optional("COOKIE_PREFIX", |text| is_prefix(text).then(|| text.to_owned()));
    Product { cookie_prefix: prefix.unwrap_or(product.cookie_prefix), ..product }
}

fn is_development(public_url: &Url) -> bool {
    public_url.scheme() == "http" && is_loopback(public_url)
}

fn public_url(read: &mut Reader<'_>, port: u16) -> Url {
    const NAME: &str = "PUBLIC_URL";
    let text = read.text(NAME).unwrap_or_else(|| format!("http://localhost:{port}"));
    match Url::parse(&text) {
        Err(_) => read.error(NAME, "is not a URL"),
        Ok(url) if !matches!(url.scheme(), "http" | "https") || !url.has_host() => {
            read.error(NAME, "does not start with https:// (or http:// on loopback)");
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            let fix = "Remove the user name and the password.";
            read.error_with_fix(NAME, "contains credentials", fix);
        }
        Ok(url) if url.path() != "/" || url.query().is_some() || url.fragment().is_some() => {
            let fix = "Remove everything after the host and the port.";
            read.error_with_fix(NAME, "is not an origin", fix);
        }
        Ok(url) if url.scheme() == "http" && !is_loopback(&url) => {
            let message = "would send passwords and cookies unencrypted";
            read.error_with_fix(NAME, message, "Use https: http works on loopback only.");
        }
        Ok(url) => return url,
    }
    #[expect(clippy::expect_used, reason = "a constant")]
    Url::parse("http://localhost:3000").expect("a URL")
}

fn listen(read: &mut Reader<'_>, port: u16) -> Vec<SocketAddr> {
    let loopbacks = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let hosts = read.optional("HOST", |host| match host {
        "localhost" => Some(loopbacks.clone()),
        host => Some(vec![host.trim_matches(['[', ']']).parse().ok()?]),
    });
    let hosts = hosts.unwrap_or(loopbacks);
    hosts.into_iter().map(|host| SocketAddr::new(host, port)).collect()
}

fn database_url(read: &mut Reader<'_>) -> Secret {
    const NAME: &str = "DATABASE_URL";
    let default = variables::find(NAME).map_or("", |variable| variable.default);
    let url = read.secret(NAME).unwrap_or_else(|| Secret::new(default));
    if let Err(error) = Backend::of(url.expose()) {
        read.error(NAME, error.to_string());
    }
    url
}

fn database_limits(read: &mut Reader<'_>) -> Limits {
    let defaults = Limits::default();
    let number = |text: &str| text.parse().ok().filter(|number| (2..=1000).contains(number));
    let timeout = |text: &str| parse_duration(text).filter(|span| *span <= Span::minutes(1));
    Limits {
        connections: read.parsed("DATABASE_CONNECTIONS", number).unwrap_or(defaults.connections),
        timeout: read.parsed("DATABASE_TIMEOUT", timeout).map_or(defaults.timeout, Into::into),
    }
}

/// Two durations, the first of which must not be longer.
fn lifetimes(read: &mut Reader<'_>, short: &str, long: &str) -> (Span, Span) {
    let lifetimes = (read.duration(short), read.duration(long));
    if lifetimes.0 > lifetimes.1 {
        let fix = format!("Set it to {long} or less.");
        read.error_with_fix(short, format!("is longer than {long}"), fix);
    }
    lifetimes
}

fn jwt(read: &mut Reader<'_>, public_url: &Url) -> JwtSettings {
    let origin = public_url.origin().ascii_serialization();
    let (access_ttl, refresh_ttl) = lifetimes(read, "JWT_ACCESS_TTL", "JWT_REFRESH_TTL");
    let algorithm = read.optional("JWT_ALGORITHM", |text| text.parse().ok());
    let private_key = private_key(read, algorithm);
    let key_algorithm = private_key.as_ref().map(SigningKey::algorithm);
    JwtSettings {
        access_ttl,
        refresh_ttl,
        algorithm: algorithm.or(key_algorithm).unwrap_or_default(),
        private_key,
        issuer: read.text("JWT_ISSUER").unwrap_or_else(|| origin.clone()),
        audience: read.text("JWT_AUDIENCE").unwrap_or_else(|| format!("{origin}/api")),
        revocation: read.one_of(
            "JWT_REVOCATION",
            &[("expiry", Revocation::Expiry), ("watch", Revocation::Watch)],
        ),
    }
}

/// The key's algorithm must be `JWT_ALGORITHM`, if that is set.
fn private_key(read: &mut Reader<'_>, algorithm: Option<Algorithm>) -> Option<SigningKey> {
    const NAME: &str = "JWT_PRIVATE_KEY";
    let pem = read.secret(NAME)?;
    match SigningKey::from_pkcs8_pem(pem.expose()) {
        Ok(key) if algorithm.is_some_and(|algorithm| algorithm != key.algorithm()) => {
            let fix = "Leave JWT_ALGORITHM empty, or use a key for it.";
            read.error_with_fix(NAME, "does not fit JWT_ALGORITHM", fix);
            None
        }
        Ok(key) => Some(key),
        Err(error) => {
            read.error(NAME, format!("cannot be used ({error})"));
            None
        }
    }
}

/// `DEMO` and `TRACES`. Both default to on in development, and `TRACES=on` turns on the demo.
fn demo(read: &mut Reader<'_>, development: bool, built_in: bool) -> (bool, bool) {
    const NAME: &str = "TRACES";
    let demo = demo_switch(read, "DEMO", built_in);
    let traces = demo_switch(read, NAME, built_in);
    if (demo, traces) == (Some(false), Some(true)) {
        let fix = "Set DEMO=on, or TRACES to auto or off.";
        read.warnings.push(Problem::with_fix(NAME, "has no effect while DEMO is off", fix));
    }
    if (demo, traces, development) == (None, Some(true), false) {
        let fix = "Set DEMO=on if you want that, else TRACES to auto or off.";
        read.warnings.push(Problem::with_fix(NAME, "turns on the whole demo", fix));
    }
    let demo = built_in && demo.unwrap_or(development || traces == Some(true));
    (demo, demo && traces.unwrap_or(development))
}

fn demo_switch(read: &mut Reader<'_>, name: &str, built_in: bool) -> Option<bool> {
    let value = read.one_of(name, &[("auto", None), ("on", Some(true)), ("off", Some(false))]);
    if value == Some(true) && !built_in {
        let fix = "Set it to auto or off, or build with the feature demo.";
        read.error_with_fix(name, "needs a feature that this build does not have", fix);
    }
    value
}

fn smtp_url(read: &mut Reader<'_>, accepts: Option<fn(&Secret) -> bool>) -> Option<Secret> {
    const NAME: &str = "SMTP_URL";
    let url = read.secret(NAME)?;
    match (accepts, mail::is_protected(url.expose())) {
        (None, _) => {
            let fix = "Remove it, or build with e-mail.";
            read.error_with_fix(NAME, "needs a feature that this build does not have", fix);
        }
        (_, Some(false)) => {
            let message = "would send password reset links unencrypted";
            let fix = "Use smtps://user:password@host or ?tls=required, \
                       or ?tls=none on a private network.";
            read.error_with_fix(NAME, message, fix);
        }
        (Some(accepts), Some(true)) if accepts(&url) => {}
        _ => read.error(NAME, "is not valid"),
    }
    Some(url)
}

/// Only warns without the feature: orchestrators set the variable for every program.
fn otlp(read: &mut Reader<'_>, built_in: bool) -> Option<(Url, String)> {
    const NAME: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let service = read.parsed("OTEL_SERVICE_NAME", |text| Some(text.to_owned()));
    let endpoint = read.optional(NAME, |text| {
        let url = Url::parse(text).ok()?;
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        let is_base = url.has_host() && url.query().is_none() && url.fragment().is_none();
        (matches!(url.scheme(), "http" | "https") && !has_credentials && is_base).then_some(url)
    })?;
    if !built_in {
        let fix = "Build Latchkey with the feature otlp.";
        let message = "needs a feature that this build does not have: no traces are sent";
        read.warnings.push(Problem::with_fix(NAME, message, fix));
    }
    Some((endpoint, service?)).filter(|_| built_in)
}

fn trusted_proxies(read: &mut Reader<'_>) -> Vec<IpNet> {
    let network = |text: &str| {
        let text = text.trim();
        text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()
    };
    read.optional("TRUSTED_PROXIES", |text| text.split(',').map(network).collect())
        .unwrap_or_default()
}

fn outbound_proxy(read: &mut Reader<'_>) -> Option<Proxy> {
    const NAME: &str = "HTTPS_PROXY";
    let except = read.text("NO_PROXY").unwrap_or_default();
    let url = read.secret(NAME)?;
    let proxy = Proxy::new(&url, &except);
    if proxy.is_none() {
        read.error(NAME, "is not valid");
    }
    proxy
}
