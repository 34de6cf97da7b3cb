//! Calendar Printer: somebody else's application, to see from outside what an API gives away.
//!
//! It is registered here like any other third party and uses nothing that the provider knows: it
//! begins with the address of the API's metadata (RFC 9728), finds its authorization server there
//! (RFC 8414), asks for one scope, and keeps its token to itself.

mod discovery;
mod outbound;
mod pages;
mod session;
mod steps;

use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use self::{outbound::Outbound, session::Sessions};
use crate::{Api, Client, Provider, app::Shared, random};

pub(crate) const PATH: &str = "/calendar-printer";
/// Its `client_id`.
pub(crate) const CLIENT_ID: &str = "calendar-printer";
/// The only thing that it asks for.
const SCOPE: &str = "calendar:read";

/// The application, where there is an API to print from.
#[derive(Debug)]
pub(crate) struct Printer {
    api: Arc<Api>,
    client: Client,
    outbound: Outbound,
    sessions: Mutex<Sessions>,
}

impl Printer {
    /// Its registration: a confidential client whose secret is as old as the process.
    pub(crate) fn registration(origin: &str) -> Result<Client, getrandom::Error> {
        Ok(Client {
            provider: Provider::Google,
            id: CLIENT_ID.to_owned(),
            secret: random::token()?,
            redirect_uris: vec![format!("{origin}{PATH}/callback")],
            name: "Calendar Printer".to_owned(),
        })
    }

    pub(crate) fn new(api: Arc<Api>, client: Client) -> Option<Self> {
        let outbound = Outbound::new()?;
        Some(Self { api, client, outbound, sessions: Mutex::default() })
    }

    /// Held for a few map operations, never across an await.
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock()
    }

    fn redirect_uri(&self) -> &str {
        self.client.redirect_uris.first().map(String::as_str).unwrap_or_default()
    }
}

pub(crate) fn routes() -> Router<Shared> {
    let path = |rest: &str| format!("{PATH}{rest}");
    Router::new()
        .route(PATH, get(steps::welcome))
        .route(&path("/connect"), post(steps::connect))
        .route(&path("/callback"), get(steps::callback))
        .route(&path("/printout"), get(steps::printout))
        .route(&path("/forget"), post(steps::forget))
}
