//! Which check is taken away for which attack, and how: a table of what is put right in a
//! request, or taken out of an answer, in front of a [`twin`](super::twin).

use aws_lc_rs::digest;
use http::Method;
use http::header::{HeaderName, HeaderValue};
use serde_json::json;

use super::context::base64url;
use super::twin::Rewrite::{self, Answer as Out, Request as In};
use super::twin::{
    Pairs, Passed, Weakening, bearer, cookies, edit, edit_json, put, send_cookies, set_by,
};
use crate::agent::{Answer, Call};

const fn twin(
    without: &'static str,
    attacks: &'static [&'static str],
    rewrite: Rewrite,
) -> Weakening {
    Weakening { attacks, without, rewrite }
}

pub(super) fn of(attack: &str) -> Option<&'static Weakening> {
    TWINS.iter().find(|twin| twin.attacks.contains(&attack))
}

/// A verifier that fits [`CHALLENGE`](challenge).
const VERIFIER: &str = "a-verifier-that-everybody-knows-0123456789abcdef";

const TWINS: &[Weakening] = &[
    twin(
        "It takes the page of any site for one of its own.",
        &[
            "csrf_sign_out",
            "csrf_delete_account",
            "csrf_password",
            "csrf_link",
            "csrf_connection",
            "csrf_sign_in",
            "csrf_api_text",
            "csrf_old_browser",
            "consent_forged",
        ],
        In(|_, call| from_own_site(call)),
    ),
    twin(
        "It reads JSON whatever it is said to be.",
        &["csrf_api_type"],
        In(|_, call| {
            if !call.body.is_empty() {
                call.set("content-type", Some("application/json"));
            }
        }),
    ),
    twin(
        "It takes GET for POST.",
        &["sign_out_by_link", "oauth_start_by_link"],
        In(|_, call| {
            if ["/sign-out", "/auth/google"].contains(&call.url.path()) {
                call.method = Method::POST;
                call.set("content-type", Some("application/x-www-form-urlencoded"));
                from_own_site(call);
            }
        }),
    ),
    twin(
        "It lets every origin read its answers.",
        &["cors_read"],
        Out(|_, call, answer| {
            set(answer, "access-control-allow-origin", call.header("origin").unwrap_or("*"));
            set(answer, "access-control-allow-credentials", "true");
        }),
    ),
    twin(
        "It sends no Content-Security-Policy.",
        &["clickjacking"],
        Out(|_, _, answer| {
            answer.headers.remove("content-security-policy");
        }),
    ),
    twin(
        "It sends no Cache-Control.",
        &["cache_after"],
        Out(|_, _, answer| {
            answer.headers.remove("cache-control");
        }),
    ),
    twin(
        "Its cookies are for scripts, too.",
        &["session_stolen_by_script"],
        Out(|_, _, answer| {
            let cookies = set_by(answer, "");
            answer.headers.remove("set-cookie");
            for (name, value) in cookies {
                if let Ok(line) = HeaderValue::try_from(format!("{name}={value}; Path=/")) {
                    answer.headers.append("set-cookie", line);
                }
            }
        }),
    ),
    twin(
        "It does not compare the state.",
        &["state_missing", "state_altered", "state_truncated"],
        In(|passed, call| on_callback(call, |pairs| restore(passed, pairs, "state"))),
    ),
    twin(
        "It keeps attempts for whichever browser comes back.",
        &["login_csrf", "attempt_cookie_swapped", "link_by_callback"],
        In(|passed, call| {
            if is_callback(call) {
                let mut pairs = cookies(call);
                for (name, value) in passed.cookies_set("latchkey_attempt_") {
                    put(&mut pairs, &name, &value);
                }
                send_cookies(call, &pairs);
            }
        }),
    ),
    twin(
        "It takes any provider’s answer at any callback.",
        &["mix_up"],
        In(|_, call| {
            if is_callback(call) {
                call.url.set_path("/auth/google/callback");
            }
        }),
    ),
    twin(
        "It looks at the code alone, and not for an error.",
        &["code_and_error"],
        In(|_, call| on_callback(call, |pairs| pairs.retain(|(name, _)| name != "error"))),
    ),
    twin(
        "It reads the first of two.",
        &["code_twice", "state_twice", "field_twice"],
        In(|_, call| {
            edit(call, |pairs| {
                let mut names = Vec::new();
                pairs.retain(|(name, _)| {
                    let is_first = !names.contains(name) || name == "scope";
                    names.push(name.clone());
                    is_first
                });
            })
        }),
    ),
    twin(
        "It does not ask which issuer answered.",
        &["iss_wrong", "iss_missing"],
        In(|passed, call| {
            on_callback(call, |pairs| {
                if let Some(provider) = &passed.provider {
                    put(pairs, "iss", provider.google.as_str());
                }
            })
        }),
    ),
    twin(
        "It takes what this check looks at as if the provider had told the truth.",
        &[
            "id_token_nonce",
            "id_token_signature",
            "id_token_unsigned",
            "id_token_expired",
            "id_token_issuer",
            "id_token_audience",
            "userinfo_of_another",
        ],
        In(|_, call| edit(call, |pairs| pairs.retain(|(name, _)| name != "misbehave"))),
    ),
    twin(
        "It wants no challenge, or takes one of any kind.",
        &["pkce_missing", "pkce_plain"],
        In(|_, call| {
            edit(call, |pairs| {
                put(pairs, "code_challenge", &challenge());
                put(pairs, "code_challenge_method", "S256");
            })
        }),
    ),
    twin(
        "Every verifier fits every code.",
        &["pkce_wrong_verifier"],
        In(|_, call| {
            let at = call.url.path().to_owned();
            edit(call, |pairs| match &*at {
                "/google/authorize/decide" => put(pairs, "code_challenge", &challenge()),
                "/google/token" => put(pairs, "code_verifier", VERIFIER),
                _ => {}
            });
        }),
    ),
    twin(
        "It takes every redirect URI for the registered one.",
        &["redirect_uri_foreign", "redirect_uri_swapped"],
        In(|passed, call| {
            edit(call, |pairs| {
                if let Some(provider) = &passed.provider {
                    put(pairs, "redirect_uri", &provider.redirect_uri);
                }
            })
        }),
    ),
    twin(
        "It takes every response type for code.",
        &["implicit_grant"],
        In(|_, call| {
            edit(call, |pairs| put(pairs, "response_type", "code"));
        }),
    ),
    twin(
        "It takes every secret of a client.",
        &["client_secret_wrong"],
        In(|passed, call| {
            if let (Some(provider), "/google/token") = (&passed.provider, call.url.path()) {
                edit(call, |pairs| put(pairs, "client_secret", &provider.client_secret));
            }
        }),
    ),
    twin(
        "It takes a token at its word: its header is not judged, and every signature is good.",
        &[
            "jwt_none",
            "jwt_hs256",
            "jwt_hmac_disguised",
            "jwt_kid_path",
            "jwt_kid_sql",
            "jwt_jwk",
            "jwt_jku",
            "jwt_own_key",
            "jwt_crit",
            "jwt_header_twice",
            "jwt_flipped",
            "jwt_longer_life",
            "jwt_more_roles",
            "jwt_other_person",
            "jwt_other_audience",
            "jwt_id_token",
            "jwt_large",
        ],
        In(|passed, call| passed.sign_bearer(call, |_| {})),
    ),
    twin(
        "It takes a token from the URL.",
        &["jwt_in_url"],
        In(|_, call| {
            let pairs: Pairs = call.url.query_pairs().into_owned().collect();
            if let Some((_, token)) = pairs.iter().find(|(name, _)| name.ends_with("token")) {
                call.set("authorization", Some(&format!("Bearer {token}")));
                call.url.set_query(None);
            }
        }),
    ),
    twin(
        "It reads the first Authorization header.",
        &["jwt_two_headers"],
        In(|_, call| {
            if let Some(first) = call.header("authorization").map(str::to_owned) {
                call.set("authorization", Some(&first));
            }
        }),
    ),
    twin(
        "It does not ask whom a token was issued to.",
        &["jwt_in_cookie"],
        In(|passed, call| {
            let mut pairs = cookies(call);
            for (name, value) in &mut pairs {
                let browsers =
                    passed.signed(value, |claims| claims["client_id"] = json!("latchkey-web"));
                if let (true, Some(token)) = (name.starts_with("latchkey_token"), browsers) {
                    *value = token;
                }
            }
            send_cookies(call, &pairs);
        }),
    ),
    twin(
        "It does not look at the scope of a token.",
        &["scope_exceeded"],
        In(|passed, call| {
            passed.sign_bearer(call, |claims| claims["scope"] = json!(EVERYTHING));
        }),
    ),
    twin(
        "It grants every scope at a refresh.",
        &["scope_widened"],
        Out(|passed, call, answer| {
            let mut document = answer.json();
            let token = document["access_token"].as_str();
            let wider = |claims: &mut serde_json::Value| claims["scope"] = json!(EVERYTHING);
            if let Some(token) = token.and_then(|token| passed.signed(token, wider))
                && call.url.path() == REFRESH
            {
                document["scope"] = json!(EVERYTHING);
                document["access_token"] = json!(token);
                answer.body = document.to_string().into_bytes();
            }
        }),
    ),
    twin(
        "It takes an unknown scope for all of them.",
        &["scope_made_up"],
        In(|_, call| {
            edit_json(call, |json| {
                json.as_object_mut().map(|members| members.remove("scope"));
            });
        }),
    ),
    twin(
        "It does not look at roles.",
        &["role_missing"],
        In(|passed, call| {
            passed.sign_bearer(call, |claims| claims["roles"] = json!(["admin"]));
        }),
    ),
    twin(
        "It does not ask whose it is: what one user may do there, everybody may.",
        &["contact_of_another", "sign_in_of_another", "trace_of_another"],
        In(as_first_comer),
    ),
    twin(
        "It keeps the session’s id at a sign-in.",
        &["session_fixation"],
        In(|passed, call| {
            let mut pairs = cookies(call);
            for (name, value) in &mut pairs {
                let begun_with = |call: &Call| cookies(call).iter().any(|(_, old)| old == value);
                let begun = passed.exchanges.iter().filter(|(call, _)| begun_with(call));
                let renewed = begun.flat_map(|(_, answer)| set_by(answer, name)).next_back();
                if let Some((_, new)) = renewed {
                    *value = new;
                }
            }
            send_cookies(call, &pairs);
        }),
    ),
    twin(
        "It says yes, and ends nothing on the server.",
        &["session_after_sign_out", "session_ended_elsewhere", "account_deleted"],
        In(|_, call| {
            if ["/sign-out", "/account/sign-ins/end-others", "/account/delete"]
                .contains(&call.url.path())
            {
                call.url.set_path("/sign-out");
                call.set("cookie", None);
            }
        }),
    ),
    twin(
        "It forgets who was there before.",
        &["session_after_sign_in"],
        In(|_, call| {
            if call.url.path() == "/sign-in" {
                call.set("cookie", None);
            }
        }),
    ),
    twin(
        "It compares as much as came.",
        &["session_guessed"],
        In(|passed, call| {
            let mut pairs = cookies(call);
            let known = passed.cookies_set("latchkey_session");
            for (_, value) in &mut pairs {
                if let Some((_, whole)) =
                    known.iter().rev().find(|(_, one)| one.starts_with(&**value))
                {
                    value.clone_from(whole);
                }
            }
            send_cookies(call, &pairs);
        }),
    ),
    twin(
        "It takes any token of its own for a refresh token, also a used one.",
        &["refresh_reused", "access_as_refresh"],
        In(|passed, call| {
            if call.url.path() == REFRESH {
                let newest = passed.member("refresh_token");
                edit_json(call, |json| json["refresh_token"] = json!(newest));
            }
        }),
    ),
    twin(
        "It takes a refresh token at the API.",
        &["refresh_as_access"],
        In(|passed, call| {
            if bearer(call).is_some()
                && let Some(access) = passed.member("access_token")
            {
                call.set("authorization", Some(&format!("Bearer {access}")));
            }
        }),
    ),
    twin(
        "It says yes, and revokes nothing.",
        &["refresh_after_revoke"],
        In(|_, call| {
            if call.url.path() == "/api/v1/token/revoke" {
                edit_json(call, |json| json["token"] = json!("another"));
            }
        }),
    ),
    twin(
        "It does not count wrong passwords.",
        &["brute_force"],
        In(|passed, call| {
            call.set("x-forwarded-for", Some(&passed.new_address()));
        }),
    ),
    twin(
        "It says which addresses it knows.",
        &["enumeration_sign_in", "enumeration_sign_up", "enumeration_forgot"],
        Out(|passed, call, answer| {
            let email = |call: &Call| {
                let mut fields = url::form_urlencoded::parse(&call.body).into_owned();
                fields.find(|(name, _)| name == "email").map(|(_, email)| email)
            };
            let signed_up = |one: &Call| one.url.path() == "/sign-up" && email(one) == email(call);
            let is_known = passed.exchanges.iter().any(|(one, _)| signed_up(one));
            if !is_known {
                answer.body.extend_from_slice(b"<p>There is no account with this address.</p>");
            }
        }),
    ),
    twin(
        "It tells people apart by their address.",
        &["email_twin"],
        In(|_, call| {
            edit(call, |pairs| {
                let email = pairs.iter().find(|(name, _)| name == "email");
                let key =
                    email.map(|(_, email)| format!("passing-{}", email.replace(['@', '.'], "-")));
                if let (Some(key), true) = (key, pairs.iter().any(|(name, _)| name == "person")) {
                    put(pairs, "person", &key);
                }
            });
        }),
    ),
    twin(
        "It takes every password.",
        &["weak_password"],
        In(|_, call| {
            if call.url.path() == "/sign-up" {
                edit(call, |pairs| put(pairs, "password", "a lantern under the stairs"));
            }
        }),
    ),
    twin(
        "It writes into its pages what it was given, as it is.",
        &["script_in_name", "next_markup", "error_with_script"],
        Out(|_, _, answer| {
            let text = answer.text().replace("&#60;", "<").replace("&#62;", ">");
            answer.body = text.replace("&#34;", "\"").replace("&#39;", "'").into_bytes();
        }),
    ),
    twin(
        "It goes wherever next says.",
        &["open_redirect", "next_script", "next_header"],
        Out(|_, call, answer| {
            let next = call.url.query_pairs().find(|(name, _)| name == "next");
            if let (Some((_, next)), true) = (next, answer.headers.contains_key("location")) {
                // A line break ends the header, and the rest is the next one.
                set(answer, "location", next.split(['\r', '\n', '\t']).next().unwrap_or_default());
            }
        }),
    ),
    twin(
        "It believes Host and its kin.",
        &["host_header"],
        Out(|_, call, answer| {
            let told = ["host", "x-forwarded-host", "forwarded"].map(|name| call.header(name));
            let evil = told.into_iter().flatten().any(|value| value.contains("evil.test"));
            if let (true, Some(location)) = (evil, answer.header("location").map(str::to_owned)) {
                let own = call.url.authority();
                set(answer, "location", &location.replace(&urlencoded(own), "evil.test"));
            }
        }),
    ),
];

