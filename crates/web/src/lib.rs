//! HTTP and HTML: what ties the doors and the keys together.
//!
//! [`routes`] is the one list of addresses, `templates` the one list of
//! pages, [`settings`] the one list of settings, and `latchkey_axum::errors::catalogue`
//! the one list of everything that can go wrong.

pub mod api;
pub mod app;
pub mod background;
pub mod claims;
pub mod cli;
pub mod doctor;
mod host;
pub mod layout;
pub mod logging;
pub mod mail;
mod pages;
mod recovery;
pub mod routes;
pub mod serve;
pub mod settings;
pub mod static_files;
pub mod templates;

pub use latchkey_axum::{audit, caller, client, cookies, errors, extract, sign_in};
