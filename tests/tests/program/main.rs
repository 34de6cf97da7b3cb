//! The program: its commands and its checks at start.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]
mod commands;
mod doctor;
mod documents;
mod examples;
mod house;
mod process;
mod product;
mod replicas;
mod settings;
mod snippets;
mod sources;
