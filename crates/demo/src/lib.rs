//! The demo: pages and commands that show, measure and attack the product, which does not depend
//! on them. [`routes`] lists the pages.

pub mod choose;
pub mod cli;
pub mod compare;
mod development;
mod drill;
mod home;
mod inspector;
pub mod job;
mod lab;
mod prelude;
mod report;
pub mod routes;
pub mod state;
mod stopwatch;
pub mod throwaway;
mod traces;

use latchkey_web::app::App;

use crate::state::{Demo, LocalProvider};

pub fn demo(app: App, local_provider: Option<LocalProvider>) -> Demo {
    Demo::new(app, local_provider, throwaway::instances)
}
