//! Sign-in and credentials, without an HTTP server.
//!
//! Users sign in with [`oauth`] or with a [`password`], and hold a server [`session`] or
//! JWTs ([`tokens`]). [`introspection`] accepts opaque access tokens of another
//! authorization server, and [`connections`] call the APIs of providers.

pub mod accounts;
pub mod connections;
mod fingerprint;
pub mod http;
pub mod introspection;
pub mod jose;
pub mod oauth;
pub mod password;
pub mod random;
pub mod secret;
pub mod session;
pub mod tokens;
pub mod trace_context;
pub mod vault;
