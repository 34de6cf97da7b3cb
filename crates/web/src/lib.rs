//! HTTP and HTML: what ties the doors and the keys together.
//!
//! [`routes`] is the one list of addresses, `templates` the one list of
//! pages, [`settings`] the one list of settings, [`errors::catalogue`] the one
//! list of everything that can go wrong.

pub mod api;
pub mod app;
mod audit;
pub mod background;
pub mod beside;
pub mod caller;
pub mod claims;
pub mod cli;
pub mod client;
pub mod cookies;
mod device;
pub mod doctor;
pub mod errors;
pub mod form;
pub mod layout;
pub mod limits;
pub mod logging;
pub mod mail;
mod middleware;
mod pages;
mod password;
mod recovery;
pub mod routes;
pub mod serve;
pub mod settings;
pub mod sign_in;
pub mod static_files;
pub mod templates;
pub mod used;
