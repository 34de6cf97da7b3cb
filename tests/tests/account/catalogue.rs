//! Every code of the catalogue, reached by doing what leads to it.
//!
//! [`ways`] says for each how. A code that is not there fails the test: whoever
//! adds one to the catalogue adds the way to it here.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use latchkey_domain::Span;
use latchkey_domain::password::Password;
use latchkey_store::Db;
use latchkey_tests::issuer::{Answer, DISCOVERY, INTROSPECT, TOKEN};
use latchkey_tests::{Browser, Issuer, Latchkey, Page, Setup};
use latchkey_web::errors::catalogue::{self, Entry};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Executor as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use url::Url;

use crate::connection_codes as connected;
use crate::helpers::{came_in, come_in, link, set_password, unlink};
use latchkey_tests::by_hand::{OwnKey, part, read, with};
use latchkey_tests::person::{PASSWORD, Program, knock, sign_up, signed_in, tokens};

/// Codes that nothing outside can provoke, each with the reason.
const UNREACHABLE: [(&str, &str); 0] = [];

type Way = Pin<Box<dyn Future<Output = Page> + Send>>;

/// How to come to each code.
fn ways() -> Vec<(&'static str, Way)> {
    macro_rules! ways {
        ($($code:literal => $way:expr,)*) => {
            vec![$(($code, Box::pin($way) as Way)),*]
        };
    }
    ways! {
        // Signing in at a provider.
        "provider_declined" => answered(&[("error", "access_denied")]),
        "attempt_unknown" => get("/auth/google/callback?state=made-up&code=x"),
        "attempt_cookie_missing" => stray(Browser::new()),
        "attempt_other_browser" => stray(Browser::called("Another/1.0")),
        "attempt_expired" => attempt_expired(),
        "attempt_used" => attempt_used(),
        "provider_response_invalid" => answered(&[("code", "x"), ("error", "server_error")]),
        "provider_refused" => answered(&[("error", "server_error")]),
        "provider_timeout" => at_discovery(Answer::Silence),
        "provider_unreachable" => at_discovery(Answer::HangUp),
        "provider_down" => at_discovery(Answer::html(503)),
        "provider_nonsense" => at_discovery(Answer::html(200)),
        "code_refused" => at_token(400, "invalid_grant"),
        "token_exchange_refused" => at_token(401, "invalid_client"),
        "id_token_refused" => wrong_nonce(),
        "clock_skew" => clock_skew(),
        "email_taken" => email_taken(),
        "identity_taken" => identity_taken(),
        "last_way_in" => last_way_in(),
        "link_lost" => link_lost(),
        "unknown_provider" => get("/auth/nobody/callback"),

        // Signing in here.
        "wrong_credentials" => wrong_credentials(),
        "wrong_password" => wrong_password(),
        "weak_password" => weak_password(),
        "email_missing" => email_missing(),
        "password_email_taken" => password_email_taken(),
        "fresh_proof_required" => fresh_proof_required(),
        "not_confirmed" => not_confirmed(),
        "link_spent" => get("/reset/made-up"),
        "too_many_tries" => too_many_tries(),
        "busy" => busy(),
        "validation_failed" => api(Method::POST, "/api/v1/contacts", Some(json!({ "name": "" }))),

        // Tokens on the API.
        "token_missing" => get("/api/v1/me"),
        "token_in_url" => get("/api/v1/me?access_token=x"),
        "authorization_invalid" => two_headers(),
        "token_revoked" => token_revoked(),
        "token_too_large" => forged(|_, _, _, good| format!("{good}.{}", "a".repeat(100_000))),
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
            format!("{message}.{}", part([7; 64]))
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

        // Every request.
        "sign_in_required" => get("/account"),
        "cross_site_request" => cross_site(),
        "bad_request" => form("/auth/google", "next=a&next=b", "application/x-www-form-urlencoded"),
        "not_found" => get("/nothing-here"),
        "method_not_allowed" => get("/sign-out"),
        "unsupported_media_type" => form("/auth/google", "{}", "application/json"),
        "too_large" => too_large(),
        "request_timeout" => slow_body(None),
        "answer_timeout" => slow_body(Some(Duration::from_secs(4))),
        "database_unavailable" => database_unavailable(),
        "internal_error" => internal_error(),
    }
}

