//! Signature algorithms, by their registered names.

use aws_lc_rs::digest;
use jsonwebtoken::DecodingKey;
use strum::VariantArray as _;

use super::base64url;

/// How a token is signed (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2). There is
/// no `none`, and names are case-sensitive (RFC 7515 §4.1.1).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "UPPERCASE", const_into_str)]
pub enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
    #[strum(serialize = "EdDSA")]
    EdDsa,
    /// What `EdDSA` is called where the curve is part of the name.
    #[strum(serialize = "Ed25519")]
    Ed25519,
    Hs256,
    Hs384,
    Hs512,
}

/// What a key has to be to verify by an algorithm.
#[derive(PartialEq, Eq)]
pub(super) enum Family {
    Rsa,
    Ecdsa(&'static str),
    Ed25519,
    Hmac,
}

impl Algorithm {
    pub const ALL: &[Self] = Self::VARIANTS;

    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// The hash that goes with it, for `at_hash` (OpenID Connect Core §3.1.3.6);
    /// Ed25519 hashes with SHA-512.
    pub fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 | Self::Hs256 => &digest::SHA256,
            Self::Rs384 | Self::Ps384 | Self::Es384 | Self::Hs384 => &digest::SHA384,
            _ => &digest::SHA512,
        }
    }

    pub(super) const fn family(self) -> Family {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 => Family::Rsa,
            Self::Ps256 | Self::Ps384 | Self::Ps512 => Family::Rsa,
            Self::Es256 => Family::Ecdsa("P-256"),
            Self::Es384 => Family::Ecdsa("P-384"),
            Self::Es512 => Family::Ecdsa("P-521"),
            Self::EdDsa | Self::Ed25519 => Family::Ed25519,
            Self::Hs256 | Self::Hs384 | Self::Hs512 => Family::Hmac,
        }
    }

    /// What jsonwebtoken calls it, which has no ES512. Nothing is signed or
    /// verified there without asking this first, so here is where its
    /// cryptography is chosen: it panics when nobody has.
    pub(crate) fn in_jsonwebtoken(self) -> Option<jsonwebtoken::Algorithm> {
        static CHOSEN: std::sync::Once = std::sync::Once::new();
        CHOSEN.call_once(|| {
            // Refused only when it has been chosen already, which is as good.
            let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        });
        match self {
            Self::Ed25519 => Some(jsonwebtoken::Algorithm::EdDSA),
            other => other.as_str().parse().ok(),
        }
    }
}

/// Whether whoever knows this secret signed that message; never by an algorithm
/// that takes a public key.
pub fn verify_hmac(algorithm: Algorithm, secret: &[u8], message: &[u8], signature: &[u8]) -> bool {
    algorithm.family() == Family::Hmac
        && verify(algorithm, &DecodingKey::from_secret(secret), message, signature)
}

/// Whether this key made that signature. The caller sees to it that the key is
/// one for this algorithm.
pub(super) fn verify(
    algorithm: Algorithm,
    key: &DecodingKey,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let signature = base64url::encode(signature);
    algorithm.in_jsonwebtoken().is_some_and(|algorithm| {
        jsonwebtoken::crypto::verify(&signature, message, key, algorithm).unwrap_or(false)
    })
}
