//! What a provider says of a person, and what is wrong with it. The local
//! provider lies as it is told.

use super::attacks;
use super::judge::Expect::{Code, Says};
use super::people::come_back;
use super::stage::{Outcome, Stage};

attacks! { IdToken:
    "id_token_nonce", "An ID token of another sign-in", "OpenID Connect Core §3.1.3.7 (11)",
    "crates/auth/src/oauth/id_token.rs", "check",
    "A thief has got hold of an ID token that was issued to the victim earlier, and has it delivered again. The nonce ties each to one sign-in.",
    &[Says(502, "id_token_refused", "another attempt (nonce)"), Code(401, "sign_in_required")], nonce;

    "id_token_signature", "One bit of the signature", "OpenID Connect Core §3.1.3.7 (6)",
    "crates/auth/src/oauth/id_token.rs", "verify",
    "Somebody between the app and the provider writes another person into the token. The signature no longer fits, if anybody looks.",
    &[Says(502, "id_token_refused", "its signature is wrong"), Code(401, "sign_in_required")], signature;

    "id_token_unsigned", "An ID token that is not signed", "RFC 8725 §3.2",
    "crates/auth/src/oauth/id_token.rs", "take_apart",
    "The token says that its algorithm is none. A library that believes what a token says of itself has nothing left to check.",
    &[Says(502, "id_token_refused", "an algorithm that is not allowed"), Code(401, "sign_in_required")], unsigned;

    "id_token_expired", "An ID token from an hour ago", "OpenID Connect Core §3.1.3.7 (9)",
    "crates/auth/src/oauth/id_token.rs", "check",
    "A thief found an old token in a log or a backup.",
    &[Says(502, "id_token_refused", "it has expired"), Code(401, "sign_in_required")], expired;

    "id_token_issuer", "An ID token from another issuer", "OpenID Connect Core §3.1.3.7 (2)",
    "crates/auth/src/oauth/id_token.rs", "check",
    "The token names somebody else as its issuer: at another provider, the same number is another person.",
    &[Says(502, "id_token_refused", "from another issuer"), Code(401, "sign_in_required")], issuer;

    "id_token_audience", "An ID token for another app", "OpenID Connect Core §3.1.3.7 (3)",
    "crates/auth/src/oauth/id_token.rs", "check",
    "A dishonest app hands on the ID tokens that its own visitors gave it, to be those visitors here.",
    &[Says(502, "id_token_refused", "for somebody else"), Code(401, "sign_in_required")], audience;

    "id_token_missing", "No ID token at all", "OpenID Connect Core §3.1.3.3",
    "crates/auth/src/oauth/flow.rs", "id_token",
    "The token is left out, for programs that then go on with whatever userinfo says.",
    &[Says(502, "id_token_refused", "there is none"), Code(401, "sign_in_required")], missing;

    "userinfo_of_another", "Userinfo about another person", "OpenID Connect Core §5.3.2",
    "crates/auth/src/oauth/userinfo.rs", "fetch",
    "The ID token is about one person and userinfo about another. Whoever mixes the two signs the wrong one in.",
    &[Says(502, "provider_nonsense", "about somebody else than the ID token"), Code(401, "sign_in_required")], other_sub;

    "token_response_garbage", "Garbage instead of tokens", "RFC 6749 §5.1",
    "crates/auth/src/oauth/token.rs", "exchange",
    "The token endpoint answers 200 with something that is no JSON, and hopes for a program that fails open.",
    &[Code(502, "provider_nonsense"), Code(401, "sign_in_required")], garbage;
}

/// A sign-in in which the provider misbehaves, and one in which it does not.
async fn told_to(stage: &mut Stage, misbehave: &str) -> Outcome {
    let mut browser = stage.browser();
    let forged = stage.waiting(&mut browser, misbehave).await?;
    stage.attack(&mut browser, "Back from a provider that lies", come_back(forged)).await?;
    stage.attack(&mut browser, "Is anybody signed in?", stage.get("/account")?).await?;
    let good = stage.waiting(&mut browser, "none").await?;
    stage.control(&mut browser, "Back from one that does not", come_back(good), 303).await?;
    Ok(())
}

async fn nonce(stage: &mut Stage) -> Outcome {
    told_to(stage, "wrong_nonce").await
}

async fn signature(stage: &mut Stage) -> Outcome {
    told_to(stage, "bad_signature").await
}

async fn unsigned(stage: &mut Stage) -> Outcome {
    told_to(stage, "unsigned").await
}

async fn expired(stage: &mut Stage) -> Outcome {
    told_to(stage, "expired_id_token").await
}

async fn issuer(stage: &mut Stage) -> Outcome {
    told_to(stage, "wrong_issuer").await
}

async fn audience(stage: &mut Stage) -> Outcome {
    told_to(stage, "wrong_audience").await
}

async fn missing(stage: &mut Stage) -> Outcome {
    told_to(stage, "missing_id_token").await
}

async fn other_sub(stage: &mut Stage) -> Outcome {
    told_to(stage, "other_sub").await
}

async fn garbage(stage: &mut Stage) -> Outcome {
    told_to(stage, "garbage_token").await
}
