//! Cached results equal new verifications.

use std::sync::Arc;

use latchkey_auth::tokens::ring::RELOAD_EVERY;
use latchkey_auth::tokens::{
    AccessClaims, Algorithm, KeyRing, SigningKey, TokenError, Verifier, issue,
};
use latchkey_domain::Span;

use super::helpers::*;

fn token(key: &SigningKey, nth: u8) -> String {
    let claims = AccessClaims { jti: format!("token {nth}"), ..claims_at(NOW) };
    issue(key, &claims).expect("a token")
}

#[test]
fn verified_token_is_cached() {
    let key = key(Algorithm::EdDsa);
    let verifier = Verifier::new(ring_of(&[&key]), expected());
    let token = token(&key, 0);
    let first = verifier.verify(&token, NOW).expect("claims");
    let again = verifier.verify(&token, NOW).expect("claims");
    assert!(Arc::ptr_eq(&first, &again));
}

#[test]
fn cached_token_expires() {
    let key = key(Algorithm::EdDsa);
    let verifier = Verifier::new(ring_of(&[&key]), expected());
    let token = token(&key, 0);
    let exp = NOW.plus(TTL).plus(verifier.leeway());
    for (now, verdict) in [
        (NOW, Ok(())),
        (NOW.minus(Span::minutes(1)), Err(TokenError::NotYetValid)), // a clock set back
        (NOW, Ok(())),
        (exp.minus(Span::seconds(1)), Ok(())),
        (exp, Err(TokenError::Expired)),
        (exp.plus(Span::days(1)), Err(TokenError::Expired)),
    ] {
        assert_eq!(verifier.verify(&token, now).map(|_| ()), verdict, "{now:?}");
    }
}

#[test]
fn removing_a_key_invalidates_cached_tokens() {
    let [old, new] = [(), ()].map(|()| key(Algorithm::EdDsa));
    let verifier = Verifier::new(ring_of(&[&old]), expected());
    let (of_old, of_new) = (token(&old, 0), token(&new, 0));
    assert!(verifier.verify(&of_old, NOW).is_ok());
    assert_eq!(verifier.verify(&of_new, NOW), Err(TokenError::UnknownKey));

    // A refusal is not cached.
    verifier.replace_ring(ring_of(&[&old, &new]));
    assert!(verifier.verify(&of_old, NOW).is_ok() && verifier.verify(&of_new, NOW).is_ok());

    // The old key is removed: compromised, or expired.
    verifier.replace_ring(ring_of(&[&new]));
    assert_eq!(verifier.verify(&of_old, NOW), Err(TokenError::UnknownKey));
    assert!(verifier.verify(&of_new, NOW).is_ok());

    // Another key with the same kid is not the same key.
    let impostor = SigningKey::from_private_bytes(
        Algorithm::EdDsa,
        new.kid().to_owned(),
        key(Algorithm::EdDsa).private_bytes(),
    );
    verifier.replace_ring(ring_of(&[&impostor.expect("a key")]));
    assert_eq!(verifier.verify(&of_new, NOW), Err(TokenError::SignatureInvalid));
}

#[test]
fn key_retirement_invalidates_cached_tokens_without_reload() {
    let key = key(Algorithm::EdDsa);
    let mut held = in_ring(&key, NOW);
    held.retired_at = Some(NOW.plus(Span::seconds(1)));
    // As if the lifetime was shortened after this token was issued.
    let verifier = Verifier::new(KeyRing::new(vec![held], Span::seconds(0)), expected());
    let token = token(&key, 0);
    assert!(verifier.verify(&token, NOW).is_ok());
    assert_eq!(verifier.verify(&token, NOW.plus(Span::seconds(121))), Err(TokenError::UnknownKey));
}

#[test]
fn token_cache_size_is_bounded() {
    let key = key(Algorithm::Hs256);
    for (capacity, most) in [(0, 0), (1, 32), (64, 64)] {
        let verifier = Verifier::with_capacity(ring_of(&[&key]), expected(), capacity);
        for nth in 0..=u8::MAX {
            let token = token(&key, nth);
            for _ in 0..2 {
                assert!(verifier.verify(&token, NOW).is_ok());
            }
            assert!(verifier.cached_tokens() <= most, "{capacity}");
        }
        // Evicted tokens are verified again.
        assert!(verifier.verify(&token(&key, 0), NOW).is_ok());
        assert!(verifier.verify(&format!("{}x", token(&key, 0)), NOW).is_err());
        assert_eq!(verifier.cached_tokens() > 0, capacity > 0);
    }
}

#[test]
fn frequently_used_entries_stay_cached() {
    let key = key(Algorithm::Hs256);
    let verifier = Verifier::with_capacity(ring_of(&[&key]), expected(), 32 * 8);
    let popular = token(&key, 0);
    let first = verifier.verify(&popular, NOW).expect("claims");
    for nth in 1..=u8::MAX {
        for _ in 0..4 {
            assert!(verifier.verify(&token(&key, nth), NOW).is_ok());
        }
        let again = verifier.verify(&popular, NOW).expect("claims");
        assert!(Arc::ptr_eq(&first, &again), "{nth}");
    }
}

#[test]
fn key_ring_reloads_are_rate_limited() {
    let verifier = Verifier::new(KeyRing::new(Vec::new(), TTL), expected());
    let ms = Span::millis(1);
    assert!(verifier.may_reload(NOW));
    assert!(!verifier.may_reload(NOW));
    assert!(!verifier.may_reload(NOW.plus(RELOAD_EVERY).minus(ms)));
    assert!(verifier.may_reload(NOW.plus(RELOAD_EVERY)));
    assert!(!verifier.may_reload(NOW.plus(RELOAD_EVERY).plus(ms)));
}

#[test]
fn concurrent_verification_returns_correct_claims() {
    let keys = [(), ()].map(|()| key(Algorithm::Hs256));
    let verifier = Verifier::with_capacity(ring_of(&[&keys[0], &keys[1]]), expected(), 40);
    let tokens: Vec<_> = (0..60).map(|nth| token(&keys[usize::from(nth % 2)], nth)).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..20 {
                    for (nth, token) in tokens.iter().enumerate() {
                        let claims = verifier.verify(token, NOW).expect("claims");
                        assert_eq!(claims.jti, format!("token {nth}"), "{round}");
                    }
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..200 {
                verifier.replace_ring(ring_of(&[&keys[1], &keys[0]]));
            }
        });
    });
}
