//! `JWT_PRIVATE_KEY`. OpenSSL generated these keys for this test only.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_auth::tokens::{Algorithm, KeyError, SigningKey, VerifyingKey, issue, verify};
use serde_json::{Value, json};

use super::helpers::*;

const P256: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8un303vvukucCWAP
sCmC6mjYe/hi8xMvbT1oBD/1eFGhRANCAARpCxoxq8sLrKKMXBIYv6lGH+9FUBnK
dQJW5Vfuf6ma+Xcrk4E2bijbMMkQZ+4vUhiFXFAQeyFIbz74NPdWrCqm";
const ED25519: &str = "MC4CAQAwBQYDK2VwBCIEIESSh5W7kVh3qS+37rsI/vmnxzhZwrmrF2hUT0GEay9N";
const X25519: &str = "MC4CAQAwBQYDK2VuBCIEIJjAI4HH1uGEm3JHGHPJGy6TYG0TIATfmeyvmRqlgTlt";
const ED448: &str = "MEcCAQAwBQYDK2VxBDsEOfMHRtOdnia8Ep6lUvfJWrl7wYUT+a50T5HHDbZPGo1k
Oty8pdN8VRNi9vzxUbbuxV/u0cj31geTRg==";
const P384: &str = "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDBBddDAkLpGlt98cQGm
YbS3rJL2UyD1UwV1JulW3jTPtQd17aRyTj2TB1NSHYw5EJKhZANiAARKFqJFpzsA
2RzpIgEbES0DpOQHjPbjReMGP4ytldA7vsGmt8CrD2eWnXdZuHoB23Kj5M3ybc1/
Aek6Pyss7YPzXUTCd3jwtb4NYUPnCi/3sp2/9ezOY85aJ2jNvzUeuBI=";
const RSA_1024: &str = "MIICeAIBADANBgkqhkiG9w0BAQEFAASCAmIwggJeAgEAAoGBAOR12fZ/thKwTuWd
qzS0r45K06sV+MwFTZp8kTCFwH/U2KaOQE/sNuWQLdrrqgb1qMfoF+/xe4YCXDeT
QlSHZRqoDvMUzLJI+BZ9eQd4RFYct6UgPQbICW+2ZWtSAGstbDE5pDFjn8CjCfGY
x5Dy9iiHaS/2wmGZOI9/2SegkQ4LAgMBAAECgYEAvQCqo30gWfG2M8vuuZnJqwRI
fL+eptq0StxHGUdt69NgsNn6ZqRa/iv7Y6OXdE6DpW5jb0PuFv2Y4PlY5Klmf8hG
QMEV5H5bV32XGAIaD+pDwmroHDrERyZTiKSEHByI9//bwpXMweLprOsXQMKETeXU
Fi682r4ekLoUt48sd5ECQQD/zP8+WEA6BHZ3YHo0MTmtNzu7FSdO6AWcgxlMQ8aU
HGdOb+OKki0eduBkAOETM6Ac+XGX45Pr4zrtRwku9sJdAkEA5KNnMQN8b3uBnJ7K
gohegloicazW6dDTQm488dE5/WC6RGhMEK1xv/6BTf00R81CMb+C+jfWfhnVTSVV
SCfbhwJAH46VqoZOnhmw17dSPCAagnD+8GyCpexfzNgrhcoStHDwma+Z/Z1c7ZYy
xoOJQMospYZsahWMSRyGR4Fs85tDjQJBALbqX3Ef99p8tanmg99AWFPy5mGJRHrU
/V7FMO7JU5p5WyvFQS2KhVlztGD/dGcJOK7yJ0glie1in3pTptHOSVsCQQC6d1bj
+Xz7eyfI+5Zb58B6o6fr62F5t5GsFJJpat4XKSUZJ6Pe8JLXnE3j3QO+i7ZqrZB2
pbUgyiQIi4wnJ5v+";

