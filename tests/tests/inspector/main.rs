//! Interactive pages of the demo: the inspector, the drill, the chooser.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod advice;
mod choose;
mod claims;
mod drill;
mod inspect;
mod pasted;
mod read;
mod signatures;
