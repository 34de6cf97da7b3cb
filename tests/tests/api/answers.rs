//! Properties of every API response.

use latchkey_tests::accounts;
use std::collections::HashSet;

use latchkey_tests::accounts::{ApiClient, expect_problem, json_of, sign_up_client};
use latchkey_tests::{Browser, Latchkey, Setup};
use latchkey_web::errors::catalogue;
use reqwest::Method;
use serde_json::Value;

/// All routes of the API and their methods.
const ROUTES: [(&str, &[&str]); 10] = [
    ("/api/v1/token", &["POST"]),
    ("/api/v1/token/refresh", &["POST"]),
    ("/api/v1/token/revoke", &["POST"]),
    ("/api/v1/me", &["GET"]),
    ("/api/v1/calendar/events", &["GET"]),
    ("/api/v1/contacts", &["GET", "POST"]),
    ("/api/v1/contacts/x", &["DELETE", "GET", "PUT"]),
    ("/api/v1/sessions", &["GET"]),
    ("/api/v1/sessions/x", &["DELETE"]),
    ("/api/v1/admin/users", &["GET"]),
];

#[tokio::test]
async fn unsupported_method_is_405_with_allow_header() {
    let app = Latchkey::start().await;
    let (mut program, _) = sign_up_client(&app, "ada@example.test").await;
    for (path, taken) in ROUTES {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "PROPFIND"] {
            if taken.contains(&method) {
                continue;
            }
            let page = program.call(method.parse().expect("a method"), path, None).await;
            expect_problem(&page, 405, "method_not_allowed");
            let allow = page.header("allow").expect("Allow");
            let mut allowed: Vec<_> = allow.split(',').filter(|name| *name != "HEAD").collect();
            allowed.sort_unstable();
            assert_eq!(allowed, taken, "{path}: {allow}");
        }
    }
}

/// RFC 9110 §11.6.1, also where the token is not the problem.
#[tokio::test]
async fn cross_site_api_request_gets_a_challenge() {
    let app = Latchkey::start().await;
    let headers = [("sec-fetch-site", "cross-site"), ("content-type", "application/json")];
    let (url, body) = (app.url("/api/v1/contacts"), Some("{}".to_owned()));
    let page = Browser::new().send(Method::POST, &url, &headers, body).await;
    expect_problem(&page, 403, "cross_site_request");
}

#[tokio::test]
async fn missing_token_challenge_has_no_error_attribute() {
    let app = Latchkey::start().await;
    let mut nobody = ApiClient::new(&app);
    for (path, methods) in ROUTES.iter().filter(|(path, _)| !path.starts_with("/api/v1/token")) {
        for method in *methods {
            let page = nobody.call(method.parse().expect("a method"), path, None).await;
            expect_problem(&page, 401, "token_missing");
            let challenge = format!(
                "Bearer realm=\"latchkey\", resource_metadata=\"{}\"",
                app.url("/.well-known/oauth-protected-resource/api")
            );
            assert_eq!(page.header("www-authenticate"), Some(challenge.as_str()));
        }
    }
}

#[tokio::test]
async fn unknown_api_path_returns_problem_json() {
    let app = Latchkey::start().await;
    let mut nobody = ApiClient::new(&app);
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v2/me",
        "/api/v1/me/",
        "/api/v1/contacts/a/b",
        "/api/v1/<script>",
        "/.well-known/nothing",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let page = nobody.call(method, path, None).await;
            expect_problem(&page, 404, "not_found");
            assert!(!page.body.contains("<script>"), "{path}");
        }
    }
}