/// The codes whose way takes longer than a moment, and those beside them, all at once.
#[tokio::test(flavor = "multi_thread")]
async fn every_code_is_reached_with_the_right_status() {
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
                    // A way that fails is one line of the report, not the end of it.
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
        // A few at a time: each has an app of its own.
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

/// What is wrong with this answer, if anything is.
fn judge(entry: &Entry, page: &Page) -> Result<(), String> {
    let ensure = |is: bool, what: &str| {
        if is {
            Ok(())
        } else {
            Err(format!("{what}: {} {}: {}", page.asked, page.status, page.summary()))
        }
    };
    let code = entry.code;
    ensure(page.header("x-error-code") == Some(code), "X-Error-Code")?;
    ensure(page.status == entry.status.as_u16(), "the status")?;
    let id = page.header("x-request-id").unwrap_or_default();
    ensure(id.len() >= 16 && page.body.contains(id), "no request id to quote")?;
    ensure(page.header("cache-control") == Some("no-store"), "Cache-Control")?;
    if matches!(page.status, 429) || matches!(code, "busy" | "introspection_unavailable") {
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
        kind => Err(format!("a Content-Type of {kind:?}: {}", page.asked)),
    }
}

/// As the templates escape it.
fn escaped(text: &str) -> String {
    text.replace('&', "&#38;").replace('<', "&#60;").replace('"', "&#34;").replace('\'', "&#39;")
}

/// What stands before a provider's name.
fn first_words(text: &str) -> String {
    text.split('{').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn every_code_has_a_page_with_cause_owner_and_next_step() {
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
async fn codes_cannot_be_made_up() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    for made_up in [
        "call_0900_555_0100_to_unlock",
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "EMAIL_TAKEN",
        "email_taken%20",
        "email_taken/",
        "..%2f..%2faccount",
        "%00",
    ] {
        let page = browser.get(&app.url(&format!("/errors/{made_up}"))).await;
        let page = page.expect_error(404, "not_found");
        for echo in ["0900", "alert(1)", "EMAIL_TAKEN", "%3Cscript"] {
            assert!(!page.body.contains(echo), "{made_up} is repeated");
        }
    }
    // Nor by a query, on a page that exists.
    let page = browser.get(&app.url("/errors/not_found?code=call_0900&detail=call_0900")).await;
    assert!(!page.body.contains("call_0900"));
}

async fn get(path: &'static str) -> Page {
    let app = Latchkey::start().await;
    Browser::new().get(&app.url(path)).await
}

async fn form(path: &'static str, body: &'static str, kind: &'static str) -> Page {
    let app = Latchkey::start().await;
    let headers = [("content-type", kind)];
    Browser::new().send(Method::POST, &app.url(path), &headers, Some(body.to_owned())).await
}

async fn acme() -> (Latchkey, Issuer) {
    let issuer = Issuer::start().await;
    (Setup::new().with_issuer(&issuer).start().await, issuer)
}

async fn answered(parameters: &'static [(&'static str, &'static str)]) -> Page {
    let (app, issuer) = acme().await;
    let mut browser = Browser::new();
    let authorize = browser.set_out(&app, "acme").await;
    let mut all = vec![("iss", issuer.url.as_str())];
    all.extend(parameters);
    browser.come_back(&issuer.answer_to(&authorize, &all)).await
}

async fn at_discovery(answer: Answer) -> Page {
    let (app, issuer) = acme().await;
    issuer.answers(DISCOVERY, answer);
    Browser::new().post(&app.url("/auth/acme"), &[]).await
}

async fn back_from_acme(app: &Latchkey, issuer: &Issuer) -> Page {
    let mut browser = Browser::new();
    let authorize = browser.set_out(app, "acme").await;
    browser.come_back(&issuer.approve(&authorize)).await
}

async fn at_token(status: u16, error: &'static str) -> Page {
    let (app, issuer) = acme().await;
    let body = json!({ "error": error }).to_string();
    issuer.answers(TOKEN, Answer::Says(status, "application/json", body));
    let page = back_from_acme(&app, &issuer).await;
    if error == "invalid_client" {
        // The owner is told the exact redirect URI that was sent.
        assert!(page.body.contains(&app.callback("acme")), "{}", page.summary());
    }
    page
}

async fn wrong_nonce() -> Page {
    let (app, issuer) = acme().await;
    issuer.id_token(|token| token.claims["nonce"] = "another".into());
    back_from_acme(&app, &issuer).await
}

/// The local provider says the machine's time; our own clock is two hours ahead.
async fn clock_skew() -> Page {
    let app = Setup::new().with_clock_standing().start().await;
    app.advance(Span::minutes(120));
    let page = come_in(&mut Browser::new(), &app, "google", "ada", "session").await;
    assert!(page.body.contains("2 hours") || page.body.contains("1 hour 59"), "{}", page.summary());
    page
}

async fn waiting(app: &Latchkey, browser: &mut Browser) -> Url {
    let authorize = browser.set_out(app, "google").await;
    browser.consent(&authorize, "ada").await
}

async fn stray(mut other: Browser) -> Page {
    let app = Latchkey::start().await;
    let callback = waiting(&app, &mut Browser::new()).await;
    other.come_back(&callback).await
}

async fn attempt_expired() -> Page {
    let app = Setup::new().with_clock_standing().start().await;
    let mut browser = Browser::new();
    let callback = waiting(&app, &mut browser).await;
    app.advance(Span::minutes(17));
    let page = browser.come_back(&callback).await;
    assert!(page.body.contains("17 minutes"), "its age: {}", page.summary());
    page
}

async fn attempt_used() -> Page {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let callback = waiting(&app, &mut browser).await;
    let _ = browser.come_back(&callback).await.expect(303);
    let page = browser.come_back(&callback).await;
    assert!(page.body.contains("Continue to your account"), "{}", page.summary());
    page
}

async fn email_taken() -> Page {
    let app = Latchkey::start().await;
    came_in(&app, "google", "ada", "session").await;
    come_in(&mut Browser::new(), &app, "google", "twin", "session").await
}

async fn identity_taken() -> Page {
    let app = Latchkey::start().await;
    came_in(&app, "google", "noor", "session").await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    link(&mut ada, &app, "google", "noor").await
}

async fn last_way_in() -> Page {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    unlink(&mut ada, &app, "google").await
}

async fn link_lost() -> Page {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    ada.get(&app.url("/account/link")).await
}

async fn wrong_credentials() -> Page {
    token(json!({ "password": "not the password" })).await
}

/// Asks for a token, with these members in place of the right ones.
async fn token(change: Value) -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, "bob@example.test").await;
    let right = json!({ "email": "bob@example.test", "password": PASSWORD });
    Program::new(&app).post("/api/v1/token", with(&right, change)).await
}

