//! Recorded sign-ins: every HTTP exchange without its secrets, visible only to its user.
//!
//! [`recorder`] captures the messages, [`redact`] removes the secrets by the allow list in
//! [`rules`], and [`model`] is what is stored. The pages and exports ([`har`], [`curl`],
//! [`sequence`], [`timing`], [`view`]) are pure functions of the model.

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