fn pem(label: &str, body: &str) -> String {
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

#[test]
fn supported_private_keys_are_accepted() {
    let rsa = STANDARD.encode(key(Algorithm::Rs256).private_bytes());
    for (body, algorithm) in
        [(ED25519, Algorithm::EdDsa), (P256, Algorithm::Es256), (&rsa, Algorithm::Rs256)]
    {
        let whole = pem("PRIVATE KEY", body);
        let key = SigningKey::from_pkcs8_pem(&whole).expect("a key");
        assert_eq!(key.algorithm(), algorithm);
        let token = issue(&key, &claims_at(NOW)).expect("a token");
        assert!(verify(&token, &ring_of(&[&key]), &expected(), NOW).is_ok());

        // As in an environment variable, and with Windows line breaks.
        for written in [
            whole.replace('\n', "\\n"),
            whole.replace('\n', " "),
            whole.replace('\n', "\r\n"),
            format!("Bag Attributes\n{whole}"),
        ] {
            let same = SigningKey::from_pkcs8_pem(&written).expect("the same key");
            assert_eq!(same.verifying(), key.verifying());
        }
    }
}

#[test]
fn unsupported_private_keys_are_refused_with_reason() {
    let private = |body: &str| pem("PRIVATE KEY", body);
    let broken = ED25519.replace("IESS", "IFSS");
    for (text, error) in [
        (String::new(), KeyError::NotPem),
        ("hunter2".to_owned(), KeyError::NotPem),
        (ED25519.to_owned(), KeyError::NotPem),
        (private("no base64!"), KeyError::NotPem),
        (private("").replace("END", "FIN"), KeyError::NotPem),
        (pem("OPENSSH PRIVATE KEY", "AAAA"), KeyError::NotPem),
        (pem("EC PRIVATE KEY", "AAAA"), KeyError::NotPkcs8),
        (pem("EC PARAMETERS", "AAAA"), KeyError::NotPkcs8),
        (pem("RSA PRIVATE KEY", "AAAA"), KeyError::NotPkcs8),
        (pem("ENCRYPTED PRIVATE KEY", "AAAA"), KeyError::Encrypted),
        (pem("PUBLIC KEY", "AAAA"), KeyError::NotPrivate),
        (pem("CERTIFICATE", "AAAA"), KeyError::NotPrivate),
        (private(ED448), KeyError::Unsupported("an Ed448 key")),
        (private(P384), KeyError::Unsupported("a key on an elliptic curve other than P-256")),
        (private(X25519), KeyError::Unsupported("a key of an unknown kind")),
        (private(""), KeyError::Damaged),
        (private(RSA_1024), KeyError::RsaTooShort),
        (private(&P256[..64]), KeyError::Damaged),
        (private(&ED25519[..60]), KeyError::Damaged),
    ] {
        let refused = SigningKey::from_pkcs8_pem(&text).map(|key| key.algorithm());
        assert_eq!(refused, Err(error), "{text:.40}");
        assert!(!error.to_string().contains("MIG"));
    }
    // Any Ed25519 key is valid.
    assert!(SigningKey::from_pkcs8_pem(&private(&broken)).is_ok());
}

#[test]
fn stored_key_bytes_must_match_the_algorithm() {
    let load = |algorithm, bytes: &[u8]| {
        SigningKey::from_private_bytes(algorithm, "k".to_owned(), bytes).map(|key| key.algorithm())
    };
    let key = key(Algorithm::EdDsa);
    assert_eq!(load(Algorithm::EdDsa, key.private_bytes()), Ok(Algorithm::EdDsa));
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        assert_eq!(load(algorithm, key.private_bytes()), Err(KeyError::Unreadable(algorithm)));
    }
    assert_eq!(load(Algorithm::EdDsa, b""), Err(KeyError::Unreadable(Algorithm::EdDsa)));
    assert_eq!(load(Algorithm::Hs256, &[1; 31]), Err(KeyError::SecretTooShort));
    assert_eq!(load(Algorithm::Hs256, &[1; 32]), Ok(Algorithm::Hs256));
}

#[test]
fn only_supported_public_jwks_are_parsed() {
    let good = key(Algorithm::EdDsa).verifying().to_jwk().expect("a public key");
    let with = |name: &str, value: Value| {
        let mut jwk = good.clone();
        jwk[name] = value;
        VerifyingKey::from_jwk(&jwk)
    };
    assert!(VerifyingKey::from_jwk(&good).is_ok());
    for (name, value) in [
        ("kty", json!("oct")),
        ("kty", json!("EC")),
        ("crv", json!("Ed448")),
        ("crv", json!("X25519")),
        ("x", json!("AAAA")),
        ("x", json!(1)),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("use", json!("enc")),
        ("d", json!("AAAA")),
    ] {
        assert_eq!(with(name, value.clone()), Err(KeyError::NotPublicJwk), "{name} {value}");
    }
    for none in [json!({}), json!(null), json!([]), json!({"kty": "oct", "k": "AAAA"})] {
        assert_eq!(VerifyingKey::from_jwk(&none), Err(KeyError::NotPublicJwk), "{none}");
    }
}
