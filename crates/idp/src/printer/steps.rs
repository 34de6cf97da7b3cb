//! The steps: ask, take the answer, print, forget.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header::SET_COOKIE},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use url::Url;

use super::{
    PATH, Printer, SCOPE,
    discovery::{DiscoveryError, discover},
    outbound::Answer,
    pages::{Failure, Line, Printout, Refusal, Welcome},
    session::{Attempt, Token, clear_cookie, cookie, set_cookie},
};
use crate::{
    app::{App, Shared},
    digest::Digest,
    guard,
    pages::Problem,
    protocol::params::Params,
    random,
};

/// `GET /calendar-printer`
pub(super) async fn welcome(State(app): State<Shared>, headers: HeaderMap) -> Response {
    let Some(printer) = app.printer() else {
        return Problem::not_found().into_response();
    };
    let known = cookie(&headers)
        .is_some_and(|cookie| printer.sessions().token(app.now(), cookie).is_some());
    Welcome { api: printer.api.name.clone(), connected: known }.into_response()
}

/// `POST /calendar-printer/connect`: finds out where to go, and sends the browser there.
pub(super) async fn connect(State(app): State<Shared>, headers: HeaderMap) -> Response {
    let printer = match own_form(&app, &headers) {
        Ok(printer) => printer,
        Err(refusal) => return refusal.into_response(),
    };
    let server = match discover(printer).await {
        Ok(server) => server,
        Err(error) => return Failure::from(error).into_response(),
    };
    let secrets = (random::token(), random::token(), random::token());
    let (Ok(visitor), Ok(state), Ok(verifier)) = secrets else {
        return Problem::internal().into_response();
    };
    let Ok(mut location) = Url::parse(&server.authorization) else {
        return Failure::from(DiscoveryError::ServerMetadata).into_response();
    };
    let challenge = URL_SAFE_NO_PAD.encode(Digest::of(&verifier).as_bytes());
    location.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", &printer.client.id),
        ("redirect_uri", printer.redirect_uri()),
        ("scope", SCOPE),
        ("resource", &printer.api.audience),
        ("state", &state),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    // A new visitor every time: nobody's cookie from before is worth anything afterwards.
    let attempt = Attempt { state, verifier, server };
    printer.sessions().ask(app.now(), &visitor, attempt);
    let headers = [(SET_COOKIE, set_cookie(&visitor))];
    (headers, Redirect::to(location.as_str())).into_response()
}

/// `GET /calendar-printer/callback`, RFC 6749 §4.1.2.
pub(super) async fn callback(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Params,
) -> Response {
    let Some(printer) = app.printer() else {
        return Problem::not_found().into_response();
    };
    let cookie = cookie(&headers).unwrap_or_default();
    let state = params.get("state").unwrap_or_default();
    let attempt = printer.sessions().answered(app.now(), cookie, state);
    let Some(attempt) = attempt else {
        return Failure::NotOurs.into_response();
    };
    // RFC 9207 §2.4.
    if params.get("iss") != Some(&attempt.server.issuer) {
        return Failure::NotOurs.into_response();
    }
    let Some(code) = params.get("code") else {
        return match params.get("error") {
            Some("access_denied") => Failure::Declined.into_response(),
            _ => Failure::NoToken.into_response(),
        };
    };
    match token(printer, code, &attempt).await {
        Some(access_token) => {
            let token = Token { access_token, server: attempt.server };
            printer.sessions().connect(app.now(), cookie, token);
            Redirect::to(&format!("{PATH}/printout")).into_response()
        }
        None => Failure::NoToken.into_response(),
    }
}