#[tokio::test]
async fn responses_carry_request_id_without_cors_or_caching() {
    let app = Latchkey::start().await;
    let (mut program, _) = sign_up_client(&app, "ada@example.test").await;
    let token = program.token.clone().expect("a token");
    let mut ids = HashSet::new();
    for token in [Some(token), None] {
        let bearer = token.map(|token| format!("Bearer {token}"));
        for origin in ["https://evil.test", "null", app.origin.as_str()] {
            for (path, methods) in ROUTES {
                for method in methods.iter().chain([&"OPTIONS", &"HEAD"]) {
                    let mut headers = vec![
                        ("origin", origin),
                        ("access-control-request-method", "GET"),
                        ("access-control-request-headers", "authorization"),
                    ];
                    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
                    let method = method.parse().expect("a method");
                    let page = program.raw(method, path, &headers, None).await;
                    assert!(page.status < 500, "{}: {}", page.request, page.summary());
                    for name in page.headers.keys() {
                        let name = name.as_str();
                        assert!(!name.starts_with("access-control-"), "{}: {name}", page.request);
                    }
                    assert_eq!(page.header("cache-control"), Some("no-store"), "{}", page.request);
                    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
                    assert!(page.header("referrer-policy").is_some(), "{}", page.request);
                    let id = page.header("x-request-id").expect("X-Request-Id").to_owned();
                    assert!(id.len() >= 16 && ids.insert(id), "{}: an id of its own", page.request);
                }
            }
        }
    }
}

#[tokio::test]
async fn server_timing_header_is_sent_only_in_development() {
    let app = Setup::public().start().await;
    let mut browser = Browser::new().with_host("https://app.example.com", app.address);
    for path in ["/", "/healthz", "/api/v1/me", "/nothing"] {
        let page = browser.get(&app.url(path)).await;
        assert_eq!(page.header("server-timing"), None, "{path}");
        assert!(page.header("strict-transport-security").is_some(), "{path}");
    }
    let app = Latchkey::start().await;
    for path in ["/", "/healthz", "/api/v1/me", "/nothing"] {
        let page = Browser::new().get(&app.url(path)).await;
        assert_eq!(accounts::queries(&page), 0, "{path}: nobody is there to be looked up");
        assert_eq!(page.header("strict-transport-security"), None);
    }
}

#[tokio::test]
async fn error_pages_exist_only_for_known_error_codes() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let index = browser.get(&app.url("/errors")).await.expect(200);
    for entry in catalogue::ALL {
        let path = format!("/errors/{}", entry.code);
        assert!(index.body.contains(&path), "{path} is on no list");
        let page = browser.get(&app.url(&path)).await.expect(200);
        assert!(page.body.contains(entry.code), "{path}");
        assert!(page.header("x-error-code").is_none(), "{path}: it is no error to read about one");
    }
    for unknown in ["nothing", "NOT_FOUND", "not_found%20", "<script>", "%2e%2e%2f", "%00", "%ff"] {
        let page = browser.get(&app.url(&format!("/errors/{unknown}"))).await;
        assert!(matches!(page.status, 400 | 404), "{unknown}: {}", page.status);
        assert!(!page.body.contains("<script>"), "{unknown}");
    }
    let _ = browser.get(&app.url("/errors/nothing")).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn openapi_document_lists_every_api_route() {
    let app = Latchkey::start().await;
    let page = ApiClient::new(&app).get("/openapi.json").await.expect(200);
    let document = json_of(&page);
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    for (path, methods) in ROUTES {
        let path = path.replace("/x", "/{id}");
        for method in methods {
            let operation = &document["paths"][&path][method.to_lowercase()];
            assert_ne!(*operation, Value::Null, "{method} {path}");
            let is_token = path.starts_with("/api/v1/token");
            assert_eq!(operation["security"].is_null(), is_token, "{method} {path}");
        }
    }
    let operations = document["paths"].as_object().expect("paths").values();
    let operations = operations.filter_map(Value::as_object).flat_map(|path| path.values());
    let ids: Vec<_> =
        operations.filter_map(|operation| operation["operationId"].as_str()).collect();
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "not unique: {ids:?}");
    assert!(ids.len() >= ROUTES.len(), "{ids:?}");
    let docs = Browser::new().get(&app.url("/docs")).await.expect(200);
    assert!(docs.body.contains("/api/v1/contacts/{id}"));
    assert!(!docs.body.contains("src=\"http"), "everything from our own origin");
}

