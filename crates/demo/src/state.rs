//! What the handlers of the demonstration can reach.

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
use crate::drill::stage::Stage;
use crate::lab::runner::Reports;
use crate::stopwatch::runner::Stopwatch;
use crate::traces::pending::PendingTraces;

pub type LocalProvider =
    fn(&Settings) -> Result<Option<Router>, Box<dyn std::error::Error + Send + Sync>>;

/// Makes a place in which instances can be started and thrown away.
pub type NewInstances = fn(Option<LocalProvider>) -> io::Result<Box<dyn InstanceFactory>>;

/// The product, and what is known of it. A copy is the same one.
#[derive(Clone, Debug)]
pub struct Demo(Arc<State>);

#[derive(Debug)]
pub struct State {
    pub app: App,
    pub comparison: Comparison,
    pub(crate) stopwatch: Stopwatch,
    pub(crate) lab: Reports,
    pub(crate) drill: Stage,
    /// The sign-ins that are being recorded and whose browser is away.
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
            drill: Stage::default(),
            pending: PendingTraces::default(),
            local_provider,
            new_instances,
        }))
    }

    /// Where something can be measured without touching this instance.
    pub(crate) fn instances(&self) -> io::Result<Box<dyn InstanceFactory>> {
        (self.new_instances)(self.local_provider)
    }

    pub(crate) fn factory(&self) -> HandlerResult<Box<dyn InstanceFactory>> {
        self.instances().map_err(|error| {
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

/// So that the product's extractors work in our handlers.
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
