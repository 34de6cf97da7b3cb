//! Cache keys for tokens.

use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 of the whole token, so that a memory dump reveals no token.
/// Collisions are infeasible.
pub(crate) type Fingerprint = [u8; 32];

pub(crate) fn fingerprint(token: &str) -> Fingerprint {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    fingerprint
}
