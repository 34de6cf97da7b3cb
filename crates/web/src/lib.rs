//! The product: pages and their templates, the API, settings, the command line.
//!
//! [`routes`] is the one list of addresses, [`settings`] the one list of
//! settings, and `latchkey_axum::errors::catalogue` the one list of everything
//! that can go wrong.

pub mod api;
pub mod app;
pub mod background;
pub mod claims;
pub mod cli;
mod compression;
mod connection;
pub mod doctor;
pub mod hints;
mod host;
pub mod labels;
pub mod layout;
mod lifecycle;
pub mod links;
pub mod logging;
pub mod mail;
mod mail_queue;
pub mod mailer;
pub mod metrics;
pub mod page;
mod pages;
mod places;
mod prelude;
mod recovery;
pub mod resource;
pub mod routes;
pub mod serve;
#[cfg_attr(not(feature = "mail"), path = "no_smtp.rs")]
mod smtp;
pub mod static_files;

pub use latchkey_axum::{audit, caller, client, cookies, errors, extract, settings, sign_in};
