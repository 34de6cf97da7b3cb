//! Pages for whoever wants to see for themselves: the inspector, the drill, the choice.
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
