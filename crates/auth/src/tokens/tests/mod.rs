//! Tests of the whole, and what they share.

mod cache;
mod forgeries;
mod keys;
mod rotation;
mod vectors;

use latchkey_domain::{DisplayName, Email, Roles, Scopes, SignInId, Span, Timestamp, User, UserId};
use serde_json::{Value, json};

use super::*;
use crate::jose::base64url;

pub(crate) const ISSUER: &str = "https://app.test";
pub(crate) const AUDIENCE: &str = "https://app.test/api";
pub(crate) const TTL: Span = Span::minutes(5);

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_450_320_123);

pub(crate) fn expected() -> Expected {
    Expected::new(ISSUER, AUDIENCE)
}

pub(crate) fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm).expect("a key")
}

pub(crate) fn in_ring(key: &SigningKey, signs_from: Timestamp) -> RingKey {
    let created_at = signs_from.minus(ring::SIGNS_AFTER);
    RingKey { key: Key::Private(key.clone()), created_at, signs_from, retired_at: None }
}

pub(crate) fn ring_of(keys: &[&SigningKey]) -> KeyRing {
    KeyRing::new(keys.iter().map(|key| in_ring(key, NOW.minus(Span::days(1)))).collect(), TTL)
}

pub(crate) fn ada() -> User {
    User {
        id: UserId::new(Timestamp::from_millis(1_700_000_000_001), [1; 10]),
        name: DisplayName::first_of([Some("Ada \"\u{1f980}\" Lovelace")]),
        email: Email::parse("ada@example.test").ok(),
        email_verified: true,
        roles: Roles::from("admin editor"),
        created_at: Timestamp::from_millis(1_700_000_000_001),
    }
}

pub(crate) fn claims_at(now: Timestamp) -> AccessClaims {
    let user = ada();
    AccessClaims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: user.id,
        client_id: "latchkey".to_owned(),
        iat: now.as_seconds(),
        nbf: now.as_seconds(),
        exp: now.plus(TTL).as_seconds(),
        jti: "0190-jti".to_owned(),
        sid: SignInId::new(now, [2; 10]),
        scope: Scopes::known_in("profile contacts:read"),
        roles: user.roles,
        auth_time: now.as_seconds(),
        amr: vec!["pwd".to_owned()],
        name: user.name,
        email: user.email,
        email_verified: user.email_verified,
        created_at: user.created_at,
    }
}

pub(crate) fn part(bytes: impl AsRef<[u8]>) -> String {
    base64url::encode(bytes)
}

/// A token made by hand, signed for real.
pub(crate) fn signed(key: &SigningKey, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(message.as_bytes()).expect("a signature");
    format!("{message}.{}", part(signature))
}

pub(crate) fn header_of(key: &SigningKey) -> Value {
    json!({"alg": key.algorithm().as_str(), "typ": "at+jwt", "kid": key.kid()})
}

#[test]
fn every_algorithm_goes_there_and_back() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let claims = claims_at(NOW);
        let token = issue(&key, &claims).expect("a token");
        assert!(token.len() < 2000, "{algorithm}: {}", token.len());
        let ring = ring_of(&[&key]);
        assert_eq!(verify(&token, &ring, &expected(), NOW), Ok(claims), "{algorithm}");
        let user = verify(&token, &ring, &expected(), NOW).map(|claims| claims.user());
        assert_eq!(user, Ok(ada()), "{algorithm}");

        // Kept and loaded again, it is the same key.
        let loaded =
            SigningKey::from_private_bytes(algorithm, key.kid().to_owned(), key.private_bytes())
                .expect("the same key");
        assert_eq!(loaded.verifying(), key.verifying(), "{algorithm}");
        assert_ne!(self::key(algorithm).verifying(), key.verifying(), "{algorithm}");
    }
}

