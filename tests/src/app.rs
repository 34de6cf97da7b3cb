//! Latchkey, started in this process on ports that the system chose.

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
use crate::local_provider;

/// The provider that the product is given here: the harness brings its own.
pub const PROVIDER: Option<LocalProvider> = Some(local_provider::router);

/// What the product is told that it was built with.
#[must_use]
pub const fn built_with() -> Capabilities {
    latchkey::built_with(PROVIDER)
}

/// A secret that is good enough for a public site.
pub const STRONG_SECRET: &str = "3f7Kq9Zr1xV8bN5mT2wY6cH4jL0pD3sG";

/// What a Latchkey is to be started with.
#[derive(Debug)]
pub struct Setup {
    variables: BTreeMap<String, String>,
    clock: Clock,
    folder: TempDir,
}

/// A Latchkey that runs until it is dropped or stopped.
#[derive(Debug)]
pub struct Latchkey {
    /// What people type: `http://localhost:<port>`, or what `PUBLIC_URL` was set to.
    pub origin: String,
    /// Where it really listens.
    pub address: SocketAddr,
    /// The local provider's origin, where there is one.
    pub idp: String,
    /// Its clock; it stands still when the setup said so.
    pub clock: Clock,
    /// Its insides, for the few tests that look at what is kept.
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
    /// Nothing set: what somebody gets who has just cloned the repository.
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

    /// In a folder in which another one has run before.
    #[must_use]
    pub fn in_folder(folder: TempDir) -> Self {
        Self { folder, ..Self::default() }
    }

    /// Sets a variable.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// With this issuer as the provider `acme`.
    #[must_use]
    pub fn with_issuer(self, issuer: &Issuer) -> Self {
        self.set("OIDC_ACME_ISSUER", &issuer.url)
            .set("OIDC_ACME_CLIENT_ID", issuer.client_id())
            .set("OIDC_ACME_CLIENT_SECRET", issuer.client_secret())
    }

    /// With this issuer to be asked about opaque tokens.
    #[must_use]
    pub fn asking(self, issuer: &Issuer) -> Self {
        self.set("OAUTH_INTROSPECTION_URL", format!("{}{INTROSPECT}", issuer.url))
            .set("OAUTH_INTROSPECTION_CLIENT_ID", issuer.client_id())
            .set("OAUTH_INTROSPECTION_CLIENT_SECRET", issuer.client_secret())
    }

    /// With a clock that stands still until it is advanced.
    #[must_use]
    pub fn with_clock_standing(mut self) -> Self {
        self.clock = Clock::manual(Clock::System.now());
        self
    }

    /// Starts it.
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
        let environment = Environment::of(self.variables, self.folder.path());
        let settings =
            Settings::load(&environment, built_with()).expect("settings that make sense");
        let origin = settings.origin();
        let settings_metrics = settings.metrics_addr;
        let local_idp = settings.local_idp.is_some().then_some(idp);
        let site = Site::new(settings, self.clock.clone(), PROVIDER).await.expect("an app");
        let (stop, stopped) = oneshot::channel();
        let metrics = match settings_metrics {
            Some(address) => Some(TcpListener::bind(address).await.expect("a port")),
            None => None,
        };
        let listeners = Listeners { app: vec![app], local_idp, metrics };
        let running = site.clone().serve(listeners, async {
            // A sender that is gone means the same.
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
    /// One as it is out of the box.
    pub async fn start() -> Self {
        Setup::new().start().await
    }

    /// The address of a page, as a browser writes it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Where a provider has to send people back to, to the letter.
    #[must_use]
    pub fn callback(&self, provider: &str) -> String {
        self.url(&format!("/auth/{provider}/callback"))
    }

    /// The whole name of one of its cookies.
    #[must_use]
    pub fn cookie(&self, base: &str) -> String {
        let public_url = url::Url::parse(&self.origin).expect("a URL");
        match public_url.scheme() {
            "http" => format!("{base}_{}", public_url.port_or_known_default().expect("a port")),
            _ => format!("__Host-{base}"),
        }
    }

    /// Moves its clock.
    pub fn advance(&self, by: Span) {
        self.clock.advance(by);
    }

    /// A file in the folder in which it works.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Stops it as Ctrl-C would, and hands back its folder.
    pub async fn stop(self) -> TempDir {
        // It has ended already when nobody receives this.
        let _ = self.stop.send(());
        self.running.await.expect("no panic").expect("no error");
        self.folder
    }
}
