//! Starts the local provider, which simulates real ones in development.

use std::io;

use latchkey_auth::oauth::Provider;
use tokio::net::TcpListener;

use crate::config::LocalIdp;
use crate::state::Latchkey;

impl Latchkey {
    /// Starts the local provider in place of the providers without credentials. Does nothing
    /// outside development.
    pub async fn start_local_provider(&self) -> io::Result<()> {
        let Some(idp) = &self.config.local_idp else { return Ok(()) };
        let config = config(idp, clients(&self.providers, &self.config.product.name));
        let router = latchkey_idp::router(config).map_err(io::Error::other)?;
        let listener = TcpListener::bind(("127.0.0.1", idp.port)).await?;
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(())
    }
}

/// The local provider's configuration, without an API for third-party apps.
pub fn config(idp: &LocalIdp, clients: Vec<latchkey_idp::Client>) -> latchkey_idp::Config {
    latchkey_idp::Config {
        base_url: idp.url.clone(),
        clients,
        apis: Vec::new(),
        people_file: Some(idp.people_file.clone()),
        grants_file: Some(idp.people_file.with_file_name("local-grants.json")),
    }
}

/// The application's registration at each provider that is simulated locally.
pub fn clients(providers: &[Provider], name: &str) -> Vec<latchkey_idp::Client> {
    let client = |provider: &Provider| latchkey_idp::Client {
        provider: match provider.slug.as_str() {
            "google" => latchkey_idp::Provider::Google,
            "github" => latchkey_idp::Provider::Github,
            _ => latchkey_idp::Provider::Facebook,
        },
        id: provider.client_id.clone(),
        secret: provider.client_secret.expose().to_owned(),
        redirect_uris: vec![provider.redirect_uri.to_string()],
        name: name.to_owned(),
        uri: None,
    };
    providers.iter().filter(|provider| provider.local).map(client).collect()
}
