//! Calendar Printer: a third-party app that uses Latchkey's API.
//!
//! It knows only its own client registration and the URL of the API's metadata:
//!
//! 1. `POST /calendar-printer/connect` discovers the authorization server and sends the
//!    browser there, to request one scope (PKCE, `state`, `resource`).
//! 2. `GET /calendar-printer/callback` checks the response and exchanges the code.
//! 3. `GET /calendar-printer/printout` calls the API with the access token, and
//!    refreshes the token on 401.
//! 4. `POST /calendar-printer/forget` revokes the tokens.
//!
//! `oauth.rs` implements the protocol, step by step. Tokens stay on the server; the browser gets a
//! session cookie.

#![expect(unreachable_pub, reason = "the modules are private; `pub` marks what they share")]

mod config;
mod http;
mod oauth;
mod pages;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, ORIGIN, REFERRER_POLICY,
    SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use serde_json::Value;

use crate::config::PATH;
pub use crate::config::{CLIENT_ID, Config, redirect_uri};
use crate::http::{ApiResponse, Http, Unreachable};
pub use crate::oauth::random_token;
use crate::oauth::{Attempt, TokenError, Tokens};
use crate::pages::{ContactsResponse, Failure, Line, Printout, Welcome};

/// Cookies ignore ports, so the name must be unique on this host.
const COOKIE_NAME: &str = "calendar_printer";

struct App {
    config: Config,
    http: Http,
    /// Pending authorization requests, by session cookie and `state`.
    attempts: Cache<(String, String), Attempt>,
    /// Tokens, by session cookie.
    sessions: Cache<String, Tokens>,
}

pub fn router(config: Config) -> Router {
    const SESSIONS: u64 = 256;
    let day = Duration::from_secs(24 * 60 * 60);
    let lru = EvictionPolicy::lru;
    let app = App {
        config,
        http: Http::new(),
        attempts: Cache::builder()
            .max_capacity(SESSIONS)
            .time_to_live(day)
            .eviction_policy(lru())
            .build(),
        sessions: Cache::builder()
            .max_capacity(SESSIONS)
            .time_to_live(day)
            .eviction_policy(lru())
            .build(),
    };
    let css = ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../static/printer.css"));
    let icon = ([(CONTENT_TYPE, "image/svg+xml")], include_str!("../static/icon.svg"));
    Router::new()
        .route(PATH, get(welcome))
        .route(&format!("{PATH}/connect"), post(connect))
        .route(&format!("{PATH}/callback"), get(callback))
        .route(&format!("{PATH}/printout"), get(printout))
        .route(&format!("{PATH}/forget"), post(forget))
        .route(&format!("{PATH}/printer.css"), get(async move || css))
        .route(&format!("{PATH}/icon.svg"), get(async move || icon))
        .layer(map_response(security_headers))
        .with_state(Arc::new(app))
}

/// `GET /calendar-printer`
async fn welcome(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let connected = app.sessions.contains_key(cookie(&headers));
    Welcome { api: app.config.api_name.clone(), connected }.into_response()
}

