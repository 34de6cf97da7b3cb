//! Signature algorithms, by their registered names.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
};
use aws_lc_rs::{digest, hmac};
use strum::VariantArray as _;

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
pub(super) enum Scheme {
    Rsa(&'static RsaParameters),
    /// On the curve of this name.
    Ecdsa(&'static str),
    Ed25519,
    Hmac(hmac::Algorithm),
}

impl Algorithm {
    pub const ALL: &[Self] = Self::VARIANTS;

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// The hash that goes with it, for `at_hash` (OpenID Connect Core §3.1.3.6);
    /// Ed25519 hashes with SHA-512.
    #[must_use]
    pub fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 | Self::Hs256 => &digest::SHA256,
            Self::Rs384 | Self::Ps384 | Self::Es384 | Self::Hs384 => &digest::SHA384,
            _ => &digest::SHA512,
        }
    }

    pub(super) fn scheme(self) -> Scheme {
        match self {
            Self::Rs256 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA512),
            Self::Ps256 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA512),
            Self::Es256 => Scheme::Ecdsa("P-256"),
            Self::Es384 => Scheme::Ecdsa("P-384"),
            Self::Es512 => Scheme::Ecdsa("P-521"),
            Self::EdDsa | Self::Ed25519 => Scheme::Ed25519,
            Self::Hs256 => Scheme::Hmac(hmac::HMAC_SHA256),
            Self::Hs384 => Scheme::Hmac(hmac::HMAC_SHA384),
            Self::Hs512 => Scheme::Hmac(hmac::HMAC_SHA512),
        }
    }
}

/// Whether whoever knows this secret signed that message; never by an algorithm
/// that takes a public key.
#[must_use]
pub fn verify_hmac(algorithm: Algorithm, secret: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Scheme::Hmac(hash) = algorithm.scheme() else { return false };
    hmac::verify(&hmac::Key::new(hash, secret), message, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_registry_to_the_letter() {
        let names: Vec<_> = Algorithm::ALL.iter().map(|one| one.as_str()).collect();
        assert_eq!(
            names.join(" "),
            "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519 HS256 HS384 HS512"
        );
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.as_str().parse(), Ok(*algorithm));
        }
        for wrong in ["none", "eddsa", "ES256K", "RS257", "", " HS256"] {
            assert!(wrong.parse::<Algorithm>().is_err(), "{wrong}");
        }
    }
}
