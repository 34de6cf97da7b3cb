//! HTTP and HTML: what ties the doors and the keys together.
//!
//! [`routes`] is the one list of addresses, `templates` the one list of
//! pages, [`settings`] the one list of settings, [`errors::catalogue`] the one
//! list of everything that can go wrong.

pub mod api;
pub mod app;
mod audit;
mod background;
pub mod beside;
pub mod caller;
pub mod cli;
pub mod client;
pub mod comparison;
pub mod cookies;
mod device;
pub mod doctor;
pub mod errors;
mod form;
pub mod ground;
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
mod sign_in;
mod static_files;
pub mod stopwatch;
mod templates;
mod traces;
pub mod used;
