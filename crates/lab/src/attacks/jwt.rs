//! JSON Web Tokens that were never issued, sent to the API.

use http::Method;
use serde_json::{Value, json};

use super::context::member;
use super::prelude::*;
use super::provider::redeem_code;
use crate::token::{Jwt, flip_bit, without_signature};

const ALTERED: &[Expect] = &[Code(401, "token_signature_invalid")];
const UNKNOWN_KEY: &[Expect] = &[Code(401, "token_key_unknown")];
const EMBEDDED: &[Expect] = &[Code(401, "token_key_embedded")];

const KEY: Check = check("crates/auth/src/tokens/verify.rs", "key_for");
const SIGNATURE: Check = check("crates/auth/src/tokens/verify.rs", "verify_by");
const KEY_RING: Check = check("crates/auth/src/tokens/ring.rs", "verifying_key");

attacks! { Jwt:
    "jwt_none", "Unsigned token (alg none)", "RFC 8725 §3.2, OWASP ASVS V9.1.2", KEY,
        &[Code(401, "token_algorithm_none")], forged(|jwt| Ok(vec![
            ("alg none", jwt.unsigned("none")),
            ("alg None", jwt.unsigned("None")),
            ("alg nOnE", jwt.unsigned("nOnE")),
        ]));
    "jwt_hs256", "HS256 with the public key as the secret", "RFC 8725 §3.1, OWASP ASVS V9.1.2", KEY,
        &[Code(401, "token_algorithm_mismatch")],
        signed_with_public_key("Signed with the public key", || json!({ "alg": "HS256" }));
    "jwt_hmac_disguised", "HMAC labeled with the correct algorithm", "RFC 8725 §3.1", SIGNATURE,
        ALTERED, signed_with_public_key("An HMAC with the public key", || json!({}));
    "jwt_kid_path", "File path in kid", "RFC 8725 §3.10", KEY_RING,
        UNKNOWN_KEY, with_kid(&["../../../../dev/null", "/dev/null", "https://evil.test/key"]);
    "jwt_kid_sql", "SQL injection in kid", "RFC 8725 §3.10", KEY_RING,
        UNKNOWN_KEY, with_kid(&["x' UNION SELECT ''--", "' OR '1'='1"]);
    "jwt_jwk", "Embedded key (jwk)", "OWASP ASVS V9.1.3, RFC 7515 §4.1.3", KEY,
        EMBEDDED, forged(|jwt| {
            let forged = jwt.with_attacker_key(|jwk| json!({ "kid": "mine", "jwk": jwk }))?;
            Ok(vec![("With jwk in the header", forged)])
        });
    "jwt_jku", "Key URL in the header (jku, x5u)", "OWASP ASVS V9.1.3, RFC 7515 §4.1.2", KEY,
        EMBEDDED, forged(|jwt| {
            let jku = jwt.with_attacker_key(|_| json!({ "kid": "mine", "jku": "https://evil.test/jwks" }))?;
            let x5u = jwt.with_attacker_key(|_| json!({ "kid": "mine", "x5u": "https://evil.test/pem" }))?;
            Ok(vec![("With jku", jku), ("With x5u", x5u)])
        });
    "jwt_own_key", "Token signed with the thief’s key", "RFC 7515 §5.2", KEY,
        UNKNOWN_KEY, forged(|jwt| {
            Ok(vec![("Signed by the thief", jwt.with_attacker_key(|_| json!({ "kid": "mine" }))?)])
        });
    "jwt_crit", "Unknown critical header (crit)", "RFC 7515 §4.1.11", KEY,
        &[Code(401, "token_critical_header")], forged(|jwt| Ok(vec![
            ("crit names exp", jwt.with_header(json!({ "crit": ["exp"], "exp": 1 }))),
            ("crit names b64", jwt.with_header(json!({ "crit": ["b64"], "b64": false }))),
        ]));
    "jwt_header_twice", "Duplicate header member", "RFC 7515 §4",
        check("crates/auth/src/jose/jws.rs", "has_duplicates"),
        &[Code(401, "token_header_duplicate")], forged(|jwt| {
            let twice = jwt.header.to_string().replacen('{', r#"{"alg":"none","#, 1);
            Ok(vec![("alg none, then the correct alg", jwt.with_header_text(&twice))])
        });
    "jwt_flipped", "Altered header, claims or signature", "RFC 7515 §5.2", SIGNATURE,
        ALTERED, forged(|jwt| Ok(vec![
            ("An extra header member", jwt.with_header(json!({ "x": 1 }))),
            ("A changed claim", jwt.with_claims(json!({ "jti": "x" }))),
            ("One bit of the signature flipped", flip_bit(&jwt.token, 2, 0)?),
            ("No signature", without_signature(&jwt.token)),
        ]));
    "jwt_longer_life", "Extended expiry", "RFC 9068 §4", SIGNATURE,
        ALTERED, with_claims("exp in the year 2100", || json!({ "exp": 4_102_444_800_i64 }));
    "jwt_more_roles", "Added admin role", "RFC 9068 §4", SIGNATURE,
        ALTERED, with_claims("The role admin", || json!({ "roles": ["admin"] }));
    "jwt_other_person", "Another user’s sub", "RFC 9068 §4", SIGNATURE,
        ALTERED, other_user();
    "jwt_other_audience", "Token for another service", "RFC 9068 §4, OWASP ASVS V9.2.3", SIGNATURE,
        ALTERED, with_claims("Another audience", || json!({ "aud": "https://evil.test/api" }));
    "jwt_id_token", "ID token used as an access token", "RFC 9068 §4, OWASP ASVS V9.2.2", KEY,
        &[Code(401, "token_type_wrong")], id_token();
    "jwt_large", "40 kB token", "OWASP ASVS V15.2.2", SIGNATURE,
        &[Code(401, "token_too_large")],
        with_claims("A claim of 30,000 characters", || json!({ "pad": "a".repeat(30_000) }));
    "jwt_in_url", "Access token in the URL", "RFC 9700 §4.3.2, RFC 6750 §2.3",
        check("crates/axum/src/caller/bearer.rs", "refuse_tokens_in_url"),
        &[Code(400, "token_in_url")], send(&[
            AS_ISSUED,
            attack("The valid token in the URL", get("/api/v1/me").query("{{each}}", "{{thief.token}}"))
                .each(&["access_token", "token"]),
        ]);
    "jwt_two_headers", "Two Authorization headers", "RFC 6750 §3.1, RFC 9110 §5.3",
        check("crates/axum/src/caller/bearer.rs", "token"),
        &[Code(400, "authorization_invalid")], send(&[
            AS_ISSUED,
            attack("The token twice", ME.with(&[("authorization", "Bearer {{thief.token}}")])),
            attack("A token and a password", ME.with(&[("authorization", "Basic bm9ib2R5Om5vdGhpbmc=")])),
        ]);
    "jwt_in_cookie", "API token in the browser’s cookie", "RFC 8725 §3.12",
        check("crates/axum/src/caller/extract.rs", "from_cookies"),
        &[Code(401, "sign_in_required")], send(&[
            AS_ISSUED,
            attack("The token as a cookie, on a page",
                get("/account").with(&[("cookie", "{{token_cookie}}={{thief.token}}")])),
        ]);
}

const ME: Request = api("GET", "/api/v1/me").bearer("{{thief.token}}");

const AS_ISSUED: Action = control("The token as it was issued", ME, 200);

/// Forged tokens, each with a note that says what is wrong with it.
type Forged = Vec<(&'static str, String)>;

/// Sends forged tokens to the API, after the valid one they were made from.
async fn forged(context: &mut AttackContext, forge: fn(&Jwt) -> Result<Forged>) -> Result {
    let jwt = thiefs_token(context).await?;
    send_all(context, forge(&jwt)?).await
}

async fn thiefs_token(context: &mut AttackContext) -> Result<Jwt> {
    let thief = context.thief().await?;
    Jwt::read(&context.access_token(&thief).await?)
}

async fn send_all(context: &mut AttackContext, forged: Forged) -> Result {
    send(context, &[AS_ISSUED]).await?;
    let mut thief = context.thiefs_browser();
    for (note, token) in forged {
        let call = context.api(Method::GET, "/api/v1/me", &token)?;
        context.attack(&mut thief, note, call).await?;
    }
    Ok(())
}

async fn with_claims(
    context: &mut AttackContext,
    note: &'static str,
    changes: fn() -> Value,
) -> Result {
    let jwt = thiefs_token(context).await?;
    send_all(context, vec![(note, jwt.with_claims(changes()))]).await
}

async fn with_kid(context: &mut AttackContext, kids: &[&'static str]) -> Result {
    let jwt = thiefs_token(context).await?;
    let forged = kids.iter().map(|kid| (*kid, jwt.with_hmac(b"", json!({ "kid": kid }))));
    send_all(context, forged.collect()).await
}

/// Signs with what is public about the key: the JWK, or the bytes in it.
async fn signed_with_public_key(
    context: &mut AttackContext,
    note: &'static str,
    header: fn() -> Value,
) -> Result {
    let jwt = thiefs_token(context).await?;
    let call = context.get("/.well-known/jwks.json")?;
    let answer = context.send_unrecorded(&mut context.thiefs_browser(), call, 200).await?;
    let keys: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let keys = keys["keys"].as_array().cloned().unwrap_or_default();
    let jwk = keys
        .into_iter()
        .find(|jwk| jwk["kid"] == jwt.header["kid"])
        .ok_or_else(|| Error::other("No public key is published: HS256 has none to misuse."))?;
    let bytes = jwk["x"].as_str().or(jwk["n"].as_str()).unwrap_or_default().to_owned();
    let forged =
        [jwk.to_string(), bytes].map(|secret| (note, jwt.with_hmac(secret.as_bytes(), header())));
    send_all(context, forged.into()).await
}

async fn other_user(context: &mut AttackContext) -> Result {
    let owner = context.owner().await?;
    let sub = Jwt::read(&context.access_token(&owner).await?)?.claims["sub"].clone();
    let forged = thiefs_token(context).await?.with_claims(json!({ "sub": sub }));
    send_all(context, vec![("The victim’s sub", forged)]).await
}

async fn id_token(context: &mut AttackContext) -> Result {
    let id_token = member(&redeem_code(context).await?, "id_token")?;
    send_all(context, vec![("An ID token of the local provider", id_token)]).await
}
