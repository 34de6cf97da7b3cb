//! Users with a password, and API clients.

use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

use crate::{Browser, Latchkey, Page, Setup};
use latchkey_domain::Span;
use latchkey_domain::password::Password;
use reqwest::Method;
use serde_json::{Value, json};

/// Not on the list of common passwords.
pub const PASSWORD: &str = "a lantern under the stairs";

/// The response of the token routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// A JWT.
    pub access: String,
    pub refresh: String,
    /// The scope of the access token.
    pub scope: String,
}

impl Tokens {
    /// Checks and reads a token response (RFC 6749 §5.1).
    #[track_caller]
    pub fn of(page: &Page) -> Self {
        assert_eq!(page.status, 200, "{}: {}", page.request, page.summary());
        assert_eq!(page.header("cache-control"), Some("no-store"));
        let json = json_of(page);
        assert_eq!(json["token_type"], "Bearer");
        assert!(json["expires_in"].as_i64().is_some_and(|left| left > 0), "{json}");
        let text = |name: &str| json[name].as_str().expect("a text").to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), scope: text("scope") }
    }
}

/// An API client without cookies.
#[derive(Clone, Debug)]
pub struct ApiClient {
    browser: Browser,
    origin: String,
    /// The bearer token.
    pub token: Option<String>,
}

impl ApiClient {
    /// A client without a token.
    pub fn new(app: &Latchkey) -> Self {
        Self::at_origin(&app.origin)
    }

    /// A client without a token, for an instance in another process.
    pub fn at_origin(origin: &str) -> Self {
        Self { browser: Browser::new(), origin: origin.to_owned(), token: None }
    }