async fn wrong_password() -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, "bob@example.test").await;
    let mut bob = signed_in(&app, "bob@example.test", "session").await;
    set_password(&mut bob, &app, "not the password", "a new one, long enough").await
}

async fn weak_password() -> Page {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    set_password(&mut ada, &app, "", "password1").await
}

async fn email_missing() -> Page {
    let app = Latchkey::start().await;
    let mut noor = came_in(&app, "google", "noor", "session").await;
    set_password(&mut noor, &app, "", "a new one, long enough").await
}

async fn password_email_taken() -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, "grace@example.test").await;
    let mut grace = came_in(&app, "google", "grace", "session").await;
    set_password(&mut grace, &app, "", "a new one, long enough").await
}

async fn fresh_proof_required() -> Page {
    let app = Setup::new().with_clock_standing().start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    app.advance(Span::minutes(11));
    crate::helpers::delete(&mut ada, &app).await
}

async fn not_confirmed() -> Page {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    ada.post(&app.url("/account/delete"), &[("confirm", "perhaps")]).await
}

async fn too_many_tries() -> Page {
    let app = Setup::new().with_clock_standing().start().await;
    let fields = [("email", "bob@example.test"), ("password", "not the password")];
    for _ in 0..12 {
        let _ = knock(&mut Browser::new(), &app, &fields).await;
    }
    knock(&mut Browser::new(), &app, &fields).await
}

