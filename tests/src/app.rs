//! Latchkey, started in this process on free ports.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use latchkey::{Listeners, LocalProvider, Site};
use latchkey_domain::{Clock, Span};
use latchkey_web::app::App;
use latchkey_web::settings::{Capabilities, Environment, Settings};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::issuer::{INTROSPECT, Issuer};
use crate::{local_provider, until};

/// The local provider.
pub const PROVIDER: Option<LocalProvider> = Some(local_provider::router);

/// The features that the app was built with.
#[must_use]
pub const fn built_with() -> Capabilities {
    latchkey::built_with(PROVIDER)
}

/// Strong enough for a public site.
pub const STRONG_SECRET: &str = "3f7Kq9Zr1xV8bN5mT2wY6cH4jL0pD3sG";

/// Settings for starting Latchkey.
#[derive(Debug)]
pub struct Setup {
    variables: BTreeMap<String, String>,
    clock: Clock,
    folder: TempDir,
}

/// A Latchkey that runs until it is dropped or stopped.
#[derive(Debug)]
pub struct Latchkey {
    /// The value of `PUBLIC_URL`; default: `http://localhost:<port>`.
    pub origin: String,
    /// The address that it listens on.
    pub address: SocketAddr,
    /// The origin of the local provider, if it runs.
    pub idp: String,
    /// May be frozen ([`Setup::with_frozen_clock`]).
    pub clock: Clock,
    /// For the few tests that look inside.
    pub app: App,
    #[cfg(feature = "demo")]
    pub demo: latchkey_demo::state::Demo,
    folder: TempDir,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), Box<dyn std::error::Error + Send + Sync>>>,
}

impl Default for Setup {
    fn default() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { variables: BTreeMap::new(), clock: Clock::System, folder }
    }
}

impl Setup {
    /// No settings, as in a fresh clone.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A public site behind a proxy, at `https://app.example.com`.
    #[must_use]
    pub fn public() -> Self {
        Self::new()
            .set("PUBLIC_URL", "https://app.example.com")
            .set("APP_SECRET", STRONG_SECRET)
            .set("LOCAL_IDP", "off")
    }

    /// Uses the folder of an earlier instance.
    #[must_use]
    pub fn in_folder(folder: TempDir) -> Self {
        Self { folder, ..Self::default() }
    }

    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Adds this issuer as the provider `acme`.
    #[must_use]
    pub fn with_issuer(self, issuer: &Issuer) -> Self {
        self.set("OIDC_ACME_ISSUER", &issuer.url)
            .set("OIDC_ACME_CLIENT_ID", issuer.client_id())
            .set("OIDC_ACME_CLIENT_SECRET", issuer.client_secret())
    }

    /// Uses this issuer to introspect opaque tokens.
    #[must_use]
    pub fn with_introspection(self, issuer: &Issuer) -> Self {
        self.set("OAUTH_INTROSPECTION_URL", format!("{}{INTROSPECT}", issuer.url))
            .set("OAUTH_INTROSPECTION_CLIENT_ID", issuer.client_id())
            .set("OAUTH_INTROSPECTION_CLIENT_SECRET", issuer.client_secret())
    }

    /// Uses a clock that only [`Latchkey::advance`] moves.
    #[must_use]
    pub fn with_frozen_clock(mut self) -> Self {
        self.clock = Clock::manual(Clock::System.now());
        self
    }

    pub async fn start(mut self) -> Latchkey {
        let app = listener().await;
        let idp = listener().await;
        let address = app.local_addr().expect("an address");
        let idp_port = idp.local_addr().expect("an address").port();
        let database = self.folder.path().join("latchkey.db");
        for (name, default) in [
            ("PUBLIC_URL", format!("http://localhost:{}", address.port())),
            ("LOCAL_IDP_PORT", idp_port.to_string()),
            ("DATABASE_URL", format!("sqlite://{}", database.display())),
        ] {
            self.variables.entry(name.to_owned()).or_insert(default);
        }
        let environment = Environment::new(self.variables, self.folder.path());
        let settings = Settings::load(&environment, built_with()).expect("valid settings");
        let origin = settings.origin();
        let metrics_addr = settings.metrics_addr;
        let local_idp = settings.local_idp.is_some().then_some(idp);
        let site = Site::new(settings, self.clock.clone(), PROVIDER).await.expect("an app");
        let (stop, stopped) = oneshot::channel();
        let metrics = match metrics_addr {
            Some(address) => Some(TcpListener::bind(address).await.expect("a port")),
            None => None,
        };
        let listeners = Listeners { app: vec![app], local_idp, metrics };
        let running = site.clone().serve(listeners, async {
            // An error means that the sender was dropped.
            let _ = stopped.await;
        });
        Latchkey {
            origin,
            address,
            idp: format!("http://127.0.0.1:{idp_port}"),
            clock: self.clock,
            #[cfg(feature = "demo")]
            demo: site.demo,
            app: site.app,
            folder: self.folder,
            stop,
            running: tokio::spawn(running),
        }
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

impl Latchkey {
    /// Starts it with default settings.
    pub async fn start() -> Self {
        Setup::new().start().await
    }

    /// The URL of a page.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// The redirect URI for a provider.
    #[must_use]
    pub fn callback(&self, provider: &str) -> String {
        self.url(&format!("/auth/{provider}/callback"))
    }

    /// The full name of a cookie.
    #[must_use]
    pub fn cookie(&self, base: &str) -> String {
        let public_url = url::Url::parse(&self.origin).expect("a URL");
        match public_url.scheme() {
            "http" => format!("{base}_{}", public_url.port_or_known_default().expect("a port")),
            _ => format!("__Host-{base}"),
        }
    }

    /// Advances the clock.
    pub fn advance(&self, by: Span) {
        self.clock.advance(by);
    }

    /// Waits for what may be written after a response: e-mails and refreshed tokens.
    pub async fn background_writes_done(&self) {
        until("the background writes", async || self.app.background_writes.is_empty()).await;
    }

    /// A file in its working folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Stops it gracefully, and returns its folder.
    pub async fn stop(self) -> TempDir {
        // Fails only if it has already ended.
        let _ = self.stop.send(());
        self.running.await.expect("no panic").expect("no error");
        self.folder
    }
}