/// RFC 6749 §4.1.3, RFC 8707 §2.2. `None` also when less was granted than is needed.
async fn token(printer: &Printer, code: &str, attempt: &Attempt) -> Option<String> {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", printer.redirect_uri()),
        ("code_verifier", &attempt.verifier),
        ("resource", &printer.api.audience),
    ];
    let own = (printer.client.id.as_str(), printer.client.secret.as_str());
    let answer = printer.outbound.post(&attempt.server.token, own, &form).await.ok()?;
    let bearer = answer.text("token_type")?.eq_ignore_ascii_case("bearer");
    let token = answer.text("access_token").filter(|_| answer.status.is_success() && bearer);
    token.map(str::to_owned)
}

/// `GET /calendar-printer/printout`: what the token opens, and what it does not.
pub(super) async fn printout(State(app): State<Shared>, headers: HeaderMap) -> Response {
    let Some(printer) = app.printer() else {
        return Problem::not_found().into_response();
    };
    let token = cookie(&headers).and_then(|cookie| printer.sessions().token(app.now(), cookie));
    let Some(token) = token else {
        return Redirect::to(PATH).into_response();
    };
    let at = |path: &str| format!("{}/v1/{path}", printer.api.audience.trim_end_matches('/'));
    let bearer = Some(token.access_token.as_str());
    let events_url = at("calendar/events");
    let Ok(events) = printer.outbound.get(&events_url, bearer).await else {
        return Failure::ApiDown.into_response();
    };
    match events.status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return Failure::Ended.into_response(),
        StatusCode::FORBIDDEN => return Failure::NotGranted.into_response(),
        _ => return Failure::ApiDown.into_response(),
    }
    let contacts_url = at("contacts");
    let Ok(contacts) = printer.outbound.get(&contacts_url, bearer).await else {
        return Failure::ApiDown.into_response();
    };
    Printout {
        api: printer.api.name.clone(),
        events_url,
        lines: lines(&events.body),
        contacts_url,
        contacts: refusal(&contacts),
    }
    .into_response()
}

fn lines(body: &Value) -> Vec<Line> {
    let text = |event: &Value, name: &str| event.get(name)?.as_str().map(str::to_owned);
    let items = body.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let line = |event: &Value| Line {
        title: text(event, "title").unwrap_or_default(),
        location: text(event, "location"),
        starts_at: text(event, "starts_at").unwrap_or_default(),
    };
    let mut lines: Vec<Line> = items.iter().map(line).collect();
    lines.sort_by(|a, b| a.starts_at.cmp(&b.starts_at));
    lines
}

fn refusal(answer: &Answer) -> Refusal {
    Refusal {
        status: answer.status.to_string(),
        refused: answer.status == StatusCode::FORBIDDEN,
        challenge: answer.challenge.clone(),
        code: answer.text("code").map(str::to_owned),
    }
}

/// `POST /calendar-printer/forget`: gives the token back (RFC 7009), then forgets it.
pub(super) async fn forget(State(app): State<Shared>, headers: HeaderMap) -> Response {
    let printer = match own_form(&app, &headers) {
        Ok(printer) => printer,
        Err(refusal) => return refusal.into_response(),
    };
    let cookie = cookie(&headers).unwrap_or_default();
    let token = printer.sessions().token(app.now(), cookie);
    if let Some(Token { access_token, server }) = token {
        let own = (printer.client.id.as_str(), printer.client.secret.as_str());
        let form = [("token", access_token.as_str())];
        let revoked = match &server.revocation {
            Some(endpoint) => printer.outbound.post(endpoint, own, &form).await,
            None => return Failure::NotRevoked.into_response(),
        };
        if !revoked.is_ok_and(|answer| answer.status.is_success()) {
            return Failure::NotRevoked.into_response();
        }
    }
    printer.sessions().forget(cookie);
    ([(SET_COOKIE, clear_cookie())], Redirect::to(PATH)).into_response()
}

/// The application, for a form from its own page.
fn own_form<'a>(app: &'a App, headers: &HeaderMap) -> Result<&'a Printer, Problem> {
    let printer = app.printer().ok_or_else(Problem::not_found)?;
    match guard::is_same_origin(headers, app.origin()) {
        true => Ok(printer),
        false => Err(Problem::cross_site()),
    }
}