/// Others wait already: as many as there is room for.
async fn busy() -> Page {
    let app = Latchkey::start().await;
    let mut storm = JoinSet::new();
    for _ in 0..600 {
        let hasher = app.app.hasher.clone();
        storm.spawn(async move {
            let password = Password::new("somebody else's").expect("a password");
            hasher.hash(&password).await.is_ok()
        });
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    let fields = [("email", "bob@example.test"), ("password", "not the password")];
    let page = knock(&mut Browser::new(), &app, &fields).await;
    storm.abort_all();
    page
}

/// Bob's program calls.
async fn api(method: Method, path: &'static str, body: Option<Value>) -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, "bob@example.test").await;
    let tokens = tokens(&app, "bob@example.test", None).await;
    Program::with(&app, &tokens.access).call(method, path, body).await
}

async fn two_headers() -> Page {
    let app = Latchkey::start().await;
    let headers = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
    Browser::new().send(Method::GET, &app.url("/api/v1/me"), &headers, None).await
}

async fn token_revoked() -> Page {
    let app = Setup::new().set("JWT_REVOCATION", "watch").start().await;
    sign_up(&app, "bob@example.test").await;
    let tokens = tokens(&app, "bob@example.test", None).await;
    let mut program = Program::with(&app, &tokens.access);
    let _ = program.revoke(&tokens.refresh).await.expect(200);
    program.get("/api/v1/me").await
}

/// Shows a token that was made by hand from a good one.
async fn forged(make: fn(&OwnKey, &Value, &Value, &str) -> String) -> Page {
    forged_by(make).await
}

async fn forged_by(make: impl FnOnce(&OwnKey, &Value, &Value, &str) -> String + Send) -> Page {
    let key = OwnKey::new("EdDSA");
    let setup = Setup::new().set("JWT_ALGORITHM", "EdDSA").set("JWT_PRIVATE_KEY", &key.pem);
    let app = setup.start().await;
    sign_up(&app, "bob@example.test").await;
    let good = tokens(&app, "bob@example.test", None).await.access;
    let (header, claims) = read(&good);
    let token = make(&key, &header, &claims, &good);
    Program::with(&app, &token).get("/api/v1/me").await
}

async fn header(change: Value) -> Page {
    forged_by(move |key, header, claims, _| {
        key.sign(&with(header, change).to_string(), &claims.to_string())
    })
    .await
}

async fn claims(change: Value) -> Page {
    forged_by(move |key, header, claims, _| {
        key.sign(&header.to_string(), &with(claims, change).to_string())
    })
    .await
}

/// Shows an opaque token, about which the issuer says that.
async fn introspected(answer: Answer) -> Page {
    let (app, issuer) = asks_acme().await;
    issuer.answers(INTROSPECT, answer);
    Program::with(&app, "opaque").get("/api/v1/me").await
}

async fn introspected_as(subject: &'static str) -> Page {
    let (app, issuer) = asks_acme().await;
    let audience = app.url("/api");
    issuer.answers(
        INTROSPECT,
        Answer::Json(json!({ "active": true, "sub": subject, "aud": audience })),
    );
    Program::with(&app, "opaque").get("/api/v1/me").await
}

/// The server whose metadata name a list does not give it.
async fn access_not_ended() -> Page {
    const METADATA: &str = "/.well-known/oauth-authorization-server";
    let issuer = Issuer::start().await;
    let app = Setup::new().asking(&issuer).with_issuer(&issuer).start().await;
    let mut browser = Browser::new();
    let authorize = browser.set_out(&app, "acme").await;
    let _ = browser.come_back(&issuer.approve(&authorize)).await.expect(303);
    let place = format!("{}/authorizations", issuer.url);
    let metadata = json!({ "issuer": issuer.url, "authorizations_endpoint": place });
    issuer.answers(METADATA, Answer::Json(metadata));
    browser.post(&app.url("/connections/apps/end"), &[("id", "7")]).await
}

async fn asks_acme() -> (Latchkey, Issuer) {
    let issuer = Issuer::start().await;
    (Setup::new().asking(&issuer).start().await, issuer)
}

async fn insufficient_scope() -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, "bob@example.test").await;
    let narrow = tokens(&app, "bob@example.test", Some("calendar:read")).await;
    Program::with(&app, &narrow.access).get("/api/v1/contacts").await
}

