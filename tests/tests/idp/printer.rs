//! The Calendar Printer with an independent API, over TCP.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use latchkey_idp::{Api, Client, Config, Provider, router_with_clock};
use latchkey_tests::{Browser, Page};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::{Url, form_urlencoded};

use crate::support::{API_SECRET, api, standing_clock};

/// An API that names its authorization server and introspects each token there.
#[derive(Clone)]
struct TinyApi {
    issuer: String,
    audience: String,
    shown: Arc<Mutex<Vec<String>>>,
    http: reqwest::Client,
}

impl TinyApi {
    async fn told(&self, headers: &HeaderMap) -> Value {
        let token = headers[header::AUTHORIZATION].to_str().unwrap();
        let token = token.strip_prefix("Bearer ").unwrap().to_owned();
        self.shown.lock().unwrap().push(token.clone());
        self.introspect(&token).await
    }

    async fn introspect(&self, token: &str) -> Value {
        let request = self.http.post(format!("{}/introspect", self.issuer));
        let form = [("token", token)];
        let request = request.basic_auth("latchkey-api", Some(API_SECRET)).form(&form);
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn serve(self, listener: TcpListener) {
        let metadata = async |State(api): State<Self>| {
            Json(json!({ "resource": api.audience, "authorization_servers": [api.issuer] }))
        };
        let router = Router::new()
            .route("/.well-known/oauth-protected-resource", get(metadata))
            .route("/api/v1/calendar/events", get(events))
            .route("/api/v1/contacts", get(contacts))
            .with_state(self);
        axum::serve(listener, router).await.unwrap();
    }
}

async fn events(State(api): State<TinyApi>, headers: HeaderMap) -> Response {
    let told = api.told(&headers).await;
    if told["active"] != true || told["aud"] != api.audience {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if told["scope"] != "calendar:read" {
        return StatusCode::FORBIDDEN.into_response();
    }
    let event = json!({
        "title": "Tea & biscuits",
        "location": "Dorset Street",
        "starts_at": "2027-01-15T16:00:00Z",
    });
    Json(json!({ "items": [event], "next": null })).into_response()
}

async fn contacts(State(api): State<TinyApi>, headers: HeaderMap) -> Response {
    api.told(&headers).await;
    let challenge = r#"Bearer error="insufficient_scope", scope="contacts:read""#;
    let body = Json(json!({ "code": "insufficient_scope" }));
    (StatusCode::FORBIDDEN, [(header::WWW_AUTHENTICATE, challenge)], body).into_response()
}

/// A provider with the printer, an API, and browsers without redirects.
struct Stage {
    origin: String,
    api: TinyApi,
    serving_api: JoinHandle<()>,
    http: reqwest::Client,
    seconds: Arc<AtomicU64>,
}

impl Stage {
    async fn set() -> Self {
        let bind = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (idp, apis) = (bind().await, bind().await);
        let origin = format!("http://{}", idp.local_addr().unwrap());
        let api_origin = format!("http://{}", apis.local_addr().unwrap());
        let audience = format!("{api_origin}/api");
        let metadata = format!("{api_origin}/.well-known/oauth-protected-resource");
        let client = Client {
            provider: Provider::Google,
            id: calendar_printer::CLIENT_ID.into(),
            secret: "of the: printer+".into(),
            redirect_uris: vec![calendar_printer::redirect_uri(&origin)],
            name: "Calendar Printer".into(),
            uri: None,
        };
        let printer = calendar_printer::router(calendar_printer::Config {
            origin: origin.clone(),
            client_id: client.id.clone(),
            client_secret: client.secret.clone(),
            resource: audience.clone(),
            api_metadata: metadata.parse().unwrap(),
            api_name: "Latchkey".into(),
        });
        let config = Config {
            base_url: origin.parse().unwrap(),
            clients: vec![client],
            apis: vec![Api { audience: audience.clone(), ..api() }],
            people_file: None,
            grants_file: None,
        };
        let (clock, seconds) = standing_clock();
        let provider = router_with_clock(config, clock).unwrap().merge(printer);
        tokio::spawn(async move { axum::serve(idp, provider).await.unwrap() });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let issuer = format!("{origin}/google");
        let api = TinyApi { issuer, audience, shown: Arc::default(), http: http.clone() };
        let serving_api = tokio::spawn(api.clone().serve(apis));
        Self { origin, api, serving_api, http, seconds }
    }

    async fn get(&self, path: &str, cookie: &str) -> Page {
        let headers = [("cookie", cookie)];
        Browser::new().send(Method::GET, &self.absolute(path), &headers, None).await
    }

    async fn post(&self, path: &str, cookie: &str, form: &[(String, String)]) -> Page {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let kind = "application/x-www-form-urlencoded";
        let headers = [("cookie", cookie), ("content-type", kind)];
        Browser::new().send(Method::POST, &self.absolute(path), &headers, Some(form)).await
    }

    fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') { format!("{}{path}", self.origin) } else { path.to_owned() }
    }

    /// Starts, consents as ada, and returns the redirect and the cookie.
    async fn walk(&self, decision: &str) -> (String, String) {
        let asked = self.post("/calendar-printer/connect", "", &[]).await;
        let location = Url::parse(&asked.see_other()).unwrap();
        let cookie = asked.cookie("calendar_printer");
        assert_eq!(cookie.attributes, ["HttpOnly", "Path=/calendar-printer", "SameSite=Lax"]);
        let cookie = format!("{}={}", cookie.name, cookie.value);
        let mut form: Vec<(String, String)> = location.query_pairs().into_owned().collect();
        let asks = |name: &str, value: &str| form.contains(&(name.to_owned(), value.to_owned()));
        assert!(asks("scope", "calendar:read") && asks("resource", &self.api.audience));
        assert!(asks("code_challenge_method", "S256"));
        form.push(("person".to_owned(), "ada".to_owned()));
        form.push(("decision".to_owned(), decision.to_owned()));
        let decided = self.post(&format!("{}/decide", location.path()), "", &form).await;
        (decided.see_other(), cookie)
    }

    async fn connected(&self) -> String {
        let (callback, cookie) = self.walk("allow").await;
        let back = self.get(&callback, &cookie).await;
        assert_eq!(back.see_other(), PRINTOUT);
        cookie
    }
}

const PRINTOUT: &str = "/calendar-printer/printout";

#[tokio::test]
async fn printout_shows_events_and_refused_contacts() {
    let stage = Stage::set().await;
    let welcome = stage.get("/calendar-printer", "").await;
    assert!(welcome.body.contains("Print my calendar at Latchkey"));
    let cookie = stage.connected().await;
    let page = stage.get(PRINTOUT, &cookie).await;
    assert_eq!(page.status, 200);
    for text in ["Tea &#38; biscuits", "2027-01-15", "403 Forbidden", "insufficient_scope"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    // The token never leaves the printer.
    let shown = stage.api.shown.lock().unwrap().first().unwrap().clone();
    assert!(!page.body.contains(&shown) && !cookie.contains(&shown));
    assert_eq!(stage.get(PRINTOUT, "").await.see_other(), "/calendar-printer");
}

#[tokio::test]
async fn callback_of_another_request_is_refused() {
    let stage = Stage::set().await;
    let (callback, cookie) = stage.walk("allow").await;
    let (_, other) = stage.walk("allow").await;
    for (what, url, cookie) in [
        ("no cookie", callback.clone(), ""),
        ("another visitor", callback.clone(), &other),
        ("another state", callback.replace("state=", "state=x"), &cookie),
        ("no state", callback.replace("state=", "stat="), &cookie),
    ] {
        let page = stage.get(&url, cookie).await;
        assert_eq!(page.status, 400, "{what}");
        assert!(page.body.contains("This response belongs to another request"));
    }
    assert_eq!(stage.get(&callback, &cookie).await.status, 303);
    assert_eq!(stage.get(&callback, &cookie).await.status, 400, "twice");
    let (mixed_up, cookie) = stage.walk("allow").await;
    let page = stage.get(&mixed_up.replace("iss=", "iss=x"), &cookie).await;
    assert_eq!(page.status, 400, "another issuer");
}

#[tokio::test]
async fn printer_explains_declined_revoked_and_failed_access() {
    let stage = Stage::set().await;
    let (callback, cookie) = stage.walk("decline").await;
    let declined = stage.get(&callback, &cookie).await;
    assert_eq!(declined.status, 403);
    assert!(declined.body.contains("You declined"));

    let cookie = stage.connected().await;
    assert_eq!(stage.get(PRINTOUT, &cookie).await.status, 200);
    let list = format!("{}/authorizations", stage.api.issuer);
    let mine = |request: reqwest::RequestBuilder| {
        request.basic_auth("latchkey-api", Some(API_SECRET)).send()
    };
    let sub = [("sub", "100000000000000000001")];
    let listed: Value =
        mine(stage.http.get(&list).query(&sub)).await.unwrap().json().await.unwrap();
    let id = listed["authorizations"][0]["id"].as_str().unwrap();
    assert_eq!(listed["authorizations"][0]["client_name"], "Calendar Printer");
    let ended = mine(stage.http.delete(format!("{list}/{id}"))).await.unwrap();
    assert_eq!(ended.status(), 204);
    let page = stage.get(PRINTOUT, &cookie).await;
    assert_eq!(page.status, 401);
    assert!(page.body.contains("Access has ended"));

    let cookie = stage.connected().await;
    stage.serving_api.abort();
    let _ = stage.serving_api.await;
    let page = Stage { serving_api: tokio::spawn(async {}), ..stage };
    let down = page.get(PRINTOUT, &cookie).await;
    assert_eq!(down.status, 502);
    assert!(down.body.contains("The calendar cannot be reached"));
    let connect = page.post("/calendar-printer/connect", "", &[]).await;
    assert_eq!(connect.status, 502);
}

#[tokio::test]
async fn forgetting_the_connection_revokes_the_token() {
    let stage = Stage::set().await;
    let cookie = stage.connected().await;
    stage.get(PRINTOUT, &cookie).await;
    let token = stage.api.shown.lock().unwrap().last().unwrap().clone();
    assert_eq!(stage.api.introspect(&token).await["active"], true);

    let url = stage.absolute("/calendar-printer/forget");
    for foreign in [("sec-fetch-site", "cross-site"), ("origin", "http://evil.test")] {
        let headers = [foreign, ("cookie", &*cookie)];
        let refused = Browser::new().send(Method::POST, &url, &headers, None).await;
        assert_eq!(refused.status, 403, "{foreign:?}");
    }

    let forgotten = stage.post("/calendar-printer/forget", &cookie, &[]).await;
    assert_eq!(forgotten.see_other(), "/calendar-printer");
    assert!(forgotten.cookie("calendar_printer").is_removal());
    assert_eq!(stage.api.introspect(&token).await, json!({ "active": false }));
    assert_eq!(stage.get(PRINTOUT, &cookie).await.see_other(), "/calendar-printer");
}

#[tokio::test]
async fn expired_access_token_is_refreshed() {
    let stage = Stage::set().await;
    let cookie = stage.connected().await;
    assert_eq!(stage.get(PRINTOUT, &cookie).await.status, 200);
    stage.seconds.fetch_add(3600, Ordering::Relaxed);
    assert_eq!(stage.get(PRINTOUT, &cookie).await.status, 200);
    let shown = stage.api.shown.lock().unwrap().clone();
    assert_ne!(shown.first(), shown.last());
    stage.seconds.fetch_add(180 * 24 * 3600, Ordering::Relaxed);
    assert_eq!(stage.get(PRINTOUT, &cookie).await.status, 401);
}

#[tokio::test]
async fn printer_pages_have_security_headers_and_no_scripts() {
    let stage = Stage::set().await;
    for path in ["/calendar-printer", "/calendar-printer/callback", "/calendar-printer/printer.css"]
    {
        let page = stage.get(path, "").await;
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(page.header("referrer-policy"), Some("same-origin"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert!(!page.body.contains("<script") && !page.body.contains(" style="));
    }
}
