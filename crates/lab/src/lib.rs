//! The comparison: a client that measures and attacks a Latchkey over HTTP.
//!
//! It walks through the doors as a browser does and calls the API as a program
//! does. It imports no other crate of this workspace: whatever it measures or
//! attacks, anybody with curl could. Where it measures is a [`Ground`], which
//! whoever uses it brings along.
//!
//! [`claims::ALL`] is the one list of claims. Each has an experiment, which
//! yields [`Evidence`], and a pure function that reaches a [`Verdict`] from it
//! and from nothing else; [`run()`] does them one after the other.

pub mod agent;
pub mod attacks;
pub mod claims;
pub mod doors;
mod error;
pub mod evidence;
pub mod ground;
pub mod issuer;
pub mod remote;
pub mod run;
pub mod stats;
pub mod stopwatch;
pub mod token;
pub mod verdict;

pub use agent::{Agent, Answer, Call};
pub use error::{Error, Result};
pub use evidence::{Evidence, Fact, Figure, Series};
pub use ground::{Ground, Place, Switch, Wishes};
pub use run::{Bench, Options, Outcome, Report, run};
pub use verdict::{Verdict, verdict_of};