/// Exchanges a refresh token once, waits, and then exchanges one of the two.
async fn refresh(which: fn(String, String) -> String, later: Span) -> Page {
    let app = Setup::new().with_clock_standing().start().await;
    sign_up(&app, "bob@example.test").await;
    let first = tokens(&app, "bob@example.test", None).await;
    let mut program = Program::new(&app);
    let next = latchkey_tests::person::Tokens::of(&program.refresh(&first.refresh).await);
    app.advance(later);
    program.refresh(&which(first.refresh, next.refresh)).await
}

async fn refresh_token_ended() -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, "bob@example.test").await;
    let tokens = tokens(&app, "bob@example.test", None).await;
    let mut program = Program::new(&app);
    let _ = program.revoke(&tokens.refresh).await.expect(200);
    program.refresh(&tokens.refresh).await
}

async fn too_many_contacts() -> Page {
    let app = Latchkey::start().await;
    sign_up(&app, "bob@example.test").await;
    let tokens = tokens(&app, "bob@example.test", None).await;
    let Db::Sqlite(pool) = &app.app.db else { panic!("SQLite") };
    pool.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
         INSERT INTO contacts (id, user_id, name, created_at, updated_at) \
         SELECT 'contact-' || i, users.id, 'Somebody', 0, 0 FROM n, users",
    )
    .await
    .expect("contacts");
    Program::with(&app, &tokens.access)
        .post("/api/v1/contacts", json!({ "name": "One more" }))
        .await
}

async fn cross_site() -> Page {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    let headers = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")];
    ada.send(Method::POST, &app.url("/sign-out"), &headers, None).await
}

async fn too_large() -> Page {
    let app = Latchkey::start().await;
    Browser::new().post(&app.url("/auth/google"), &[("next", &"x".repeat(200_000))]).await
}

/// A body that is announced, and never comes; or one that comes byte by byte,
/// for longer than any answer may take.
async fn slow_body(a_byte_each: Option<Duration>) -> Page {
    let app = Latchkey::start().await;
    let stream = TcpStream::connect(app.address).await.expect("a connection");
    let (mut reading, mut writing) = stream.into_split();
    let host = app.origin.strip_prefix("http://").expect("http");
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nemail="
    );
    writing.write_all(head.as_bytes()).await.expect("sent");
    let dripping = tokio::spawn(async move {
        while let Some(pause) = a_byte_each {
            tokio::time::sleep(pause).await;
            if writing.write_all(b"a").await.is_err() {
                break;
            }
        }
        writing
    });
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(90), reading.read_to_end(&mut answer));
    read.await.expect("an answer within 90 seconds").expect("an answer");
    dripping.abort();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
    let mut headers = reqwest::header::HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let name: reqwest::header::HeaderName = name.parse().expect("a name");
        headers.append(name, value.parse().expect("a value"));
    }
    Page {
        asked: format!("a body of which a byte comes each {a_byte_each:?}"),
        url: Url::parse(&app.url("/sign-in")).expect("a URL"),
        status: status.parse().expect("a number"),
        headers,
        body: body.to_owned(),
    }
}

async fn database_unavailable() -> Page {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    app.app.db.close().await;
    ada.get(&app.url("/account")).await
}

async fn internal_error() -> Page {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    let Db::Sqlite(pool) = &app.app.db else { panic!("SQLite") };
    pool.execute("ALTER TABLE identities RENAME TO elsewhere").await.expect("renamed");
    ada.get(&app.url("/account")).await
}
