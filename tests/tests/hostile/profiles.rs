//! Contents of a profile, and its subject (Core §5.3.2).

use latchkey_tests::issuer::{Answer, SUBJECT, Signature, Token, USERINFO};
use latchkey_tests::{Browser, Database, Issuer, Setup};
use serde_json::{Value, json};

use crate::{acme, refused, sign_in};

#[tokio::test]
async fn userinfo_with_another_subject_is_refused() {
    let (app, issuer) = acme().await;
    for subject in
        [json!("somebody-else"), json!(""), json!(null), json!(1), json!(SUBJECT.to_owned() + " ")]
    {
        let said = subject.clone();
        issuer.userinfo(move |profile| profile["sub"] = said.clone());
        let mut browser = Browser::new();
        let page = sign_in(&app, &issuer, &mut browser).await;
        refused(&page, &subject.to_string(), 502, "provider_nonsense");
        assert_eq!(browser.account(&app).await, None, "{subject}");
    }
}

#[tokio::test]
async fn id_token_suffices_without_userinfo_endpoint() {
    let (app, issuer) = acme().await;
    issuer.metadata(|metadata| {
        metadata.as_object_mut().expect("an object").remove("userinfo_endpoint");
    });
    issuer.id_token(|token| token.claims["name"] = "Token Doe".into());
    let mut browser = Browser::new();
    assert_eq!(sign_in(&app, &issuer, &mut browser).await.see_other(), "/account");
    assert_eq!(browser.account(&app).await.expect("signed in").name, "Token Doe");
    assert!(issuer.requests(USERINFO).is_empty());
}

#[tokio::test]
async fn malformed_userinfo_is_refused() {
    let (app, issuer) = acme().await;
    for (kind, body) in
        [("application/jwt", "e30.e30.e30"), ("text/html", "<h1>"), ("application/json", "\"x\"")]
    {
        issuer.respond_with(USERINFO, Answer::Body(200, kind, body.to_owned()));
        let page = sign_in(&app, &issuer, &mut Browser::new()).await;
        refused(&page, kind, 502, "provider_nonsense");
    }
}

/// `email_verified` in the ID token does not verify an address in the profile.
#[tokio::test]
async fn id_token_email_verified_covers_only_that_email() {
    let (app, issuer) = acme().await;
    issuer.id_token(|token| {
        token.claims["email"] = json!("mine@acme.test");
        token.claims["email_verified"] = json!(true);
    });
    for (index, (email, said, verified)) in [
        ("victim@acme.test", None, false),
        ("victim@acme.test", Some(false), false),
        ("MINE@acme.test", None, true),
        ("mine@acme.test", Some(false), false),
        ("other@acme.test", Some(true), true),
    ]
    .into_iter()
    .enumerate()
    {
        issuer.userinfo(move |profile| {
            profile["email"] = json!(email);
            profile["email_verified"] = json!(said);
        });
        let mut browser = Browser::new();
        let authorize = browser.start_sign_in(&app, "acme").await;
        let callback = issuer.approve_as(&authorize, &format!("person-{index}"));
        assert_eq!(browser.follow_callback(&callback).await.see_other(), "/account");
        let page = browser.get(&app.url("/account")).await;
        let shown = page.body.contains("<span class=\"tag tag--good\">verified</span>");
        assert_eq!(shown, verified, "{email} {said:?}");
    }
}

#[tokio::test]
async fn refused_userinfo_request_falls_back_to_id_token() {
    let (app, issuer) = acme().await;
    issuer.id_token(|token| token.claims["name"] = "Token Doe".into());
    for status in [401, 403] {
        issuer.respond_with(USERINFO, Answer::html(status));
        let mut browser = Browser::new();
        assert_eq!(sign_in(&app, &issuer, &mut browser).await.see_other(), "/account");
        assert_eq!(browser.account(&app).await.expect("signed in").name, "Token Doe");
    }
}

