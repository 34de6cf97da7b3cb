//! Hashes of secrets that are long and random.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 in lower-case hex: what is kept of a session id or a refresh token.
///
/// A plain hash is enough because what goes in has at least 128 bits of
/// entropy; a password never comes here.
pub fn of(secret: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in sha256(secret.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    #[test]
    fn sha256_as_everybody_computes_it() {
        assert_eq!(
            super::of("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
