//! JWT access tokens (RFC 9068) and their refresh tokens.
//!
//! [`issue()`] signs [`AccessClaims`] with the current key of a [`KeyRing`];
//! [`verify()`] follows RFC 9068 §4. [`Verifier`] caches verified tokens, [`SigningKeys`] stores
//! the ring in the database, [`TokenIssuer`] issues and refreshes token pairs, and
//! [`RevocationList`] has the tokens that are revoked before they expire.

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