    /// A client with this token.
    pub fn with(app: &Latchkey, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::new(app) }
    }

    /// The same client, for another instance.
    pub fn at(&self, app: &Latchkey) -> Self {
        Self { origin: app.origin.clone(), ..self.clone() }
    }

    /// Calls a route of the API, with a JSON body if there is one.
    pub async fn call(&mut self, method: Method, path: &str, body: Option<Value>) -> Page {
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut headers = Vec::new();
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        headers.extend(body.as_ref().map(|_| ("content-type", "application/json")));
        let body = body.map(|body| body.to_string());
        let page = self.raw(method, path, &headers, body).await;
        self.browser.jar.clear();
        page
    }

    /// Sends exactly this.
    pub async fn raw(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Page {
        let url = format!("{}{path}", self.origin);
        self.browser.send(method, &url, headers, body).await
    }

    /// `GET`
    pub async fn get(&mut self, path: &str) -> Page {
        self.call(Method::GET, path, None).await
    }

    /// `POST`
    pub async fn post(&mut self, path: &str, body: Value) -> Page {
        self.call(Method::POST, path, Some(body)).await
    }

    /// `PUT`
    pub async fn put(&mut self, path: &str, body: Value) -> Page {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// `DELETE`
    pub async fn delete(&mut self, path: &str) -> Page {
        self.call(Method::DELETE, path, None).await
    }

    /// Refreshes tokens.
    pub async fn refresh(&mut self, refresh_token: &str) -> Page {
        self.post("/api/v1/token/refresh", json!({ "refresh_token": refresh_token })).await
    }

    /// Revokes a token.
    pub async fn revoke(&mut self, token: &str) -> Page {
        self.post("/api/v1/token/revoke", json!({ "token": token })).await
    }
}

/// Settings for several instances of one site with one database.
pub fn instance(database_url: &str) -> Setup {
    Setup::new()
        .set("DATABASE_URL", database_url)
        .set("APP_SECRET", "one-secret-for-all-instances-of-it")
        .set("JWT_ISSUER", "http://localhost:3000")
        .set("JWT_AUDIENCE", "http://localhost:3000/api")
}

/// Creates an account with a password and an unverified address.
pub async fn sign_up(app: &Latchkey, email: &str) {
    let fields = [("name", "Ada Lovelace"), ("email", email), ("password", PASSWORD)];
    let page = Browser::new().post(&app.url("/sign-up"), &fields).await;
    assert_eq!(page.see_other(), "/sign-in?welcome=1&next=%2Faccount", "{}", page.summary());
}

/// Submits the password form.
pub async fn submit_password(
    browser: &mut Browser,
    app: &Latchkey,
    fields: &[(&str, &str)],
) -> Page {
    browser.post(&app.url("/sign-in"), fields).await
}

/// A browser signed in with the password. `credential`: `session` or `jwt`.
pub async fn signed_in(app: &Latchkey, email: &str, credential: &str) -> Browser {
    let mut browser = Browser::new();
    let fields = [("email", email), ("password", PASSWORD), ("strategy", credential)];
    let page = submit_password(&mut browser, app, &fields).await;
    assert_eq!(page.see_other(), "/account", "{}", page.summary());
    browser
}

/// Gets tokens by password, for this scope or for everything.
pub async fn tokens(app: &Latchkey, email: &str, scope: Option<&str>) -> Tokens {
    let mut body = json!({ "email": email, "password": PASSWORD });
    if let Some(scope) = scope {
        body["scope"] = json!(scope);
    }
    Tokens::of(&ApiClient::new(app).post("/api/v1/token", body).await)
}

/// Creates an account, and an API client for it with all scopes.
pub async fn sign_up_client(app: &Latchkey, email: &str) -> (ApiClient, Tokens) {
    sign_up(app, email).await;
    let tokens = tokens(app, email, None).await;
    (ApiClient::with(app, &tokens.access), tokens)
}

/// The value of a cookie, ignoring the port at the end of its name.
pub fn cookie_value(browser: &Browser, base: &str) -> Option<String> {
    let mut all = browser.jar.all("localhost");
    all.find(|(name, _)| without_port(name) == base).map(|(_, value)| value.to_owned())
}

/// Removes the port from the end of a cookie name.
pub fn without_port(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_')
}

/// Parses the body as JSON.
#[track_caller]
pub fn json_of(page: &Page) -> Value {
    serde_json::from_str(&page.body)
        .unwrap_or_else(|_| panic!("{}: not JSON: {}", page.request, page.body))
}

/// The number of queries in `Server-Timing`.
#[track_caller]
pub fn queries(page: &Page) -> u32 {
    let timing = page.header("server-timing").expect("Server-Timing in development");
    let (_, after) = timing.split_once("desc=\"").expect("a description");
    let (count, rest) = after.split_once(' ').expect("a number and a noun");
    let noun = if count == "1" { "query\"" } else { "queries\"" };
    assert!(rest.starts_with(noun), "{timing}");
    count.parse().expect("a number")
}

/// Asserts a complete problem document (RFC 9457), and returns it.
#[track_caller]
pub fn expect_problem(page: &Page, status: u16, code: &str) -> Value {
    assert_eq!(page.status, status, "{}: {}", page.request, page.body);
    assert_eq!(page.header("content-type"), Some("application/problem+json"), "{}", page.request);
    let problem = json_of(page);
    assert_eq!(problem["code"], code, "{}: {problem}", page.request);
    assert_eq!(problem["status"], status, "{problem}");
    assert!(problem["type"].as_str().is_some_and(|t| t.ends_with(&format!("/errors/{code}"))));
    for name in ["title", "detail"] {
        assert!(problem[name].as_str().is_some_and(|text| text.len() > 5), "{name}: {problem}");
    }
    let id = page.header("x-request-id").expect("X-Request-Id");
    assert_eq!(problem["trace_id"], id);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    if matches!(status, 401 | 403) {
        let challenge = page.header("www-authenticate").expect("WWW-Authenticate");
        assert!(challenge.starts_with("Bearer realm="), "{}: {challenge}", page.request);
    }
    problem
}

/// Longer than the lifetime of an access token, including leeway.
pub fn past_expiry() -> Span {
    Span::seconds(5 * 60 + 61)
}

/// Fills the password queue until the returned futures are dropped: they are not polled, so
/// the queue does not move.
pub async fn fill_password_queue(app: &Latchkey) -> Vec<impl Future> {
    let password = Password::new("somebody else's").expect("a password");
    let mut waiting = Vec::new();
    // Hashes that are running finish soon and free their slots.
    let mut full_for = 0;
    while full_for < 20 {
        let (hasher, password) = (app.app.hasher.clone(), password.clone());
        let mut hash = Box::pin(async move { hasher.hash(&password).await });
        match poll_fn(|cx| Poll::Ready(hash.as_mut().poll(cx))).await {
            Poll::Ready(_) => {
                full_for += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Poll::Pending => {
                full_for = 0;
                waiting.push(hash);
            }
        }
    }
    waiting
}
