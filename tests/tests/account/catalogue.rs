//! Every error code of the catalogue, caused by the situation that it is for.
//!
//! [`ways`] has a scenario for each code. A code without one fails the test: add one with each new
//! code.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use latchkey_domain::Span;
use latchkey_tests::issuer::Answer;
use latchkey_tests::{Browser, Latchkey, Page};
use latchkey_web::errors::catalogue::{self, Entry};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::connection_codes as connected;
use crate::password_codes::*;
use crate::provider_codes::*;
use crate::request_codes::*;
use crate::token_codes::*;
use latchkey_tests::jws::base64url;

/// Codes that nothing outside can cause, with the reason.
const UNREACHABLE: [(&str, &str); 0] = [];

type Way = Pin<Box<dyn Future<Output = Page> + Send>>;

/// Each in its own stack frame: together, the boxed futures would overflow one.
fn boxed<F: Future<Output = Page> + Send + 'static>(way: impl FnOnce() -> F) -> Way {
    Box::pin(way())
}

/// A scenario for each code.
fn ways() -> Vec<(&'static str, Way)> {
    macro_rules! ways {
        ($($code:literal => $way:expr,)*) => {
            vec![$(($code, boxed(|| $way))),*]
        };
    }
    ways! {
        // Sign-in with a provider.
        "provider_declined" => answered(&[("error", "access_denied")]),
        "attempt_unknown" => get("/auth/google/callback?state=made-up&code=x"),
        "attempt_cookie_missing" => stray(Browser::new()),
        "attempt_other_browser" => stray(Browser::with_user_agent("Another/1.0")),
        "attempt_expired" => attempt_expired(),
        "attempt_used" => attempt_used(),
        "provider_response_invalid" => answered(&[("code", "x"), ("error", "server_error")]),
        "form_post_unexpected" => form("/auth/google/callback", "code=x", "application/x-www-form-urlencoded"),
        "provider_refused" => answered(&[("error", "server_error")]),
        "provider_timeout" => at_discovery(Answer::Silence),
        "provider_unreachable" => at_discovery(Answer::HangUp),
        "provider_down" => at_discovery(Answer::html(503)),
        "provider_nonsense" => at_discovery(Answer::html(200)),
        "code_refused" => at_token(400, "invalid_grant"),
        "token_exchange_refused" => at_token(401, "invalid_client"),
        "id_token_refused" => wrong_nonce(),
        "provider_did_not_ask" => missing_reauthentication(),
        "clock_skew" => clock_skew(),
        "email_taken" => email_taken(),
        "identity_taken" => identity_taken(),
        "last_way_in" => last_way_in(),
        "link_lost" => link_lost(),
        "unknown_host" => unknown_host(),
        "unknown_provider" => get("/auth/nobody/callback"),

        // Sign-in with a password.
        "wrong_credentials" => wrong_credentials(),
        "wrong_password" => wrong_password(),
        "weak_password" => weak_password(),
        "email_missing" => email_missing(),
        "password_email_taken" => password_email_taken(),
        "fresh_proof_required" => fresh_proof_required(),
        "wrong_code" => wrong_code(),
        "email_unverified" => email_unverified(),
        "not_confirmed" => not_confirmed(),
        "link_spent" => get("/reset/made-up"),
        "too_many_tries" => too_many_tries(),
        "busy" => busy(),
        "too_many_connections" => too_many_connections(),
        "validation_failed" => api(Method::POST, "/api/v1/contacts", Some(json!({ "name": "" }))),

        // API tokens.
        "token_missing" => get("/api/v1/me"),
        "token_in_url" => get("/api/v1/me?access_token=x"),
        "authorization_invalid" => two_headers(),
        "token_revoked" => token_revoked(),
        "token_too_large" => forged(|_, _, _, good| format!("{good}.{}", "a".repeat(30_000))),
        "token_malformed" => forged(|_, _, _, good| format!("{good}=")),
        "token_header_duplicate" => forged(|key, h, c, _| {
            key.sign(&h.to_string().replacen('{', r#"{"alg":"none","#, 1), &c.to_string())
        }),
        "token_header_invalid" => header(json!({ "kid": null })),
        "token_algorithm_none" => header(json!({ "alg": "none" })),
        "token_critical_header" => header(json!({ "crit": ["exp"] })),
        "token_key_embedded" => header(json!({ "jku": "https://evil.test/keys" })),
        "token_type_wrong" => header(json!({ "typ": "JWT" })),
        "token_key_unknown" => header(json!({ "kid": "nobody's" })),
        "token_algorithm_mismatch" => header(json!({ "alg": "HS256" })),
        "token_signature_invalid" => forged(|_, _, _, good| {
            let (message, _) = good.rsplit_once('.').expect("a signature");
            format!("{message}.{}", base64url([7; 64]))
        }),
        "token_claim_duplicate" => forged(|key, h, c, _| {
            key.sign(&h.to_string(), &c.to_string().replacen('{', r#"{"sub":"x","#, 1))
        }),
        "token_claim_missing" => claims(json!({ "jti": null })),
        "token_claim_invalid" => claims(json!({ "exp": "tomorrow" })),
        "token_issuer_wrong" => claims(json!({ "iss": "https://evil.test" })),
        "token_audience_wrong" => claims(json!({ "aud": "https://evil.test" })),
        "token_expired" => claims(json!({ "exp": 1 })),
        "token_not_yet_valid" => claims(json!({ "nbf": 9_999_999_999_i64 })),
        "token_inactive" => introspected(Answer::Json(json!({ "active": false }))),
        "account_unknown" => introspected_as("nobody's"),
        "introspection_unavailable" => introspected(Answer::html(500)),
        "access_not_ended" => access_not_ended(),
        "insufficient_scope" => insufficient_scope(),
        "role_required" => api(Method::GET, "/api/v1/admin/users", None),
        "invalid_scope" => token(json!({ "scope": "everything" })),
        "refresh_token_unknown" => refresh(|_, _| "made up".to_owned(), Span::seconds(0)),
        "refresh_token_expired" => refresh(|_, next| next, Span::days(31)),
        "refresh_token_ended" => refresh_token_ended(),
        "refresh_token_reused" => refresh(|first, _| first, Span::seconds(11)),
        "too_many_contacts" => too_many_contacts(),

        // Connected services.
        "not_connected" => connected::not_connected(),
        "nothing_chosen" => connected::nothing_chosen(),
        "not_granted" => connected::not_granted(),
        "reconnect_needed" => connected::renewal(400, "invalid_grant"),
        "connection_lost" => connected::connection_lost(),
        "still_disconnecting" => connected::still_disconnecting(),
        "token_being_renewed" => connected::being_renewed(),
        "service_timeout" => connected::service(Answer::Silence),
        "service_unavailable" => connected::service(Answer::HangUp),
        "site_not_accepted" => connected::renewal(401, "invalid_client"),

        // Any request.
        "sign_in_required" => get("/account"),
        "cross_site_request" => cross_site(),
        "bad_request" => form("/auth/google", "next=a&next=b", "application/x-www-form-urlencoded"),
        "not_found" => get("/nothing-here"),
        "method_not_allowed" => get("/sign-out"),
        "unsupported_media_type" => form("/auth/google", "{}", "application/json"),
        "too_large" => too_large(),
        "request_timeout" => slow_body(),
        "answer_timeout" => answer_timeout(),
        "account_blocked" => account_blocked(),
        "database_unavailable" => database_unavailable(),
        "signing_unavailable" => signing_unavailable(),
        "internal_error" => internal_error(),
    }
}

/// Runs all scenarios concurrently, because some are slow.
#[tokio::test(flavor = "multi_thread")]
async fn every_error_code_is_reachable_with_correct_status() {
    let mut ways: BTreeMap<_, _> = ways().into_iter().collect();
    let mut all = JoinSet::new();
    let mut wrong = Vec::new();
    for entry in catalogue::ALL {
        if UNREACHABLE.iter().any(|(code, _)| *code == entry.code) {
            continue;
        }
        match ways.remove(entry.code) {
            Some(way) => {
                all.spawn(async move {
                    // A scenario that panics is one line of the report.
                    match tokio::spawn(way).await {
                        Ok(page) => {
                            judge(entry, &page).map_err(|why| format!("{}: {why}", entry.code))
                        }
                        Err(error) => Err(format!("{}: the way to it: {error}", entry.code)),
                    }
                });
            }
            None => wrong.push(format!("{}: no way to it is known here", entry.code)),
        }
        // A few at a time: each starts its own app.
        if all.len() >= 6
            && let Some(Ok(Err(why))) = all.join_next().await
        {
            wrong.push(why);
        }
    }
    wrong.extend(all.join_all().await.into_iter().filter_map(Result::err));
    wrong.extend(ways.keys().map(|code| format!("{code}: it is not in the catalogue")));
    assert!(wrong.is_empty(), "{} of the codes:\n{}", wrong.len(), wrong.join("\n"));
}

/// What is wrong with this response, if anything.
fn judge(entry: &Entry, page: &Page) -> Result<(), String> {
    let ensure = |is: bool, what: &str| {
        if is {
            Ok(())
        } else {
            Err(format!("{what}: {} {}: {}", page.request, page.status, page.summary()))
        }
    };
    let code = entry.code;
    ensure(page.header("x-error-code") == Some(code), "X-Error-Code")?;
    ensure(page.status == entry.status.as_u16(), "the status")?;
    let id = page.header("x-request-id").unwrap_or_default();
    ensure(id.len() >= 16 && page.body.contains(id), "no request id to quote")?;
    ensure(page.header("cache-control") == Some("no-store"), "Cache-Control")?;
    if matches!(page.status, 429)
        || matches!(
            code,
            "busy" | "signing_unavailable" | "too_many_connections" | "introspection_unavailable"
        )
    {
        let after = page.header("retry-after").and_then(|after| after.parse::<u32>().ok());
        ensure(after.is_some_and(|after| after > 0), "Retry-After")?;
    }
    match page.header("content-type") {
        Some("application/problem+json") => {
            let problem: Value = serde_json::from_str(&page.body).map_err(|e| e.to_string())?;
            ensure(problem["code"] == code, "the problem's code")?;
            ensure(problem["trace_id"] == id, "the problem's trace_id")?;
            ensure(problem["status"] == page.status, "the problem's status")?;
            let kind = problem["type"].as_str().unwrap_or_default();
            ensure(kind.ends_with(&format!("/errors/{code}")), "the problem's type")?;
            let needs = matches!(page.status, 401 | 403) && code != "cross_site_request";
            let challenge = page.header("www-authenticate").unwrap_or_default();
            ensure(!needs || challenge.starts_with("Bearer "), "WWW-Authenticate")
        }
        Some("text/html; charset=utf-8") => {
            ensure(page.body.contains(&format!("href=\"/errors/{code}\"")), "no link to its page")?;
            ensure(page.body.contains("id=\"main\"") || page.body.contains("<main"), "no main")?;
            if let Some(owner) = entry.owner {
                let marked = format!("aria-current=\"true\">{}", owner.name());
                ensure(page.body.contains(&marked), "who can fix it")?;
            }
            let said = escaped(&first_words(entry.next));
            ensure(page.body.contains(&said), "what to do next")
        }
        kind => Err(format!("a Content-Type of {kind:?}: {}", page.request)),
    }
}

/// Escapes like the templates.
fn escaped(text: &str) -> String {
    text.replace('&', "&#38;").replace('<', "&#60;").replace('"', "&#34;").replace('\'', "&#39;")
}

/// The text before a provider's name.
fn first_words(text: &str) -> String {
    text.split('{').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn error_code_pages_show_cause_and_next_step() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    for entry in catalogue::ALL {
        let page = browser.get(&app.url(&format!("/errors/{}", entry.code))).await.expect(200);
        assert_eq!(page.header("x-error-code"), None, "{}: the page is no error", entry.code);
        for text in [entry.title, entry.cause, entry.next] {
            let text = escaped(&Entry::about(text, None));
            assert!(page.body.contains(&text), "{}: {text}: {}", entry.code, page.summary());
        }
        assert!(page.body.contains(&entry.status.as_u16().to_string()), "{}", entry.code);
        match entry.owner {
            Some(owner) => {
                let marked = format!("aria-current=\"true\">{} <span>can fix it", owner.name());
                assert!(page.body.contains(&marked), "{}: who can fix it", entry.code);
                assert_eq!(page.body.matches("<span>can fix it").count(), 1, "{}", entry.code);
            }
            None => assert!(!page.body.contains("<span>can fix it"), "{}", entry.code),
        }
        assert!(!page.body.contains('{'), "{}: a placeholder is left", entry.code);
    }
}

#[tokio::test]
async fn unknown_error_codes_return_404_without_echo() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    for made_up in [
        "call_0900_555_0100_to_unlock",
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "EMAIL_TAKEN",
        "email_taken%20",
        "..%2f..%2faccount",
        "%00",
    ] {
        let page = browser.get(&app.url(&format!("/errors/{made_up}"))).await;
        let page = page.expect_error(404, "not_found");
        for echo in ["0900", "alert(1)", "EMAIL_TAKEN", "%3Cscript"] {
            assert!(!page.body.contains(echo), "{made_up} is repeated");
        }
    }
    // Nor in a query, on a page that exists.
    let page = browser.get(&app.url("/errors/not_found?code=call_0900&detail=call_0900")).await;
    assert!(!page.body.contains("call_0900"));
}

pub(crate) async fn get(path: &'static str) -> Page {
    let app = Latchkey::start().await;
    Browser::new().get(&app.url(path)).await
}

pub(crate) async fn form(path: &'static str, body: &'static str, kind: &'static str) -> Page {
    let app = Latchkey::start().await;
    let headers = [("content-type", kind)];
    Browser::new().send(Method::POST, &app.url(path), &headers, Some(body.to_owned())).await
}
