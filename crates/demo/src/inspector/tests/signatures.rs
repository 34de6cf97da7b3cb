use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RsaKeyPair,
};
use aws_lc_rs::{hmac, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_domain::Span;

use super::*;
use latchkey_auth::tokens::{Algorithm, Key, KeyRing, RingKey, SigningKey};

const CLAIMS: &str = r#"{"sub":"1"}"#;

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm).expect("a key")
}

fn in_ring(key: &SigningKey, signs_from: Timestamp) -> RingKey {
    let key = Key::Private(key.clone());
    RingKey { key, created_at: signs_from, signs_from, retired_at: None }
}

fn ring_of(key: &SigningKey) -> KeyRing {
    KeyRing::new(vec![in_ring(key, NOW.minus(Span::days(1)))], Span::minutes(5))
}

/// A token made by hand, signed for real.
fn signed(key: &SigningKey, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(message.as_bytes()).expect("a signature");
    format!("{message}.{}", part(signature))
}

fn ours(token: &str, ring: &KeyRing) -> Signature {
    signature::check(&DecodedToken::of(token), Against::Ours(ring, NOW))
}

fn by(token: &str, key: &str) -> Signature {
    let keys = keys::parse(key).expect("a key");
    signature::check(&DecodedToken::of(token), Against::Pasted(&keys))
}

fn header(algorithm: &str, kid: &str) -> String {
    json!({"alg": algorithm, "kid": kid}).to_string()
}

#[test]
fn our_own_keys_verify_by_their_one_algorithm() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let ring = ring_of(&key);
        let good = signed(&key, &header(algorithm.as_str(), key.kid()), CLAIMS);
        let verified = ours(&good, &ring);
        assert_eq!(verified.result(), CheckResult::Pass, "{algorithm}: {verified}");
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            let token = signed(&key, &header(other.as_str(), key.kid()), CLAIMS);
            let answer = ours(&token, &ring);
            assert!(matches!(answer, Signature::AlgorithmMismatch { .. }), "{other}: {answer}");
        }
        let mut altered = good.clone().into_bytes();
        let at = good.find('.').expect("a dot") + 3;
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(ours(&String::from_utf8(altered).expect("text"), &ring), Signature::Invalid);
        for cut in 1..6 {
            let answer = ours(&good[..good.len() - cut], &ring);
            assert!(matches!(answer, Signature::CutOff | Signature::Invalid), "{cut}: {answer}");
        }
        assert_eq!(ours(&good[..good.len() - 8], &ring), Signature::CutOff);
    }
}

