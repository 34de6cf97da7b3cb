//! Tokens that were never issued, sent to the API: each is refused for its own
//! reason, and none makes the server stumble.

use latchkey_tests::by_hand::{ALGORITHMS, OwnKey, part, read, sign_with_secret, with};
use latchkey_tests::person;
use latchkey_tests::person::{Program, owner, problem};
use latchkey_tests::{Browser, Latchkey, Page, Setup};
use reqwest::Method;
use serde_json::{Value, json};

/// Every forgery, with the code that it is refused with.
fn corpus(key: &OwnKey, jwk: &Value, good: &str) -> Vec<(String, String, &'static str)> {
    let (header, claims) = read(good);
    let (h, c) = (header.to_string(), claims.to_string());
    let (message, signature) = good.rsplit_once('.').expect("a signature");
    let now = claims["iat"].as_i64().expect("a number");
    let stranger = OwnKey::new(key.algorithm);
    let mut corpus = Vec::new();
    let mut add = |name: &str, token: String, code| corpus.push((name.to_owned(), token, code));

    for alg in ["none", "None", "NONE", "nOnE"] {
        let unsigned = with(&header, json!({ "alg": alg })).to_string();
        add(alg, format!("{}.{}.", part(&unsigned), part(&c)), "token_algorithm_none");
        add("none, signed", key.sign(&unsigned, &c), "token_algorithm_none");
    }
    let public = jwk["x"].as_str().or(jwk["n"].as_str()).expect("a public part");
    for secret in [jwk.to_string(), public.to_owned(), key.pem.clone(), String::new()] {
        let hs256 = with(&header, json!({ "alg": "HS256" })).to_string();
        let forged = sign_with_secret(secret.as_bytes(), &hs256, &c);
        add("HS256 with what everybody knows", forged, "token_algorithm_mismatch");
        let forged = sign_with_secret(secret.as_bytes(), &h, &c);
        add("the same under the right name", forged, "token_signature_invalid");
    }
    for (name, change, code) in [
        ("a kid that is a path", json!({ "kid": "../../../../dev/null" }), "token_key_unknown"),
        ("a kid that is SQL", json!({ "kid": "x' UNION SELECT 'k'--" }), "token_key_unknown"),
        ("a kid that is a URL", json!({ "kid": "https://evil.test/k" }), "token_key_unknown"),
        ("a kid with a NUL", json!({ "kid": "a\0b" }), "token_key_unknown"),
        ("an empty kid", json!({ "kid": "" }), "token_key_unknown"),
        ("an unknown kid", json!({ "kid": "nobody" }), "token_key_unknown"),
        ("a long kid", json!({ "kid": "k".repeat(8000) }), "token_key_unknown"),
        ("no kid", json!({ "kid": null }), "token_header_invalid"),
        ("a kid that is a number", json!({ "kid": 1 }), "token_header_invalid"),
        ("no alg", json!({ "alg": null }), "token_header_invalid"),
        ("algs in an array", json!({ "alg": [key.algorithm] }), "token_header_invalid"),
        ("jku", json!({ "jku": "https://evil.test/jwks.json" }), "token_key_embedded"),
        ("x5u", json!({ "x5u": "https://evil.test/cert.pem" }), "token_key_embedded"),
        ("x5c", json!({ "x5c": ["MIIB"] }), "token_key_embedded"),
        ("jwk", json!({ "jwk": jwk }), "token_key_embedded"),
        ("an ID token's typ", json!({ "typ": "JWT" }), "token_type_wrong"),
        ("a logout token's typ", json!({ "typ": "logout+jwt" }), "token_type_wrong"),
        ("no typ", json!({ "typ": null }), "token_type_wrong"),
        ("crit", json!({ "crit": ["exp"], "exp": 1 }), "token_critical_header"),
        ("crit with b64", json!({ "crit": ["b64"], "b64": false }), "token_critical_header"),
        ("b64 without crit", json!({ "b64": false }), "token_critical_header"),
    ] {
        add(name, key.sign(&with(&header, change).to_string(), &c), code);
    }
    let jwk_of_mine = with(&header, json!({ "jwk": jwk, "kid": "mine" })).to_string();
    add("a key of its own", stranger.sign(&jwk_of_mine, &c), "token_key_embedded");
    add("a stranger's signature", stranger.sign(&h, &c), "token_signature_invalid");
    let twice = h.replacen('{', r#"{"alg":"none","#, 1);
    add("two algs", key.sign(&twice, &c), "token_header_duplicate");

    for name in [
        "iss",
        "aud",
        "sub",
        "client_id",
        "iat",
        "nbf",
        "exp",
        "jti",
        "sid",
        "scope",
        "roles",
        "auth_time",
        "amr",
    ] {
        let token = key.sign(&h, &with(&claims, json!({ name: null })).to_string());
        add(&format!("no {name}"), token, "token_claim_missing");
        for wrong in [json!(1.5), json!({ "a": [] }), json!(true)] {
            let token = key.sign(&h, &with(&claims, json!({ name: wrong })).to_string());
            add(&format!("{name} is {wrong}"), token, "token_claim_invalid");
        }
    }
    for (name, change, code) in [
        ("another issuer", json!({ "iss": "https://evil.test" }), "token_issuer_wrong"),
        ("another audience", json!({ "aud": "https://evil.test/api" }), "token_audience_wrong"),
        ("one audience too many", json!({ "aud": [claims["aud"], "x"] }), "token_audience_wrong"),
        ("no audience", json!({ "aud": [] }), "token_audience_wrong"),
        ("expired", json!({ "exp": now - 61 }), "token_expired"),
        ("expired long ago", json!({ "exp": 0 }), "token_expired"),
        ("for later", json!({ "nbf": now + 61 }), "token_not_yet_valid"),
        ("issued tomorrow", json!({ "iat": now + 86_400 }), "token_not_yet_valid"),
        ("a text for a number", json!({ "exp": "9999999999" }), "token_claim_invalid"),
        ("1e300", json!({ "exp": 1e300 }), "token_claim_invalid"),
        ("2^64-1", json!({ "exp": u64::MAX }), "token_claim_invalid"),
        ("a sub that is nobody's", json!({ "sub": "ada" }), "token_claim_invalid"),
    ] {
        add(name, key.sign(&h, &with(&claims, change).to_string()), code);
    }
    let two_subs = c.replacen('{', r#"{"sub":"0190abcd-0000-7000-8000-00000000000f","#, 1);
    add("two subs", key.sign(&h, &two_subs), "token_claim_duplicate");
    let in_disguise = c.replacen('{', r#"{"r\u006fles":["admin"],"#, 1);
    add("roles twice, once in disguise", key.sign(&h, &in_disguise), "token_claim_duplicate");

    let admin = with(&claims, json!({ "roles": ["admin"] })).to_string();
    let swapped = format!("{}.{}.{signature}", part(&h), part(admin));
    add("other claims", swapped, "token_signature_invalid");
    add("no signature", format!("{message}."), "token_signature_invalid");
    for at in [0, signature.len() / 2] {
        let flipped = if signature.as_bytes()[at] == b'A' { "B" } else { "A" };
        let mut altered = signature.to_owned();
        altered.replace_range(at..=at, flipped);
        add("one character", format!("{message}.{altered}"), "token_signature_invalid");
    }
    for (name, token) in [
        ("padding", format!("{good}=")),
        ("base64, not base64url", format!("{message}.+/{}", &signature[2..])),
        ("four parts", format!("{good}.{signature}")),
        ("five parts", format!("{good}.a.b")),
        ("dots", "..".to_owned()),
        ("no JSON", key.sign("{", &c)),
        ("an array", key.sign("[]", &c)),
        ("deep JSON", key.sign(&(r#"{"a":"#.repeat(1500) + &"}".repeat(1500)), &c)),
        ("claims that are a text", key.sign(&h, "\"hello\"")),
        ("what no token is made of", format!("{good}\"")),
    ] {
        add(name, token, "token_malformed");
    }
    for bytes in [100_000, 1_000_000] {
        let pad = json!({ "pad": "a".repeat(bytes / 2) });
        add("large", key.sign(&h, &with(&claims, pad).to_string()), "token_too_large");
        add("large, and nothing else", "a.".repeat(bytes / 2), "token_too_large");
    }
    corpus
}

/// The answer of `GET /me` to a bearer token.
async fn show(program: &mut Program, token: &str) -> Page {
    program.token = Some(token.to_owned());
    program.get("/api/v1/me").await
}

async fn app_with(key: &OwnKey) -> (Latchkey, Program, String, Value) {
    let setup = Setup::new().set("JWT_ALGORITHM", key.algorithm).set("JWT_PRIVATE_KEY", &key.pem);
    // With nobody to ask about opaque tokens, every token is judged as a JWT.
    let setup = setup.set("LOCAL_IDP", "off");
    let app = setup.with_clock_standing().start().await;
    let (mut program, tokens) = owner(&app, "ada@example.test").await;
    let jwks = person::json_of(&program.get("/.well-known/jwks.json").await);
    let kid = read(&tokens.access).0["kid"].clone();
    let keys = jwks["keys"].as_array().expect("keys");
    let jwk = keys.iter().find(|jwk| jwk["kid"] == kid).expect("our own key").clone();
    (app, program, tokens.access, jwk)
}

#[tokio::test]
async fn every_forgery_is_refused_for_its_own_reason() {
    for algorithm in ALGORITHMS {
        let key = OwnKey::new(algorithm);
        let (_app, mut program, good, jwk) = app_with(&key).await;
        // What makes the rest mean something: made by hand, and good.
        let (header, claims) = read(&good);
        let by_hand = key.sign(&header.to_string(), &claims.to_string());
        assert_eq!(show(&mut program, &by_hand).await.status, 200, "{algorithm}");
        for (name, token, code) in corpus(&key, &jwk, &good) {
            let page = show(&mut program, &token).await;
            assert_eq!(page.status, 401, "{algorithm}: {name}: {}", page.summary());
            assert_eq!(page.header("x-error-code"), Some(code), "{algorithm}: {name}");
            problem(&page, 401, code);
            let challenge = page.header("www-authenticate").expect("a challenge");
            assert!(challenge.starts_with("Bearer realm="), "{challenge}");
            assert!(challenge.contains(r#"error="invalid_token""#), "{name}: {challenge}");
            assert!(!page.body.contains(&token), "{name}: the token is repeated");
        }
        assert_eq!(show(&mut program, &good).await.status, 200, "{algorithm}: afterwards");
    }
}

#[tokio::test]
async fn a_forgery_in_the_cookie_makes_nobody_of_somebody() {
    let key = OwnKey::new("EdDSA");
    let (app, _, good, jwk) = app_with(&key).await;
    let mut browser = Browser::new();
    for (name, token, _) in corpus(&key, &jwk, &good).into_iter().filter(|(_, t, _)| t.len() < 8000)
    {
        browser.jar.plant("localhost", "latchkey_token", &token);
        problem(&browser.get(&app.url("/api/v1/me")).await, 401, "token_missing");
        let page = browser.get(&app.url("/account")).await;
        assert_eq!(page.header("x-error-code"), Some("sign_in_required"), "{name}");
        assert_eq!(browser.get(&app.url("/")).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn the_authorization_header_is_read_to_the_letter() {
    let app = Latchkey::start().await;
    let (mut program, tokens) = owner(&app, "ada@example.test").await;
    let good = tokens.access;
    let me = "/api/v1/me".to_owned();
    let bearer = format!("Bearer {good}");
    let in_url = |name: &str| format!("/api/v1/me?{name}={good}");
    for (name, path, values, status, code) in [
        ("as it should be", me.clone(), vec![bearer.clone()], 200, ""),
        ("the scheme has no case", me.clone(), vec![format!("bearer {good}")], 200, ""),
        ("shouting", me.clone(), vec![format!("BEARER {good}")], 200, ""),
        ("twice", me.clone(), vec![bearer.clone(); 2], 400, "authorization_invalid"),
        (
            "and Basic",
            me.clone(),
            vec![bearer.clone(), "Basic YTpi".into()],
            400,
            "authorization_invalid",
        ),
        ("Basic", me.clone(), vec!["Basic YTpi".to_owned()], 401, "token_missing"),
        ("no token", me.clone(), vec!["Bearer".to_owned()], 401, "token_missing"),
        ("no scheme", me.clone(), vec![good.clone()], 401, "token_missing"),
        ("nothing", me.clone(), vec![], 401, "token_missing"),
        ("in the URL", in_url("access_token"), vec![], 400, "token_in_url"),
        ("in the URL too", in_url("access_token"), vec![bearer.clone()], 400, "token_in_url"),
        ("in disguise", in_url("access%5Ftoken"), vec![bearer.clone()], 400, "token_in_url"),
    ] {
        let headers: Vec<_> = values.iter().map(|v| ("authorization", v.as_str())).collect();
        let page = program.raw(Method::GET, &path, &headers, None).await;
        assert_eq!(page.status, status, "{name}: {}", page.summary());
        if status == 200 {
            continue;
        }
        problem(&page, status, code);
        let challenge = page.header("www-authenticate").expect("a challenge");
        match status {
            400 => assert!(challenge.contains(r#"error="invalid_request""#), "{name}: {challenge}"),
            // RFC 6750 §3.1: nothing that could be an access token came.
            _ => assert!(!challenge.contains("error"), "{name}: {challenge}"),
        }
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_a_bad_token() {
    let app = Latchkey::start().await;
    let page = show(&mut Program::new(&app), "Ünï.cöd.€").await;
    assert_eq!(page.status, 401, "{}", page.summary());
    let challenge = page.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
}