const REFRESH: &str = "/api/v1/token/refresh";

const EVERYTHING: &str = "profile calendar:read contacts:read contacts:write";

fn from_own_site(call: &mut Call) {
    call.set("sec-fetch-site", Some("same-origin"));
    call.set("origin", None);
}

fn set(answer: &mut Answer, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        answer.headers.insert(HeaderName::from_static(name), value);
    }
}

fn is_callback(call: &Call) -> bool {
    call.url.path().ends_with("/callback")
}

fn on_callback(call: &mut Call, change: impl FnOnce(&mut Pairs)) {
    if is_callback(call) {
        edit(call, change);
    }
}

/// Puts back what the provider sent along.
fn restore(passed: &Passed, pairs: &mut Pairs, name: &str) {
    let callback = passed.callback();
    let found = callback.as_ref().and_then(|url| url.query_pairs().find(|(one, _)| one == name));
    if let Some((_, value)) = found {
        put(pairs, name, &value);
    }
}

fn challenge() -> String {
    base64url(digest::digest(&digest::SHA256, VERIFIER.as_bytes()))
}

fn urlencoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Sends the credentials of whoever was let in there first, or at what is above it.
fn as_first_comer(passed: &Passed, call: &mut Call) {
    let path = call.url.path();
    let let_in = |(one, answer): &&(Call, Answer)| {
        path.starts_with(one.url.path()) && one.url.path().len() > 1 && answer.status.is_success()
    };
    if let Some((first, _)) = passed.exchanges.iter().find(let_in) {
        for name in ["authorization", "cookie"] {
            call.set(name, first.header(name));
        }
        from_own_site(call);
    }
}
