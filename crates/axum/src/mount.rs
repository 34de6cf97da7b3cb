//! Sign-in in a few lines: what an application takes from here when it brings
//! nothing but its own routes.

use axum::Router;
use axum::extract::FromRef;
use latchkey_domain::Clock;

use crate::host::Host;
use crate::middleware::RouteLayer;
use crate::routes::Routes;
use crate::settings::{Capabilities, Environment, Problems, Settings};
use crate::state::{Error, Latchkey};
use crate::{middleware, routes};

/// Why sign-in cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Everything that is wrong with the settings, at once.
    #[error(transparent)]
    Settings(#[from] Problems),
    #[error(transparent)]
    Open(#[from] Error),
}

/// What decides where nobody else does.
impl Host for Latchkey {}

impl Latchkey {
    /// Reads the settings from the environment and `.env`, opens the database of
    /// `DATABASE_URL` and brings its tables up to date.
    /// An error says everything that is wrong with the settings at once.
    pub async fn from_env() -> Result<Self, StartError> {
        Self::of(Environment::of_process()).await
    }

    /// The same as a product of this name, unless `PRODUCT_NAME` says otherwise: for
    /// providers, and in what the names of cookies begin with.
    pub async fn from_env_as(product: &str) -> Result<Self, StartError> {
        Self::of(Environment::of_process().or("PRODUCT_NAME", product)).await
    }

    async fn of(environment: Environment) -> Result<Self, StartError> {
        let local_provider = cfg!(feature = "local-idp");
        let built_with = Capabilities { local_provider, demo: false, otlp: false, mail: None };
        let settings = Settings::load(&environment, built_with)?;
        Ok(Self::open(&settings, Clock::System).await?)
    }

    /// Signing in at a provider or with a password, signing up and out, and the token
    /// API, each with its guards around it. Goes into a router with any state.
    pub fn routes<S>(&self) -> Router<S> {
        self.routes_of(self, Routes::ALL)
    }

    /// Some of them, with what this host decides: how an error looks, who gets a role.
    pub fn routes_of<H: Host, S>(&self, host: &H, some: Routes) -> Router<S>
    where
        Self: FromRef<H>,
    {
        let mut router = middleware::around_pages(routes::pages(self, some), host);
        if some.tokens {
            router = router.merge(middleware::around_api(Router::from(routes::api()), self));
        }
        router.with_state(host.clone())
    }

    /// Goes around one's own routes, before [`Self::routes`] are merged: errors become
    /// pages, requests of other sites are refused, renewed tokens reach the browser.
    pub fn layer(&self) -> impl RouteLayer {
        middleware::page_layer(self)
    }
}
