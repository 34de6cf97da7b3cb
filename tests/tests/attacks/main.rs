//! The attack lab: every attack is stopped by the intended check, and leaves nothing behind.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod catalogue;
mod judge;
mod lab;
