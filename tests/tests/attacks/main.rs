//! The attack lab: every attack is refused by the check that is there for it,
//! and nothing is left behind.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod catalogue;
mod judge;
mod lab;
