//! Faulty ID tokens and token responses, from a local provider that is told to misbehave.

use super::prelude::*;

const CLAIMS: Check = check("crates/auth/src/oauth/id_token.rs", "check");

attacks! { IdToken:
    "id_token_nonce", "ID token of another sign-in (nonce)", "OpenID Connect Core §3.1.3.7 (11)", CLAIMS,
        &[CodeAndText(502, "id_token_refused", "another attempt (nonce)"), Code(401, "sign_in_required")],
        with_misbehaving_provider("wrong_nonce");
    "id_token_signature", "ID token with an invalid signature", "OpenID Connect Core §3.1.3.7 (6)",
        check("crates/auth/src/oauth/id_token.rs", "verify_signature"),
        &[CodeAndText(502, "id_token_refused", "its signature is wrong"), Code(401, "sign_in_required")],
        with_misbehaving_provider("bad_signature");
    "id_token_unsigned", "Unsigned ID token", "RFC 8725 §3.2",
        check("crates/auth/src/oauth/id_token.rs", "parse"),
        &[CodeAndText(502, "id_token_refused", "an algorithm that is not allowed"), Code(401, "sign_in_required")],
        with_misbehaving_provider("unsigned");
    "id_token_expired", "Expired ID token", "OpenID Connect Core §3.1.3.7 (9)", CLAIMS,
        &[CodeAndText(502, "id_token_refused", "it has expired"), Code(401, "sign_in_required")],
        with_misbehaving_provider("expired_id_token");
    "id_token_issuer", "ID token from another issuer", "OpenID Connect Core §3.1.3.7 (2)", CLAIMS,
        &[CodeAndText(502, "id_token_refused", "from another issuer"), Code(401, "sign_in_required")],
        with_misbehaving_provider("wrong_issuer");
    "id_token_audience", "ID token for another app", "OpenID Connect Core §3.1.3.7 (3)", CLAIMS,
        &[CodeAndText(502, "id_token_refused", "for another client"), Code(401, "sign_in_required")],
        with_misbehaving_provider("wrong_audience");
    "id_token_missing", "Missing ID token", "OpenID Connect Core §3.1.3.3",
        check("crates/auth/src/oauth/flow.rs", "open_id"),
        &[CodeAndText(502, "id_token_refused", "it is missing"), Code(401, "sign_in_required")],
        with_misbehaving_provider("missing_id_token");
    "userinfo_of_another", "Userinfo about another user", "OpenID Connect Core §5.3.2",
        check("crates/auth/src/oauth/userinfo.rs", "fetch"),
        &[CodeAndText(502, "provider_nonsense", "its subject is not that of the ID token"), Code(401, "sign_in_required")],
        with_misbehaving_provider("other_sub");
    "token_response_garbage", "Invalid token response", "RFC 6749 §5.1",
        check("crates/auth/src/oauth/token.rs", "exchange"),
        &[Code(502, "provider_nonsense"), Code(401, "sign_in_required")],
        with_misbehaving_provider("garbage_token");
}

/// Signs in at a misbehaving provider, then at one that behaves.
async fn with_misbehaving_provider(context: &mut AttackContext, misbehave: &'static str) -> Result {
    let actions = [
        begin(misbehave, ""),
        attack("The callback from the misbehaving provider", open("{{callback}}")).by(Visitor),
        attack("Is the browser signed in?", get("/account")).by(Visitor),
        begin("none", ""),
        control("The callback from a provider that behaves", open("{{callback}}"), 303).by(Visitor),
    ];
    send(context, &actions).await
}
