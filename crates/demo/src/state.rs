//! The state of the demo's handlers.

use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use latchkey_axum::Latchkey;
use latchkey_lab::InstanceFactory;
use latchkey_web::app::App;
use latchkey_web::errors::{AppError, HandlerResult, catalogue};
use latchkey_web::settings::Settings;

use crate::compare::results::Comparison;
use crate::drill::state::Drills;
use crate::lab::runner::Reports;
use crate::stopwatch::runner::Stopwatch;
use crate::throwaway::ThrowawayInstances;
use crate::traces::pending::PendingTraces;

pub type LocalProvider =
    fn(&Settings) -> Result<Option<Router>, Box<dyn std::error::Error + Send + Sync>>;

/// The app and the demo's state. Clones share it.
#[derive(Clone, Debug)]
pub struct Demo(Arc<State>);

#[derive(Debug)]
pub struct State {
    pub app: App,
    pub comparison: Comparison,
    pub(crate) stopwatch: Stopwatch,
    pub(crate) lab: Reports,
    pub(crate) drills: Drills,
    pub(crate) pending: PendingTraces,
    pub(crate) local_provider: Option<LocalProvider>,
}

impl Demo {
    pub fn new(app: App, local_provider: Option<LocalProvider>) -> Self {
        Self(Arc::new(State {
            app,
            comparison: Comparison::default(),
            stopwatch: Stopwatch::default(),
            lab: Reports::default(),
            drills: Drills::default(),
            pending: PendingTraces::default(),
            local_provider,
        }))
    }

    pub(crate) fn instance_factory(&self) -> HandlerResult<Box<dyn InstanceFactory>> {
        let instances = ThrowawayInstances::new(self.local_provider).map_err(|error| {
            tracing::error!(%error, "no instances can be started");
            AppError::new(catalogue::INTERNAL_ERROR)
        })?;
        Ok(Box::new(instances))
    }
}

impl Deref for Demo {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

/// Lets the product's extractors work in the demo's handlers.
impl FromRef<Demo> for Latchkey {
    fn from_ref(demo: &Demo) -> Self {
        demo.app.latchkey.clone()
    }
}

impl FromRef<Demo> for App {
    fn from_ref(demo: &Demo) -> Self {
        demo.app.clone()
    }
}
