//! The services of the local provider, from consent to revocation.

use latchkey_tests::{Browser, Latchkey, Page};
use reqwest::Method;

use crate::helpers::{count, disconnect, overview, somebody, start_sign_in};

/// Connects at the local provider, with these scopes selected there.
async fn connect(
    browser: &mut Browser,
    app: &Latchkey,
    provider: &str,
    services: &[&str],
    unticked: &[&str],
) {
    let authorize = start_sign_in(browser, app, provider, services).await;
    assert!(authorize.as_str().starts_with(&app.idp));
    let _ = browser.get(authorize.as_str()).await.expect(200);
    let asked = latchkey_tests::oauth_flow::parameter(&authorize, "scope");
    let parameters: Vec<_> = authorize.query_pairs().filter(|(name, _)| name != "scope").collect();
    let mut fields: Vec<(&str, &str)> = parameters.iter().map(|(n, v)| (&**n, &**v)).collect();
    fields.push(("requested_scope", &asked));
    fields.extend(asked.split(' ').filter(|s| !unticked.contains(s)).map(|s| ("scope", s)));
    fields.extend([("decision", "allow"), ("person", "ada")]);
    let mut url = authorize.clone();
    url.set_query(None);
    let page = browser.post(&format!("{url}/decide"), &fields).await;
    let callback = page.see_other().parse().expect("a whole URL");
    let page = browser.follow_callback(&callback).await;
    let expected = format!("/connections?done=connected&at={provider}#{provider}");
    assert_eq!(page.see_other(), expected, "{}", page.summary());
}

async fn service(browser: &mut Browser, app: &Latchkey, which: &str) -> Page {
    browser.get(&app.url(&format!("/connections/{which}"))).await
}

const CONTACTS: &str = "https://www.googleapis.com/auth/contacts";

#[tokio::test]
async fn google_services_follow_granted_scopes_until_disconnect() {
    let app = Latchkey::start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, "google", &["calendar"], &[]).await;
    let page = service(&mut browser, &app, "google/calendar").await.expect(200);
    assert!(page.body.matches("<li><div class=\"rows__main\">").count() > 0, "{}", page.summary());
    let _ = service(&mut browser, &app, "google/contacts").await.expect_error(403, "not_granted");
    // More is requested and deselected there: the page says so.
    connect(&mut browser, &app, "google", &["contacts"], &[CONTACTS]).await;
    let page = overview(&mut browser, &app).await;
    assert!(page.body.contains("tag--warn\">not granted"), "{}", page.summary());
    let _ = service(&mut browser, &app, "google/contacts").await.expect_error(403, "not_granted");
    let _ = service(&mut browser, &app, "google/calendar").await.expect(200);
    // Then it is granted, in addition to the first scope.
    connect(&mut browser, &app, "google", &["contacts"], &[]).await;
    let page = service(&mut browser, &app, "google/contacts").await.expect(200);
    assert!(page.body.matches("<li><div class=\"rows__main\">").count() > 0, "{}", page.summary());
    let _ = service(&mut browser, &app, "google/calendar").await.expect(200);

    let tokens = tokens(&app, &mut browser).await;
    assert!(tokens.len() >= 4, "three grants: {}", tokens.len());
    for token in &tokens {
        assert!(is_active(&app, token).await, "they live until they are ended");
    }
    assert_eq!(disconnect(&mut browser, &app, "google").await, "disconnected");
    for token in &tokens {
        assert!(!is_active(&app, token).await, "a token lives on");
    }
    assert_eq!(count(&app.app.db, "SELECT COUNT(*) FROM connections").await, 0);
    let _ = service(&mut browser, &app, "google/calendar").await.expect_error(404, "not_connected");
}

/// All stored tokens of this user, decrypted.
async fn tokens(app: &Latchkey, _: &mut Browser) -> Vec<String> {
    let vault = app.app.connections.vault();
    let all = latchkey_store::connections::encrypted_with_other_keys(&app.app.db, "", None, 100);
    let mut tokens = Vec::new();
    for stored in all.await.expect("rows") {
        let id = stored.connection.id;
        tokens.push(vault.access(id, &stored.tokens).expect("a token").expose().to_owned());
        let refresh = vault.refresh(id, &stored.tokens).expect("a token");
        tokens.extend(refresh.map(|token| token.expose().to_owned()));
    }
    tokens
}

/// Whether the local provider still accepts a token, access or refresh.
async fn is_active(app: &Latchkey, token: &str) -> bool {
    let google = app.app.provider("google").expect("a provider");
    let bearer = format!("Bearer {token}");
    let url = format!("{}/google/userinfo", app.idp);
    let headers = [("authorization", bearer.as_str())];
    let as_access = Browser::new().send(Method::GET, &url, &headers, None).await;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", &google.client_id),
        ("client_secret", google.client_secret.expose()),
    ];
    let url = format!("{}/google/token", app.idp);
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let as_refresh = Browser::new().send(Method::POST, &url, &headers, Some(form)).await;
    assert!(as_refresh.status != 401, "{}", as_refresh.body);
    as_access.status == 200 || as_refresh.status == 200
}

#[tokio::test]
async fn github_repositories_are_listed_after_connecting() {
    let app = Latchkey::start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, "github", &["repositories"], &[]).await;
    let page = service(&mut browser, &app, "github/repositories").await.expect(200);
    assert!(page.body.contains("Private"), "{}", page.summary());
    assert_eq!(disconnect(&mut browser, &app, "github").await, "disconnected");
    assert_eq!(count(&app.app.db, "SELECT COUNT(*) FROM connections").await, 0);
}

#[tokio::test]
async fn facebook_profile_is_shown_after_connecting() {
    let app = Latchkey::start().await;
    let mut browser = somebody(&app, "ada@example.test").await;
    connect(&mut browser, &app, "facebook", &["profile"], &[]).await;
    let page = service(&mut browser, &app, "facebook/profile").await.expect(200);
    assert!(page.body.contains("Ada"), "{}", page.summary());
    assert_eq!(disconnect(&mut browser, &app, "facebook").await, "disconnected");
    assert_eq!(count(&app.app.db, "SELECT COUNT(*) FROM connections").await, 0);
}
