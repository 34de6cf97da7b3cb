//! HTTP and HTML: what ties the doors and the keys together.
//!
//! [`routes`] is the one list of addresses, [`templates`] the one list of
//! pages, [`settings`] the one list of settings, [`errors::catalogue`] the one
//! list of everything that can go wrong.

pub mod api;
pub mod app;
mod background;
pub mod caller;
pub mod cli;
pub mod client;
pub mod cookies;
pub mod errors;
mod form;
pub mod logging;
mod middleware;
mod pages;
mod password;
pub mod routes;
pub mod serve;
pub mod settings;
mod sign_in;
mod static_files;
mod templates;