#[test]
fn each_no_has_its_reason() {
    let key = key(Algorithm::EdDsa);
    let ring = ring_of(&key);
    let kid = key.kid();
    let with = |header: Value| signed(&key, &header.to_string(), CLAIMS);
    for (token, answer) in [
        (with(json!({"alg": "none", "kid": kid})), Signature::AlgorithmNone),
        (with(json!({"alg": "NoNe"})), Signature::AlgorithmNone),
        (with(json!({"kid": kid})), Signature::NoAlgorithm),
        (with(json!({"alg": 5})), Signature::NoAlgorithm),
        (with(json!({"alg": "EdDSA"})), Signature::NoKid),
        (with(json!({"alg": "EdDSA", "kid": ["x"]})), Signature::NoKid),
        (
            with(json!({"alg": "EdDSA", "kid": "x\u{202e}"})),
            Signature::UnknownKid("x\\u{202e}".to_owned()),
        ),
        (with(json!({"alg": "EdDSA", "kid": kid, "crit": []})), Signature::Critical),
        (with(json!({"alg": "EdDSA", "kid": kid, "b64": true})), Signature::Unencoded),
        (unsigned(&header("EdDSA", kid), CLAIMS, 0), Signature::Missing),
        (unsigned(&header("EdDSA", kid), CLAIMS, 64), Signature::Invalid),
        (unsigned(&header("EdDSA", kid), CLAIMS, 40), Signature::CutOff),
        ("opaque".to_owned(), Signature::NothingToCheck),
        (String::new(), Signature::NothingToCheck),
        (format!("{}.a.b.c.d", part(r#"{"alg":"RSA-OAEP"}"#)), Signature::Encrypted),
        (format!("{}.{}", part(header("EdDSA", kid)), part(CLAIMS)), Signature::CutOff),
    ] {
        assert_eq!(ours(&token, &ring), answer, "{token}");
        assert_ne!(answer.result(), CheckResult::Pass);
    }
    let good = with(json!({"alg": "EdDSA", "kid": kid}));
    let unasked = signature::check(&DecodedToken::of(&good), Against::Nothing);
    assert_eq!((unasked.clone(), unasked.result()), (Signature::NotAsked, CheckResult::Skipped));
}

#[test]
fn a_key_that_has_retired_is_told_from_one_that_was_never_ours() {
    let (old, new) = (key(Algorithm::EdDsa), key(Algorithm::EdDsa));
    let long_ago = NOW.minus(Span::days(2));
    let retired = RingKey {
        key: Key::Private(old.clone()),
        created_at: long_ago,
        signs_from: long_ago,
        retired_at: Some(NOW.minus(Span::days(1))),
    };
    let ring = KeyRing::new(vec![retired, in_ring(&new, long_ago)], Span::minutes(5));
    let token = signed(&old, &header("EdDSA", old.kid()), CLAIMS);
    assert_eq!(ours(&token, &ring), Signature::Retired(old.kid().to_owned()));
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(der))
}

#[test]
fn given_keys_verify_what_they_signed_and_nothing_else() {
    let random = SystemRandom::new();
    let message = |algorithm: &str| {
        format!("{}.{}", part(json!({ "alg": algorithm }).to_string()), part(CLAIMS))
    };
    let mut cases: Vec<(String, String, String)> = Vec::new();
    for (algorithm, signing) in [
        ("ES256", &ECDSA_P256_SHA256_FIXED_SIGNING),
        ("ES384", &ECDSA_P384_SHA384_FIXED_SIGNING),
        ("ES512", &ECDSA_P521_SHA512_FIXED_SIGNING),
    ] {
        let pair = EcdsaKeyPair::generate(signing).expect("a key");
        let signature = pair.sign(&random, message(algorithm).as_bytes()).expect("a signature");
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("DER");
        cases.push((algorithm.to_owned(), pem(der.as_ref()), part(signature)));
    }
    let pair = RsaKeyPair::generate(rsa::KeySize::Rsa2048).expect("a key");
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("DER");
    for (algorithm, encoding) in [
        ("RS256", &RSA_PKCS1_SHA256 as &'static dyn aws_lc_rs::signature::RsaEncoding),
        ("RS512", &RSA_PKCS1_SHA512),
        ("PS256", &RSA_PSS_SHA256),
        ("PS384", &RSA_PSS_SHA384),
    ] {
        let mut signature = vec![0; pair.public_modulus_len()];
        let bytes = message(algorithm);
        pair.sign(encoding, &random, bytes.as_bytes(), &mut signature).expect("a signature");
        cases.push((algorithm.to_owned(), pem(der.as_ref()), part(signature)));
    }
    for (algorithm, key, signature) in &cases {
        let token = format!("{}.{signature}", message(algorithm));
        for (other, other_key, _) in &cases {
            let is_its_own = key == other_key;
            let answer = by(&token, other_key);
            assert_eq!(
                answer.result() == CheckResult::Pass,
                is_its_own,
                "{algorithm} by {other}: {answer}"
            );
        }
    }
}

/// RFC 8725 §2.1: the public key, passed off as the secret of an HMAC.
#[test]
fn a_public_key_is_no_secret() {
    let pair = RsaKeyPair::generate(rsa::KeySize::Rsa2048).expect("a key");
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("DER");
    let pem = pem(der.as_ref());
    let message = format!("{}.{}", part(r#"{"alg":"HS256"}"#), part(CLAIMS));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, pem.as_bytes()), message.as_bytes());
    let token = format!("{message}.{}", part(tag));
    assert!(matches!(by(&token, &pem), Signature::AlgorithmMismatch { .. }));
}

/// RFC 7515 appendix A.1, by a JWK and by the secret as it is typed.
#[test]
fn secrets_verify() {
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let k =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let answer = by(token, &json!({"kty": "oct", "k": k}).to_string());
    assert!(matches!(answer, Signature::Verified { is_weak: false, .. }), "{answer}");
    assert_eq!(by(token, r#"{"kty":"oct","k":"AAAA"}"#), Signature::Invalid);

    let message = format!("{}.{}", part(r#"{"alg":"HS256"}"#), part(CLAIMS));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"secret"), message.as_bytes());
    let keys = keys::from_secret("secret").expect("a key");
    let token = DecodedToken::of(&format!("{message}.{}", part(tag)));
    let answer = signature::check(&token, Against::Pasted(&keys));
    assert!(matches!(answer, Signature::Verified { is_weak: true, .. }), "{answer}");
}

#[test]
fn the_kid_chooses_among_keys_that_have_one() {
    let (one, two) = (key(Algorithm::EdDsa), key(Algorithm::EdDsa));
    let jwk = |key: &SigningKey| key.verifying().to_jwk().expect("a public key");
    let set = json!({"keys": [jwk(&one), jwk(&two)]}).to_string();
    let by_two = |kid: &str| by(&signed(&two, &header("EdDSA", kid), CLAIMS), &set);
    assert_eq!(by_two(two.kid()).result(), CheckResult::Pass);
    assert_eq!(by_two(one.kid()), Signature::Invalid);
    assert_eq!(by_two("x"), Signature::UnknownKid("x".to_owned()));
    // Without a kid each key is tried.
    assert_eq!(by(&signed(&two, r#"{"alg":"EdDSA"}"#, CLAIMS), &set).result(), CheckResult::Pass);
}
