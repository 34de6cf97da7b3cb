//! Faulty ID tokens and token responses, from a local provider that is told to misbehave.

use super::prelude::*;

const CLAIMS: Check = check("crates/auth/src/oauth/id_token.rs", "check");

const NOT_SIGNED_IN: Expect = Code(401, "sign_in_required");

const fn refused(reason: &'static str) -> Expect {
    CodeAndText(502, "id_token_refused", reason)
}

attacks! { IdToken:
    "id_token_nonce", "ID token of another sign-in (nonce)", "OpenID Connect Core §3.1.3.7 (11)", CLAIMS,
        &[refused("another attempt (nonce)"), NOT_SIGNED_IN],
        with_misbehaving_provider("wrong_nonce");
    "id_token_signature", "ID token with an invalid signature", "OpenID Connect Core §3.1.3.7 (6)",
        check("crates/auth/src/oauth/id_token.rs", "verify_signature"),
        &[refused("its signature is wrong"), NOT_SIGNED_IN],
        with_misbehaving_provider("bad_signature");
    "id_token_unsigned", "Unsigned ID token", "RFC 8725 §3.2",
        check("crates/auth/src/oauth/id_token.rs", "parse"),
        &[refused("an algorithm that is not allowed"), NOT_SIGNED_IN],
        with_misbehaving_provider("unsigned");
    "id_token_expired", "Expired ID token", "OpenID Connect Core §3.1.3.7 (9)", CLAIMS,
        &[refused("it has expired"), NOT_SIGNED_IN],
        with_misbehaving_provider("expired_id_token");
    "id_token_issuer", "ID token from another issuer", "OpenID Connect Core §3.1.3.7 (2)", CLAIMS,
        &[refused("from another issuer"), NOT_SIGNED_IN],
        with_misbehaving_provider("wrong_issuer");
    "id_token_audience", "ID token for another app", "OpenID Connect Core §3.1.3.7 (3)", CLAIMS,
        &[refused("for another client"), NOT_SIGNED_IN],
        with_misbehaving_provider("wrong_audience");
    "id_token_missing", "Missing ID token", "OpenID Connect Core §3.1.3.3",
        check("crates/auth/src/oauth/flow.rs", "open_id"),
        &[refused("it is missing"), NOT_SIGNED_IN],
        with_misbehaving_provider("missing_id_token");
    "userinfo_of_another", "Userinfo about another user", "OpenID Connect Core §5.3.2",
        check("crates/auth/src/oauth/userinfo.rs", "fetch"),
        &[CodeAndText(502, "provider_nonsense", "its subject is not that of the ID token"), NOT_SIGNED_IN],
        with_misbehaving_provider("other_sub");
    "token_response_garbage", "Invalid token response", "RFC 6749 §5.1",
        check("crates/auth/src/oauth/token.rs", "exchange"),
        &[Code(502, "provider_nonsense"), NOT_SIGNED_IN],
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
