//! Signature algorithms.

use aws_lc_rs::digest;
use jsonwebtoken::DecodingKey;
use strum::VariantArray as _;

use super::base64url;

/// RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2. Without `none`; names are case-sensitive
/// (RFC 7515 §4.1.1).
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
    /// The fully specified name of `EdDSA` with this curve (RFC 9864 §2.2).
    #[strum(serialize = "Ed25519")]
    Ed25519,
    Hs256,
    Hs384,
    Hs512,
}

/// The kind of key that an algorithm needs.
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

    /// For `at_hash` (OpenID Connect Core §3.1.3.6); Ed25519 uses SHA-512.
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

    /// `None` for ES512, which jsonwebtoken does not have. Also installs jsonwebtoken's crypto
    /// provider, without which it panics: every call goes through here first.
    pub(crate) fn to_jsonwebtoken(self) -> Option<jsonwebtoken::Algorithm> {
        static INSTALLED: std::sync::Once = std::sync::Once::new();
        INSTALLED.call_once(|| {
            // Fails only if one is installed already.
            let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        });
        match self {
            Self::Ed25519 => Some(jsonwebtoken::Algorithm::EdDSA),
            other => other.as_str().parse().ok(),
        }
    }
}

/// False for algorithms other than HMAC.
pub fn verify_hmac(algorithm: Algorithm, secret: &[u8], message: &[u8], signature: &[u8]) -> bool {
    algorithm.family() == Family::Hmac
        && verify(algorithm, &DecodingKey::from_secret(secret), message, signature)
}

/// The caller checks that the key fits the algorithm.
pub(super) fn verify(
    algorithm: Algorithm,
    key: &DecodingKey,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let signature = base64url::encode(signature);
    algorithm.to_jsonwebtoken().is_some_and(|algorithm| {
        jsonwebtoken::crypto::verify(&signature, message, key, algorithm).unwrap_or(false)
    })
}
