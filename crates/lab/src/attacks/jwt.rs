//! JSON Web Tokens that were never issued, shown to the API.

use http::Method;
use serde_json::{Value, json};

use super::attacks;
use super::forge::Jwt;
use super::judge::Expect::{self, Code};
use super::provider::redeemed;
use super::stage::{NotRun, Outcome, Stage, member};
use crate::Call;

const ALTERED: &[Expect] = &[Code(401, "token_signature_invalid")];
const UNKNOWN_KEY: &[Expect] = &[Code(401, "token_key_unknown")];
const EMBEDDED: &[Expect] = &[Code(401, "token_key_embedded")];

attacks! { Jwt:
    "jwt_none", "A token that is not signed", "RFC 8725 §3.2",
    "crates/auth/src/tokens/verify.rs", "key_for",
    "The header says alg none, in any spelling, and the signature is empty. A library that believes the header has nothing left to check.",
    &[Code(401, "token_algorithm_none")], none;

    "jwt_hs256", "The public key as a secret", "RFC 8725 §3.1",
    "crates/auth/src/tokens/verify.rs", "key_for",
    "The header says HS256, and the thief signs with the public key, which everybody can fetch, as the secret.",
    &[Code(401, "token_algorithm_mismatch")], hs256;

    "jwt_hmac_disguised", "An HMAC under the right name", "RFC 8725 §3.1",
    "crates/auth/src/tokens/verify.rs", "verify_by",
    "The same, but the header says the right algorithm.",
    ALTERED, hmac_disguised;

    "jwt_kid_path", "A kid that is a path", "RFC 8725 §3.10",
    "crates/auth/src/tokens/ring.rs", "verifying_key",
    "Where the kid names a file, /dev/null is an empty secret that everybody knows.",
    UNKNOWN_KEY, kid_path;

    "jwt_kid_sql", "A kid that is SQL", "RFC 8725 §3.10",
    "crates/auth/src/tokens/ring.rs", "verifying_key",
    "Where the kid is put into a query, the thief has the database answer with a secret of the thief’s choice.",
    UNKNOWN_KEY, kid_sql;

    "jwt_jwk", "A token that brings its own key", "RFC 8725 §3.10, RFC 7515 §4.1.3",
    "crates/auth/src/tokens/verify.rs", "key_for",
    "The thief makes a key, signs with it, and puts its public half into the header.",
    EMBEDDED, own_jwk;

    "jwt_jku", "A token that says where its key is", "RFC 8725 §3.10, RFC 7515 §4.1.2",
    "crates/auth/src/tokens/verify.rs", "key_for",
    "The header names the thief’s own key set. Whoever fetches it also tells the thief that the token was read.",
    EMBEDDED, own_jku;

    "jwt_own_key", "A stranger’s signature", "RFC 7515 §5.2",
    "crates/auth/src/tokens/verify.rs", "key_for",
    "The thief signs with a key of their own under a name of their own.",
    UNKNOWN_KEY, own_key;

    "jwt_crit", "An extension that has to be understood", "RFC 7515 §4.1.11",
    "crates/auth/src/tokens/verify.rs", "key_for",
    "The header lists an extension as critical. Whoever passes over it reads another token than the one that was signed.",
    &[Code(401, "token_critical_header")], crit;

    "jwt_header_twice", "A header that says two things", "RFC 7515 §4",
    "crates/auth/src/jose/members.rs", "has_duplicates",
    "The algorithm is named twice: two parts of a program may read different ones.",
    &[Code(401, "token_header_duplicate")], header_twice;

    "jwt_flipped", "One bit, in each part", "RFC 7515 §5.2",
    "crates/auth/src/tokens/verify.rs", "verify_by",
    "The thief changes as little as can be changed: a member more in the header, another claim, one bit of the signature, or no signature.",
    ALTERED, flipped;

    "jwt_longer_life", "A token that lives longer", "RFC 9068 §4",
    "crates/auth/src/tokens/verify.rs", "verify_by",
    "The thief has a token that ends in five minutes, and writes another year into it.",
    ALTERED, longer_life;

    "jwt_more_roles", "A token that makes an administrator", "RFC 9068 §4",
    "crates/auth/src/tokens/verify.rs", "verify_by",
    "The thief writes the role admin and every scope into a token of their own.",
    ALTERED, more_roles;

    "jwt_other_person", "A token that names somebody else", "RFC 9068 §4",
    "crates/auth/src/tokens/verify.rs", "verify_by",
    "The thief writes the victim’s id into a token of their own.",
    ALTERED, other_person;

    "jwt_other_audience", "A token for another service", "RFC 9068 §4, RFC 8725 §3.9",
    "crates/auth/src/tokens/verify.rs", "verify_by",
    "Another service’s token would be good here if nobody asked for whom it was made. The thief can only write the audience in, which breaks the signature.",
    ALTERED, other_audience;

    "jwt_id_token", "An ID token as an access token", "RFC 9068 §4, RFC 8725 §3.11",
    "crates/auth/src/tokens/verify.rs", "key_for",
    "An ID token of the provider is a good JWT about the right person. It says who somebody is, and opens nothing.",
    &[Code(401, "token_type_wrong")], id_token;

    "jwt_large", "A token of half a megabyte", "OWASP ASVS V4.2.5",
    "crates/auth/src/tokens/verify.rs", "verify_by",
    "The thief sends a token that costs more to take apart than to send.",
    &[Code(401, "token_too_large")], large;

    "jwt_in_url", "A token in the URL", "RFC 9700 §4.3.2, RFC 6750 §2.3",
    "crates/web/src/caller/bearer.rs", "refuse_tokens_in_url",
    "A link with a good token in it ends up in histories, logs and Referer headers, where a thief finds it. So it is refused although it is good.",
    &[Code(400, "token_in_url")], in_url;

    "jwt_two_headers", "Two Authorization headers", "RFC 6750 §3.1, RFC 9110 §5.3",
    "crates/web/src/caller/bearer.rs", "token",
    "A proxy looks at the first header, the app at the second. The thief sends a harmless and a stolen one.",
    &[Code(400, "authorization_invalid")], two_headers;

    "jwt_in_cookie", "A program’s token in a browser", "RFC 8725 §3.12",
    "crates/web/src/caller/browser.rs", "may_be_carried",
    "A token that was issued to a program, perhaps for little, is planted as the browser’s cookie, to get to the pages.",
    &[Code(401, "sign_in_required")], in_cookie;
}

