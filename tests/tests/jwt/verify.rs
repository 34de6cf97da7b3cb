//! Only issued tokens verify.

use latchkey_auth::jose::base64url;
use latchkey_auth::tokens::verify::check;
use latchkey_auth::tokens::{
    AccessClaims, Algorithm, Expected, Key, KeyRing, SigningKey, TokenError, VerifyingKey, issue,
    verify,
};
use latchkey_domain::{Scope, Span, Timestamp};
use latchkey_tests::jws::{base64url, with_changes};
use serde_json::{Value, json};

use super::helpers::*;

#[test]
fn token_round_trips_with_every_algorithm() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let claims = claims_at(NOW);
        let token = issue(&key, &claims).expect("a token");
        assert!(token.len() < 2000, "{algorithm}: {}", token.len());
        let ring = ring_of(&[&key]);
        assert_eq!(verify(&token, &ring, &expected(), NOW), Ok(claims), "{algorithm}");
        let user = verify(&token, &ring, &expected(), NOW).map(|claims| claims.user());
        assert_eq!(user, Ok(ada()), "{algorithm}");

        // Stored and loaded, it is the same key.
        let loaded =
            SigningKey::from_private_bytes(algorithm, key.kid().to_owned(), key.private_bytes())
                .expect("the same key");
        assert_eq!(loaded.verifying(), key.verifying(), "{algorithm}");
        assert_ne!(self::key(algorithm).verifying(), key.verifying(), "{algorithm}");
    }
}

#[test]
fn access_token_header_and_claim_order_are_fixed() {
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
fn user_without_email_has_no_email_claim() {
    let key = key(Algorithm::EdDsa);
    let claims = AccessClaims { email: None, email_verified: false, ..claims_at(NOW) };
    let token = issue(&key, &claims).expect("a token");
    assert_eq!(verify(&token, &ring_of(&[&key]), &expected(), NOW), Ok(claims.clone()));
    assert!(!serde_json::to_string(&claims).expect("JSON").contains(r#""email":"#));
}

#[test]
fn public_key_suffices_to_verify() {
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
fn published_keys_and_debug_output_hold_no_secret() {
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
        assert!(!shown.contains(&base64url(key.private_bytes())) && shown.contains(key.kid()));
        assert!(!shown.contains(&format!("{:?}", key.private_bytes())));
    }
}

/// Replaces each character of valid tokens by several others: header, claims, signature and dots.
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

/// Unusual but valid tokens must not be refused.
#[test]
fn unusual_but_valid_tokens_are_accepted() {
    let key = key(Algorithm::EdDsa);
    let ring = ring_of(&[&key]);
    let good: Value = serde_json::to_value(claims_at(NOW)).expect("JSON");
    let s = NOW.as_seconds();
    for (name, header, claims) in [
        ("the media type in full", json!({"typ": "application/at+jwt"}), json!({})),
        ("types have no case", json!({"typ": "Application/AT+JWT"}), json!({})),
        ("what is unknown is ignored", json!({"x": 1, "cty": "x"}), json!({"x": {"y": [1]}})),
        ("a thumbprint is no key", json!({"x5t": "abc"}), json!({})),
        ("an array of one audience", json!({}), json!({"aud": [AUDIENCE]})),
        ("no address", json!({}), json!({"email": null})),
        ("no scope at all", json!({}), json!({"scope": ""})),
        ("a scope of a later version", json!({}), json!({"scope": "profile mail:read"})),
        ("expired within the leeway", json!({}), json!({"exp": s - 4})),
        ("issued by a clock ahead", json!({}), json!({"iat": s + 5, "nbf": s + 5})),
    ] {
        let header = with_changes(&header_of(&key), header).to_string();
        let token = signed(&key, &header, &with_changes(&good, claims).to_string());
        let verdict = verify(&token, &ring, &expected(), NOW);
        assert!(verdict.is_ok(), "{name}: {verdict:?}");
        assert!(verdict.is_ok_and(|claims| !claims.scope.contains(Scope::ContactsWrite)));
    }
}

#[test]
fn leeway_is_exact_and_at_most_one_minute() {
    let claims = claims_at(Timestamp::from_seconds(1000));
    let exp = Timestamp::from_seconds(claims.exp);
    let nbf = Timestamp::from_seconds(claims.nbf);
    let ms = Span::millis(1);
    for (leeway, effective) in [(0, 0), (5, 5), (60, 60), (3600, 60)] {
        let expected = Expected { leeway: Span::seconds(leeway), ..expected() };
        let effective = Span::seconds(effective);
        for (now, verdict) in [
            (nbf.minus(effective).minus(ms), Err(TokenError::NotYetValid)),
            (nbf.minus(effective), Ok(())),
            (exp.plus(effective).minus(ms), Ok(())),
            (exp.plus(effective), Err(TokenError::Expired)),
        ] {
            assert_eq!(check(&claims, &expected, now), verdict, "{leeway} {now:?}");
        }
    }
}
