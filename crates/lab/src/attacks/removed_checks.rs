//! The check that each attack is aimed at, and how the [proxy](super::patching_proxy) removes it.

use http::Method;
use http::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::patching_proxy::Rewrite::{OnRequest, OnResponse, UnevenTiming};
use super::patching_proxy::{
    History, Pairs, RemovedCheck, cookies, cookies_set_by, edit, edit_cookies, edit_json, field,
    put,
};
use crate::agent::{Answer, Call};
use crate::instance::code_challenge;
use crate::token::Jwt;

/// Each row: what the app does without the check, the attacks aimed at it, and the rewrite.
macro_rules! removed_checks {
    ($($without:literal [$($attack:ident)*] $rewrite:expr;)*) => {
        const REMOVED_CHECKS: &[RemovedCheck] = &[$(RemovedCheck {
            attacks: &[$(stringify!($attack)),*],
            without: $without,
            rewrite: $rewrite,
        }),*];
    };
}

pub(super) fn of(attack: &str) -> Option<&'static RemovedCheck> {
    REMOVED_CHECKS.iter().find(|one| one.attacks.contains(&attack))
}

const CALLBACK: &str = "/callback";
const ME: &str = "/api/v1/me";
const TOKEN: &str = "/api/v1/token";
const REFRESH: &str = "/api/v1/token/refresh";
const EVERYTHING: &str = "profile calendar:read contacts:read contacts:write";
const VERIFIER: &str = "a-publicly-known-code-verifier-0123456789abcdef";
const SESSION: &str = "latchkey_session";

