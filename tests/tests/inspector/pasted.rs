//! Finding the token in pasted text, and explaining text that is not a token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_tests::Latchkey;
use latchkey_tests::jws::base64url;
use serde_json::Value;

use super::read::{decoded, lamps, members, parts, removed, said, token, unsigned};

const TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln";

#[tokio::test]
async fn token_is_extracted_from_pasted_text() {
    const BLANKS: &str = "spaces around it";
    const QUOTES: &str = "quotation marks";
    const PUNCTUATION: &str = "punctuation around it";
    const HEADER: &str = "the header name Authorization";
    const BEARER: &str = "the scheme Bearer";
    const COMMAND: &str = "the curl command around it";
    const ACCESS: &str = "the JSON around access_token";
    let app = Latchkey::start().await;
    for (before, after, taken_off) in [
        ("", "", &[][..]),
        ("  ", "\r\n", &[BLANKS]),
        ("\"", "\"", &[QUOTES]),
        ("'", "'", &[QUOTES]),
        ("“", "”", &[QUOTES]),
        ("\"", "\",\n", &[BLANKS, QUOTES, PUNCTUATION]),
        ("Bearer ", "", &[BEARER]),
        ("bearer\t", "", &[BEARER]),
        ("DPoP ", "", &["the scheme DPoP"]),
        ("Authorization: Bearer ", "", &[HEADER, BEARER]),
        ("authorization:bearer ", " ", &[BLANKS, HEADER, BEARER]),
        ("\"Authorization\": \"Bearer ", "\"", &[BEARER, QUOTES]),
        (
            "curl localhost:3000/api/v1/me -H 'Authorization: Bearer ",
            "'",
            &[COMMAND, HEADER, BEARER],
        ),
        (
            "curl -sS -H \"accept: */*\" -H \"authorization: bearer ",
            "\" --url http://localhost:3000/api/v1/me",
            &[COMMAND, HEADER, BEARER],
        ),
        (
            "curl -b 'other=1; latchkey_token_3000=",
            "; x=2' http://localhost:3000/",
            &[COMMAND, "latchkey_token= and everything after its value"],
        ),
        ("{\"access_token\":\"", "\"}", &[ACCESS]),
        (
            "{\"token_type\":\"Bearer\", \"refresh_token\":\"r\", \"access_token\" : \"",
            "\", \"expires_in\": 300}\n",
            &[BLANKS, ACCESS],
        ),
        ("{\"id_token\":\"", "", &["the JSON around id_token"]),
        ("  \"access_token\": \"", "\",", &[BLANKS, ACCESS]),
        (
            "latchkey_token=",
            "; Path=/; HttpOnly",
            &["latchkey_token= and everything after its value"],
        ),
        (
            "latchkey_token_3000=",
            "; Path=/; HttpOnly",
            &["latchkey_token= and everything after its value"],
        ),
        (
            "https://app.test/cb#access_token=",
            "&token_type=Bearer",
            &["access_token= and everything after its value"],
        ),
        (
            "",
            "~WyJzYWx0IiwibmFtZSIsIkFkYSJd~WyJzYWx0IiwiYWdlIiwzNl0~",
            &["the disclosures (2) of an SD-JWT (RFC 9901)"],
        ),
        (
            "",
            "~WyJzYWx0IiwibmFtZSIsIkFkYSJd~eyJ0eXAiOiJrYitqd3QifQ.e30.c2ln",
            &["the disclosures (1) and the key binding JWT of an SD-JWT (RFC 9901)"],
        ),
        ("\u{feff}", "\u{200b}", &["invisible characters (2)"]),
        ("<", ">", &[PUNCTUATION]),
    ] {
        let pasted = format!("{before}{TOKEN}{after}");
        let page = decoded(&app, &pasted).await;
        assert_eq!(token(&page), TOKEN, "{pasted}");
        assert_eq!(removed(&page), taken_off, "{pasted}");
    }
    let (one, two) = TOKEN.split_at(30);
    for (between, count) in [("\n", 1), ("\r\n  ", 4), (" ", 1), ("\\n", 1)] {
        let page = decoded(&app, &format!("{one}{between}{two}")).await;
        assert_eq!(token(&page), TOKEN, "{between:?}");
        assert_eq!(removed(&page), [format!("spaces or line breaks in it ({count})")]);
    }
}

#[tokio::test]
async fn token_extraction_keeps_token_parts_and_terminates() {
    let app = Latchkey::start().await;
    for text in [
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", // its last dot is its third part
        "eyJhbGciOiJub25lIn0.eyJz",
        "abc=",
        "YWNjZXNzX3Rva2Vu.token=",
        "{\"payload\":\"x\",\"signatures\":[{\"protected\":\"y\"",
    ] {
        let page = decoded(&app, text).await;
        assert_eq!((token(&page).as_str(), removed(&page).len()), (text, 0));
    }
    for (text, left) in [
        ("Bearer Bearer Bearer x".to_owned(), "x"),
        ("\"'\"'\"'".to_owned(), ""),
        ("access_token=access_token=x".to_owned(), "x"),
        ("{\"token\":\"{\\\"token\\\":\\\"x\\\"}\"}".to_owned(), "x"),
        ("(".repeat(99_000), ""),
    ] {
        assert_eq!(token(&decoded(&app, &text).await), left, "{text:.40}");
    }
    // Beyond reasonable nesting, the rest stays.
    let layers = token(&decoded(&app, &"bearer ".repeat(10_000)).await);
    assert!(layers.starts_with("bearer bearer"), "{layers:.40}");
}

