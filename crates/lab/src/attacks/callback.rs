//! The redirect back from a provider: its URL was written by the author of the link.

use url::Url;

use super::context::Browser;
use super::prelude::*;

const ATTEMPT: Check = check("crates/auth/src/oauth/attempt.rs", "validate");
const STATE: Check = check("crates/auth/src/oauth/attempt.rs", "decode_state");
const RESPONSE: Check = check("crates/auth/src/oauth/response.rs", "validate");

const UNKNOWN: &[Expect] = &[Code(400, "attempt_unknown"), Code(401, "sign_in_required")];

attacks! { Callback:
    "state_missing", "No state", "RFC 9700 §4.7", ATTEMPT,
        UNKNOWN, altered_state("/auth/google/callback?code={{code}}&iss={{iss}}");
    "state_altered", "An altered state", "RFC 9700 §4.7", STATE,
        UNKNOWN,
        altered_state("/auth/google/callback?code={{code}}&iss={{iss}}&state={{other_state}}");
    "state_truncated", "A state cut short", "RFC 9700 §4.7", STATE,
        UNKNOWN,
        altered_state("/auth/google/callback?code={{code}}&iss={{iss}}&state={{short_state}}");
    "login_csrf", "The thief’s callback", "RFC 9700 §4.7.1", ATTEMPT,
        &[Code(400, "attempt_other_browser"), Code(401, "sign_in_required")], send(&[
            begin("none", "").by(Thief),
            attack("The victim opens the thief’s callback", open("{{callback}}")).by(Visitor),
            attack("Is the victim signed in?", get("/account")).by(Visitor),
            control("In the thief’s own browser", open("{{callback}}"), 303),
        ]);
    "callback_replayed", "The same callback again", "RFC 6749 §10.5",
        check("crates/store/src/authorization_responses.rs", "claim"),
        &[Code(400, "attempt_used"), Code(401, "sign_in_required")], send(&[
            begin("none", ""),
            control("The first time", open("{{callback}}"), 303).by(Visitor),
            attack("The second time, with the cookie", api("GET", "{{callback}}").with(
                &[("sec-fetch-site", "cross-site"), ("cookie", "{{cookies}}")])).by(Stranger),
            attack("Is the thief signed in?", get("/account")).by(Stranger),
        ]);
    "mix_up", "One provider’s answer at another’s callback", "RFC 9700 §4.4", ATTEMPT,
        UNKNOWN, altered_state("/auth/github/callback?code={{code}}&iss={{iss}}&state={{state}}");
    "code_and_error", "A code and an error at once", "RFC 6749 §4.1.2.1", RESPONSE,
        &[Says(400, "provider_response_invalid", "a code and an error came together")],
        altered_answer("{{callback}}&error=access_denied");
    "code_twice", "Two codes", "RFC 6749 §3.1",
        check("crates/auth/src/oauth/response.rs", "parse"),
        &[Says(400, "provider_response_invalid", "a parameter came twice")],
        altered_answer("{{callback}}&code=the-thiefs-own");
    "state_twice", "Two states", "RFC 6749 §3.1", ATTEMPT,
        &[Code(400, "attempt_unknown")], altered_answer("{{callback}}&state=the-thiefs-own");
    "iss_wrong", "Another issuer’s name", "RFC 9207 §2.4", RESPONSE,
        &[Says(400, "provider_response_invalid", "another issuer answered")], send(&[
            begin("wrong_response_iss", ""),
            attack("The answer with another issuer", open("{{callback}}")).by(Visitor),
            begin("none", ""),
            control("The same from the right one", open("{{callback}}"), 303).by(Visitor),
        ]);
    "iss_missing", "The issuer’s name taken away", "RFC 9207 §2.4", RESPONSE,
        &[Says(400, "provider_response_invalid", "is missing")],
        altered_answer("/auth/google/callback?code={{code}}&state={{state}}");
    "code_injected", "A stolen code", "RFC 9700 §4.5, RFC 7636 §1",
        check("crates/idp/src/protocol/pkce.rs", "is_met_by"),
        &[Code(400, "code_refused"), Code(401, "sign_in_required")], send(&[
            begin("none", "victims_"),
            begin("none", "").by(Thief),
            attack("The thief’s callback with the stolen code",
                open("/auth/google/callback?code={{victims_code}}&iss={{iss}}&state={{state}}")),
            attack("Is the thief signed in?", get("/account")),
            begin("none", "").by(Thief),
            control("The thief’s callback with their own code", open("{{callback}}"), 303),
        ]);
    "attempt_cookie_swapped", "Another attempt’s cookie", "RFC 9700 §4.7, RFC 6265 §8.6",
        check("crates/auth/src/oauth/attempt.rs", "open"),
        &[Code(400, "attempt_cookie_missing"), Code(401, "sign_in_required")], cookie_swapped();
    "error_with_script", "A script in the error", "RFC 6749 §4.1.2.1, OWASP ASVS V3.2.2",
        check("crates/auth/src/oauth/response.rs", "known"),
        &[Says(502, "provider_refused", "an error that is in no standard"), Without("<script>alert")],
        send(&[
            begin("none", ""),
            attack("An answer with a script for an error", open(WITH_SCRIPT)).by(Visitor),
            attack("And once more", open(WITH_SCRIPT)).by(Visitor),
        ]);
}

const WITH_SCRIPT: &str = "/auth/google/callback?iss={{iss}}&state={{state}}\
    &error=<script>alert(1)</script>&error_description=<script>alert(1)</script>\
    &error_uri=<script>alert(1)</script>";

/// An altered callback, which must not sign in, and then the one that the provider sent,
/// which must.
async fn altered_state(context: &mut AttackContext, altered: &'static str) -> Result {
    let actions = [
        begin("none", ""),
        attack("The altered callback", open(altered)).by(Visitor),
        attack("Is the browser signed in?", get("/account")).by(Visitor),
        control("The callback as it was sent", open("{{callback}}"), 303).by(Visitor),
    ];
    send(context, &actions).await
}

/// An altered callback, and beside it a whole one of another attempt.
async fn altered_answer(context: &mut AttackContext, altered: &'static str) -> Result {
    let actions = [
        begin("none", ""),
        attack("The altered callback", open(altered)).by(Visitor),
        begin("none", ""),
        control("A callback as it was sent", open("{{callback}}"), 303).by(Visitor),
    ];
    send(context, &actions).await
}

/// Name and value of the cookie that belongs to the attempt of this browser.
fn attempt_cookie(browser: &Browser, app: &Url) -> (String, String) {
    let cookies = browser.agent.cookies_for(app).unwrap_or_default();
    let found = cookies.split("; ").find(|cookie| cookie.starts_with("latchkey_attempt_"));
    let pair = found.and_then(|cookie| cookie.split_once('='));
    pair.map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap_or_default()
}

async fn cookie_swapped(context: &mut AttackContext) -> Result {
    let (mut thief, mut victim) = (context.browser(), context.browser());
    context.callback(&mut thief, "none").await?;
    let victims = context.callback(&mut victim, "none").await?;
    let app = context.url("/")?;
    let (_, planted) = attempt_cookie(&thief, &app);
    let (name, own) = attempt_cookie(&victim, &app);
    victim.agent.set_cookie(&app, &name, &planted);
    let opened = open_callback(victims.clone());
    context.attack(&mut victim, "With the thief’s cookie under the name", opened).await?;
    context.attack_account(&mut victim, "Is the browser signed in?").await?;
    victim.agent.set_cookie(&app, &name, &own);
    context.control(&mut victim, "With the right cookie", open_callback(victims), 303).await?;
    Ok(())
}
