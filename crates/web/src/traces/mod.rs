//! One's own sign-ins on the wire: recorded as they happen, without their
//! secrets, and shown to nobody but whose they are.
//!
//! [`recorder`] sees the messages; [`redact`] takes the secrets out before
//! anything is kept; [`model`] is what is left. Everything that is made of it
//! ([`har`]) is a pure function of the model.

mod draft;
pub(crate) mod har;
mod labels;
pub(crate) mod model;
pub(crate) mod recorder;
mod redact;
mod size;
pub(crate) mod steps;
mod tee;
pub(crate) mod text;
mod waiting;

pub(crate) use recorder::signed_in;
pub(crate) use waiting::Waiting;