/// `POST /calendar-printer/connect`: redirects to the authorization server.
async fn connect(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Failure> {
    require_same_origin(&app, &headers)?;
    let server = oauth::discover(&app.http, &app.config).await?;
    // Always a new session, against session fixation.
    let (session, state) = (oauth::random_token()?, oauth::random_token()?);
    let (location, attempt) = oauth::authorization_request(server, &app.config, &state)?;
    app.attempts.insert((session.clone(), state), attempt);
    // Not `Secure`: loopback has no TLS. Not `Strict`: the callback needs the cookie.
    let set_cookie = format!("{COOKIE_NAME}={session}; Path={PATH}; HttpOnly; SameSite=Lax");
    Ok(([(SET_COOKIE, set_cookie)], Redirect::to(location.as_str())))
}

/// `GET /calendar-printer/callback`: the authorization response, RFC 6749 §4.1.2.
async fn callback(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Redirect, Failure> {
    let parameter = |name: &str| {
        let mut same = parameters.iter().filter(|(key, value)| key == name && !value.is_empty());
        same.next().filter(|_| same.next().is_none()).map(|(_, value)| value.as_str())
    };
    let session = cookie(&headers).to_owned();
    let state = parameter("state").unwrap_or_default().to_owned();
    // `state` belongs to this browser and works once: RFC 9700 §4.7.1.
    let attempt = app.attempts.remove(&(session.clone(), state)).ok_or(Failure::OtherRequest)?;
    // RFC 9207 §2.4: the response must be from the server we sent the request to.
    if parameter("iss") != Some(&attempt.server.issuer) {
        return Err(Failure::OtherRequest);
    }
    let code = parameter("code").ok_or(match parameter("error") {
        Some("access_denied") => Failure::Declined,
        _ => Failure::NoToken,
    })?;
    let tokens = oauth::exchange_code(&app.http, &app.config, attempt, code).await;
    app.sessions.insert(session, tokens.map_err(|_| Failure::NoToken)?);
    Ok(Redirect::to(&format!("{PATH}/printout")))
}

/// `GET /calendar-printer/printout`: calls one API that the scope allows, and one that it does not.
async fn printout(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    let session = cookie(&headers);
    let Some(tokens) = app.sessions.get(session) else {
        return Ok(Redirect::to(PATH).into_response());
    };
    let url = |path: &str| format!("{}/v1/{path}", app.config.resource.trim_end_matches('/'));
    let events_url = url("calendar/events");
    let (events, tokens) = call_api(&app, session, tokens, &events_url).await?;
    match events.status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return Err(Failure::Ended),
        StatusCode::FORBIDDEN => return Err(Failure::NotGranted),
        _ => return Err(Failure::ApiDown),
    }
    let contacts_url = url("contacts");
    let contacts = app.http.get(&contacts_url, Some(&tokens.access_token)).await?;
    let page = Printout {
        api: app.config.api_name.clone(),
        events_url,
        lines: lines(&events.body),
        contacts_url,
        contacts: ContactsResponse {
            status: contacts.status.to_string(),
            refused: contacts.status == StatusCode::FORBIDDEN,
            challenge: contacts.challenge.clone(),
            code: contacts.text("code").map(str::to_owned),
        },
    };
    Ok(page.into_response())
}

/// Calls the API. On 401 (expired or revoked, RFC 6750 §3.1) it refreshes the token and retries once.
async fn call_api(
    app: &App,
    session: &str,
    tokens: Tokens,
    url: &str,
) -> Result<(ApiResponse, Tokens), Failure> {
    let response = app.http.get(url, Some(&tokens.access_token)).await?;
    if response.status != StatusCode::UNAUTHORIZED {
        return Ok((response, tokens));
    }
    let tokens =
        oauth::refresh(&app.http, &app.config, tokens).await.map_err(|error| match error {
            TokenError::Unreachable => Failure::ServerDown,
            TokenError::Refused => Failure::Ended,
        })?;
    app.sessions.insert(session.to_owned(), tokens.clone());
    Ok((app.http.get(url, Some(&tokens.access_token)).await?, tokens))
}

fn lines(events: &Value) -> Vec<Line> {
    let text = |event: &Value, name: &str| event.get(name)?.as_str().map(str::to_owned);
    let items = events.get("items").and_then(Value::as_array).map(Vec::as_slice);
    let line = |event: &Value| Line {
        title: text(event, "title").unwrap_or_default(),
        location: text(event, "location"),
        starts_at: text(event, "starts_at").unwrap_or_default(),
    };
    let mut lines: Vec<Line> = items.unwrap_or_default().iter().map(line).collect();
    lines.sort_by(|a, b| a.starts_at.cmp(&b.starts_at));
    lines
}

/// `POST /calendar-printer/forget`: revokes the tokens and deletes the session.
async fn forget(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Failure> {
    require_same_origin(&app, &headers)?;
    let session = cookie(&headers);
    if let Some(tokens) = app.sessions.get(session) {
        let revoked = oauth::revoke(&app.http, &app.config, &tokens).await;
        revoked.map_err(|_| Failure::NotRevoked)?;
        app.sessions.invalidate(session);
    }
    let removal = format!("{COOKIE_NAME}=; Path={PATH}; HttpOnly; SameSite=Lax; Max-Age=0");
    Ok(([(SET_COOKIE, removal)], Redirect::to(PATH)))
}

/// The session cookie; empty if there is none.
fn cookie(headers: &HeaderMap) -> &str {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .map_or("", |(_, value)| value)
}

/// CSRF protection by `Sec-Fetch-Site`, or else `Origin`. Every browser sends one of them.
fn require_same_origin(app: &App, headers: &HeaderMap) -> Result<(), Failure> {
    let is_same = match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => headers.get(ORIGIN).is_none_or(|origin| *origin == *app.config.origin),
    };
    is_same.then_some(()).ok_or(Failure::CrossSite)
}

async fn security_headers(mut response: Response) -> Response {
    // No `form-action`: Chromium also applies it to the redirect to the authorization server, which
    // is known only after discovery.
    const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
                          frame-ancestors 'none'; base-uri 'none'";
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: a browser without Sec-Fetch-Site would then send `Origin: null`.
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

impl From<Unreachable> for Failure {
    fn from(_: Unreachable) -> Self {
        Self::ApiDown
    }
}
