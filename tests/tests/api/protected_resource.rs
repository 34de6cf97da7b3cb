//! Discovery from the API's URL alone (RFC 9728).

use latchkey_tests::accounts::{ApiClient, expect_problem, json_of};
use latchkey_tests::{Issuer, Latchkey, Setup};
use serde_json::json;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

#[tokio::test]
async fn challenge_links_to_protected_resource_metadata() {
    let app = Latchkey::start().await;
    let mut program = ApiClient::new(&app);
    let challenge = program.get("/api/v1/me").await;
    let challenge = challenge.header("www-authenticate").expect("a challenge").to_owned();
    let (_, address) = challenge.split_once("resource_metadata=\"").expect("an address");
    let path = address.trim_end_matches('"').strip_prefix(&app.origin).expect("ours").to_owned();
    // RFC 9728 §3.1: the path of the resource follows the well-known path.
    assert_eq!(path, format!("{WELL_KNOWN}/api"));
    let page = program.get(&path).await.expect(200);
    assert_eq!(page.header("content-type"), Some("application/json"));
    let document = json_of(&page);
    assert_eq!(
        document,
        json!({
            "resource": app.url("/api"),
            "authorization_servers": [format!("{}/google", app.idp)],
            "scopes_supported": ["profile", "calendar:read", "contacts:read", "contacts:write"],
            "bearer_methods_supported": ["header"],
            "resource_name": "Latchkey",
            "resource_documentation": app.url("/docs"),
        })
    );
    assert_eq!(json_of(&program.get(WELL_KNOWN).await.expect(200)), document);
    for other in ["/", "/app", "/api/", "/api/v1", "/API"] {
        expect_problem(&program.get(&format!("{WELL_KNOWN}{other}")).await, 404, "not_found");
    }
}

#[tokio::test]
async fn resource_metadata_names_only_configured_issuer() {
    let issuer = Issuer::start().await;
    let named = Setup::new()
        .with_introspection(&issuer)
        .set("OAUTH_INTROSPECTION_ISSUER", "https://as.example.com")
        .set("JWT_AUDIENCE", "https://api.example.com/v1")
        .start()
        .await;
    let document = json_of(&ApiClient::new(&named).get(WELL_KNOWN).await.expect(200));
    assert_eq!(document["authorization_servers"], json!(["https://as.example.com"]));
    assert_eq!(document["resource"], "https://api.example.com/v1");

    let nobody = Setup::new().set("LOCAL_IDP", "off").start().await;
    let mut program = ApiClient::new(&nobody);
    let document = json_of(&program.get(WELL_KNOWN).await.expect(200));
    assert_eq!(document.get("authorization_servers"), None);
    program.token = Some("an-opaque-token".to_owned());
    expect_problem(&program.get("/api/v1/me").await, 401, "token_malformed");
}

#[tokio::test]
async fn api_challenges_include_resource_metadata_url() {
    let app = Latchkey::start().await;
    let address = format!("resource_metadata=\"{}\"", app.url(&format!("{WELL_KNOWN}/api")));
    let narrow = {
        latchkey_tests::accounts::sign_up(&app, "ada@example.test").await;
        latchkey_tests::accounts::tokens(&app, "ada@example.test", Some("profile")).await.access
    };
    for (token, path, status) in [
        (Some("e30.e30.e30"), "/api/v1/me", 401),
        (Some(narrow.as_str()), "/api/v1/contacts", 403),
        (Some(narrow.as_str()), "/api/v1/admin/users", 403),
        (None, "/api/v1/me?access_token=x", 400),
    ] {
        let mut program = ApiClient::new(&app);
        program.token = token.map(str::to_owned);
        let page = program.get(path).await;
        assert_eq!(page.status, status, "{path}");
        let challenge = page.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains(&address), "{path}: {challenge}");
    }
}