#[tokio::test]
async fn invalid_jwt_is_explained_precisely() {
    let app = Latchkey::start().await;
    let (header, claims) = (base64url(r#"{"alg":"EdDSA"}"#), base64url(r#"{"sub":"1"}"#));
    let with =
        |header: &str, claims: &[u8]| format!("{}.{}.c2ln", base64url(header), base64url(claims));
    let eddsa = |claims: &str| with(r#"{"alg":"EdDSA"}"#, claims.as_bytes());
    let bytes = |claims: &[u8]| with(r#"{"alg":"EdDSA"}"#, claims);
    let signed = |signature: &str| format!("{header}.{claims}.{signature}");
    let long = "has an impossible length for base64url";
    for (token, sentence) in [
        (signed("c2ln"), "Three base64url parts, the first two of them JSON objects."),
        (signed(""), "Three base64url parts, the first two of them JSON objects."),
        ("\"\"".to_owned(), "There is no token here."),
        ("k3Zr1xV8bN5mT2wY6cH4jL0pD3sG".to_owned(), "This is not a JWT: it has no dots."),
        ("gho_16C7e42F292c6912E7710c838347Ae178B4a".to_owned(), "This is a GitHub token"),
        ("ya29.a0AfB_byC3dD.e4E".to_owned(), "This is a Google access token: opaque"),
        ("1//0gGrT2k".to_owned(), "This is a Google refresh token"),
        ("v4.public.eyJzdWIiOiIxIn0c2ln.Zm9v".to_owned(), "This is a PASETO, not a JWT"),
        ("v2.local.c2VjcmV0".to_owned(), "This is a PASETO, not a JWT"),
        ("PHNhbWw6QXNzZXJ0aW9uPg".to_owned(), "This is XML, not a JWT, perhaps a SAML assertion"),
        ("<samlp:Response>".to_owned(), "This is XML, not a JWT, perhaps a SAML assertion"),
        (format!("{header}.{claims}"), "It has two parts instead of three"),
        (signed("aGk.b"), "It has 4 parts; a signed JWT has three."),
        (format!("{header}.YQ.YQ.YQ.YQ"), "It has five parts: it is encrypted (JWE"),
        (format!("{header}.{claims}{}", ".".repeat(50_000)), "It has 50002 parts"),
        ("{\"payload\":\"x\"}".to_owned(), "This is a JWS or JWE in JSON"),
        (signed("c2l="), "Its signature ends in =, but base64url has no padding"),
        (signed("c+ln"), "Its signature contains +, which is standard base64"),
        (signed("+/8="), "Its signature contains +, which is standard base64"),
        (
            signed("c2k\u{e9}"),
            "Its signature contains a character that is not base64url, at position 4",
        ),
        (signed("aG~k"), "Its signature contains a character that is not base64url, at position 3"),
        (signed("aGkAa"), &format!("Its signature {long}")),
        (signed("a"), &format!("Its signature {long}")),
        (signed("aGl"), "Its signature ends in stray bits"),
        (signed("-_8"), "Three base64url parts, the first two of them JSON objects."),
        (format!("{header}..c2ln"), "Its payload is empty."),
        (with("[]", b"{}"), "Its header is JSON, but an array instead of an object."),
        (eddsa("[1]"), "Its payload is JSON, but an array instead of an object."),
        (eddsa("\"x\""), "Its payload is JSON, but a string instead of an object."),
        (eddsa("null"), "Its payload is JSON, but null instead of an object."),
        (eddsa("hello"), "Its payload is not JSON."),
        (eddsa(r#"{"a":1,b:2}"#), "Its payload is not JSON."),
        (eddsa("[1,"), "Its payload breaks off in the middle of its JSON."),
        (eddsa(r#"{"a":1}x"#), "Its payload continues after the end of its JSON."),
        (bytes(b"\xff"), "Its payload is not UTF-8 text."),
        (with(r#"{"alg":"EdDSA","alg":"none"}"#, b"{}"), "Its header names alg twice"),
        (eddsa("{\"a\u{202e}\":1,\"a\u{202e}\":2}"), "Its payload names a\\u{202e} twice"),
        (with(r#"{"typ":"JWT"}"#, b"{}"), "Its header names no algorithm"),
        (with(r#"{"alg":7}"#, b"{}"), "Its header names no algorithm"),
        (with(r#"{"alg":null}"#, b"{}"), "Its header names no algorithm"),
        (eddsa(&format!("{{\"a\":{}", "[".repeat(5_000))), "Its payload is nested too deeply."),
        (eddsa(r#"{"exp":1e400}"#), "Its payload contains a number that is too large."),
    ] {
        let page = decoded(&app, &token).await;
        let [one] = &said(&page, 0)[..] else { panic!("{token:.90}: {:?}", said(&page, 0)) };
        assert!(one.starts_with(sentence), "{token:.90}: {one}");
    }
}

#[tokio::test]
async fn partial_json_claims_are_shown() {
    let app = Latchkey::start().await;
    for (claims, names, is_whole) in [
        (&br#"{"a":1,"b":[2]}"#[..], &["a", "b"][..], true),
        (b"{}", &[], true),
        (br#"{"a":1,"a":2}"#, &["a", "a"], true),
        (br#"{"a":1,"b":"tw"#, &["a"], false),
        (br#"{"a":1,"b":17"#, &["a"], false),
        (br#"{"a":1,"b":"17""#, &["a", "b"], false),
        (b"{\"a\":1,\"b\":\"\xc3", &["a"], false),
        (b"{\"a\":1,\"b\":\"\xff\xff\"}", &["a"], false),
        (br#"{"a":1}x"#, &["a"], false),
        (br#"{"a":1,"b":1e999}"#, &["a"], false),
    ] {
        let token = format!("{}.{}.c2ln", base64url(r#"{"alg":"EdDSA"}"#), base64url(claims));
        let page = decoded(&app, &token).await;
        let found: Vec<_> = members(&page, "claims").into_iter().map(|one| one.name).collect();
        assert_eq!(found, names, "{token}");
        assert_eq!(!page.body.contains("Only part of it can be read"), is_whole, "{token}");
    }
    // Padded and ordinary base64 is decoded, but reported as wrong.
    let claims = STANDARD.encode(r#"{"name":"~~~???>>>","a":1}"#);
    assert!(claims.contains('/') || claims.contains('+'), "{claims}");
    let page = decoded(&app, &format!("{}.{claims}.c2ln", base64url(r#"{"alg":"EdDSA"}"#))).await;
    assert_eq!(members(&page, "claims")[1].value, "1");
}

#[tokio::test]
async fn truncated_token_is_partially_decoded() {
    let app = Latchkey::start().await;
    let claims = r#"{"iss":"https://app.test","sub":"1","exp":1795450620,"name":"Ada"}"#;
    let whole = unsigned(r#"{"alg":"EdDSA","kid":"k"}"#, claims, 64);
    let written: Value = serde_json::from_str(claims).expect("JSON");
    for length in (1..whole.len()).step_by(3) {
        let page = decoded(&app, &whole[..length]).await;
        let all: Vec<_> = parts(&page).into_iter().map(|(_, text)| text).collect();
        assert_eq!(all.join("."), whole[..length], "nothing is lost");
        // Only input is shown.
        for one in members(&page, "claims") {
            let value = &written[&one.name];
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            assert_eq!(one.value, value, "cut at {length}");
        }
    }
    let two = whole.rfind('.').expect("a dot");
    let page = decoded(&app, &whole[..two - 20]).await;
    let told = said(&page, 0);
    assert!(told[0].starts_with("It has two parts") && told[1].contains("breaks off"), "{told:?}");
    let names: Vec<_> = members(&page, "claims").into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["iss", "sub"]);
    let page = decoded(&app, &whole[..20]).await;
    assert!(said(&page, 0)[0].starts_with("It has one part"), "{}", page.summary());
    assert!(page.body.contains("{&#34;alg&#34;"), "{}", page.summary());
}

#[tokio::test]
async fn encrypted_token_shows_only_the_header() {
    let app = Latchkey::start().await;
    let header = base64url(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#);
    let page = decoded(&app, &format!("{header}.YQ.YQ.YQ.YQ")).await;
    assert_eq!(lamps(&page), ["yes", "not asked", "not asked"], "well formed, and encrypted");
    assert_eq!(members(&page, "header")[0].value, "RSA-OAEP");
    assert!(members(&page, "claims").is_empty());
    for (token, wrong) in [
        (format!("{header}.YQ.Y=.YQ.YQ"), "Its initialization vector ends in ="),
        (format!("{header}.a.YQ.YQ.YQ"), "Its encrypted key has an impossible length"),
        (format!("{}.YQ.YQ.YQ.YQ", base64url("{}")), "Its header names no algorithm"),
    ] {
        let page = decoded(&app, &token).await;
        let told = said(&page, 0);
        assert!(lamps(&page)[0] == "no" && told[0].starts_with(wrong), "{token}: {told:?}");
    }
    let places: Vec<_> = parts(&page).into_iter().map(|(place, _)| place).collect();
    assert_eq!(
        places,
        ["header", "encrypted key", "initialization vector", "ciphertext", "authentication tag"]
    );
}
