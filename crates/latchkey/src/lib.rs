//! Assembles the program from the product and the optional features. Tests use it too.

#[cfg(feature = "local-idp")]
mod local_provider;
#[cfg(feature = "otlp")]
mod otlp;

use std::future::Future;

use axum::Router;
#[cfg(feature = "demo")]
use latchkey_demo::state::Demo;
use latchkey_domain::Clock;
use latchkey_web::app::{App, Error};
use latchkey_web::settings::{Capabilities, Settings};
use latchkey_web::{metrics, serve};
use tokio::net::TcpListener;

/// Creates the local provider for these settings.
pub type LocalProvider =
    fn(&Settings) -> Result<Option<Router>, Box<dyn std::error::Error + Send + Sync>>;

/// `None` in builds without the local provider.
#[cfg(feature = "local-idp")]
pub const LOCAL_PROVIDER: Option<LocalProvider> = Some(local_provider::router);
#[cfg(not(feature = "local-idp"))]
pub const LOCAL_PROVIDER: Option<LocalProvider> = None;

/// The capabilities of this build.
pub const fn built_with(local_provider: Option<LocalProvider>) -> Capabilities {
    Capabilities {
        local_provider: local_provider.is_some(),
        demo: cfg!(feature = "demo"),
        otlp: cfg!(feature = "otlp"),
        mail: latchkey_web::mailer::ACCEPTS_SMTP_URL,
    }
}

/// The listening sockets, bound before anything else starts.
#[derive(Debug)]
pub struct Listeners {
    pub app: Vec<TcpListener>,
    pub local_idp: Option<TcpListener>,
    pub metrics: Option<TcpListener>,
}

impl Listeners {
    /// # Errors
    /// If an address is in use. The error names it.
    pub async fn bind(settings: &Settings) -> std::io::Result<Self> {
        let app = serve::bind(settings).await?;
        let local_idp = match &settings.local_idp {
            Some(idp) => {
                Some(serve::listen(([127, 0, 0, 1], idp.port).into(), "LOCAL_IDP_PORT").await?)
            }
            None => None,
        };
        let metrics = match settings.metrics_addr {
            Some(address) => Some(serve::listen(address, "METRICS_ADDR").await?),
            None => None,
        };
        Ok(Self { app, local_idp, metrics })
    }
}

#[derive(Clone, Debug)]
pub struct Site {
    pub app: App,
    #[cfg(feature = "demo")]
    pub demo: Demo,
    local_provider: Option<LocalProvider>,
}

impl Site {
    /// # Errors
    /// If the database, the signing keys or the password hasher cannot be used.
    pub async fn new(
        settings: Settings,
        clock: Clock,
        local_provider: Option<LocalProvider>,
    ) -> Result<Self, Error> {
        #[cfg(feature = "demo")]
        let links = latchkey_demo::routes::LINKS;
        #[cfg(not(feature = "demo"))]
        let links = latchkey_web::links::Links::default();
        let app = App::open(settings, clock, links).await?;
        Ok(Self {
            #[cfg(feature = "demo")]
            demo: latchkey_demo::demo(app.clone(), local_provider),
            app,
            local_provider,
        })
    }

    /// Serves until `stop` completes, then finishes running requests.
    ///
    /// # Errors
    /// If the local provider or the OTLP exporter cannot start.
    pub async fn serve(
        self,
        listeners: Listeners,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let router = self.router();
        let mut sites: Vec<_> =
            listeners.app.into_iter().map(|listener| (listener, router.clone())).collect();
        if let (Some(listener), Some(make)) = (listeners.local_idp, self.local_provider)
            && let Some(provider) = make(&self.app.settings)?
        {
            #[cfg(feature = "demo")]
            let provider = latchkey_demo::routes::record_provider(&self.demo, provider);
            sites.push((listener, provider));
        }
        if let Some(listener) = listeners.metrics {
            sites.push((listener, metrics::router(&self.app)));
        }
        #[cfg(feature = "otlp")]
        let otlp = otlp::start(&self.app)?;
        serve::run(
            self.app,
            sites,
            |_jobs| {
                #[cfg(feature = "demo")]
                latchkey_demo::routes::start_jobs(&self.demo, _jobs);
            },
            stop,
        )
        .await;
        #[cfg(feature = "otlp")]
        otlp::stop(otlp).await;
        Ok(())
    }

    fn router(&self) -> Router {
        #[cfg(feature = "demo")]
        return latchkey_demo::routes::router(&self.demo);
        #[cfg(not(feature = "demo"))]
        latchkey_web::routes::router(&self.app, latchkey_web::routes::Extra::default())
    }
}
