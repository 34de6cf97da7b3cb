//! The doors and the keys, without an HTTP server in sight.
//!
//! Which door? [`oauth`] is the way through a provider, [`password`] the local
//! one. Which key? [`session`] is what a server remembers, [`tokens`] are what a
//! person carries; and [`introspection`] is how somebody else's key is taken, an
//! opaque OAuth token. The tree is the comparison.

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
