//! PEM, as far as one private key needs it (RFC 7468).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Algorithm;
use super::key::KeyError;

/// The object identifiers by which PKCS #8 names the kind of a key, in DER.
const KINDS: [(&[u8], Kind); 6] = [
    (&[0x06, 0x03, 0x2b, 0x65, 0x70], Kind::Ours(Algorithm::EdDsa)),
    (&[0x06, 0x03, 0x2b, 0x65, 0x71], Kind::Foreign("an Ed448 key")),
    (
        &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a],
        Kind::Foreign("an RSA-PSS key"),
    ),
    (
        &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01],
        Kind::Ours(Algorithm::Rs256),
    ),
    (&[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], Kind::Ours(Algorithm::Es256)),
    (
        &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
        Kind::Foreign("a key on an elliptic curve other than P-256"),
    ),
];

/// The algorithm identifier stands at the beginning, before the key itself.
const IDENTIFIER_WITHIN: usize = 32;

#[derive(Clone, Copy)]
enum Kind {
    Ours(Algorithm),
    Foreign(&'static str),
}

/// The DER inside a PEM that holds one PKCS #8 private key, and its algorithm.
pub(super) fn private_key(pem: &str) -> Result<(Algorithm, Vec<u8>), KeyError> {
    let after = pem.split_once("-----BEGIN ").ok_or(KeyError::NoPem)?.1;
    let (label, after) = after.split_once("-----").ok_or(KeyError::NoPem)?;
    let (body, _) = after.split_once("-----END ").ok_or(KeyError::NoPem)?;
    match label {
        "PRIVATE KEY" => {}
        "EC PARAMETERS" | "EC PRIVATE KEY" | "RSA PRIVATE KEY" => return Err(KeyError::NotPkcs8),
        "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
        "PUBLIC KEY" | "RSA PUBLIC KEY" | "CERTIFICATE" => return Err(KeyError::NotPrivate),
        _ => return Err(KeyError::NoPem),
    }
    // A PEM that came through an environment variable may have lost its line
    // breaks, or carry them as `\n`.
    let body: String = body.replace("\\n", "").split_whitespace().collect();
    let der = STANDARD.decode(body).map_err(|_| KeyError::NoPem)?;
    match kind_of(&der) {
        Some(Kind::Ours(algorithm)) => Ok((algorithm, der)),
        Some(Kind::Foreign(kind)) => Err(KeyError::Foreign(kind)),
        None => Err(KeyError::Foreign("a key of a kind that is unknown here")),
    }
}

/// P-256 is looked for before elliptic curves at large: its key names both.
fn kind_of(der: &[u8]) -> Option<Kind> {
    let start = der.get(..IDENTIFIER_WITHIN).unwrap_or(der);
    let named = |oid: &[u8]| start.windows(oid.len()).any(|window| window == oid);
    KINDS.iter().find(|(oid, _)| named(oid)).map(|(_, kind)| *kind)
}
