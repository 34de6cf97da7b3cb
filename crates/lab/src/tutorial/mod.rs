//! An ordinary sign-in, as tutorials show it: it works, and lacks what they leave out. The lab
//! starts it on this machine, attacks it with the same list as Latchkey, and stops it.

mod google;
mod site;
mod visit;

use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

use self::visit::Data;
use crate::agent::{Answer, Call, Interceptor};
use crate::error::{Error, Result};
use crate::instance::{LocalProvider, Target};

/// It runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Tutorial {
    target: Target,
    registered: Url,
    _running: JoinSet<()>,
}

impl Tutorial {
    /// It signs in at this provider, with the registration of another app.
    pub(crate) async fn start(provider: LocalProvider) -> Result<Self> {
        let failed = |error: std::io::Error| Error::StartFailed(error.to_string());
        let no_url = |error: url::ParseError| Error::StartFailed(error.to_string());
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let app = Url::parse(&format!("http://localhost:{port}")).map_err(no_url)?;
        let registered = Url::parse(&provider.redirect_uri).map_err(no_url)?;
        let data = Arc::new(Data::new(app.clone(), provider.clone())?);
        let routes = Router::new().fallback(site::answer).with_state(data);
        let mut running = JoinSet::new();
        // It ends when this is dropped.
        running.spawn(async move { drop(axum::serve(listener, routes).await) });
        let target = Target { app, provider: Some(provider) };
        Ok(Self { target, registered, _running: running })
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Leads browsers here that the provider sends to the app whose registration it is.
    pub(crate) fn way_back(&self) -> Arc<dyn Interceptor> {
        Arc::new(WayBack { from: self.registered.clone(), port: self.target.app.port() })
    }
}

#[derive(Debug)]
struct WayBack {
    from: Url,
    port: Option<u16>,
}

impl Interceptor for WayBack {
    fn on_request(&self, call: &mut Call) {
        if call.url.origin() == self.from.origin() {
            // An http URL can have a port.
            let _ = call.url.set_port(self.port);
        }
    }

    fn on_response(&self, _: &Call, _: &mut Answer) {}
}
