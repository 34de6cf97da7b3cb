//! The application state that every handler can reach.

use std::ops::Deref;
use std::sync::Arc;

use latchkey_auth::connections::Connections;
use latchkey_auth::vault::Vault;
use latchkey_axum::{AppError, HandlerResult, Latchkey, catalogue};
use latchkey_domain::Clock;
use tokio_util::task::TaskTracker;

use crate::lifecycle::Lifecycle;
use crate::links::Links;
use crate::mail::InvalidUrl;
use crate::mailer::Mailer;
use crate::resource;
use crate::settings::Settings;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct App(Arc<Application>);

impl Deref for App {
    type Target = Application;

    fn deref(&self) -> &Application {
        &self.0
    }
}

#[derive(Debug)]
pub struct Application {
    pub latchkey: Latchkey,
    pub settings: Settings,
    pub connections: Connections,
    /// Writes that must finish before the database is closed.
    pub background_writes: TaskTracker,
    pub lifecycle: Arc<Lifecycle>,
    pub mailer: Mailer,
    pub links: Links,
}

impl Deref for Application {
    type Target = Latchkey;

    fn deref(&self) -> &Latchkey {
        &self.latchkey
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Latchkey(#[from] latchkey_axum::Error),
    #[error(transparent)]
    Mail(#[from] InvalidUrl),
}

impl App {
    /// Opens the database. Calls no provider: one that is down must not prevent a start.
    pub async fn open(mut settings: Settings, clock: Clock, links: Links) -> Result<Self, Error> {
        settings.config.resource_metadata = Some(resource::metadata_url(&settings));
        let latchkey = Latchkey::open(&settings, clock).await?;
        let vault = Vault::new(settings.app_secret.clone());
        let (db, http, clock) = (&latchkey.db, &latchkey.http, &latchkey.clock);
        Ok(Self(Arc::new(Application {
            connections: Connections::new(db.clone(), http.clone(), vault, clock.clone()),
            latchkey,
            background_writes: TaskTracker::new(),
            lifecycle: Arc::new(Lifecycle::new(settings.shutdown_grace.into())),
            mailer: Mailer::new(&settings)?,
            links: if settings.demo { links } else { Links::default() },
            settings,
        })))
    }

    /// Runs `work` to its end, even if the client disconnects: a token that was rotated
    /// but not stored would be lost.
    pub(crate) async fn run_to_completion<T: Send + 'static>(
        &self,
        work: impl Future<Output = HandlerResult<T>> + Send + 'static,
    ) -> HandlerResult<T> {
        self.background_writes.spawn(work).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a background write panicked");
            Err(AppError::new(catalogue::INTERNAL_ERROR))
        })
    }
}
