//! The second key: a signed token that says everything itself (RFC 9068).
//!
//! [`issue()`] signs [`AccessClaims`] with the current key of a [`KeyRing`];
//! [`verify()`] reads like RFC 9068 §4 and asks nothing but the ring and the time;
//! [`Verifier`] remembers what was verified. There is no database in here and
//! no HTTP: whoever keeps the ring loads it and hands it in.
//!
//! Signatures are made and checked by jsonwebtoken. Claims are judged here,
//! because that library reads the machine's clock, leaves `typ` and `crit`
//! alone, and takes tokens without `aud` or `iss` (RFC 8725 §3.8–3.11).

pub mod algorithm;
pub mod cache;
pub mod claims;
pub mod inspect;
mod issue;
pub mod jwks;
pub mod key;
pub(crate) mod members;
mod pem;
pub mod refused;
pub mod ring;
mod shown;
#[cfg(test)]
mod tests;
pub mod verify;
pub mod verifying_key;

pub use algorithm::Algorithm;
pub use cache::Verifier;
pub use claims::AccessClaims;
pub use issue::issue;
pub use key::{KeyError, SigningKey};
pub use refused::Refused;
pub use ring::{Key, KeyRing, RingKey};
pub use shown::{Shown, shown};
pub use verify::{Expected, verify};
pub use verifying_key::VerifyingKey;

/// The type of our access tokens (RFC 9068 §2.1), which no other token has.
pub const TYPE: &str = "at+jwt";

/// Chooses the cryptography of jsonwebtoken, which panics when nobody has.
///
/// Every way to make a key calls this, and nothing is signed or verified
/// without a key: so no caller can forget it. A second call does nothing.
fn use_aws_lc() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // Refused only when somebody has chosen already, which is as good.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    });
}
