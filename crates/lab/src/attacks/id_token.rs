//! ID tokens and what surrounds them, from a local provider that misbehaves as it is told.

use super::prelude::*;

const CLAIMS: Check = check("crates/auth/src/oauth/id_token.rs", "check");

attacks! { IdToken:
    "id_token_nonce", "An ID token of another sign-in", "OpenID Connect Core §3.1.3.7 (11)", CLAIMS,
        &[Says(502, "id_token_refused", "another attempt (nonce)"), Code(401, "sign_in_required")],
        with_misbehaving_provider("wrong_nonce");
    "id_token_signature", "One bit of the signature", "OpenID Connect Core §3.1.3.7 (6)",
        check("crates/auth/src/oauth/id_token.rs", "is_signed_by"),
        &[Says(502, "id_token_refused", "its signature is wrong"), Code(401, "sign_in_required")],
        with_misbehaving_provider("bad_signature");
    "id_token_unsigned", "An ID token that is not signed", "RFC 8725 §3.2",
        check("crates/auth/src/oauth/id_token.rs", "parse"),
        &[Says(502, "id_token_refused", "an algorithm that is not allowed"), Code(401, "sign_in_required")],
        with_misbehaving_provider("unsigned");
    "id_token_expired", "An ID token from an hour ago", "OpenID Connect Core §3.1.3.7 (9)", CLAIMS,
        &[Says(502, "id_token_refused", "it has expired"), Code(401, "sign_in_required")],
        with_misbehaving_provider("expired_id_token");
    "id_token_issuer", "An ID token from another issuer", "OpenID Connect Core §3.1.3.7 (2)", CLAIMS,
        &[Says(502, "id_token_refused", "from another issuer"), Code(401, "sign_in_required")],
        with_misbehaving_provider("wrong_issuer");
    "id_token_audience", "An ID token for another app", "OpenID Connect Core §3.1.3.7 (3)", CLAIMS,
        &[Says(502, "id_token_refused", "for somebody else"), Code(401, "sign_in_required")],
        with_misbehaving_provider("wrong_audience");
    "id_token_missing", "No ID token at all", "OpenID Connect Core §3.1.3.3",
        check("crates/auth/src/oauth/flow.rs", "open_id"),
        &[Says(502, "id_token_refused", "there is none"), Code(401, "sign_in_required")],
        with_misbehaving_provider("missing_id_token");
    "userinfo_of_another", "Userinfo about another person", "OpenID Connect Core §5.3.2",
        check("crates/auth/src/oauth/userinfo.rs", "fetch"),
        &[Says(502, "provider_nonsense", "about somebody else than the ID token"), Code(401, "sign_in_required")],
        with_misbehaving_provider("other_sub");
    "token_response_garbage", "Garbage instead of tokens", "RFC 6749 §5.1",
        check("crates/auth/src/oauth/token.rs", "exchange"),
        &[Code(502, "provider_nonsense"), Code(401, "sign_in_required")],
        with_misbehaving_provider("garbage_token");
}

/// A sign-in in which the provider misbehaves, and one in which it does not.
async fn with_misbehaving_provider(context: &mut AttackContext, misbehave: &'static str) -> Result {
    let actions = [
        begin(misbehave, ""),
        attack("Back from a provider that lies", open("{{callback}}")).by(Visitor),
        attack("Is the browser signed in?", get("/account")).by(Visitor),
        begin("none", ""),
        control("Back from one that does not", open("{{callback}}"), 303).by(Visitor),
    ];
    send(context, &actions).await
}
