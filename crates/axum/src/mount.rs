//! [`Latchkey::from_env`], its routes and its layer: sign-in in a few lines.

use axum::Router;
use axum::extract::FromRef;
use latchkey_domain::Clock;

use crate::host::Host;
use crate::middleware::RouteLayer;
use crate::routes::Routes;
use crate::settings::{Capabilities, Environment, Problems, Settings};
use crate::state::{Error, Latchkey};
use crate::{middleware, routes};

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Settings(#[from] Problems),
    #[error(transparent)]
    Open(#[from] Error),
}

/// The default [`Host`].
impl Host for Latchkey {}

impl Latchkey {
    /// Reads the settings from the environment and `.env`, opens the database in
    /// `DATABASE_URL` and runs its migrations. An error lists all invalid settings.
    pub async fn from_env() -> Result<Self, StartError> {
        Self::from_environment(Environment::from_process()).await
    }

    /// Like [`Self::from_env`], with a default for `PRODUCT_NAME`: the name that providers
    /// see, and the prefix of cookie names.
    pub async fn from_env_as(product: &str) -> Result<Self, StartError> {
        let environment = Environment::from_process().with_default("PRODUCT_NAME", product);
        Self::from_environment(environment).await
    }

    async fn from_environment(environment: Environment) -> Result<Self, StartError> {
        let local_provider = cfg!(feature = "local-idp");
        let built_with = Capabilities { local_provider, demo: false, otlp: false, mail: None };
        let settings = Settings::load(&environment, built_with)?;
        Ok(Self::open(&settings, Clock::System).await?)
    }

    /// All routes: sign-in with a provider or a password, sign-up, sign-out and the token
    /// API. They bring their own middleware; merge them into a router with any state.
    pub fn routes<S>(&self) -> Router<S> {
        self.routes_for(self, Routes::ALL)
    }

    /// A choice of routes, customized by a [`Host`].
    pub fn routes_for<H: Host, S>(&self, host: &H, routes: Routes) -> Router<S>
    where
        Self: FromRef<H>,
    {
        let mut router = middleware::guard_pages(routes::pages(self, routes), host);
        if routes.tokens {
            router = router.merge(middleware::guard_api(Router::from(routes::api()), self));
        }
        router.with_state(host.clone())
    }

    /// The middleware for your own routes: renders errors as pages, blocks cross-site
    /// requests and sends refreshed tokens to the browser. Add it before you merge
    /// [`Self::routes`].
    pub fn layer(&self) -> impl RouteLayer {
        middleware::page_layer(self)
    }
}
