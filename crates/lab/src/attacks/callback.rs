//! Callbacks from a provider: anyone can write a link to one.

use super::prelude::*;

const ATTEMPT: Check = check("crates/auth/src/oauth/attempt.rs", "validate");
const STATE: Check = check("crates/auth/src/oauth/attempt.rs", "decode_state");
const RESPONSE: Check = check("crates/auth/src/oauth/response.rs", "validate");

const UNKNOWN: &[Expect] = &[Code(400, "attempt_unknown"), Code(401, "sign_in_required")];

attacks! { Callback:
    "state_missing", "Missing state", "RFC 9700 §4.7", ATTEMPT,
        UNKNOWN, altered_state("/auth/google/callback?code={{code}}&iss={{iss}}");
    "state_altered", "Altered state", "RFC 9700 §4.7", STATE,
        UNKNOWN,
        altered_state("/auth/google/callback?code={{code}}&iss={{iss}}&state={{other_state}}");
    "state_truncated", "Truncated state", "RFC 9700 §4.7", STATE,
        UNKNOWN,
        altered_state("/auth/google/callback?code={{code}}&iss={{iss}}&state={{short_state}}");
    "login_csrf", "Login CSRF with the thief’s callback", "RFC 9700 §4.7.1", ATTEMPT,
        &[Code(400, "attempt_other_browser"), Code(401, "sign_in_required")], send(&[
            begin("none", "").by(Thief),
            attack("The victim opens the thief’s callback", open("{{callback}}")).by(Visitor),
            attack("Is the victim signed in?", get("/account")).by(Visitor),
            control("In the thief’s own browser", open("{{callback}}"), 303),
        ]);
    "callback_replayed", "Replayed callback", "RFC 6749 §10.5",
        check("crates/store/src/authorization_responses.rs", "claim"),
        &[Code(400, "attempt_used"), Code(401, "sign_in_required")], send(&[
            begin("none", ""),
            control("The first time", open("{{callback}}"), 303).by(Visitor),
            attack("The second time, with the victim’s cookie", api("GET", "{{callback}}").with(
                &[("sec-fetch-site", "cross-site"), ("cookie", "{{cookies}}")])).by(Stranger),
            attack("Is the thief signed in?", get("/account")).by(Stranger),
        ]);
    "mix_up", "Mix-up: one provider’s response at another’s callback", "RFC 9700 §4.4", ATTEMPT,
        UNKNOWN, altered_state("/auth/github/callback?code={{code}}&iss={{iss}}&state={{state}}");
    "code_and_error", "Both a code and an error", "RFC 6749 §4.1.2.1", RESPONSE,
        &[CodeAndText(400, "provider_response_invalid", "it has both a code and an error")],
        altered_response("{{callback}}&error=access_denied");
    "code_twice", "Two codes", "RFC 6749 §3.1",
        check("crates/auth/src/oauth/response.rs", "parse"),
        &[CodeAndText(400, "provider_response_invalid", "it repeats a parameter")],
        altered_response("{{callback}}&code=the-thiefs-own");
    "state_twice", "Two states", "RFC 6749 §3.1", ATTEMPT,
        &[Code(400, "attempt_unknown")], altered_response("{{callback}}&state=the-thiefs-own");
    "iss_wrong", "Wrong issuer (iss)", "RFC 9207 §2.4", RESPONSE,
        &[CodeAndText(400, "provider_response_invalid", "from another issuer")], send(&[
            begin("wrong_response_iss", ""),
            attack("The response with another issuer", open("{{callback}}")).by(Visitor),
            begin("none", ""),
            control("The response with the correct issuer", open("{{callback}}"), 303).by(Visitor),
        ]);
    "iss_missing", "Missing issuer (iss)", "RFC 9207 §2.4", RESPONSE,
        &[CodeAndText(400, "provider_response_invalid", "is missing")],
        altered_response("/auth/google/callback?code={{code}}&state={{state}}");
    "code_injected", "Injected authorization code", "RFC 9700 §4.5, RFC 7636 §1",
        check("crates/idp/src/protocol/pkce.rs", "verify"),
        &[Code(400, "code_refused"), Code(401, "sign_in_required")], send(&[
            begin("none", "victims_"),
            begin("none", "").by(Thief),
            attack("The thief’s callback with the stolen code",
                open("/auth/google/callback?code={{victims_code}}&iss={{iss}}&state={{state}}")),
            attack("Is the thief signed in?", get("/account")),
            begin("none", "").by(Thief),
            control("The thief’s callback with the thief’s code", open("{{callback}}"), 303),
        ]);
    "attempt_cookie_swapped", "Cookie of another sign-in attempt", "RFC 9700 §4.7, RFC 6265 §8.6",
        check("crates/auth/src/oauth/attempt.rs", "open"),
        &[Code(400, "attempt_cookie_missing"), Code(401, "sign_in_required")], send(&[
            begin("none", "thiefs_").by(Thief),
            begin("none", ""),
            attack("With the thief’s attempt cookie", api("GET", "{{callback}}").with(&[
                ("sec-fetch-site", "cross-site"),
                ("cookie", "{{cookie_name}}={{thiefs_cookie_value}}")])).by(Stranger),
            attack("Is the browser signed in?", get("/account")).by(Stranger),
            control("With the victim’s attempt cookie", open("{{callback}}"), 303).by(Visitor),
        ]);
    "error_with_script", "Script in the error description", "RFC 6749 §4.1.2.1, OWASP ASVS V3.2.2",
        check("crates/auth/src/oauth/response.rs", "standard_error_code"),
        &[CodeAndText(502, "provider_refused", "an unknown error"), LacksText("<script>alert")],
        send(&[
            begin("none", ""),
            attack("An error response with a script", open(WITH_SCRIPT)).by(Visitor),
            attack("The same again", open(WITH_SCRIPT)).by(Visitor),
        ]);
}

const WITH_SCRIPT: &str = "/auth/google/callback?iss={{iss}}&state={{state}}\
    &error=<script>alert(1)</script>&error_description=<script>alert(1)</script>\
    &error_uri=<script>alert(1)</script>";

/// The altered callback must not sign in; the original one must.
async fn altered_state(context: &mut AttackContext, altered: &'static str) -> Result {
    let actions = [
        begin("none", ""),
        attack("The altered callback", open(altered)).by(Visitor),
        attack("Is the browser signed in?", get("/account")).by(Visitor),
        control("The unaltered callback", open("{{callback}}"), 303).by(Visitor),
    ];
    send(context, &actions).await
}

/// An altered callback, then an unaltered one of another attempt.
async fn altered_response(context: &mut AttackContext, altered: &'static str) -> Result {
    let actions = [
        begin("none", ""),
        attack("The altered callback", open(altered)).by(Visitor),
        begin("none", ""),
        control("An unaltered callback", open("{{callback}}"), 303).by(Visitor),
    ];
    send(context, &actions).await
}
