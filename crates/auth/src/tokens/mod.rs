//! The second key: a signed token that says everything itself (RFC 9068).
//!
//! [`issue()`] signs [`AccessClaims`] with the current key of a [`KeyRing`];
//! [`verify()`] reads like RFC 9068 §4 and asks nothing but the ring and the time;
//! [`Verifier`] remembers what was verified, and [`SigningKeys`] keeps the ring
//! in the database. A [`TokenIssuer`] issues and refreshes pairs. What ends before it expires is in a [`RevocationList`].

pub mod cache;
mod claims;
mod error;
mod key;
pub mod refresh;
pub mod revocation;
pub mod ring;
pub mod signing_keys;
pub mod verify;

pub use cache::Verifier;
pub use claims::{AccessClaims, TYPE, issue};
pub use error::TokenError;
pub use key::{Algorithm, KeyError, SigningKey, VerifyingKey};
pub use refresh::{TokenIssuer, TokenPair};
pub use revocation::RevocationList;
pub use ring::{Key, KeyRing, RingKey};
pub use signing_keys::{KeySource, SigningKeys, VerifyError};
pub use verify::{Expected, verify};
