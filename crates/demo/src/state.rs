//! The state of the demo's handlers.

use std::io;
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
use crate::traces::pending::PendingTraces;

pub type LocalProvider =
    fn(&Settings) -> Result<Option<Router>, Box<dyn std::error::Error + Send + Sync>>;

/// Creates a factory of temporary instances. Passed in, because that module imports this one.
pub type NewInstances = fn(Option<LocalProvider>) -> io::Result<Box<dyn InstanceFactory>>;

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
    new_instances: NewInstances,
}

impl Demo {
    pub(crate) fn new(
        app: App,
        local_provider: Option<LocalProvider>,
        new_instances: NewInstances,
    ) -> Self {
        Self(Arc::new(State {
            app,
            comparison: Comparison::default(),
            stopwatch: Stopwatch::default(),
            lab: Reports::default(),
            drills: Drills::default(),
            pending: PendingTraces::default(),
            local_provider,
            new_instances,
        }))
    }

    pub(crate) fn instance_factory(&self) -> HandlerResult<Box<dyn InstanceFactory>> {
        (self.new_instances)(self.local_provider).map_err(|error| {
            tracing::error!(%error, "no instances can be started");
            AppError::new(catalogue::INTERNAL_ERROR)
        })
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
