//! An ordinary sign-in as tutorials show it: it works, but without the checks they leave out. The
//! lab starts it on this machine and runs the same attacks against it.

mod google;
mod site;
mod state;

use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

use self::state::AppState;
use crate::agent::{Answer, Call, Interceptor};
use crate::error::{Error, Result};
use crate::instance::{LocalProvider, Target};

/// Runs until dropped.
#[derive(Debug)]
pub(crate) struct Tutorial {
    target: Target,
    registered_app: Url,
    _server: JoinSet<()>,
}

impl Tutorial {
    /// Uses the registration of another app at this provider.
    pub(crate) async fn start(provider: LocalProvider) -> Result<Self> {
        let failed = |error: std::io::Error| Error::StartFailed(error.to_string());
        let no_url = |error: url::ParseError| Error::StartFailed(error.to_string());
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let app = Url::parse(&format!("http://localhost:{port}")).map_err(no_url)?;
        let registered_app = Url::parse(&provider.redirect_uri).map_err(no_url)?;
        let state = Arc::new(AppState::new(app.clone(), provider.clone())?);
        let router = Router::new().fallback(site::handle).with_state(state);
        let mut server = JoinSet::new();
        server.spawn(async move { drop(axum::serve(listener, router).await) });
        let target = Target { app, provider: Some(provider) };
        Ok(Self { target, registered_app, _server: server })
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Sends callbacks for the registered app to the tutorial.
    pub(crate) fn callback_redirect(&self) -> Arc<dyn Interceptor> {
        Arc::new(CallbackRedirect {
            from: self.registered_app.clone(),
            port: self.target.app.port(),
        })
    }
}

#[derive(Debug)]
struct CallbackRedirect {
    from: Url,
    port: Option<u16>,
}

impl Interceptor for CallbackRedirect {
    fn on_request(&self, call: &mut Call) {
        if call.url.origin() == self.from.origin() {
            // Cannot fail: an http URL can have a port.
            let _ = call.url.set_port(self.port);
        }
    }

    fn on_response(&self, _: &Call, _: &mut Answer) {}
}
