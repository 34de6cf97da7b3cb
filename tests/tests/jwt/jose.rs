//! JOSE: algorithm names, objects with unique names, and public keys.

use latchkey_auth::jose::{Algorithm, Members, PublicKey};
use latchkey_auth::tokens;
use serde_json::json;

#[test]
fn algorithm_names_match_the_iana_registry() {
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

#[test]
fn access_token_algorithm_names_round_trip() {
    for algorithm in tokens::Algorithm::ALL {
        assert_eq!(algorithm.to_string(), algorithm.as_str());
        assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
    }
    for wrong in ["none", "eddsa", "HS512", "ES256K", "", " HS256"] {
        assert!(wrong.parse::<tokens::Algorithm>().is_err(), "{wrong}");
    }
}

#[test]
fn duplicate_json_members_are_detected() {
    for (json, twice) in [
        (r"{}", Some(false)),
        (r#"{"a":1,"b":{"a":1,"a":2}}"#, Some(false)), // only the outer object is ours
        (r#"{"a":1,"a":1}"#, Some(true)),
        (r#"{"a":1,"b":2,"\u0061":3}"#, Some(true)),
        (r"[]", None),
        (r#""a""#, None),
        (r"null", None),
        (r#"{"a":1}{"#, None),
        ("", None),
    ] {
        let found = Members::parse(json.as_bytes()).map(|members| members.has_duplicates());
        assert_eq!(found, twice, "{json}");
    }
}

#[test]
fn jwk_supports_only_matching_algorithms() {
    let n = "u".repeat(341) + "w";
    let small = "u".repeat(170) + "w";
    for (jwk, algorithm, fitting) in [
        (json!({"kty":"RSA","n":n,"e":"AQAB"}), Algorithm::Rs256, true),
        (json!({"kty":"RSA","n":n,"e":"AQAB","alg":"RS256","use":"sig"}), Algorithm::Rs256, true),
        (json!({"kty":"RSA","n":n,"e":"AQAB","alg":"RS512"}), Algorithm::Rs256, false),
        (json!({"kty":"RSA","n":n,"e":"AQAB","use":"enc"}), Algorithm::Rs256, false),
        (json!({"kty":"RSA","n":n,"e":"AQAB","use":1}), Algorithm::Rs256, false),
        (json!({"kty":"RSA","n":n,"e":"AQAB","kid":1}), Algorithm::Rs256, false),
        (json!({"kty":"RSA","n":n,"e":"AQAB","d":"AQ"}), Algorithm::Rs256, false),
        (json!({"kty":"RSA","n":small,"e":"AQAB"}), Algorithm::Rs256, false),
        (json!({"kty":"RSA","n":n,"e":"AQ"}), Algorithm::Rs256, false),
        (json!({"kty":"RSA","n":n,"e":"Ag"}), Algorithm::Rs256, false),
        (json!({"kty":"RSA","n":n,"e":"AQAB"}), Algorithm::Es256, false),
        (json!({"kty":"RSA","n":n,"e":"AQAB"}), Algorithm::Hs256, false),
        (json!({"kty":"oct","k":n}), Algorithm::Hs256, false),
        (
            json!({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
            Algorithm::EdDsa,
            true,
        ),
    ] {
        let found = PublicKey::from_jwk(&jwk).is_some_and(|key| key.supports(algorithm));
        assert_eq!(found, fitting, "{jwk} {algorithm:?}");
    }
}
