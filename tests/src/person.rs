//! People with a password, and the programs that act for them on the API.

use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

use crate::{Browser, Latchkey, Page, Setup};
use latchkey_domain::Span;
use latchkey_domain::password::Password;
use reqwest::Method;
use serde_json::{Value, json};

/// A password that nobody has tried first.
pub const PASSWORD: &str = "a lantern under the stairs";

/// The pair that the token routes answer with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// The access token, a JWT.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    /// What the access token may do.
    pub scope: String,
}

impl Tokens {
    /// What a successful answer of a token route holds, and all of it (RFC 6749 §5.1).
    #[track_caller]
    pub fn of(page: &Page) -> Self {
        assert_eq!(page.status, 200, "{}: {}", page.asked, page.summary());
        assert_eq!(page.header("cache-control"), Some("no-store"));
        let json = json_of(page);
        assert_eq!(json["token_type"], "Bearer");
        assert!(json["expires_in"].as_i64().is_some_and(|left| left > 0), "{json}");
        let text = |name: &str| json[name].as_str().expect("a text").to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), scope: text("scope") }
    }
}

/// A program on the API. It keeps no cookies.
#[derive(Clone, Debug)]
pub struct Program {
    browser: Browser,
    origin: String,
    /// What is sent as a bearer token.
    pub token: Option<String>,
}

impl Program {
    /// One without a token.
    pub fn new(app: &Latchkey) -> Self {
        Self::at_origin(&app.origin)
    }

    /// One without a token, at an instance that runs by itself.
    pub fn at_origin(origin: &str) -> Self {
        Self { browser: Browser::new(), origin: origin.to_owned(), token: None }
    }

    /// One that shows this token.
    pub fn with(app: &Latchkey, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::new(app) }
    }

    /// The same program, at another instance.
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

    /// Exactly this.
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

    /// Trades a refresh token.
    pub async fn refresh(&mut self, refresh_token: &str) -> Page {
        self.post("/api/v1/token/refresh", json!({ "refresh_token": refresh_token })).await
    }

    /// Ends what a token belongs to.
    pub async fn revoke(&mut self, token: &str) -> Page {
        self.post("/api/v1/token/revoke", json!({ "token": token })).await
    }
}

/// The settings of instances that serve one site with one database.
pub fn instance(database_url: &str) -> Setup {
    Setup::new()
        .set("DATABASE_URL", database_url)
        .set("APP_SECRET", "one-secret-for-all-instances-of-it")
        .set("JWT_ISSUER", "http://localhost:3000")
        .set("JWT_AUDIENCE", "http://localhost:3000/api")
}

/// An account with a password and no proof of the address.
pub async fn sign_up(app: &Latchkey, email: &str) {
    let fields = [("name", "Ada Lovelace"), ("email", email), ("password", PASSWORD)];
    let page = Browser::new().post(&app.url("/sign-up"), &fields).await;
    assert_eq!(page.see_other(), "/sign-in?welcome=1&next=%2Faccount", "{}", page.summary());
}

/// Sends the password form.
pub async fn knock(browser: &mut Browser, app: &Latchkey, fields: &[(&str, &str)]) -> Page {
    browser.post(&app.url("/sign-in"), fields).await
}

/// A browser that came in by the password, with `session` or `jwt` to carry.
pub async fn signed_in(app: &Latchkey, email: &str, key: &str) -> Browser {
    let mut browser = Browser::new();
    let fields = [("email", email), ("password", PASSWORD), ("strategy", key)];
    let page = knock(&mut browser, app, &fields).await;
    assert_eq!(page.see_other(), "/account", "{}", page.summary());
    browser
}

/// A pair of tokens for a program, for everything or for less.
pub async fn tokens(app: &Latchkey, email: &str, scope: Option<&str>) -> Tokens {
    let mut body = json!({ "email": email, "password": PASSWORD });
    if let Some(scope) = scope {
        body["scope"] = json!(scope);
    }
    Tokens::of(&Program::new(app).post("/api/v1/token", body).await)
}

/// A new account, and a program of its owner's that may do everything.
pub async fn owner(app: &Latchkey, email: &str) -> (Program, Tokens) {
    sign_up(app, email).await;
    let tokens = tokens(app, email, None).await;
    (Program::with(app, &tokens.access), tokens)
}

/// The value of a cookie that a browser carries, whichever port its name ends with.
pub fn carried(browser: &Browser, base: &str) -> Option<String> {
    let mut all = browser.jar.all("localhost");
    all.find(|(name, _)| without_port(name) == base).map(|(_, value)| value.to_owned())
}

/// The name of a cookie without the port at its end.
pub fn without_port(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_')
}

#[track_caller]
/// The JSON document that a page is.
pub fn json_of(page: &Page) -> Value {
    serde_json::from_str(&page.body)
        .unwrap_or_else(|_| panic!("{}: no JSON: {}", page.asked, page.body))
}

/// How many queries the answer says that it cost.
#[track_caller]
pub fn queries(page: &Page) -> u32 {
    let timing = page.header("server-timing").expect("Server-Timing in development");
    let (_, after) = timing.split_once("desc=\"").expect("a description");
    let (count, rest) = after.split_once(' ').expect("a number and a noun");
    let noun = if count == "1" { "query\"" } else { "queries\"" };
    assert!(rest.starts_with(noun), "{timing}");
    count.parse().expect("a number")
}

/// Asserts that this is a problem with everything that RFC 9457 and the
/// contract want of one, and hands it back.
#[track_caller]
pub fn problem(page: &Page, status: u16, code: &str) -> Value {
    assert_eq!(page.status, status, "{}: {}", page.asked, page.body);
    assert_eq!(page.header("content-type"), Some("application/problem+json"), "{}", page.asked);
    let problem = json_of(page);
    assert_eq!(problem["code"], code, "{}: {problem}", page.asked);
    assert_eq!(problem["status"], status, "{problem}");
    assert!(problem["type"].as_str().is_some_and(|t| t.ends_with(&format!("/errors/{code}"))));
    for name in ["title", "detail"] {
        assert!(problem[name].as_str().is_some_and(|text| text.len() > 5), "{name}: {problem}");
    }
    let id = page.header("x-request-id").expect("X-Request-Id");
    assert_eq!(problem["trace_id"], id);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    problem
}

/// A little longer than an access token lives, leeway included.
pub fn past_expiry() -> Span {
    Span::seconds(5 * 60 + 61)
}

/// Fills the queue of passwords until what comes back is dropped: those who wait
/// in it are not polled, so nobody gets on.
pub async fn full_queue(app: &Latchkey) -> Vec<impl Future> {
    let password = Password::new("somebody else's").expect("a password");
    let mut waiting = Vec::new();
    // Those whose turn it is are done after a moment, and leave places.
    let mut full_for = 0;
    while full_for < 20 {
        let (hasher, password) = (app.app.hasher.clone(), password.clone());
        let mut one = Box::pin(async move { hasher.hash(&password).await });
        match poll_fn(|cx| Poll::Ready(one.as_mut().poll(cx))).await {
            Poll::Ready(_) => {
                full_for += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Poll::Pending => {
                full_for = 0;
                waiting.push(one);
            }
        }
    }
    waiting
}
