//! JOSE, once for everything that reads or writes a token here: our access
//! tokens, other people's ID tokens, and whatever is pasted into the inspector.
//!
//! This says what a token *is*: three parts of strict base64url, JSON objects
//! whose members may be asked for duplicates, keys and the algorithms by which
//! they verify. Which of that is *accepted* is a policy, and stands with its
//! token: in `tokens/verify.rs` and `oauth/id_token.rs`.

mod algorithm;
pub mod base64url;
mod jws;
mod key;
pub mod pem;

pub use algorithm::{Algorithm, verify_hmac};
pub use jws::{DecodedJws, Jws, Members, decode_unverified};
pub use key::{OID_EC, OID_ED25519, OID_P256, OID_RSA, PublicKey};
