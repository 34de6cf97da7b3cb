//! The product: pages, the API, e-mail, background jobs and the command line.
//!
//! [`routes`] lists every URL, [`settings`] every setting, and
//! `latchkey_axum::errors::catalogue` every error.

pub mod api;
pub mod app;
pub mod background;
pub mod claims;
pub mod cli;
mod compression;
mod connection;
mod connection_limits;
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
mod prelude;
mod recovery;
pub mod resource;
pub mod routes;
pub mod serve;
#[cfg_attr(not(feature = "mail"), path = "no_smtp.rs")]
mod smtp;
pub mod static_files;

pub use latchkey_axum::{audit, caller, client, cookies, errors, extract, settings, sign_in};
