//! One's own sign-ins on the wire: recorded as they happen, without their
//! secrets, and shown to nobody but whose they are.
//!
//! [`recorder`] sees the messages; [`redact`] takes the secrets out by the table
//! of [`rules`] before anything is kept; [`model`] is what is left. Everything
//! that is made of it ([`har`], [`curl`], [`sequence`], [`timing`], [`view`]) is a pure function of the model.

mod builder;
mod curl;
mod har;
mod json;
mod model;
pub(crate) mod pages;
pub(crate) mod pending;
pub(crate) mod recorder;
mod redact;
mod rules;
mod sequence;
mod steps;
mod text;
pub(crate) mod timing;
pub(crate) mod view;
