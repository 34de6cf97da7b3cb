//! OAuth sign-ins with the local provider: three dialects, all personas.

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use latchkey_axum::Routes;
use latchkey_tests::oauth_flow::parameter;
use latchkey_tests::{Browser, Latchkey};
use tower::ServiceExt as _;
use url::Url;

#[tokio::test]
async fn every_persona_signs_in_with_every_provider() {
    for (person, google, github, facebook) in [
        ("ada", "Ada Lovelace", "Ada Lovelace", "Ada Lovelace"),
        ("grace", "Grace Hopper", "Grace Hopper", "Grace Hopper"),
        ("noor", "Noor Inayat Khan", "Noor Inayat Khan", "Noor Inayat Khan"),
        ("twin", "Ada’s Twin", "Ada’s Twin", "Ada’s Twin"),
        ("alan", "Alan Turing", "Alan Turing", "Alan Turing"),
        // At GitHub she hides her name, so her login name is shown.
        ("octo", "Octavia Hill", "octavia", "Octavia Hill"),
    ] {
        for (provider, name) in [("google", google), ("github", github), ("facebook", facebook)] {
            // Each with its own database: e-mail conflicts are another test.
            let app = Latchkey::start().await;
            let account = Browser::new().sign_in_with(&app, provider, person).await;
            assert_eq!(account.name, name, "{person} at {provider}");
        }
    }
}

#[tokio::test]
async fn long_unicode_name_is_shown_after_sign_in() {
    let people = include_str!("../../../crates/idp/data/people.json");
    let people: serde_json::Value = serde_json::from_str(people).expect("JSON");
    let mut people = people.as_array().expect("people").iter();
    let person = people.find(|person| person["key"] == "long").expect("the one with the name");
    let name = person["name"].as_str().expect("a name");
    assert!(name.chars().count() > 120, "it is to be cut");
    let shown: String = name.chars().take(120).collect();
    let app = Latchkey::start().await;
    for provider in ["google", "github", "facebook"] {
        let mut browser = Browser::new();
        let authorize = browser.start_sign_in(&app, provider).await;
        let callback = browser.consent(&authorize, "long").await;
        assert_eq!(browser.follow_callback(&callback).await.see_other(), "/account");
        let name = browser.account(&app).await.expect("signed in").name;
        assert_eq!(name, shown.trim_end(), "{provider}");
    }
}

#[tokio::test]
async fn account_page_marks_unverified_or_missing_email() {
    const VERIFIED: &str = ">verified<";
    const UNVERIFIED: &str = ">not verified<";
    for (provider, person, address, mark) in [
        ("google", "ada", "ada@example.test", VERIFIED),
        ("google", "grace", "grace@example.test", UNVERIFIED),
        ("google", "noor", "No e-mail address", ""),
        ("github", "ada", "ada@github.example.test", VERIFIED),
        // GitHub's list says that it is not verified, so it is not used.
        ("github", "grace", "No e-mail address", ""),
        // Facebook does not verify addresses.
        ("facebook", "ada", "ada@example.test", UNVERIFIED),
    ] {
        let app = Latchkey::start().await;
        let mut browser = Browser::new();
        browser.sign_in_with(&app, provider, person).await;
        let page = browser.get(&app.url("/account")).await;
        assert!(page.body.contains(address), "{provider} {person}: {}", page.summary());
        for tag in [VERIFIED, UNVERIFIED] {
            assert_eq!(page.body.contains(tag), tag == mark, "{provider} {person}: {tag}");
        }
    }
}

#[tokio::test]
async fn authorization_requests_ask_for_minimal_scopes() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    for (provider, at, scope, nonce) in [
        ("google", "/google/authorize", "openid email profile", true),
        ("github", "/github/login/oauth/authorize", "read:user user:email", false),
        ("facebook", "/facebook/v23.0/dialog/oauth", "public_profile email", false),
    ] {
        let to = browser.start_sign_in(&app, provider).await;
        assert_eq!(
            format!("{}{}", to.origin().ascii_serialization(), to.path()),
            app.idp.clone() + at
        );
        assert_eq!(parameter(&to, "scope"), scope);
        assert_eq!(parameter(&to, "client_id"), format!("latchkey-{provider}"));
        assert_eq!(to.query_pairs().any(|(name, _)| name == "nonce"), nonce);
        assert!(!to.as_str().contains("secret"), "{to}");
    }
}

#[tokio::test]
async fn each_request_has_fresh_state_nonce_and_challenge() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let (one, two) =
        (browser.start_sign_in(&app, "google").await, browser.start_sign_in(&app, "google").await);
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(parameter(&one, name), parameter(&two, name), "{name}");
    }
    // 128 bits in base64url are 22 characters.
    assert!(parameter(&one, "nonce").len() >= 22);
}

#[tokio::test]
async fn declined_consent_can_be_retried() {
    let app = Latchkey::start().await;
    for (provider, person) in [("google", "ada"), ("github", "grace"), ("facebook", "noor")] {
        let mut browser = Browser::new();
        let authorize = browser.start_sign_in(&app, provider).await;
        let back = browser.decide(&authorize, &[("decision", "decline")]).await;
        let page = browser.follow_callback(&back).await.expect_error(400, "provider_declined");
        assert!(page.body.contains("Nothing is wrong"), "{}", page.summary());
        assert!(page.body.contains(&format!("action=\"/auth/{provider}\"")), "no way to try again");
        assert_eq!(browser.account(&app).await, None, "{provider}");
        browser.sign_in_with(&app, provider, person).await;
    }
}

