//! Everything that can go wrong, and how a person is told.
//!
//! A handler answers with a [`Fault`]. It knows nothing of HTML or JSON: the
//! middleware in `crate::middleware::faults` renders it as a page or as
//! `application/problem+json`, from the one entry in the [`catalogue`].

pub mod catalogue;
mod fault;
pub mod oauth;
mod refusals;

pub use catalogue::{Entry, Owner};
pub use fault::body_refused;
pub use fault::{Action, Fault, Result};
pub use refusals::{Problem, Refusals};
