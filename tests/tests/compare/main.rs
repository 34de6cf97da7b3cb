//! The comparison: its page, its verdicts, and whether its counts match the database.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod dial;
mod figures;
mod outcomes;
mod page;
mod statement_log;
mod verdicts;
