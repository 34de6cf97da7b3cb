use super::Place::{Claims, Header, Signature as Sig};
use super::*;

fn wrong(token: &str) -> Vec<Malformed> {
    DecodedToken::of(token).malformed
}

#[test]
fn what_is_no_jwt_is_told_precisely() {
    let header = part(r#"{"alg":"EdDSA"}"#);
    let claims = part(r#"{"sub":"1"}"#);
    let with = |header: &str, claims: &str| format!("{}.{}.c2ln", part(header), part(claims));
    let json = |place, why| vec![Malformed::Json(place, why)];
    let encoding = |place, why| vec![Malformed::Part(place, why)];
    let twice = |place, name: &str| vec![Malformed::Twice(place, name.to_owned())];
    let eddsa = |claims: &str| with(r#"{"alg":"EdDSA"}"#, claims);
    for (token, expected) in [
        (format!("{header}.{claims}.c2ln"), vec![]),
        (String::new(), vec![Malformed::Nothing]),
        ("k3Zr1xV8bN5mT2wY6cH4jL0pD3sG".to_owned(), vec![Malformed::Opaque]),
        (format!("{header}.{claims}"), vec![Malformed::TwoParts]),
        (format!("{header}.{claims}.aGk.b"), vec![Malformed::Parts(4)]),
        (format!("{header}.YQ.YQ.YQ.YQ"), vec![Malformed::Encrypted]),
        (format!("{header}.{claims}{}", ".".repeat(50_000)), vec![Malformed::Parts(50_002)]),
        ("{\"payload\":\"x\"}".to_owned(), vec![Malformed::JsonSerialization]),
        (format!("{header}.{claims}.c2l="), encoding(Sig, NotBase64Url::Padded)),
        (format!("{header}.{claims}.c+ln"), encoding(Sig, NotBase64Url::Ordinary('+'))),
        (format!("{header}.{claims}.c2k\u{e9}"), encoding(Sig, NotBase64Url::Foreign(4))),
        (format!("{header}..c2ln"), encoding(Claims, NotBase64Url::Empty)),
        (with("[]", "{}"), json(Header, NotAnObject::Other("an array"))),
        (eddsa("\"x\""), json(Claims, NotAnObject::Other("a string"))),
        (eddsa("hello"), json(Claims, NotAnObject::NotJson)),
        (with(r#"{"alg":"EdDSA","alg":"none"}"#, "{}"), twice(Header, "alg")),
        (eddsa("{\"a\u{202e}\":1,\"a\u{202e}\":2}"), twice(Claims, "a\\u{202e}")),
        (with(r#"{"typ":"JWT"}"#, "{}"), vec![Malformed::NoAlgorithm]),
        (with(r#"{"alg":7}"#, "{}"), vec![Malformed::NoAlgorithm]),
        (with(r#"{"alg":null}"#, "{}"), vec![Malformed::NoAlgorithm]),
        (eddsa(&format!("{{\"a\":{}", "[".repeat(5_000))), json(Claims, NotAnObject::TooDeep)),
        (eddsa(r#"{"exp":1e400}"#), json(Claims, NotAnObject::NumberTooLarge)),
    ] {
        assert_eq!(wrong(&token), expected, "{token:.90}");
    }
}

#[test]
fn an_unsecured_jwt_is_well_formed() {
    let token = format!("{}.{}.", part(r#"{"alg":"none"}"#), part("{}"));
    assert_eq!(wrong(&token), vec![]);
}

#[test]
fn a_token_that_was_cut_off_shows_what_is_left() {
    let claims = r#"{"iss":"https://app.test","sub":"1","exp":1795450620,"name":"Ada"}"#;
    let whole = unsigned(r#"{"alg":"EdDSA","kid":"k"}"#, claims, 64);
    for length in 0..whole.len() {
        let apart = DecodedToken::of(&whole[..length]);
        let all = apart.parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join(".");
        assert_eq!(all, whole[..length], "nothing is lost");
        // What is shown is never anything but what was written.
        for (name, value) in apart.claims.iter().flat_map(|claims| claims.members.as_slice()) {
            let written: Value = serde_json::from_str(claims).expect("JSON");
            assert_eq!(written.get(name), Some(value), "cut at {length}");
        }
    }
    let two = whole.rfind('.').expect("a dot");
    let in_claims = DecodedToken::of(&whole[..two - 20]);
    assert_eq!(
        in_claims.malformed,
        [Malformed::TwoParts, Malformed::Json(Claims, NotAnObject::BreaksOff)]
    );
    let names: Vec<_> = in_claims
        .claims
        .iter()
        .flat_map(|object| object.members.as_slice())
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["iss", "sub"]);
    let in_header = DecodedToken::of(&whole[..20]);
    assert_eq!(in_header.malformed[0], Malformed::OnePart);
    assert!(in_header.header.is_some_and(|header| header.text.starts_with("{\"alg\"")));
}

#[test]
fn an_encrypted_token_shows_its_header_alone() {
    let header = part(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#);
    let apart = DecodedToken::of(&format!("{header}.YQ.YQ.YQ.YQ"));
    assert_eq!(apart.algorithm(), Some("RSA-OAEP"));
    assert_eq!(apart.claims, None);
    let places: Vec<_> = apart.parts.iter().map(|part| part.place.to_string()).collect();
    assert_eq!(
        places,
        ["header", "encrypted key", "initialization vector", "ciphertext", "authentication tag"]
    );
}

#[test]
fn padded_and_ordinary_base64_is_read_although_it_is_wrong() {
    use base64::Engine as _;
    let claims = base64::engine::general_purpose::STANDARD.encode(r#"{"name":"~~~???>>>","a":1}"#);
    assert!(claims.contains('/') || claims.contains('+'), "{claims}");
    let apart = DecodedToken::of(&format!("{}.{claims}.c2ln", part(r#"{"alg":"EdDSA"}"#)));
    assert!(!apart.is_well_formed());
    assert_eq!(apart.claims.expect("claims").members.get("a"), Some(&json!(1)));
}
