//! GitHub: its real URLs and its dialect of OAuth.

use latchkey_tests::issuer::Answer;
use latchkey_tests::oauth_flow::parameter;
use latchkey_tests::{Browser, Issuer, Latchkey, Page, Setup, texts};
use serde_json::{Value, json};
use url::Url;

const TOKEN: &str = "/login/oauth/access_token";

#[tokio::test]
async fn client_id_and_secret_enable_github_com() {
    let app = Setup::new()
        .set("GITHUB_CLIENT_ID", "Iv1.0123456789abcdef")
        .set("GITHUB_CLIENT_SECRET", "hush")
        .start()
        .await;
    let mut browser = Browser::new();
    let to = browser.start_sign_in(&app, "github").await;
    assert!(to.as_str().starts_with("https://github.com/login/oauth/authorize?"), "{to}");
    assert_eq!(parameter(&to, "client_id"), "Iv1.0123456789abcdef");
    assert_eq!(parameter(&to, "redirect_uri"), app.callback("github"));
    assert_eq!(parameter(&to, "code_challenge_method"), "S256");
    assert_eq!(parameter(&to, "scope"), "read:user user:email");
    assert!(!to.as_str().contains("hush"));
    // The other providers are still played locally.
    browser.sign_in_with(&app, "google", "ada").await;
}

#[tokio::test]
async fn redirect_uri_uses_the_public_url() {
    let app = Setup::public()
        .set("GITHUB_CLIENT_ID", "id")
        .set("GITHUB_CLIENT_SECRET", "hush")
        .start()
        .await;
    let mut browser = Browser::new().with_host("https://app.example.com", app.address);
    let to = browser.start_sign_in(&app, "github").await;
    let back = parameter(&to, "redirect_uri");
    assert_eq!(back, "https://app.example.com/auth/github/callback");
    // The local provider does not run.
    let _ = browser.post(&app.url("/auth/google"), &[]).await.expect_error(404, "unknown_provider");
}

/// Latchkey with a GitHub Enterprise whose responses tests can set.
async fn enterprise() -> (Latchkey, Issuer) {
    let github = Issuer::start().await;
    github.respond_with(
        TOKEN,
        Answer::Json(json!({
            "access_token": "gho_1", "token_type": "bearer", "scope": "read:user,user:email"
        })),
    );
    github.respond_with("/user", Answer::Json(user(1)));
    github.respond_with(
        "/user/emails",
        Answer::Json(json!([
            { "email": "octo@github.test", "primary": true, "verified": true, "visibility": null }
        ])),
    );
    let app = Setup::new()
        .set("GITHUB_URL", &github.url)
        .set("GITHUB_API_URL", &github.url)
        .set("GITHUB_CLIENT_ID", "id")
        .set("GITHUB_CLIENT_SECRET", "hush")
        .start()
        .await;
    (app, github)
}

fn user(id: u64) -> Value {
    json!({ "id": id, "login": "octo", "name": "Octo Cat", "email": "public@evil.test" })
}

async fn follow_callback(app: &Latchkey, github: &Issuer, browser: &mut Browser) -> Page {
    let authorize = browser.start_sign_in(app, "github").await;
    let callback: Url = github.authorization_response(&authorize, &[("code", "c0de")]);
    browser.follow_callback(&callback).await
}

#[tokio::test]
async fn github_requests_have_expected_headers_and_fields() {
    let (app, github) = enterprise().await;
    assert_eq!(follow_callback(&app, &github, &mut Browser::new()).await.see_other(), "/account");
    for request in github.all_requests() {
        assert!(request.header("user-agent").is_some_and(|agent| agent.starts_with("Latchkey/")));
        let accept = request.header("accept").expect("Accept");
        assert!(accept.contains("application/json"), "{}: {accept}", request.path);
    }
    let token = github.requests(TOKEN).remove(0);
    assert_eq!(token.field("client_id").as_deref(), Some("id"));
    assert_eq!(token.field("client_secret").as_deref(), Some("hush"));
    assert_eq!(token.field("code").as_deref(), Some("c0de"));
    assert_eq!(token.field("redirect_uri").as_deref(), Some(app.callback("github").as_str()));
    assert_eq!(token.field("code_verifier").map(|verifier| verifier.len()), Some(43));
    // The secret is sent in one way only (RFC 6749 §2.3).
    assert_eq!(token.header("authorization"), None);
    assert_eq!(github.requests("/user")[0].header("authorization"), Some("Bearer gho_1"));
}

#[tokio::test]
async fn token_errors_with_status_200_are_recognized() {
    for (error, status, code) in [
        ("bad_verification_code", 400, "code_refused"),
        ("incorrect_client_credentials", 502, "token_exchange_refused"),
        ("redirect_uri_mismatch", 502, "token_exchange_refused"),
        ("unverified_user_email", 502, "token_exchange_refused"),
    ] {
        let (app, github) = enterprise().await;
        let body =
            json!({ "error": error, "error_description": "<b>x</b>", "error_uri": "javascript:1" });
        let form = format!("error={error}&error_description=x");
        for answer in [
            Answer::Json(body),
            Answer::Body(200, "application/x-www-form-urlencoded; charset=utf-8", form),
        ] {
            github.respond_with(TOKEN, answer);
            let mut browser = Browser::new();
            let page =
                follow_callback(&app, &github, &mut browser).await.expect_error(status, code);
            assert!(!page.body.contains("<b>x") && !page.body.contains("javascript:"));
            assert_eq!(browser.account(&app).await, None, "{error}");
        }
    }
}

