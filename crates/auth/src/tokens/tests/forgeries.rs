//! Tokens that must be refused, each for its own reason.
//!
//! The corpus is a table of names, tokens and codes, so that the same tokens
//! can be sent over HTTP as well.

use super::*;

/// One forged token, and the code with which it is refused.
pub(super) struct Forgery {
    pub(super) name: &'static str,
    pub(super) token: String,
    pub(super) code: &'static str,
}

/// Every forgery against a service that signs with `key`. `stranger` is a key
/// of the same algorithm that the service does not know.
pub(super) fn corpus(key: &SigningKey, stranger: &SigningKey, now: Timestamp) -> Vec<Forgery> {
    let mut corpus = Vec::new();
    let mut add = |name, token: String, code| corpus.push(Forgery { name, token, code });

    let good_claims = serde_json::to_string(&claims_at(now)).expect("JSON");
    let good_header = header_of(key);
    let good = signed(key, &good_header.to_string(), &good_claims);
    let (message, signature) = good.rsplit_once('.').expect("three parts");
    let unsigned = |header: &Value| format!("{}.{}.", part(header.to_string()), part(&good_claims));
    let header = |change: Value| merged(&good_header, &change);
    let claims = |change: Value| {
        let good: Value = serde_json::from_str(&good_claims).expect("JSON");
        merged(&good, &change)
    };
    let with_header = |change: Value| signed(key, &header(change).to_string(), &good_claims);
    let with_claims =
        |change: Value| signed(key, &good_header.to_string(), &claims(change).to_string());
    let raw = |header: &str, claims: &str| signed(key, header, claims);

    // The form.
    for (name, token) in [
        ("nothing", String::new()),
        ("one part", part(good_header.to_string())),
        ("two parts", message.to_owned()),
        ("four parts", format!("{good}.{signature}")),
        ("five parts, as if encrypted", format!("{good}.a.b")),
        ("an opaque token", part([7; 32])),
        ("a blank before", format!(" {good}")),
        ("a line break after", format!("{good}\n")),
        ("padding", format!("{good}=")),
        ("base64 instead of base64url", format!("{message}.{}+/", &signature[2..])),
        ("no base64 at all", "Ünï.cöd.€".to_owned()),
        ("a NUL byte", format!("{message}\0.{signature}")),
        ("JSON serialization", json!({"payload": message, "signature": signature}).to_string()),
        ("a header that is no JSON", raw("{", &good_claims)),
        ("a header that is an array", raw("[]", &good_claims)),
        ("a header and something more", raw(&format!("{good_header} {{}}"), &good_claims)),
        (
            "a header that is no UTF-8",
            format!("{}.{}", part([0xff, 0xfe]), &good[good.find('.').expect("a dot") + 1..]),
        ),
        (
            "a header that is deep",
            raw(&format!("{}{}", r#"{"a":"#.repeat(1000), "}".repeat(1000)), &good_claims),
        ),
        ("claims that are no JSON", raw(&good_header.to_string(), "hello")),
        ("claims that are a text", raw(&good_header.to_string(), "\"hello\"")),
    ] {
        add(name, token, "token_malformed");
    }
    add("a megabyte", "a".repeat(1 << 20), "token_too_large");
    add(
        "a megabyte of claims",
        with_claims(json!({"pad": "a".repeat(1 << 20)})),
        "token_too_large",
    );

    // The header.
    for spelling in ["none", "None", "NONE", "nOnE"] {
        add("alg none", unsigned(&header(json!({"alg": spelling}))), "token_algorithm_none");
    }
    add(
        "alg none as any JWT",
        unsigned(&json!({"alg": "none", "typ": "JWT"})),
        "token_algorithm_none",
    );
    add("alg none with a signature", with_header(json!({"alg": "none"})), "token_algorithm_none");
    for (name, change, code) in [
        ("no alg", json!({"alg": null}), "token_header_invalid"),
        ("an alg that is a number", json!({"alg": 1}), "token_header_invalid"),
        ("two algs in an array", json!({"alg": ["none", "EdDSA"]}), "token_header_invalid"),
        ("no kid", json!({"kid": null}), "token_header_invalid"),
        ("a kid that is a number", json!({"kid": 0}), "token_header_invalid"),
        ("an empty kid", json!({"kid": ""}), "token_key_unknown"),
        ("a kid that is a path", json!({"kid": "../../../../dev/null"}), "token_key_unknown"),
        ("a kid that is SQL", json!({"kid": "x' UNION SELECT 'secret"}), "token_key_unknown"),
        ("a kid that is a URL", json!({"kid": "https://evil.test/key"}), "token_key_unknown"),
        ("a kid that is a command", json!({"kid": "key | touch /tmp/x"}), "token_key_unknown"),
        ("a kid in another case", json!({"kid": key.kid().to_uppercase()}), "token_key_unknown"),
        ("no typ", json!({"typ": null}), "token_type_wrong"),
        ("an ID token's typ", json!({"typ": "JWT"}), "token_type_wrong"),
        ("a logout token's typ", json!({"typ": "logout+jwt"}), "token_type_wrong"),
        ("a refresh token's typ", json!({"typ": "rt+jwt"}), "token_type_wrong"),
        ("a typ that is a number", json!({"typ": 1}), "token_type_wrong"),
        ("a typ of another tree", json!({"typ": "text/at+jwt"}), "token_type_wrong"),
        ("crit", json!({"crit": ["exp"], "exp": 1}), "token_critical_header"),
        ("an empty crit", json!({"crit": []}), "token_critical_header"),
        ("crit that says b64", json!({"crit": ["b64"], "b64": false}), "token_critical_header"),
        ("b64", json!({"b64": false}), "token_critical_header"),
        ("jku", json!({"jku": "https://evil.test/jwks.json"}), "token_key_embedded"),
        ("x5u", json!({"x5u": "https://evil.test/cert.pem"}), "token_key_embedded"),
        ("x5c", json!({"x5c": ["MIIB"]}), "token_key_embedded"),
    ] {
        add(name, with_header(change), code);
    }
    for other in ["HS256", "HS512", "ES256", "RS256", "PS256", "EdDSA", "ES256K", "eddsa", ""] {
        if other != key.algorithm().as_str() {
            add("another alg", with_header(json!({"alg": other})), "token_algorithm_mismatch");
        }
    }
    let twice = good_header.to_string().replacen('{', r#"{"alg":"none","#, 1);
    add("two algs", raw(&twice, &good_claims), "token_header_duplicate");
    let twice = good_header.to_string().replacen('{', "{\"k\\u0069d\":\"x\",", 1);
    add("two kids, one in disguise", raw(&twice, &good_claims), "token_header_duplicate");

    // The key.
    if let Some(jwk) = stranger.verifying().to_jwk() {
        let header = header(json!({"jwk": jwk, "kid": stranger.kid()})).to_string();
        add("a key of its own", signed(stranger, &header, &good_claims), "token_key_embedded");
        let named = header_of(stranger).to_string();
        add("a stranger's kid", signed(stranger, &named, &good_claims), "token_key_unknown");
    }
    let stolen = signed(stranger, &good_header.to_string(), &good_claims);
    add("signed by a stranger", stolen, "token_signature_invalid");
    if let Some(jwk) = key.verifying().to_jwk() {
        // The classic: what everybody may know of the key, as an HMAC secret.
        for public in [
            jwk.to_string(),
            jwk["x"].as_str().or(jwk["n"].as_str()).unwrap_or_default().to_owned(),
        ] {
            let padded = format!("{public:>32}");
            let secret = SigningKey::from_private_bytes(
                Algorithm::Hs256,
                key.kid().to_owned(),
                padded.as_bytes(),
            );
            let secret = secret.expect("a secret");
            let header = header(json!({"alg": "HS256"})).to_string();
            add(
                "HS256 with the public key",
                signed(&secret, &header, &good_claims),
                "token_algorithm_mismatch",
            );
            let header = good_header.to_string();
            add(
                "the same under the right alg",
                signed(&secret, &header, &good_claims),
                "token_signature_invalid",
            );
        }
    }
    add("no signature", format!("{message}."), "token_signature_invalid");
    add("half a signature", format!("{message}.{}", &signature[..40]), "token_signature_invalid");
    add("a signature of zeros", format!("{message}.{}", part([0; 64])), "token_signature_invalid");
    let swapped = format!(
        "{}.{}.{signature}",
        part(good_header.to_string()),
        part(claims(json!({"sub": ISSUER})).to_string())
    );
    add("other claims", swapped, "token_signature_invalid");
    let spaced = good_header.to_string().replacen(':', ": ", 1);
    let respelled = format!("{}.{}.{signature}", part(spaced), part(&good_claims));
    add("the same header in another spelling", respelled, "token_signature_invalid");

    // The claims, signed by the right key.
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
        "name",
        "email_verified",
        "created_at",
    ] {
        add(name, with_claims(json!({name: null})), "token_claim_missing");
    }
    let s = now.as_seconds();
    for (name, change, code) in [
        ("another issuer", json!({"iss": "https://evil.test"}), "token_issuer_wrong"),
        ("nearly the issuer", json!({"iss": "https://app.test/"}), "token_issuer_wrong"),
        ("an issuer that is an array", json!({"iss": [ISSUER]}), "token_claim_invalid"),
        ("another audience", json!({"aud": "https://other.test"}), "token_audience_wrong"),
        (
            "an audience beside ours",
            json!({"aud": [AUDIENCE, "https://evil.test"]}),
            "token_audience_wrong",
        ),
        ("no audience in an array", json!({"aud": []}), "token_audience_wrong"),
        ("an audience that is a number", json!({"aud": 1}), "token_claim_invalid"),
        ("an audience in two arrays", json!({"aud": [[AUDIENCE]]}), "token_claim_invalid"),
        ("expired", json!({"exp": s - 6}), "token_expired"),
        ("expired long ago", json!({"exp": 0}), "token_expired"),
        ("expired before time began", json!({"exp": i64::MIN}), "token_expired"),
        ("not yet valid", json!({"nbf": s + 7}), "token_not_yet_valid"),
        ("issued tomorrow", json!({"iat": s + 86_400, "nbf": s}), "token_not_yet_valid"),
        ("an exp that is a text", json!({"exp": "9999999999"}), "token_claim_invalid"),
        ("an exp with a fraction", json!({"exp": 9_999_999_999.5}), "token_claim_invalid"),
        ("an exp beyond counting", json!({"exp": u64::MAX}), "token_claim_invalid"),
        ("an exp that is true", json!({"exp": true}), "token_claim_invalid"),
        ("an exp that is an array", json!({"exp": [s + 300]}), "token_claim_invalid"),
        ("an nbf that is a text", json!({"nbf": "0"}), "token_claim_invalid"),
        ("an iat that is an object", json!({"iat": {}}), "token_claim_invalid"),
        ("a sub that is no id", json!({"sub": "ada"}), "token_claim_invalid"),
        (
            "a sub in upper case",
            json!({"sub": "0190ABCD-0000-7000-8000-00000000000F"}),
            "token_claim_invalid",
        ),
        ("a sub that is a number", json!({"sub": 1}), "token_claim_invalid"),
        ("a sid that is no id", json!({"sid": "' OR 1=1"}), "token_claim_invalid"),
        ("an empty jti", json!({"jti": ""}), "token_claim_invalid"),
        ("a scope that is an array", json!({"scope": ["profile"]}), "token_claim_invalid"),
        ("roles that are a text", json!({"roles": "admin"}), "token_claim_invalid"),
        ("roles that no role is called", json!({"roles": ["Admin!"]}), "token_claim_invalid"),
        ("an email that is none", json!({"email": "ada"}), "token_claim_invalid"),
        (
            "an email_verified that is a text",
            json!({"email_verified": "true"}),
            "token_claim_invalid",
        ),
    ] {
        add(name, with_claims(change), code);
    }
    for (name, first) in [
        ("two subs", r#"{"sub":"0190abcd-0000-7000-8000-00000000000f","#),
        ("two exps", r#"{"exp":9999999999,"#),
        ("two roles, one in disguise", r#"{"r\u006fles":["admin"],"#),
        ("two of what nobody reads", r#"{"x":1,"x":1,"#),
    ] {
        let twice = good_claims.replacen('{', first, 1);
        add(name, raw(&good_header.to_string(), &twice), "token_claim_duplicate");
    }
    corpus
}

/// An object with other members; null takes one away.
fn merged(object: &Value, change: &Value) -> Value {
    let mut merged = object.clone();
    let (Some(members), Some(changes)) = (merged.as_object_mut(), change.as_object()) else {
        return merged;
    };
    for (name, value) in changes {
        match value {
            Value::Null => drop(members.remove(name)),
            value => drop(members.insert(name.clone(), value.clone())),
        }
    }
    merged
}

#[test]
fn every_forgery_is_refused_for_its_reason() {
    for algorithm in Algorithm::ALL {
        let (key, stranger) = (key(algorithm), key(algorithm));
        let ring = ring_of(&[&key]);
        let corpus = corpus(&key, &stranger, NOW);
        assert!(corpus.len() >= 100, "{}", corpus.len());
        let verifier = Verifier::new(ring.clone(), expected());
        for Forgery { name, token, code } in corpus {
            let refused = verify(&token, &ring, &expected(), NOW).map_err(TokenError::code);
            assert_eq!(refused, Err(code), "{algorithm}: {name}: {token:.200}");
            // Twice, because nothing may be remembered of it.
            for _ in 0..2 {
                let refused = verifier.verify(&token, NOW).map_err(TokenError::code);
                assert_eq!(refused.map(|_| ()), Err(code), "{algorithm}: {name}, remembered");
            }
        }
    }
}

/// What looks odd and is right: refusing it would refuse a good token.
#[test]
fn what_is_no_forgery_is_taken() {
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
        let header = merged(&header_of(&key), &header).to_string();
        let token = signed(&key, &header, &merged(&good, &claims).to_string());
        let verdict = verify(&token, &ring, &expected(), NOW);
        assert!(verdict.is_ok(), "{name}: {verdict:?}");
        assert!(
            verdict
                .is_ok_and(|claims| !claims.scope.contains(latchkey_domain::Scope::ContactsWrite))
        );
    }
}

#[test]
fn leeway_ends_to_the_millisecond_and_at_a_minute() {
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
            assert_eq!(verify::check(&claims, &expected, now), verdict, "{leeway} {now:?}");
        }
    }
}
