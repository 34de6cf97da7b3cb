//! Signatures: valid, and by which key.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_auth::tokens::{Algorithm, SigningKey};
use latchkey_domain::Span;
use latchkey_tests::accounts::{ApiClient, expect_problem, instance};
use latchkey_tests::jws::{base64url, decode, sign_with_secret, with_changes};
use latchkey_tests::{Browser, Database, Latchkey, Setup, number, until};
use serde_json::{Value, json};

use super::read::{inspect, lamps, members, said, unsigned};

const CLAIMS: &str = r#"{"sub":"1"}"#;

const VERIFIED: &str = "Signed with ";
const MISMATCH: &str = "The header says ";
const INVALID: &str = "The signature does not match";
const CUT_OFF: &str = "The token was cut off before the end of its signature.";
const UNKNOWN: &str = "No key has the ID ";

/// The app's signing key.
fn key(app: &Latchkey) -> SigningKey {
    app.app.keys.ring().signing_key(app.clock.now()).expect("a key").clone()
}

/// A token with a real signature.
fn signed(key: &SigningKey, header: &Value) -> String {
    let message = format!("{}.{}", base64url(header.to_string()), base64url(CLAIMS));
    let signature = key.sign(message.as_bytes()).expect("a signature");
    format!("{message}.{}", base64url(signature))
}

fn named(algorithm: &str, kid: &str) -> Value {
    json!({"alg": algorithm, "kid": kid})
}

async fn told(app: &Latchkey, token: &str, fields: &[(&str, &str)]) -> String {
    let fields = [&[("token", token)], fields].concat();
    let page = inspect(app, &fields).await.expect(200);
    let told = said(&page, 1).remove(0);
    assert_eq!(lamps(&page)[1] == "yes", told.starts_with(VERIFIED), "{told}");
    told
}

async fn ours(app: &Latchkey, token: &str) -> String {
    told(app, token, &[]).await
}

async fn by(app: &Latchkey, token: &str, key: &str) -> String {
    told(app, token, &[("by", "key"), ("key", key)]).await
}

#[tokio::test]
async fn app_key_verifies_only_one_algorithm() {
    for algorithm in Algorithm::ALL {
        let app = Setup::new().set("JWT_ALGORITHM", algorithm.as_str()).start().await;
        let key = key(&app);
        let good = signed(&key, &named(algorithm.as_str(), key.kid()));
        let verified = ours(&app, &good).await;
        assert!(verified.starts_with(VERIFIED), "{algorithm}: {verified}");
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            let answer = ours(&app, &signed(&key, &named(other.as_str(), key.kid()))).await;
            assert!(answer.starts_with(MISMATCH), "{other}: {answer}");
        }
        let at = good.find('.').expect("a dot") + 3;
        let mut altered = good.clone();
        altered.replace_range(at..=at, if good.as_bytes()[at] == b'A' { "B" } else { "A" });
        assert!(ours(&app, &altered).await.starts_with(INVALID));
        for cut in 1..6 {
            let answer = ours(&app, &good[..good.len() - cut]).await;
            assert!(answer == CUT_OFF || answer.starts_with(INVALID), "{cut}: {answer}");
        }
        assert_eq!(ours(&app, &good[..good.len() - 8]).await, CUT_OFF);
    }
}

