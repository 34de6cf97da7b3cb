//! The doors and the keys, without an HTTP server in sight.
//!
//! Which door? [`oauth`] is the way through a provider, [`password`] the local
//! one. Which key? [`session`] is what a server remembers, [`jwt`] is what a
//! person carries; and [`introspection`] is how somebody else's key is taken, an
//! opaque OAuth token. The tree is the comparison.

pub mod admission;
pub mod connections;
mod generations;
pub mod http;
pub mod introspection;
pub mod jwt;
pub mod key_ring;
pub mod linking;
pub mod oauth;
pub mod password;
pub mod random;
pub mod refresh;
pub mod revocation;
pub mod secret;
pub mod session;
pub mod starters;
pub mod vault;