/// A good token of the thief's own, taken apart.
async fn own(stage: &mut Stage) -> Outcome<(String, Jwt)> {
    let thief = stage.thief().await?;
    let access = stage.access_token(&thief).await?;
    let jwt = Jwt::read(&access)?;
    Ok((access, jwt))
}

/// Shows forged tokens to the API, and the good one that they were made from.
async fn shown(stage: &mut Stage, good: &str, forged: &[(&str, String)]) -> Outcome {
    let mut thief = stage.thiefs_browser();
    let call = stage.api(Method::GET, "/api/v1/me", good)?;
    stage.control(&mut thief, "The token as it was issued", call, 200).await?;
    for (note, token) in forged {
        let call = stage.api(Method::GET, "/api/v1/me", token)?;
        stage.attack(&mut thief, note, call).await?;
    }
    Ok(())
}

async fn none(stage: &mut Stage) -> Outcome {
    let (good, jwt) = own(stage).await?;
    let forged = [("alg none", "none"), ("alg None", "None"), ("alg nOnE", "nOnE")]
        .map(|(note, alg)| (note, jwt.unsigned(alg)));
    shown(stage, &good, &forged).await
}

/// What everybody can know of the key: the JWK, and the bytes in it.
async fn public_key(stage: &mut Stage, jwt: &Jwt) -> Outcome<[Vec<u8>; 2]> {
    let call = stage.get("/.well-known/jwks.json")?;
    let answer = stage.quietly(&mut stage.thiefs_browser(), call).await?;
    let keys: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let keys = keys["keys"].as_array().cloned().unwrap_or_default();
    let jwk = keys.into_iter().find(|jwk| jwk["kid"] == jwt.header["kid"]).ok_or_else(|| {
        NotRun::because("No public key is published: with HS256 there is none to misuse.")
    })?;
    let part = jwk["x"].as_str().or(jwk["n"].as_str()).unwrap_or_default().as_bytes().to_vec();
    Ok([jwk.to_string().into_bytes(), part])
}

async fn hs256(stage: &mut Stage) -> Outcome {
    let (good, jwt) = own(stage).await?;
    let forged = public_key(stage, &jwt).await?.map(|secret| {
        ("HS256 with the public key", jwt.with_hmac(&secret, json!({ "alg": "HS256" })))
    });
    shown(stage, &good, &forged).await
}

async fn hmac_disguised(stage: &mut Stage) -> Outcome {
    let (good, jwt) = own(stage).await?;
    let forged = public_key(stage, &jwt)
        .await?
        .map(|secret| ("An HMAC with the public key", jwt.with_hmac(&secret, json!({}))));
    shown(stage, &good, &forged).await
}

