//! JOSE for access tokens, ID tokens and the inspector.
//!
//! The format: three parts of strict base64url, JSON objects with duplicate detection, keys and
//! algorithms. What is accepted is decided in `tokens/verify.rs` and `oauth/id_token.rs`.

mod algorithm;
pub mod base64url;
mod jws;
mod key;
pub mod pem;

pub use algorithm::{Algorithm, verify_hmac};
pub use jws::{DecodedJws, Jws, Members, decode_unverified};
pub use key::{OID_EC, OID_ED25519, OID_P256, OID_RSA, PublicKey};