#[tokio::test]
async fn declined_email_scope_signs_in_without_email() {
    let app = Latchkey::start().await;
    for (provider, ticked) in [
        ("google", &["openid", "profile"][..]),
        ("github", &["read:user"]),
        ("facebook", &["public_profile"]),
    ] {
        let mut browser = Browser::new();
        let authorize = browser.start_sign_in(&app, provider).await;
        let scopes = parameter(&authorize, "scope");
        let asked: Vec<_> = authorize.query_pairs().filter(|(name, _)| name != "scope").collect();
        let mut fields: Vec<(&str, &str)> = asked.iter().map(|(n, v)| (&**n, &**v)).collect();
        fields.extend([("decision", "allow"), ("person", "ada"), ("requested_scope", &scopes)]);
        fields.extend(ticked.iter().map(|scope| ("scope", *scope)));
        let mut decide = authorize.clone();
        decide.set_query(None);
        let page = browser.post(&format!("{decide}/decide"), &fields).await;
        let callback = Url::parse(&page.see_other()).expect("a URL");
        assert_eq!(browser.follow_callback(&callback).await.see_other(), "/account", "{provider}");
        let page = browser.get(&app.url("/account")).await;
        assert!(page.body.contains("No e-mail address"), "{provider}: {}", page.summary());
    }
}

#[tokio::test]
async fn misbehaving_provider_prevents_sign_in() {
    let app = Latchkey::start().await;
    for (provider, misbehave, status, code) in [
        ("google", "server_error", 503, "provider_down"),
        ("github", "server_error", 503, "provider_down"),
        ("facebook", "server_error", 503, "provider_down"),
        ("google", "garbage_token", 502, "provider_nonsense"),
        ("github", "garbage_token", 502, "provider_nonsense"),
        ("facebook", "garbage_token", 502, "provider_nonsense"),
        ("github", "rate_limited", 503, "provider_down"),
        ("facebook", "rate_limited", 503, "provider_down"),
        ("google", "wrong_response_iss", 400, "provider_response_invalid"),
        ("google", "wrong_nonce", 502, "id_token_refused"),
        ("google", "bad_signature", 502, "id_token_refused"),
        ("google", "unsigned", 502, "id_token_refused"),
        ("google", "expired_id_token", 502, "id_token_refused"),
        ("google", "wrong_issuer", 502, "id_token_refused"),
        ("google", "wrong_audience", 502, "id_token_refused"),
        ("google", "missing_id_token", 502, "id_token_refused"),
        ("google", "other_sub", 502, "provider_nonsense"),
    ] {
        let mut browser = Browser::new();
        let authorize = browser.start_sign_in(&app, provider).await;
        let decision = [("decision", "allow"), ("person", "ada"), ("misbehave", misbehave)];
        let back = browser.decide(&authorize, &decision).await;
        let page = browser.follow_callback(&back).await;
        let found = (page.status, page.header("x-error-code"));
        assert_eq!(found, (status, Some(code)), "{provider} {misbehave}: {}", page.summary());
        assert_eq!(browser.session(&app), None, "{provider} {misbehave}");
        assert_eq!(browser.account(&app).await, None, "{provider} {misbehave}");
    }
}

#[tokio::test]
async fn rotated_provider_keys_are_fetched_during_sign_in() {
    let app = Latchkey::start().await;
    Browser::new().sign_in_with(&app, "google", "grace").await;
    for _ in 0..3 {
        let mut browser = Browser::new();
        let authorize = browser.start_sign_in(&app, "google").await;
        let rotated = [("decision", "allow"), ("person", "grace"), ("misbehave", "rotated_keys")];
        let back = browser.decide(&authorize, &rotated).await;
        assert_eq!(browser.follow_callback(&back).await.see_other(), "/account");
    }
}

/// An application has only the routes that it mounts; signing out is always included.
#[tokio::test]
async fn application_mounts_only_selected_routes() {
    let app = Latchkey::start().await;
    let latchkey = &app.app.latchkey;
    let host = app.origin.trim_start_matches("http://");
    let none = Routes { oauth: false, password: false, tokens: false };
    for (routes, oauth, password, tokens) in [
        (Routes::ALL, true, true, true),
        (none, false, false, false),
        (Routes { oauth: true, ..none }, true, false, false),
        (Routes { password: true, ..none }, false, true, false),
        (Routes { tokens: true, ..none }, false, false, true),
    ] {
        let router: Router = latchkey.routes_for(latchkey, routes);
        for (method, path, is_there) in [
            ("POST", "/auth/google", oauth),
            ("GET", "/auth/google/callback", oauth),
            ("POST", "/sign-in", password),
            ("POST", "/sign-up", password),
            ("POST", "/api/v1/token", tokens),
            ("POST", "/api/v1/token/refresh", tokens),
            ("GET", "/.well-known/jwks.json", tokens),
            ("POST", "/sign-out", true),
        ] {
            let request = Request::builder().method(method).uri(path).header("host", host);
            let request = request.body(Body::empty()).expect("a request");
            let answer = router.clone().oneshot(request).await.expect("an answer");
            let found = answer.status() != StatusCode::NOT_FOUND;
            assert_eq!(found, is_there, "{method} {path} with {routes:?}");
        }
    }
}