/// OpenID Connect Core §5.3.2: a client may be registered for a signed profile.
#[tokio::test]
async fn signed_userinfo_is_verified() {
    let (app, issuer) = acme().await;
    let claims = json!({
        "iss": issuer.url, "aud": "acme client:1", "sub": SUBJECT, "name": "Signed Doe",
    });
    for (kind, changes, signed, taken) in [
        ("application/jwt", json!({}), Signature::Valid, true),
        ("Application/JWT; charset=utf-8", json!({}), Signature::Valid, true),
        ("application/jwt", json!({ "exp": 9_999_999_999_i64 }), Signature::Valid, true),
        ("application/jwt", json!({ "aud": ["acme client:1"] }), Signature::Valid, true),
        ("application/jwt", json!({ "exp": 1 }), Signature::Valid, false),
        ("application/jwt", json!({ "exp": "never" }), Signature::Valid, false),
        ("application/jwt", json!({ "iss": "https://evil.test" }), Signature::Valid, false),
        ("application/jwt", json!({ "iss": null }), Signature::Valid, false),
        ("application/jwt", json!({ "aud": "somebody-else" }), Signature::Valid, false),
        ("application/jwt", json!({ "aud": null }), Signature::Valid, false),
        ("application/jwt", json!({ "aud": ["acme client:1", "x"] }), Signature::Valid, false),
        ("application/jwt", json!({ "sub": "somebody-else" }), Signature::Valid, false),
        ("application/jwt", json!({}), Signature::Damaged, false),
        ("application/jwt", json!({}), Signature::Missing, false),
        ("application/jwt", json!({}), Signature::UnpublishedKey, false),
        ("application/json", json!({}), Signature::Valid, false),
    ] {
        let what = format!("{kind} {changes} {signed:?}");
        let mut claims = claims.clone();
        claims.as_object_mut().expect("one").extend(changes.as_object().expect("one").clone());
        let header = json!({ "alg": "ES256", "kid": "first" });
        let token = issuer.sign(&Token { header, claims, signed });
        issuer.respond_with(USERINFO, Answer::Body(200, kind, token));
        let mut browser = Browser::new();
        let page = sign_in(&app, &issuer, &mut browser).await;
        if taken {
            assert_eq!(page.see_other(), "/account", "{what}");
            assert_eq!(browser.account(&app).await.expect("signed in").name, "Signed Doe");
        } else {
            refused(&page, &what, 502, "provider_nonsense");
        }
    }
    issuer.respond_with(USERINFO, Answer::Body(200, "application/jwt", "a.b.c.d.e".to_owned()));
    let page = sign_in(&app, &issuer, &mut Browser::new()).await;
    refused(&page, "encrypted", 502, "provider_nonsense");
    assert!(page.body.contains("It is encrypted") || page.body.contains("it is encrypted"));
}

/// Values that users and providers put into profiles.
fn oddities() -> Vec<(&'static str, Value)> {
    let text = ["name", "nickname", "preferred_username", "email"];
    let values = [
        json!("a\u{0}b"),
        json!("x".repeat(100_000)),
        json!("\u{202e}\u{200f}\u{feff}"),
        json!("a\r\nSet-Cookie: b=c"),
        json!("\u{1F468}\u{200d}\u{1F469}\u{200d}\u{1F467}"),
        json!(""),
        json!("   "),
        json!(null),
        json!(1),
        json!(1e300),
        json!(true),
        json!([]),
        json!({ "a": 1 }),
        json!("'; DROP TABLE users; --"),
        json!("{{7*7}}"),
    ];
    text.iter().flat_map(|name| values.iter().map(|value| (*name, value.clone()))).collect()
}

async fn unusual_profile_values_do_not_prevent_sign_in(database: &str) {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).set("DATABASE_URL", database).start().await;
    let mut ids = Vec::new();
    for (index, (name, value)) in oddities().into_iter().enumerate() {
        let said = value.clone();
        issuer.userinfo(move |profile| profile[name] = said.clone());
        let mut browser = Browser::new();
        let authorize = browser.start_sign_in(&app, "acme").await;
        let callback = issuer.approve_as(&authorize, &format!("person-{index}"));
        let page = browser.follow_callback(&callback).await;
        assert_eq!(page.status, 303, "{name} {value:.40}: {}", page.summary());
        let page = browser.get(&app.url("/account")).await.expect(200);
        assert!(page.body.len() < 60_000, "{name} {value:.40}: {} bytes", page.body.len());
        let account = page.account();
        assert!(!account.name.trim().is_empty(), "{name} {value:.40}");
        ids.push(account.id);
    }
    let people = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), people, "some of them share an account");
}

#[tokio::test]
async fn unusual_profile_values_do_not_prevent_sign_in_on_sqlite() {
    let database = Database::sqlite().await;
    unusual_profile_values_do_not_prevent_sign_in(&database.url).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn unusual_profile_values_do_not_prevent_sign_in_on_postgres() {
    unusual_profile_values_do_not_prevent_sign_in(&Database::new_postgres_url().await).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn unusual_user_agents_can_sign_in_on_postgres() {
    let url = Database::new_postgres_url().await;
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).set("DATABASE_URL", url).start().await;
    for agent in ["", "a\u{e9}b", &"x".repeat(30_000), "\t tab"] {
        let mut browser = Browser::new();
        let authorize = browser.start_sign_in(&app, "acme").await;
        let callback = issuer.approve(&authorize);
        let headers = [("user-agent", agent)];
        let page = browser.send(reqwest::Method::GET, callback.as_str(), &headers, None).await;
        assert_eq!(page.see_other(), "/account", "{agent:.20}");
    }
}