removed_checks! {
    "It accepts requests from pages of other sites."
        [csrf_sign_out csrf_delete_account csrf_password csrf_link csrf_connection csrf_sign_in
         csrf_api_text csrf_old_browser consent_forged]
        OnRequest(|_, call| as_same_origin(call));
    "It accepts GET where POST is required." [sign_out_by_link oauth_start_by_link]
        OnRequest(|_, call| if ["/sign-out", "/auth/google"].contains(&call.url.path()) {
            call.method = Method::POST;
            call.set_header("content-type", Some("application/x-www-form-urlencoded"));
            as_same_origin(call);
        });
    "It parses a body as JSON whatever its Content-Type." [csrf_api_type]
        OnRequest(|_, call| if call.url.path().starts_with("/api") {
            call.set_header("content-type", Some("application/json"));
        });
    "It lets every origin read its responses (CORS)." [cors_read]
        OnResponse(|_, call, answer| {
            set(answer, "access-control-allow-origin", call.header("origin").unwrap_or("*"));
            set(answer, "access-control-allow-credentials", "true");
        });
    "It sends no Content-Security-Policy." [clickjacking]
        OnResponse(|_, _, answer| drop(answer.headers.remove("content-security-policy")));
    "It sends no Cache-Control." [cache_after]
        OnResponse(|_, _, answer| drop(answer.headers.remove("cache-control")));
    "Scripts can read its session cookie." [session_stolen_by_script]
        OnResponse(|_, _, answer| {
            for (name, value) in cookies_set_by(answer, SESSION) {
                set(answer, "set-cookie", &format!("{name}={value}; Path=/"));
            }
        });
    "It does not compare the state." [state_missing state_altered state_truncated]
        OnRequest(|history, call| {
            let callback = history.callback();
            let state = callback.iter().flat_map(|url| url.query_pairs());
            for (_, state) in state.filter(|(name, _)| name == "state") {
                put_at(call, CALLBACK, "state", &state);
            }
        });
    "It accepts a callback in any browser, not only in the one that started the sign-in."
        [login_csrf attempt_cookie_swapped link_by_callback]
        OnRequest(|history, call| if call.url.path().ends_with(CALLBACK) {
            edit_cookies(call, |pairs| {
                for (name, value) in history.cookies_set("latchkey_attempt_") {
                    put(pairs, &name, &value);
                }
            });
        });
    "It accepts any provider’s response at any callback." [mix_up]
        OnRequest(|_, call| if call.url.path().ends_with(CALLBACK) {
            call.url.set_path("/auth/google/callback");
        });
    "It reads the code and ignores the error." [code_and_error]
        OnRequest(|_, call| edit(call, |pairs| pairs.retain(|(name, _)| name != "error")));
    "It uses the first of two parameters with the same name." [code_twice state_twice field_twice]
        OnRequest(|_, call| edit(call, |pairs| {
            let mut names = Vec::new();
            pairs.retain(|(name, _)| {
                let is_second = names.contains(name) && name != "scope";
                names.push(name.clone());
                !is_second
            });
        }));
    "It does not check which issuer sent the response." [iss_wrong iss_missing]
        OnRequest(|history, call| if let Some(provider) = &history.provider {
            put_at(call, CALLBACK, "iss", provider.google.as_str());
        });
    "It trusts the provider’s response without this check."
        [id_token_nonce id_token_signature id_token_unsigned id_token_expired id_token_issuer
         id_token_audience id_token_missing userinfo_of_another token_response_garbage]
        OnRequest(|_, call| edit(call, |pairs| pairs.retain(|(name, _)| name != "misbehave")));
    "It accepts requests without a code challenge, or with any challenge method."
        [pkce_missing pkce_plain]
        OnRequest(|_, call| {
            put_at(call, "/authorize", "code_challenge", &code_challenge(VERIFIER));
            put_at(call, "/authorize", "code_challenge_method", "S256");
        });
    "It accepts any verifier for any code." [pkce_wrong_verifier]
        OnRequest(|_, call| {
            put_at(call, "/decide", "code_challenge", &code_challenge(VERIFIER));
            put_at(call, "/token", "code_verifier", VERIFIER);
        });
    "It accepts any redirect URI."
        [redirect_uri_foreign redirect_uri_swapped]
        OnRequest(|history, call| if let Some(provider) = &history.provider {
            put_at(call, "/authorize", "redirect_uri", &provider.redirect_uri);
            put_at(call, "/token", "redirect_uri", &provider.redirect_uri);
        });
    "It accepts any response type and treats it as code." [implicit_grant]
        OnRequest(|_, call| put_at(call, "/authorize", "response_type", "code"));
    "It accepts any client secret." [client_secret_wrong]
        OnRequest(|history, call| if let Some(provider) = &history.provider {
            put_at(call, "/token", "client_secret", &provider.client_secret);
        });
    "It trusts every token: it checks neither the header nor the signature."
        [jwt_none jwt_hs256 jwt_hmac_disguised jwt_kid_path jwt_kid_sql jwt_jwk jwt_jku jwt_own_key
         jwt_crit jwt_header_twice jwt_flipped jwt_longer_life jwt_more_roles jwt_other_person
         jwt_other_audience jwt_id_token]
        OnRequest(|history, call| history.sign_bearer(call, |_| {}));
    "It accepts tokens of any size." [jwt_large]
        OnRequest(|_, call| {
            let jwt = call.token().and_then(|token| Jwt::read(token).ok());
            if let Some(jwt) = jwt.filter(|jwt| jwt.claims["pad"].is_string()) {
                call.set_token(&jwt.with_claims(json!({ "pad": null })));
            }
        });
    "It accepts tokens in the URL." [jwt_in_url]
        OnRequest(|_, call| {
            let pairs: Pairs = call.url.query_pairs().into_owned().collect();
            if let Some((_, token)) = pairs.iter().find(|(name, _)| name.ends_with("token")) {
                call.set_token(token);
                call.url.set_query(None);
            }
        });
    "It uses the first of two Authorization headers." [jwt_two_headers]
        OnRequest(|_, call| if let Some(first) = call.token().map(str::to_owned) {
            call.set_token(&first);
        });
    "It does not check which client a token was issued to." [jwt_in_cookie]
        OnRequest(|history, call| edit_cookies(call, |pairs| {
            let tokens = pairs.iter_mut().filter(|(name, _)| name.starts_with("latchkey_token"));
            for (_, value) in tokens {
                let for_browsers = |claims: &mut Value| claims["client_id"] = json!("latchkey-web");
                *value = history.signed(value, for_browsers).unwrap_or_default();
            }
        }));
    "It does not check the scope of a token." [scope_exceeded]
        OnRequest(|history, call| {
            history.sign_bearer(call, |claims| claims["scope"] = json!(EVERYTHING));
        });
    "It does not check roles." [role_missing]
        OnRequest(|history, call| {
            history.sign_bearer(call, |claims| claims["roles"] = json!(["admin"]));
        });
    "It grants every scope on refresh." [scope_widened]
        OnResponse(|history, call, answer| if call.url.path() == REFRESH {
            let mut tokens = answer.json();
            let narrow = tokens["access_token"].as_str().unwrap_or_default().to_owned();
            let wide = history.signed(&narrow, |claims| claims["scope"] = json!(EVERYTHING));
            (tokens["access_token"], tokens["scope"]) = (json!(wide), json!(EVERYTHING));
            answer.body = tokens.to_string().into_bytes();
        });
    "It treats an unknown scope as a request for every scope." [scope_made_up]
        OnRequest(|_, call| edit_json(call, |json| {
            json.as_object_mut().map(|members| members.remove("scope"));
        }));
    "It takes the owner of a new contact from the request body." [contact_planted]
        OnRequest(|history, call| {
            let contact: Value = serde_json::from_slice(&call.body).unwrap_or_default();
            if contact["user_id"].is_string() {
                history.sign_bearer(call, |claims| claims["sub"] = contact["user_id"].clone());
            }
        });
    "It does not check who owns a resource."
        [contact_of_another sign_in_of_another trace_of_another]
        OnRequest(with_first_credentials);
    "It keeps the session id when you sign in." [session_fixation]
        OnRequest(|history, call| edit_cookies(call, |pairs| for (name, value) in pairs {
            let has_sent = |call: &Call| cookies(call).iter().any(|(_, sent)| sent == value);
            let exchanges = history.exchanges.iter().filter(|(call, _)| has_sent(call));
            let new = exchanges.flat_map(|(_, answer)| cookies_set_by(answer, name)).next_back();
            *value = new.map_or_else(|| value.clone(), |(_, new)| new);
        }));
    "It reports success, but leaves the session valid on the server."
        [session_after_sign_out session_ended_elsewhere account_deleted]
        OnRequest(|_, call| {
            let revoking = ["/sign-out", "/account/sign-ins/end-others", "/account/delete"];
            if revoking.contains(&call.url.path()) {
                call.url.set_path("/sign-out");
                call.set_header("cookie", None);
            }
        });
    "It does not revoke the previous session when you sign in." [session_after_sign_in]
        OnRequest(|_, call| if call.url.path() == "/sign-in" {
            call.set_header("cookie", None);
        });
    "It accepts any prefix of a session id." [session_guessed]
        OnRequest(|history, call| edit_cookies(call, |pairs| for (_, value) in pairs {
            let mut known = history.cookies_set(SESSION).into_iter().rev();
            let full = known.find(|(_, known)| known.starts_with(&**value));
            *value = full.map_or_else(|| value.clone(), |(_, full)| full);
        }));
    "It accepts any of its tokens as a refresh token, even one that was used."
        [refresh_reused access_as_refresh]
        OnRequest(|history, call| if call.url.path() == REFRESH {
            edit_json(call, |json| json["refresh_token"] = json!(history.member("refresh_token")));
        });
    "It accepts refresh tokens at the API." [refresh_as_access]
        OnRequest(|history, call| if call.token().is_some() {
            call.set_token(&history.member("access_token").unwrap_or_default());
        });
    "It reports success, but does not revoke the token." [refresh_after_revoke]
        OnRequest(|_, call| if call.url.path() == "/api/v1/token/revoke" {
            edit_json(call, |json| json["token"] = json!("another"));
        });
    "It does not limit wrong passwords." [brute_force]
        OnRequest(|history, call| {
            call.set_header("x-forwarded-for", Some(&history.new_address()));
        });
    "It tells you which addresses have an account."
        [enumeration_sign_in enumeration_sign_up enumeration_forgot]
        OnResponse(|history, call, answer| {
            let email = field(call, "email");
            let mut calls = history.exchanges.iter().map(|(call, _)| call);
            if !calls.any(|one| one.url.path() == "/sign-up" && field(one, "email") == email) {
                answer.body.extend_from_slice(b"<p>There is no account with this address.</p>");
            }
        });
    "It does the slow work before it answers, and only if the address has an account."
        [timing_sign_in timing_sign_up timing_forgot]
        UnevenTiming;
    "It accepts the same authorization response twice, from any browser." [callback_replayed]
        OnRequest(|history, call| if history.answer_to(call).is_some() {
            let first = history.answer_to(call).map(|first| cookies_set_by(first, SESSION));
            call.url.set_path("/account");
            edit_cookies(call, |pairs| pairs.extend(first.unwrap_or_default()));
        });
    "It accepts the same code again." [code_reused]
        OnResponse(|history, call, answer| if call.url.path().ends_with("/token") {
            *answer = history.answer_to(call).unwrap_or(answer).clone();
        });
    "It issues a new refresh token each time the same one is used." [refresh_race]
        OnRequest(|history, call| if call.url.path() == REFRESH {
            let first = history.last_call_to(TOKEN);
            call.url.set_path(TOKEN);
            call.body = first.map(|first| first.body.clone()).unwrap_or_default();
        });
    "It links accounts by e-mail address without checking who verified it." [pre_hijacking]
        OnRequest(|history, call| if call.url.path() == ME {
            let victims = history.callback();
            let is_victims = |one: &Call| Some(&one.url) == victims.as_ref();
            if let Some((_, answer)) = history.exchanges.iter().find(|(one, _)| is_victims(one)) {
                edit_cookies(call, |pairs| for (name, value) in cookies_set_by(answer, SESSION) {
                    put(pairs, &name, &value);
                });
            }
        });
    "It builds SQL from the text of the form." [sql_in_email]
        OnRequest(|history, call| if let Some(owner) = history.last_call_to("/sign-up")
            && field(call, "email").is_some_and(|email| email.contains("' OR "))
        {
            for name in ["email", "password"] {
                put_at(call, "/sign-in", name, &field(owner, name).unwrap_or_default());
            }
        });
    "It compares passwords loosely: a value of another type counts as equal." [json_types]
        OnRequest(|history, call| edit_json(call, |json| if !json["password"].is_string() {
            let owner = history.last_call_to("/sign-up");
            json["password"] = json!(owner.and_then(|form| field(form, "password")));
        }));
    "It accepts bodies of any size." [body_large]
        OnRequest(|_, call| edit(call, |pairs| for (_, value) in pairs {
            if value.len() > 1000 {
                "a lantern under the stairs".clone_into(value);
            }
        }));
    "It identifies users by their e-mail address." [email_twin]
        OnRequest(|_, call| {
            let fields: Pairs = url::form_urlencoded::parse(&call.body).into_owned().collect();
            for (_, email) in fields.iter().filter(|(name, _)| name == "email") {
                let key = format!("passing-{}", email.replace(['@', '.', '-'], ""));
                put_at(call, "/decide", "person", &key);
            }
        });
    "It accepts any password." [weak_password]
        OnRequest(|_, call| put_at(call, "/sign-up", "password", "a lantern under the stairs"));
    "It does not escape text in its pages." [script_in_name]
        OnResponse(|_, _, answer| {
            let text = answer.text().replace("&#60;", "<").replace("&#62;", ">");
            answer.body = text.replace("&#34;", "\"").into_bytes();
        });
    "It shows parameters of the URL without escaping them." [next_markup error_with_script]
        OnResponse(|_, call, answer| for (name, value) in call.url.query_pairs() {
            if ["next", "error_description"].contains(&&*name) {
                answer.body.extend_from_slice(value.as_bytes());
            }
        });
    "It redirects to any address in next." [open_redirect next_script next_header]
        OnResponse(|_, call, answer| {
            let next = call.url.query_pairs().find(|(name, _)| name == "next");
            if let (Some((_, next)), true) = (next, answer.headers.contains_key("location")) {
                // A line break ends the header.
                set(answer, "location", next.split(['\r', '\n', '\t']).next().unwrap_or_default());
            }
        });
    "It trusts Host, X-Forwarded-Host and Forwarded." [host_header]
        OnResponse(|_, call, answer| {
            let hosts = ["host", "x-forwarded-host", "forwarded"].map(|name| call.header(name));
            let is_forged = hosts.into_iter().flatten().any(|host| host.contains("evil.test"));
            let location = answer.header("location").filter(|_| is_forged).map(str::to_owned);
            if let Some(location) = location {
                let own = call.url.authority().replace(':', "%3A");
                set(answer, "location", &location.replace(&own, "evil.test"));
            }
        });
}

fn as_same_origin(call: &mut Call) {
    call.set_header("sec-fetch-site", Some("same-origin"));
    call.set_header("origin", None);
}

fn set(answer: &mut Answer, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        answer.headers.insert(HeaderName::from_static(name), value);
    }
}

/// Sets a field of a form or query sent to a path with this suffix.
fn put_at(call: &mut Call, path: &str, name: &str, value: &str) {
    if call.url.path().ends_with(path) {
        edit(call, |pairs| put(pairs, name, value));
    }
}

/// Sends the credentials of the first successful call to this path or to one above it.
fn with_first_credentials(history: &History, call: &mut Call) {
    let path = call.url.path();
    let has_succeeded = |(one, answer): &&(Call, Answer)| {
        path.starts_with(one.url.path()) && one.url.path() != "/" && answer.status.is_success()
    };
    if let Some((first, _)) = history.exchanges.iter().find(has_succeeded) {
        for name in ["authorization", "cookie"] {
            call.set_header(name, first.header(name));
        }
        as_same_origin(call);
    }
}