#[tokio::test]
async fn each_verification_failure_has_a_reason() {
    let app = Latchkey::start().await;
    let key = key(&app);
    let kid = key.kid();
    let signed_as = |header: Value| signed(&key, &header);
    let header = named("EdDSA", kid).to_string();
    for (token, answer) in [
        (signed_as(json!({"alg": "none", "kid": kid})), "alg is none"),
        (signed_as(json!({"alg": "NoNe"})), "alg is none"),
        (signed_as(json!({"kid": kid})), "The header names no algorithm"),
        (signed_as(json!({"alg": 5})), "The header names no algorithm"),
        (signed_as(json!({"alg": "EdDSA"})), "The header names no key (kid)"),
        (signed_as(json!({"alg": "EdDSA", "kid": ["x"]})), "The header names no key (kid)"),
        (signed_as(json!({"alg": "EdDSA", "kid": "x\u{202e}"})), "No key has the ID x\\u{202e}:"),
        (signed_as(json!({"alg": "EdDSA", "kid": kid, "crit": []})), "The header has crit"),
        (signed_as(json!({"alg": "EdDSA", "kid": kid, "b64": true})), "The header has b64"),
        (unsigned(&header, CLAIMS, 0), "The signature is missing"),
        (unsigned(&header, CLAIMS, 64), INVALID),
        (unsigned(&header, CLAIMS, 40), CUT_OFF),
        ("opaque".to_owned(), "There is no header that can be read."),
        (format!("{}.a.b.c.d", base64url(r#"{"alg":"RSA-OAEP"}"#)), "An encrypted token"),
        (format!("{}.{}", base64url(&header), base64url(CLAIMS)), CUT_OFF),
    ] {
        let found = ours(&app, &token).await;
        assert!(found.starts_with(answer), "{token}: {found}");
    }
    let good = signed_as(named("EdDSA", kid));
    assert!(told(&app, &good, &[("by", "nothing")]).await.starts_with("Not verified:"));
}

#[tokio::test]
async fn retired_key_is_distinguished_from_unknown_key() {
    // Expired keys are deleted at the start, in the background, and then every ten minutes. When
    // this one is gone, that has happened, and cannot happen to the key that retires below.
    let database = Database::sqlite().await;
    database.execute("INSERT INTO signing_keys VALUES ('expired', 'EdDSA', '', 0, 0, 0)").await;
    let app = instance(&database.url).with_frozen_clock().start().await;
    let expired = "SELECT COUNT(*) FROM signing_keys WHERE kid = 'expired'";
    until("the deletion", async || number(&database.db, expired).await == 0).await;
    let old = key(&app);
    app.app.keys.rotate(Algorithm::EdDsa, app.clock.now()).await.expect("a new key");
    app.advance(Span::minutes(20));
    let answer = ours(&app, &signed(&old, &named("EdDSA", old.kid()))).await;
    assert!(answer.starts_with(&format!("The key {} was ours.", old.kid())), "{answer}");
    let stranger = SigningKey::generate(Algorithm::EdDsa).expect("a key");
    let answer = ours(&app, &signed(&stranger, &named("EdDSA", stranger.kid()))).await;
    assert!(answer.starts_with(UNKNOWN), "{answer}");
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(der))
}

#[tokio::test]
async fn supplied_key_verifies_only_matching_signatures() {
    let app = Latchkey::start().await;
    let random = SystemRandom::new();
    let message = |algorithm: &str| {
        format!("{}.{}", base64url(json!({ "alg": algorithm }).to_string()), base64url(CLAIMS))
    };
    let mut cases: Vec<(&str, String, String)> = Vec::new();
    for (algorithm, signing) in [
        ("ES256", &ECDSA_P256_SHA256_FIXED_SIGNING),
        ("ES384", &ECDSA_P384_SHA384_FIXED_SIGNING),
        ("ES512", &ECDSA_P521_SHA512_FIXED_SIGNING),
    ] {
        let pair = EcdsaKeyPair::generate(signing).expect("a key");
        let signature = pair.sign(&random, message(algorithm).as_bytes()).expect("a signature");
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("DER");
        cases.push((algorithm, pem(der.as_ref()), base64url(signature)));
    }
    let pair = RsaKeyPair::generate(rsa::KeySize::Rsa2048).expect("a key");
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("DER");
    for (algorithm, encoding) in [
        ("RS256", &RSA_PKCS1_SHA256 as &'static dyn RsaEncoding),
        ("RS512", &RSA_PKCS1_SHA512),
        ("PS256", &RSA_PSS_SHA256),
        ("PS384", &RSA_PSS_SHA384),
    ] {
        let mut signature = vec![0; pair.public_modulus_len()];
        let bytes = message(algorithm);
        pair.sign(encoding, &random, bytes.as_bytes(), &mut signature).expect("a signature");
        cases.push((algorithm, pem(der.as_ref()), base64url(signature)));
    }
    for (algorithm, key, signature) in &cases {
        let token = format!("{}.{signature}", message(algorithm));
        for (other, other_key, _) in &cases {
            let answer = by(&app, &token, other_key).await;
            let is_its_own = key == other_key;
            assert_eq!(
                answer.starts_with(VERIFIED),
                is_its_own,
                "{algorithm} by {other}: {answer}"
            );
        }
    }
    // RFC 8725 §2.1: the public key used as an HMAC secret.
    let token = sign_with_secret(pem(der.as_ref()).as_bytes(), r#"{"alg":"HS256"}"#, CLAIMS);
    assert!(by(&app, &token, &pem(der.as_ref())).await.starts_with(MISMATCH));
}

/// RFC 7515 appendix A.1, with a JWK and with the typed secret.
#[tokio::test]
async fn hmac_secret_verifies_the_signature() {
    let app = Latchkey::start().await;
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let k =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let answer = by(&app, token, &json!({"kty": "oct", "k": k}).to_string()).await;
    assert!(answer.starts_with(VERIFIED), "{answer}");
    assert!(by(&app, token, r#"{"kty":"oct","k":"AAAA"}"#).await.starts_with(INVALID));

    let token = sign_with_secret(b"secret", r#"{"alg":"HS256"}"#, CLAIMS);
    let fields = [("token", token.as_str()), ("by", "secret"), ("secret", "secret")];
    let told = said(&inspect(&app, &fields).await.expect(200), 1);
    assert!(told[0].starts_with(VERIFIED), "{told:?}");
    assert!(told[1].starts_with("The secret is shorter than its hash"), "{told:?}");
}

#[tokio::test]
async fn kid_selects_the_key() {
    let app = Latchkey::start().await;
    let new = || SigningKey::generate(Algorithm::EdDsa).expect("a key");
    let (one, two) = (new(), new());
    let jwk = |key: &SigningKey| key.verifying().to_jwk().expect("a public key");
    let set = json!({"keys": [jwk(&one), jwk(&two)]}).to_string();
    for (header, answer) in [
        (named("EdDSA", two.kid()), VERIFIED),
        (named("EdDSA", one.kid()), INVALID),
        (named("EdDSA", "x"), UNKNOWN),
        // Without a kid each key is tried.
        (json!({"alg": "EdDSA"}), VERIFIED),
    ] {
        let found = by(&app, &signed(&two, &header), &set).await;
        assert!(found.starts_with(answer), "{header}: {found}");
    }
    // The first twenty of a long set.
    for (before, answer) in [(19, VERIFIED), (20, INVALID)] {
        let mut keys = vec![jwk(&one); before];
        keys.push(jwk(&two));
        let token = signed(&two, &json!({"alg": "EdDSA"}));
        let found = by(&app, &token, &json!({ "keys": keys }).to_string()).await;
        assert!(found.starts_with(answer), "{before}: {found}");
    }
}

/// The key decides the algorithm, and a text explains an invalid key.
#[tokio::test]
async fn supplied_key_formats_are_recognized() {
    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----";
    const ED25519: &str = "EdDSA, Ed25519";
    const NO_JWK: &str = "This JSON contains no key";
    const PRIVATE: &str = "This is a private key.";
    let app = Latchkey::start().await;
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
    let ed_for = |alg: &str| json!({"kty": "OKP", "crv": "Ed25519", "x": x, "alg": alg});
    let on_p256 = |y: &str| {
        let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
    };
    let ec = on_p256("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    let private = json!({"kty": "OKP", "crv": "Ed25519", "x": "a", "d": "b"});
    let block = |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}");
    for (text, found) in [
        (PEM.to_owned(), ED25519),
        (PEM.replace('\n', "\\n"), ED25519),
        (format!("  {PEM}  "), ED25519),
        (ed.to_string(), ED25519),
        (ed_for("EdDSA").to_string(), "EdDSA"),
        (ed_for("HS256").to_string(), "nothing"),
        (ec.to_string(), "ES256"),
        (json!({"keys": [ed, ec, {"kty": "new"}]}).to_string(), "EdDSA, Ed25519, ES256"),
        (json!({"kty": "oct", "k": "c2VjcmV0"}).to_string(), "HS256, HS384, HS512"),
        (json!({"kty": "oct", "k": "AAAA", "alg": "HS512"}).to_string(), "HS512"),
        (on_p256("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1").to_string(), NO_JWK),
        (private.to_string(), PRIVATE),
        (json!({"keys": [private]}).to_string(), PRIVATE),
        (json!({"keys": []}).to_string(), NO_JWK),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}).to_string(), NO_JWK),
        (json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}).to_string(), NO_JWK),
        (json!([]).to_string(), NO_JWK),
        (" ".to_owned(), "No key was given."),
        ("hello".to_owned(), "This is not a PEM public key, a JWK or a JWK set."),
        (block("PRIVATE KEY", "x"), PRIVATE),
        (block("RSA PRIVATE KEY", "x"), PRIVATE),
        (block("CERTIFICATE", "x"), "This is a certificate."),
        (block("PUBLIC KEY", "?"), "This PEM is damaged"),
        (block("PUBLIC KEY", "AAAA\n-----END PUBLIC KEY-----"), "This PEM contains no RSA key"),
        ("-----BEGIN".to_owned(), "This PEM is damaged"),
    ] {
        let answer = by(&app, &unsigned(r#"{"alg":"XX"}"#, CLAIMS, 64), &text).await;
        let allowed = format!("The header says XX, but the key only verifies {found}.");
        assert!(answer.starts_with(found) || answer.starts_with(&allowed), "{text}: {answer}");
    }
    let fields = [("by", "secret"), ("secret", "")];
    let answer = told(&app, &unsigned(r#"{"alg":"HS256"}"#, CLAIMS, 32), &fields).await;
    assert_eq!(answer, "No key was given.");
}

/// The text of the card on a claim's page.
async fn card(app: &Latchkey) -> String {
    let mut browser = Browser::new();
    let to = browser.post(&app.url("/compare/run"), &[("claim", "9")]).await.see_other();
    let _ = browser.get(&app.url(&to)).await;
    let page = browser.get(&app.url("/compare/granular")).await.expect(200);
    let (_, card) =
        page.body.split_once("aria-label=\"The signed result\"><code>").expect("a card");
    card.split_once("</code>").expect("its end").0.to_owned()
}

#[tokio::test]
async fn signed_benchmark_result_verifies_unless_altered() {
    let app = Latchkey::start().await;
    let card = card(&app).await;
    let keys = Browser::new().get(&app.url("/.well-known/jwks.json")).await.expect(200).body;
    let by_keys = |card: String| {
        let (app, keys) = (&app, &keys);
        async move { inspect(app, &[("token", &card), ("by", "key"), ("key", keys)]).await }
    };
    let ours = inspect(&app, &[("token", &card)]).await;
    for page in [ours, by_keys(card.clone()).await] {
        assert_eq!(lamps(&page), ["yes", "yes", "yes"], "{}", page.summary());
        for claim in ["verdict", "figures", "machine", "version", "iat"] {
            assert!(members(&page, "claims").iter().any(|one| one.name == claim), "{claim}");
        }
    }
    // A claim changed, one character changed, and no signature.
    let parts: Vec<_> = card.split('.').collect();
    let (_, claims) = decode(&card);
    assert_eq!(claims["verdict"], "true", "{claims}");
    let turned = base64url(with_changes(&claims, json!({ "verdict": "false" })).to_string());
    let last = if parts[2].starts_with('A') { "B" } else { "A" };
    for altered in [
        format!("{}.{turned}.{}", parts[0], parts[2]),
        format!("{}.{}.{last}{}", parts[0], parts[1], &parts[2][1..]),
        format!("{}.{}.", parts[0], parts[1]),
    ] {
        let ours = inspect(&app, &[("token", &altered)]).await;
        for page in [ours, by_keys(altered).await] {
            assert_eq!(lamps(&page)[1], "no", "{}", page.summary());
        }
    }
    // It gives no access, although the key is that of access tokens.
    let answer = ApiClient::with(&app, &card).get("/api/v1/me").await;
    expect_problem(&answer, 401, "token_type_wrong");
}

/// With a secret of this instance, others cannot verify anything.
#[tokio::test]
async fn hs256_app_offers_no_signed_result() {
    let app = Setup::new().set("JWT_ALGORITHM", "HS256").start().await;
    let mut browser = Browser::new();
    let to = browser.post(&app.url("/compare/run"), &[("claim", "9")]).await.see_other();
    let _ = browser.get(&app.url(&to)).await;
    let page = browser.get(&app.url("/compare/granular")).await.expect(200);
    assert!(page.body.contains("id=\"claim-9\"") && !page.body.contains("Signed result"));
}
