//! Keys, rings and claims for tests without a server.

use latchkey_auth::tokens::ring::SIGNS_AFTER;
use latchkey_auth::tokens::{AccessClaims, Algorithm, Expected, Key, KeyRing, RingKey, SigningKey};
use latchkey_domain::{DisplayName, Email, Roles, Scopes, SignInId, Span, Timestamp, User, UserId};
use latchkey_tests::jws::base64url;
use serde_json::{Value, json};

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
    let created_at = signs_from.minus(SIGNS_AFTER);
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
        scope: Scopes::parse_known("profile contacts:read"),
        roles: user.roles,
        auth_time: now.as_seconds(),
        amr: vec!["pwd".to_owned()],
        name: user.name,
        email: user.email,
        email_verified: user.email_verified,
        created_at: user.created_at,
    }
}

/// A token with a real signature.
pub(crate) fn signed(key: &SigningKey, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", base64url(header), base64url(claims));
    let signature = key.sign(message.as_bytes()).expect("a signature");
    format!("{message}.{}", base64url(signature))
}

pub(crate) fn header_of(key: &SigningKey) -> Value {
    json!({"alg": key.algorithm().as_str(), "typ": "at+jwt", "kid": key.kid()})
}