async fn kid(stage: &mut Stage, kids: &[&'static str]) -> Outcome {
    let (good, jwt) = own(stage).await?;
    let forged: Vec<_> =
        kids.iter().map(|kid| (*kid, jwt.with_hmac(b"", json!({ "kid": kid })))).collect();
    shown(stage, &good, &forged).await
}

async fn kid_path(stage: &mut Stage) -> Outcome {
    kid(stage, &["../../../../dev/null", "/dev/null", "https://evil.test/key"]).await
}

async fn kid_sql(stage: &mut Stage) -> Outcome {
    kid(stage, &["x' UNION SELECT ''--", "' OR '1'='1"]).await
}

async fn own_jwk(stage: &mut Stage) -> Outcome {
    let (good, jwt) = own(stage).await?;
    let forged = jwt.with_own_key(|jwk| json!({ "kid": "mine", "jwk": jwk }))?;
    shown(stage, &good, &[("With jwk in the header", forged)]).await
}

async fn own_jku(stage: &mut Stage) -> Outcome {
    let (good, jwt) = own(stage).await?;
    let jku = jwt.with_own_key(|_| json!({ "kid": "mine", "jku": "https://evil.test/jwks" }))?;
    let x5u = jwt.with_own_key(|_| json!({ "kid": "mine", "x5u": "https://evil.test/pem" }))?;
    shown(stage, &good, &[("With jku", jku), ("With x5u", x5u)]).await
}

async fn own_key(stage: &mut Stage) -> Outcome {
    let (good, jwt) = own(stage).await?;
    let forged = jwt.with_own_key(|_| json!({ "kid": "mine" }))?;
    shown(stage, &good, &[("Signed by the thief", forged)]).await
}

async fn crit(stage: &mut Stage) -> Outcome {
    let (good, jwt) = own(stage).await?;
    let forged = [
        ("crit names exp", jwt.with_header(json!({ "crit": ["exp"], "exp": 1 }))),
        ("crit names b64", jwt.with_header(json!({ "crit": ["b64"], "b64": false }))),
    ];
    shown(stage, &good, &forged).await
}

async fn header_twice(stage: &mut Stage) -> Outcome {
    let (good, jwt) = own(stage).await?;
    let twice = jwt.header.to_string().replacen('{', r#"{"alg":"none","#, 1);
    shown(stage, &good, &[("alg none, and the right one", jwt.with_header_text(&twice))]).await
}

async fn flipped(stage: &mut Stage) -> Outcome {
    let (good, jwt) = own(stage).await?;
    let forged = [
        ("A member more in the header", jwt.with_header(json!({ "x": 1 }))),
        ("Another claim", jwt.with_claims(json!({ "jti": "x" }))),
        ("One bit of the signature", jwt.with_flipped_signature()),
        ("No signature", format!("{}.", jwt.message)),
    ];
    shown(stage, &good, &forged).await
}

async fn claims(stage: &mut Stage, note: &str, changes: Value) -> Outcome {
    let (good, jwt) = own(stage).await?;
    shown(stage, &good, &[(note, jwt.with_claims(changes))]).await
}

async fn longer_life(stage: &mut Stage) -> Outcome {
    claims(stage, "exp far away", json!({ "exp": 4_102_444_800_i64 })).await
}

async fn more_roles(stage: &mut Stage) -> Outcome {
    claims(stage, "The role admin", json!({ "roles": ["admin"] })).await
}

async fn other_person(stage: &mut Stage) -> Outcome {
    let owner = stage.owner().await?;
    let owners = Jwt::read(&stage.access_token(&owner).await?)?;
    claims(stage, "The victim’s sub", json!({ "sub": owners.claims["sub"] })).await
}

async fn other_audience(stage: &mut Stage) -> Outcome {
    claims(stage, "Another audience", json!({ "aud": "https://evil.test/api" })).await
}

async fn id_token(stage: &mut Stage) -> Outcome {
    let (good, _) = own(stage).await?;
    let id_token = member(&redeemed(stage).await?, "id_token")?;
    shown(stage, &good, &[("An ID token of the local provider", id_token)]).await
}

async fn large(stage: &mut Stage) -> Outcome {
    let (good, jwt) = own(stage).await?;
    let forged = jwt.with_claims(json!({ "pad": "a".repeat(300_000) }));
    shown(stage, &good, &[("With 300,000 letters in a claim", forged)]).await
}

async fn in_url(stage: &mut Stage) -> Outcome {
    let (good, _) = own(stage).await?;
    shown(stage, &good, &[]).await?;
    let mut thief = stage.thiefs_browser();
    for name in ["access_token", "token"] {
        let mut url = stage.url("/api/v1/me")?;
        url.query_pairs_mut().append_pair(name, &good);
        stage.attack(&mut thief, "The good token in the URL", Call::get(url)).await?;
    }
    Ok(())
}

async fn two_headers(stage: &mut Stage) -> Outcome {
    let (good, _) = own(stage).await?;
    shown(stage, &good, &[]).await?;
    let call = stage.api(Method::GET, "/api/v1/me", &good)?;
    let mut thief = stage.thiefs_browser();
    stage.attack(&mut thief, "The token twice", call.clone().bearer(&good)).await?;
    let mixed = call.with("authorization", "Basic bm9ib2R5Om5vdGhpbmc=");
    stage.attack(&mut thief, "A token and a password", mixed).await?;
    Ok(())
}

async fn in_cookie(stage: &mut Stage) -> Outcome {
    let (good, _) = own(stage).await?;
    shown(stage, &good, &[]).await?;
    let mut thief = stage.thiefs_browser();
    thief.agent.plant(&stage.url("/")?, "latchkey_token", &good);
    stage.attack(&mut thief, "The cookie on a page", stage.get("/account")?).await?;
    Ok(())
}
