//! SHA-256 of long random secrets.

use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 in lower-case hex, for storing session ids and refresh tokens.
///
/// A plain hash is enough for secrets with at least 128 bits of entropy. Not for passwords.
pub fn sha256_hex(secret: &str) -> String {
    const HEX: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digest = digest(&SHA256, secret.as_bytes());
    let digits = digest.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| HEX[usize::from(digit)]).collect()
}

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    #[test]
    fn sha256_matches_the_standard_test_vector() {
        assert_eq!(
            super::sha256_hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
