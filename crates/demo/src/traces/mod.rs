//! One's own sign-ins on the wire: recorded as they happen, without their
//! secrets, and shown to nobody but whose they are.
//!
//! [`recorder`] sees the messages; [`redact`] takes the secrets out before
//! anything is kept; [`model`] is what is left. Everything that is made of it
//! ([`har`], [`mermaid`], [`curl`], [`view`], [`side_by_side`]) is a pure
//! function of the model.

pub(crate) mod curl;
mod diagram;
mod draft;
pub(crate) mod export;
pub(crate) mod har;
mod labels;
pub(crate) mod mermaid;
pub(crate) mod model;
pub(crate) mod pages;
pub(crate) mod recorder;
mod redact;
pub(crate) mod side_by_side;
mod size;
mod split;
pub(crate) mod steps;
mod tee;
pub(crate) mod text;
mod timeline;
pub(crate) mod view;
pub(crate) mod waiting;
