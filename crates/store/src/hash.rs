//! Hashes of secrets that are long and random.

use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 in lower-case hex: what is kept of a session id or a refresh token.
///
/// A plain hash is enough because what goes in has at least 128 bits of
/// entropy; a password never comes here.
pub fn sha256_hex(secret: &str) -> String {
    const HEX: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digest = digest(&SHA256, secret.as_bytes());
    let halves = digest.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.map(|half| HEX[usize::from(half)]).collect()
}

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    #[test]
    fn sha256_as_everybody_computes_it() {
        assert_eq!(
            super::sha256_hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
