//! Which check is missing where an attack is run once more, and how that is done: a table of
//! what a [`twin`](super::twin) rewrites on the way.

use http::Method;
use http::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::twin::Rewrite::{Answer as Out, Request as In, Uneven};
use super::twin::{
    Pairs, Passed, Weakening, cookies, edit, edit_cookies, edit_json, field, put, set_by,
};
use crate::agent::{Answer, Call};
use crate::instance::code_challenge;
use crate::token::Jwt;

/// What the twin does for want of the check, the attacks that aim at the check, and what is
/// rewritten: in requests or in answers.
macro_rules! twins {
    ($($without:literal [$($attack:ident)*] $rewrite:expr;)*) => {
        const TWINS: &[Weakening] = &[$(Weakening {
            attacks: &[$(stringify!($attack)),*],
            without: $without,
            rewrite: $rewrite,
        }),*];
    };
}

pub(super) fn of(attack: &str) -> Option<&'static Weakening> {
    TWINS.iter().find(|twin| twin.attacks.contains(&attack))
}

const CALLBACK: &str = "/callback";
const ME: &str = "/api/v1/me";
const TOKEN: &str = "/api/v1/token";
const REFRESH: &str = "/api/v1/token/refresh";
const EVERYTHING: &str = "profile calendar:read contacts:read contacts:write";
const VERIFIER: &str = "a-verifier-that-everybody-knows-0123456789abcdef";
const SESSION: &str = "latchkey_session";

