//! Decisions as tables: no database, no server, no clock.
#![allow(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod connections;
mod people;
mod sign_ins;
mod where_and_when;