/// A token with every scope but the described one is refused.
#[tokio::test]
async fn openapi_document_names_the_scope_of_each_operation() {
    let app = Latchkey::start().await;
    let (mut program, all) = sign_up_client(&app, "ada@example.test").await;
    let document = json_of(&program.get("/openapi.json").await);
    let mut described = HashSet::new();
    for (path, methods) in ROUTES.iter().filter(|(path, _)| !path.starts_with("/api/v1/token")) {
        for method in *methods {
            let operation = &document["paths"][path.replace("/x", "/{id}")][method.to_lowercase()];
            let security = operation["security"].as_array().expect("a list");
            let scope = security[0]["session"][0].as_str().expect("a scope");
            for credential in security {
                let scopes = credential.as_object().expect("an object").values().next();
                assert_eq!(scopes, Some(&serde_json::json!([scope])), "{method} {path}");
            }
            let others: Vec<_> = all.scope.split(' ').filter(|other| *other != scope).collect();
            let others = others.join(" ");
            assert_ne!(others, all.scope, "{method} {path}: no such scope: {scope}");
            let tokens = accounts::tokens(&app, "ada@example.test", Some(&others)).await;
            program.token = Some(tokens.access);
            let path = path.replace("/x", "/0190a000-0000-7000-8000-000000000000");
            let body = ["POST", "PUT"].contains(method);
            let body = body.then(|| serde_json::json!({ "name": "Grace" }));
            let page = program.call(method.parse().expect("a method"), &path, body).await;
            expect_problem(&page, 403, "insufficient_scope");
            described.insert(scope);
        }
    }
    assert_eq!(described.len(), all.scope.split(' ').count(), "{described:?}");
}

#[tokio::test]
async fn token_rate_limit_response_is_described_in_openapi() {
    let app = Latchkey::start().await;
    let mut program = ApiClient::new(&app);
    let document = json_of(&program.get("/openapi.json").await);
    let described = &document["paths"]["/api/v1/token"]["post"]["responses"];
    let wrong = serde_json::json!({ "email": "ada@example.test", "password": "wrong" });
    for _ in 0..100 {
        let page = program.post("/api/v1/token", wrong.clone()).await;
        let status = page.status.to_string();
        assert!(described[&status].is_object(), "{status} is not described: {}", page.body);
        if page.status == 429 {
            expect_problem(&page, 429, "too_many_tries");
            assert!(page.header("retry-after").is_some(), "{:?}", page.headers);
            return;
        }
    }
    panic!("a hundred wrong passwords, and none of them was one too many");
}

/// The limits in the description are enforced.
#[tokio::test]
async fn openapi_constraints_match_server_validation() {
    let app = Latchkey::start().await;
    let (mut program, _) = accounts::sign_up_client(&app, "ada@example.test").await;
    let schemas = json_of(&program.get("/openapi.json").await)["components"]["schemas"].clone();
    let said =
        |schema: &str, field: &str, what: &str| schemas[schema]["properties"][field][what].clone();
    assert_eq!(said("ContactDetails", "name", "maxLength"), 200);
    assert_eq!(said("ContactDetails", "phone", "maxLength"), 40);
    for (schema, field) in
        [("ContactDetails", "name"), ("ContactDetails", "phone"), ("TokenRequest", "scope")]
    {
        assert!(said(schema, field, "pattern").is_string(), "{schema}.{field}");
    }
    for (field, value, taken) in [
        ("name", "Ada", true),
        ("name", &*"é".repeat(200), true),
        ("name", &*"é".repeat(201), false),
        ("name", " \u{2003}", false),
        ("name", "\tAda", false),
        ("name", "A\u{9f}da", false),
        ("phone", "+49 (0)30 1-2/3.4", true),
        ("phone", "  ", true),
        ("phone", "\t1", false),
        ("phone", "+-", false),
        ("phone", &*"1".repeat(41), false),
    ] {
        let mut body = serde_json::json!({ "name": "Ada" });
        body[field] = value.into();
        let status = program.post("/api/v1/contacts", body).await.status;
        assert_eq!(status, if taken { 201 } else { 422 }, "{field} {value:?}");
    }
    for (scope, status) in [
        ("profile", 200),
        (" contacts:read   profile ", 200),
        ("", 400),
        (" ", 400),
        ("admin", 400),
        ("Profile", 400),
        ("profile\tcalendar:read", 400),
    ] {
        let password = accounts::PASSWORD;
        let body = serde_json::json!({ "email": "ada@example.test", "password": password, "scope": scope });
        let answer = program.post("/api/v1/token", body).await;
        assert_eq!(answer.status, status, "{scope:?}: {}", answer.body);
    }
}