#[test]
fn the_header_and_the_order_of_claims_are_fixed() {
    let key = key(Algorithm::EdDsa);
    let token = issue(&key, &claims_at(NOW)).expect("a token");
    let mut parts = token.split('.').map(|part| base64url::decode(part).expect("base64url"));
    let mut next = || String::from_utf8(parts.next().expect("a part")).expect("UTF-8");
    assert_eq!(next(), format!(r#"{{"typ":"at+jwt","alg":"EdDSA","kid":"{}"}}"#, key.kid()));
    let claims = claims_at(NOW);
    assert_eq!(
        next(),
        format!(
            r#"{{"iss":"https://app.test","aud":"https://app.test/api","sub":"{}","client_id":"latchkey","iat":1795450320,"nbf":1795450320,"exp":1795450620,"jti":"0190-jti","sid":"{}","scope":"profile contacts:read","roles":["admin","editor"],"auth_time":1795450320,"amr":["pwd"],"name":"Ada \"🦀\" Lovelace","email":"ada@example.test","email_verified":true,"created_at":1700000000001}}"#,
            claims.sub, claims.sid
        )
    );
}

#[test]
fn a_person_without_an_address_has_no_claim_of_one() {
    let key = key(Algorithm::EdDsa);
    let claims = AccessClaims { email: None, email_verified: false, ..claims_at(NOW) };
    let token = issue(&key, &claims).expect("a token");
    assert_eq!(verify(&token, &ring_of(&[&key]), &expected(), NOW), Ok(claims.clone()));
    assert!(!serde_json::to_string(&claims).expect("JSON").contains(r#""email":"#));
}

#[test]
fn a_public_half_is_enough_to_verify() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
        let key = key(algorithm);
        let jwk = key.verifying().to_jwk().expect("a public key");
        let public = VerifyingKey::from_jwk(&jwk).expect("a public key");
        let mut held = in_ring(&key, NOW);
        held.key = Key::Public(public);
        let ring = KeyRing::new(vec![held], TTL);
        let token = issue(&key, &claims_at(NOW)).expect("a token");
        assert!(verify(&token, &ring, &expected(), NOW).is_ok(), "{algorithm}");
        assert!(ring.signing_key(NOW).is_none());
    }
}

#[test]
fn the_published_keys_hold_no_secret() {
    let keys: Vec<_> = Algorithm::ALL.into_iter().map(key).collect();
    let set = ring_of(&keys.iter().collect::<Vec<_>>()).key_set(NOW);
    let published = set["keys"].as_array().expect("an array");
    assert_eq!(published.len(), 3, "HS256 is not among them");
    for jwk in published {
        let mut names: Vec<_> = jwk.as_object().expect("an object").keys().cloned().collect();
        names.sort();
        let alg = jwk["alg"].as_str().expect("alg");
        let own: &[&str] = match alg {
            "EdDSA" => &["alg", "crv", "kid", "kty", "use", "x"],
            "ES256" => &["alg", "crv", "kid", "kty", "use", "x", "y"],
            _ => &["alg", "e", "kid", "kty", "n", "use"],
        };
        assert_eq!(names, own, "{alg}");
        assert_eq!(jwk["use"], "sig");
    }
    let shown =
        format!("{keys:?} {:?}", keys.iter().map(SigningKey::verifying).collect::<Vec<_>>());
    for key in &keys {
        assert!(!shown.contains(&part(key.private_bytes())) && shown.contains(key.kid()));
        assert!(!shown.contains(&format!("{:?}", key.private_bytes())));
    }
}

/// Flips each character of good tokens to each of several others: header,
/// claims, signature and the dots between.
#[test]
fn no_altered_token_verifies() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Hs256, Algorithm::Es256] {
        let key = key(algorithm);
        let ring = ring_of(&[&key]);
        let token = issue(&key, &claims_at(NOW)).expect("a token");
        for at in 0..token.len() {
            let bytes = token.as_bytes();
            for other in [bytes[at] ^ 1, bytes[at] ^ 2, bytes[at] ^ 4, bytes[at] ^ 0x20, b'A', b'.']
            {
                if other == bytes[at] || !other.is_ascii() {
                    continue;
                }
                let mut altered = bytes.to_vec();
                altered[at] = other;
                let altered = String::from_utf8(altered).expect("ASCII");
                let verdict = verify(&altered, &ring, &expected(), NOW);
                assert!(verdict.is_err(), "{algorithm}: {at} became {:?}", char::from(other));
            }
            assert!(verify(&token[..at], &ring, &expected(), NOW).is_err());
            let longer = format!("{}A{}", &token[..at], &token[at..]);
            assert!(verify(&longer, &ring, &expected(), NOW).is_err());
        }
    }
}
