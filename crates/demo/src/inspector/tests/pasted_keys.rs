use super::KeyError::{
    Certificate, JwkNotUsable, Nothing, PemDamaged, PemNotUsable, Private, Unknown,
};
use super::*;

const ED25519: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----";

fn kinds(text: &str) -> Result<Vec<&'static str>, KeyError> {
    keys::parse(text).map(|keys| keys.iter().map(PastedKey::kind).collect())
}

#[test]
fn keys_are_read_as_people_have_them() {
    let ed =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let ec = json!({
        "kty": "EC", "crv": "P-256", "kid": "e",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    });
    let off_the_curve = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1"
    });
    let private = json!({"kty": "OKP", "crv": "Ed25519", "x": "a", "d": "b"});
    let of = |value: &Value| value.to_string();
    for (text, found) in [
        (ED25519.to_owned(), Ok(vec!["Ed25519"])),
        (ED25519.replace('\n', "\\n"), Ok(vec!["Ed25519"])),
        (format!("  {ED25519}  "), Ok(vec!["Ed25519"])),
        (of(&ed), Ok(vec!["Ed25519"])),
        (of(&ec), Ok(vec!["P-256"])),
        (of(&json!({"keys": [ed, ec, {"kty": "new"}]})), Ok(vec!["Ed25519", "P-256"])),
        (of(&json!({"kty": "oct", "k": "c2VjcmV0"})), Ok(vec!["shared secret"])),
        (of(&off_the_curve), Err(JwkNotUsable)),
        (of(&private), Err(Private)),
        (of(&json!({"keys": [private]})), Err(Private)),
        (of(&json!({"keys": []})), Err(JwkNotUsable)),
        (of(&json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"})), Err(JwkNotUsable)),
        (of(&json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"})), Err(JwkNotUsable)),
        (of(&json!([])), Err(JwkNotUsable)),
        (" ".to_owned(), Err(Nothing)),
        ("hello".to_owned(), Err(Unknown)),
        ("-----BEGIN PRIVATE KEY-----\nx".to_owned(), Err(Private)),
        ("-----BEGIN RSA PRIVATE KEY-----\nx".to_owned(), Err(Private)),
        ("-----BEGIN CERTIFICATE-----\nx".to_owned(), Err(Certificate)),
        ("-----BEGIN PUBLIC KEY-----\n?".to_owned(), Err(PemDamaged)),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----".to_owned(),
            Err(PemNotUsable),
        ),
        ("-----BEGIN".to_owned(), Err(PemDamaged)),
    ] {
        assert_eq!(kinds(&text), found, "{text}");
    }
    let many: Vec<_> = (0..1000).map(|_| ed.clone()).collect();
    assert_eq!(kinds(&json!({ "keys": many }).to_string()).map(|keys| keys.len()), Ok(20));
}

#[test]
fn the_key_says_by_which_algorithm_it_verifies() {
    let algorithms = |jwk: Value| {
        keys::parse(&jwk.to_string()).expect("a key").first().expect("one").algorithms()
    };
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    assert_eq!(algorithms(json!({"kty": "OKP", "crv": "Ed25519", "x": x})), ["EdDSA", "Ed25519"]);
    assert_eq!(
        algorithms(json!({"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "EdDSA"})),
        ["EdDSA"]
    );
    assert!(algorithms(json!({"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "HS256"})).is_empty());
    assert_eq!(algorithms(json!({"kty": "oct", "k": "AAAA"})), ["HS256", "HS384", "HS512"]);
    assert_eq!(algorithms(json!({"kty": "oct", "k": "AAAA", "alg": "HS512"})), ["HS512"]);
}

#[test]
fn a_key_does_not_show_itself() {
    let keys = keys::from_secret("hush").expect("a key");
    assert_eq!(format!("{keys:?}"), "[PastedKey(shared secret)]");
    assert_eq!(keys::from_secret("").map(|_| ()), Err(Nothing));
}