#[tokio::test]
async fn form_encoded_token_response_is_accepted() {
    let (app, github) = enterprise().await;
    let form = "access_token=gho_1&scope=read%3Auser&token_type=bearer".to_owned();
    github.respond_with(TOKEN, Answer::Body(200, "application/x-www-form-urlencoded", form));
    assert_eq!(follow_callback(&app, &github, &mut Browser::new()).await.see_other(), "/account");
}

#[tokio::test]
async fn github_account_follows_the_id_not_the_login() {
    let (app, github) = enterprise().await;
    let mut ids = Vec::new();
    for (id, login) in [(1, "octo"), (1, "octo-renamed"), (2, "octo")] {
        let mut said = user(id);
        said["login"] = login.into();
        said["name"] = Value::Null;
        github.respond_with("/user", Answer::Json(said));
        github.respond_with("/user/emails", Answer::Json(json!([])));
        let mut browser = Browser::new();
        assert_eq!(follow_callback(&app, &github, &mut browser).await.see_other(), "/account");
        ids.push(browser.account(&app).await.expect("signed in").id);
    }
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

#[tokio::test]
async fn large_numeric_github_ids_stay_distinct() {
    let (app, github) = enterprise().await;
    github.respond_with("/user/emails", Answer::Json(json!([])));
    let mut ids = Vec::new();
    for id in [9_007_199_254_740_992, 9_007_199_254_740_993, u64::MAX] {
        github.respond_with("/user", Answer::Json(user(id)));
        let mut browser = Browser::new();
        assert_eq!(follow_callback(&app, &github, &mut browser).await.see_other(), "/account");
        ids.push(browser.account(&app).await.expect("signed in").id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn only_verified_email_from_github_list_is_used() {
    let (a, b) = ("a@x.test", "b@x.test");
    let primary = |verified| json!({ "email": a, "primary": true, "verified": verified });
    let other = json!({ "email": b, "verified": true });
    let no_address = json!({ "email": null, "primary": true, "verified": true });
    let odd = json!({ "email": b, "verified": null });
    let list = |entries: &[&Value]| Answer::Json(json!(entries));
    for (emails, shown) in [
        (list(&[&primary(json!(true))]), Some(a)),
        (list(&[&other, &primary(json!(true))]), Some(a)),
        (list(&[&other, &primary(json!(false))]), Some(b)),
        (list(&[&primary(json!(false))]), None),
        (list(&[&primary(json!("true")), &odd]), None),
        // An entry without an address is ignored.
        (Answer::Json(json!([null, {"verified": true}, no_address, 1, "x", other])), Some(b)),
        (list(&[]), None),
        (Answer::html(404), None),
    ] {
        let (app, github) = enterprise().await;
        github.respond_with("/user/emails", emails.clone());
        let mut browser = Browser::new();
        assert_eq!(follow_callback(&app, &github, &mut browser).await.see_other(), "/account");
        let page = browser.get(&app.url("/account")).await;
        let shown = shown.unwrap_or("No e-mail address");
        assert!(page.body.contains(shown), "{emails:?}: {}", page.summary());
        assert!(!page.body.contains("public@evil.test"), "the public profile's address was taken");
        // GitHub has no issuer identifier: its URL is used.
        assert_eq!(
            texts(&app.app.db, "SELECT issuer FROM identities").await,
            [github.url.as_str()]
        );
    }
}

#[tokio::test]
async fn invalid_github_responses_prevent_sign_in() {
    let refused =
        |status| Answer::Body(status, "application/json", json!({ "message": "no" }).to_string());
    for (path, answer, status, code) in [
        (TOKEN, Answer::html(200), 502, "provider_nonsense"),
        ("/user", Answer::Json(json!({})), 502, "provider_nonsense"),
        ("/user", Answer::Json(json!({ "id": "1", "login": "x" })), 502, "provider_nonsense"),
        ("/user", Answer::Json(json!({ "id": -1 })), 502, "provider_nonsense"),
        ("/user", Answer::Json(json!({ "id": 1.5 })), 502, "provider_nonsense"),
        ("/user", Answer::Json(json!({ "id": null })), 502, "provider_nonsense"),
        ("/user", Answer::Json(json!([])), 502, "provider_nonsense"),
        ("/user", refused(401), 502, "provider_nonsense"),
        ("/user", refused(429), 503, "provider_down"),
        ("/user", refused(500), 503, "provider_down"),
        ("/user/emails", refused(500), 503, "provider_down"),
        ("/user/emails", Answer::Json(json!({})), 502, "provider_nonsense"),
    ] {
        let (app, github) = enterprise().await;
        github.respond_with(path, answer.clone());
        let mut browser = Browser::new();
        let page = follow_callback(&app, &github, &mut browser).await;
        let found = (page.status, page.header("x-error-code"));
        assert_eq!(found, (status, Some(code)), "{path} {answer:?}: {}", page.summary());
        assert_eq!(browser.account(&app).await, None);
    }
}
