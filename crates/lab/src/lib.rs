//! The comparison and the attack lab: an HTTP client that measures and attacks a Latchkey. It
//! depends on no other crate of this workspace: everything it does, you could do with curl. The
//! caller passes an [`InstanceFactory`], which starts the instances to measure.
//!
//! [`experiments::ALL`] has one experiment per claim: it collects [`Evidence`], and a pure
//! function derives the [`Verdict`] from it. [`run()`] runs them one after the other.

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