twins! {
    "It takes the page of any site for one of its own."
        [csrf_sign_out csrf_delete_account csrf_password csrf_link csrf_connection csrf_sign_in
         csrf_api_text csrf_old_browser consent_forged]
        In(|_, call| from_own_site(call));
    "It takes GET for POST." [sign_out_by_link oauth_start_by_link]
        In(|_, call| if ["/sign-out", "/auth/google"].contains(&call.url.path()) {
            call.method = Method::POST;
            call.set_header("content-type", Some("application/x-www-form-urlencoded"));
            from_own_site(call);
        });
    "It reads JSON whatever it is said to be." [csrf_api_type]
        In(|_, call| if call.url.path().starts_with("/api") {
            call.set_header("content-type", Some("application/json"));
        });
    "It lets every origin read its answers." [cors_read]
        Out(|_, call, answer| {
            set(answer, "access-control-allow-origin", call.header("origin").unwrap_or("*"));
            set(answer, "access-control-allow-credentials", "true");
        });
    "It sends no Content-Security-Policy." [clickjacking]
        Out(|_, _, answer| drop(answer.headers.remove("content-security-policy")));
    "It sends no Cache-Control." [cache_after]
        Out(|_, _, answer| drop(answer.headers.remove("cache-control")));
    "Its cookies are for scripts, too." [session_stolen_by_script]
        Out(|_, _, answer| {
            let cookies = set_by(answer, SESSION);
            for (name, value) in cookies {
                set(answer, "set-cookie", &format!("{name}={value}; Path=/"));
            }
        });
    "It does not compare the state." [state_missing state_altered state_truncated]
        In(|passed, call| {
            let callback = passed.callback();
            let state = callback.iter().flat_map(|url| url.query_pairs());
            for (_, state) in state.filter(|(name, _)| name == "state") {
                put_at(call, CALLBACK, "state", &state);
            }
        });
    "It keeps attempts for whichever browser comes back."
        [login_csrf attempt_cookie_swapped link_by_callback]
        In(|passed, call| if call.url.path().ends_with(CALLBACK) {
            edit_cookies(call, |pairs| {
                for (name, value) in passed.cookies_set("latchkey_attempt_") {
                    put(pairs, &name, &value);
                }
            });
        });
    "It takes any provider’s answer at any callback." [mix_up]
        In(|_, call| if call.url.path().ends_with(CALLBACK) {
            call.url.set_path("/auth/google/callback");
        });
    "It looks at the code alone, and not for an error." [code_and_error]
        In(|_, call| edit(call, |pairs| pairs.retain(|(name, _)| name != "error")));
    "It reads the first of two." [code_twice state_twice field_twice]
        In(|_, call| edit(call, |pairs| {
            let mut names = Vec::new();
            pairs.retain(|(name, _)| {
                let is_second = names.contains(name) && name != "scope";
                names.push(name.clone());
                !is_second
            });
        }));
    "It does not ask which issuer answered." [iss_wrong iss_missing]
        In(|passed, call| if let Some(provider) = &passed.provider {
            put_at(call, CALLBACK, "iss", provider.google.as_str());
        });
    "It takes what this check looks at as if the provider had told the truth."
        [id_token_nonce id_token_signature id_token_unsigned id_token_expired id_token_issuer
         id_token_audience id_token_missing userinfo_of_another token_response_garbage]
        In(|_, call| edit(call, |pairs| pairs.retain(|(name, _)| name != "misbehave")));
    "It wants no challenge, or takes one of any kind." [pkce_missing pkce_plain]
        In(|_, call| {
            put_at(call, "/authorize", "code_challenge", &code_challenge(VERIFIER));
            put_at(call, "/authorize", "code_challenge_method", "S256");
        });
    "Every verifier fits every code." [pkce_wrong_verifier]
        In(|_, call| {
            put_at(call, "/decide", "code_challenge", &code_challenge(VERIFIER));
            put_at(call, "/token", "code_verifier", VERIFIER);
        });
    "It takes every redirect URI for the registered one."
        [redirect_uri_foreign redirect_uri_swapped]
        In(|passed, call| if let Some(provider) = &passed.provider {
            put_at(call, "/authorize", "redirect_uri", &provider.redirect_uri);
            put_at(call, "/token", "redirect_uri", &provider.redirect_uri);
        });
    "It takes every response type for code." [implicit_grant]
        In(|_, call| put_at(call, "/authorize", "response_type", "code"));
    "It takes every secret of a client." [client_secret_wrong]
        In(|passed, call| if let Some(provider) = &passed.provider {
            put_at(call, "/token", "client_secret", &provider.client_secret);
        });
    "It takes a token at its word: its header is not judged, and every signature is good."
        [jwt_none jwt_hs256 jwt_hmac_disguised jwt_kid_path jwt_kid_sql jwt_jwk jwt_jku jwt_own_key
         jwt_crit jwt_header_twice jwt_flipped jwt_longer_life jwt_more_roles jwt_other_person
         jwt_other_audience jwt_id_token]
        In(|passed, call| passed.sign_bearer(call, |_| {}));
    "It takes a token of any size." [jwt_large]
        In(|_, call| {
            let jwt = call.token().and_then(|token| Jwt::read(token).ok());
            if let Some(jwt) = jwt.filter(|jwt| jwt.claims["pad"].is_string()) {
                call.set_token(&jwt.with_claims(json!({ "pad": null })));
            }
        });
    "It takes a token from the URL." [jwt_in_url]
        In(|_, call| {
            let pairs: Pairs = call.url.query_pairs().into_owned().collect();
            if let Some((_, token)) = pairs.iter().find(|(name, _)| name.ends_with("token")) {
                call.set_token(token);
                call.url.set_query(None);
            }
        });
    "It reads the first Authorization header." [jwt_two_headers]
        In(|_, call| if let Some(first) = call.token().map(str::to_owned) {
            call.set_token(&first);
        });
    "It does not ask whom a token was issued to." [jwt_in_cookie]
        In(|passed, call| edit_cookies(call, |pairs| {
            let tokens = pairs.iter_mut().filter(|(name, _)| name.starts_with("latchkey_token"));
            for (_, value) in tokens {
                let to_browsers = |claims: &mut Value| claims["client_id"] = json!("latchkey-web");
                *value = passed.signed(value, to_browsers).unwrap_or_default();
            }
        }));
    "It does not look at the scope of a token." [scope_exceeded]
        In(|passed, call| passed.sign_bearer(call, |claims| claims["scope"] = json!(EVERYTHING)));
    "It does not look at roles." [role_missing]
        In(|passed, call| passed.sign_bearer(call, |claims| claims["roles"] = json!(["admin"])));
    "It grants every scope at a refresh." [scope_widened]
        Out(|passed, call, answer| if call.url.path() == REFRESH {
            let mut tokens = answer.json();
            let narrow = tokens["access_token"].as_str().unwrap_or_default().to_owned();
            let wide = passed.signed(&narrow, |claims| claims["scope"] = json!(EVERYTHING));
            (tokens["access_token"], tokens["scope"]) = (json!(wide), json!(EVERYTHING));
            answer.body = tokens.to_string().into_bytes();
        });
    "It takes an unknown scope for all of them." [scope_made_up]
        In(|_, call| edit_json(call, |json| {
            json.as_object_mut().map(|members| members.remove("scope"));
        }));
    "It adds a contact for whoever is named in it." [contact_planted]
        In(|passed, call| {
            let contact: Value = serde_json::from_slice(&call.body).unwrap_or_default();
            if contact["user_id"].is_string() {
                passed.sign_bearer(call, |claims| claims["sub"] = contact["user_id"].clone());
            }
        });
    "It does not ask whose it is: what one user may do there, everybody may."
        [contact_of_another sign_in_of_another trace_of_another]
        In(as_first_comer);
    "It keeps the session’s id at a sign-in." [session_fixation]
        In(|passed, call| edit_cookies(call, |pairs| for (name, value) in pairs {
            let begun_with = |call: &Call| cookies(call).iter().any(|(_, old)| old == value);
            let begun = passed.exchanges.iter().filter(|(call, _)| begun_with(call));
            let renewed = begun.flat_map(|(_, answer)| set_by(answer, name)).next_back();
            *value = renewed.map_or_else(|| value.clone(), |(_, new)| new);
        }));
    "It says yes, and ends nothing on the server."
        [session_after_sign_out session_ended_elsewhere account_deleted]
        In(|_, call| {
            let ends = ["/sign-out", "/account/sign-ins/end-others", "/account/delete"];
            if ends.contains(&call.url.path()) {
                call.url.set_path("/sign-out");
                call.set_header("cookie", None);
            }
        });
    "It forgets who was there before." [session_after_sign_in]
        In(|_, call| if call.url.path() == "/sign-in" {
            call.set_header("cookie", None);
        });
    "It compares as much as came." [session_guessed]
        In(|passed, call| edit_cookies(call, |pairs| for (_, value) in pairs {
            let mut known = passed.cookies_set(SESSION).into_iter().rev();
            let whole = known.find(|(_, known)| known.starts_with(&**value));
            *value = whole.map_or_else(|| value.clone(), |(_, whole)| whole);
        }));
    "It takes any token of its own for a refresh token, also a used one."
        [refresh_reused access_as_refresh]
        In(|passed, call| if call.url.path() == REFRESH {
            edit_json(call, |json| json["refresh_token"] = json!(passed.member("refresh_token")));
        });
    "It takes a refresh token at the API." [refresh_as_access]
        In(|passed, call| if call.token().is_some() {
            call.set_token(&passed.member("access_token").unwrap_or_default());
        });
    "It says yes, and revokes nothing." [refresh_after_revoke]
        In(|_, call| if call.url.path() == "/api/v1/token/revoke" {
            edit_json(call, |json| json["token"] = json!("another"));
        });
    "It does not count wrong passwords." [brute_force]
        In(|passed, call| call.set_header("x-forwarded-for", Some(&passed.new_address())));
    "It says which addresses it knows."
        [enumeration_sign_in enumeration_sign_up enumeration_forgot]
        Out(|passed, call, answer| {
            let is_this = |one: &Call| field(one, "email") == field(call, "email");
            let signed_up = |one: &Call| one.url.path() == "/sign-up" && is_this(one);
            if !passed.exchanges.iter().any(|(one, _)| signed_up(one)) {
                answer.body.extend_from_slice(b"<p>There is no account with this address.</p>");
            }
        });
    "It works before it answers, and only where there is an account."
        [timing_sign_in timing_sign_up timing_forgot]
        Uneven;
    "It takes the same answer twice, and lets in whoever brings it." [callback_replayed]
        In(|passed, call| if passed.answer_to(call).is_some() {
            let first = passed.answer_to(call).map(|first| set_by(first, SESSION));
            call.url.set_path("/account");
            edit_cookies(call, |pairs| pairs.extend(first.unwrap_or_default()));
        });
    "It takes a code as often as it comes." [code_reused]
        Out(|passed, call, answer| if call.url.path().ends_with("/token") {
            *answer = passed.answer_to(call).unwrap_or(answer).clone();
        });
    "Each who comes with a token gets a successor of their own." [refresh_race]
        In(|passed, call| if call.url.path() == REFRESH {
            call.url.set_path(TOKEN);
            call.body = passed.call_to(TOKEN).map(|first| first.body.clone()).unwrap_or_default();
        });
    "It takes an address for the account, whoever typed it first." [pre_hijacking]
        In(|passed, call| if let Some(victims) = passed.callback().filter(|_| call.url.path() == ME) {
            let mut came = passed.exchanges.iter().filter(|(one, _)| one.url == victims);
            let session = came.next().map(|(_, answer)| set_by(answer, SESSION)).unwrap_or_default();
            edit_cookies(call, |pairs| session.iter().for_each(|(name, id)| put(pairs, name, id)));
        });
    "It puts what was typed into its SQL." [sql_in_email]
        In(|passed, call| if let Some(owner) = passed.call_to("/sign-up") {
            let injected = field(call, "email").is_some_and(|email| email.contains("' OR "));
            let fields = ["email", "password"].map(|name| (name, field(owner, name)));
            for (name, value) in fields.into_iter().filter(|_| injected) {
                put_at(call, "/sign-in", name, &value.unwrap_or_default());
            }
        });
    "It compares a password loosely: whatever is there equals it." [json_types]
        In(|passed, call| edit_json(call, |json| if !json["password"].is_string() {
            json["password"] = json!(passed.call_to("/sign-up").and_then(|it| field(it, "password")));
        }));
    "It takes a body of any size." [body_large]
        In(|_, call| edit(call, |pairs| for (_, value) in pairs {
            if value.len() > 1000 {
                "a lantern under the stairs".clone_into(value);
            }
        }));
    "It tells people apart by their address." [email_twin]
        In(|_, call| {
            let fields: Pairs = url::form_urlencoded::parse(&call.body).into_owned().collect();
            for (_, email) in fields.iter().filter(|(name, _)| name == "email") {
                let key = format!("passing-{}", email.replace(['@', '.', '-'], ""));
                put_at(call, "/decide", "person", &key);
            }
        });
    "It takes every password." [weak_password]
        In(|_, call| put_at(call, "/sign-up", "password", "a lantern under the stairs"));
    "It writes into its pages what it was given, as it is." [script_in_name]
        Out(|_, _, answer| {
            let text = answer.text().replace("&#60;", "<").replace("&#62;", ">");
            answer.body = text.replace("&#34;", "\"").into_bytes();
        });
    "It shows what came in the address as it came." [next_markup error_with_script]
        Out(|_, call, answer| for (name, value) in call.url.query_pairs() {
            if ["next", "error_description"].contains(&&*name) {
                answer.body.extend_from_slice(value.as_bytes());
            }
        });
    "It goes wherever next says." [open_redirect next_script next_header]
        Out(|_, call, answer| {
            let next = call.url.query_pairs().find(|(name, _)| name == "next");
            if let (Some((_, next)), true) = (next, answer.headers.contains_key("location")) {
                // A line break ends the header, and the rest is the next one.
                set(answer, "location", next.split(['\r', '\n', '\t']).next().unwrap_or_default());
            }
        });
    "It believes Host and its kin." [host_header]
        Out(|_, call, answer| {
            let told = ["host", "x-forwarded-host", "forwarded"].map(|name| call.header(name));
            let is_told = told.into_iter().flatten().any(|host| host.contains("evil.test"));
            if let (true, Some(place)) = (is_told, answer.header("location").map(str::to_owned)) {
                let own = call.url.authority().replace(':', "%3A");
                set(answer, "location", &place.replace(&own, "evil.test"));
            }
        });
}

fn from_own_site(call: &mut Call) {
    call.set_header("sec-fetch-site", Some("same-origin"));
    call.set_header("origin", None);
}

fn set(answer: &mut Answer, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        answer.headers.insert(HeaderName::from_static(name), value);
    }
}

/// Gives a field this value in what is sent to a path that ends so.
fn put_at(call: &mut Call, path: &str, name: &str, value: &str) {
    if call.url.path().ends_with(path) {
        edit(call, |pairs| put(pairs, name, value));
    }
}

/// Sends the credentials of whoever was let in there first, or at what is above it.
fn as_first_comer(passed: &Passed, call: &mut Call) {
    let path = call.url.path();
    let let_in = |(one, answer): &&(Call, Answer)| {
        path.starts_with(one.url.path()) && one.url.path() != "/" && answer.status.is_success()
    };
    if let Some((first, _)) = passed.exchanges.iter().find(let_in) {
        for name in ["authorization", "cookie"] {
            call.set_header(name, first.header(name));
        }
        from_own_site(call);
    }
}
