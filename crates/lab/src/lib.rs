//! The comparison and the attack lab: a client that measures and attacks a Latchkey over
//! HTTP alone. It depends on no other crate of this workspace, so anybody with curl could do
//! the same. The caller brings an [`InstanceFactory`] that starts what is measured.
//!
//! [`experiments::ALL`] has an experiment for each claim, which yields [`Evidence`], and a pure
//! function that reaches a [`Verdict`] from that alone; [`run()`] runs them one after the other.

pub mod agent;
pub mod attacks;
pub mod context;
mod error;
pub mod evidence;
pub mod experiments;
pub mod instance;
pub mod introspection;
pub mod remote;
pub mod run;
pub mod sign_in;
pub mod stats;
pub mod stopwatch;
pub mod token;
mod tutorial;
pub mod verdict;

pub use agent::{Agent, Answer, Call};
pub use context::{Context, Options};
pub use error::{Error, Result};
pub use evidence::{Evidence, Fact, Figure, Series};
pub use experiments::{Experiment, verdict_of};
pub use instance::{Disruption, Instance, InstanceFactory, InstanceOptions, LocalProvider, Target};
pub use run::{Outcome, Report, run};
pub use verdict::Verdict;
