//! The tutorial's pages and API. Comments say which check each one leaves out.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::google;
use super::state::{App, AppState, Incoming, User, user_from};
use crate::error::Result;
use crate::sign_in::Credential;
use crate::token::random;

/// "CORS error? Add these two headers." Others are missing: nothing forbids frames or caching.
pub(super) async fn handle(State(app): State<App>, request: Request) -> Response {
    let request = Incoming::read(app, request).await;
    let result = match request.parts.uri.path().strip_prefix("/api/v1/") {
        Some(path) => api(&request, path),
        None => page(&request).await,
    };
    let mut response = result.unwrap_or_else(|error| html(502, error.to_string()));
    if let Some(origin) = request.parts.headers.get("origin").cloned() {
        let (headers, yes) = (response.headers_mut(), HeaderValue::from_static("true"));
        headers.insert("access-control-allow-origin", origin);
        headers.insert("access-control-allow-credentials", yes);
    }
    response
}

fn html(status: u16, text: impl Into<String>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or_default();
    (status, Html(text.into())).into_response()
}

/// The origin of a form is not checked, and a link is enough to sign out.
async fn page(request: &Incoming) -> Result<Response> {
    let (app, field) = (&*request.app, |name| request.field(name));
    let path: Vec<_> = request.parts.uri.path().split('/').skip(1).collect();
    Ok(match (request.parts.method.as_str(), &*path) {
        ("GET", ["sign-in"]) => sign_in_page(request),
        // No limit on guesses, and the answer says which of the two was wrong.
        ("POST", ["sign-in"]) => {
            let user = app.store().users.get(field("email")).cloned();
            match user {
                None => html(401, "There is no such account."),
                Some(user) if user.password == field("password") => {
                    complete_sign_in(request, user)?
                }
                Some(_) => html(401, "The password is wrong."),
            }
        }
        // Any password is accepted.
        ("POST", ["sign-up"]) => {
            let [email, name, password] =
                ["email", "name", "password"].map(|name| field(name).to_owned());
            let mut store = app.store();
            if store.users.contains_key(&email) {
                return Ok(html(409, "This address is taken."));
            }
            store.users.insert(email.clone(), User { email, name, password, verified: false });
            Redirect::to("/sign-in").into_response()
        }
        // Clears the cookie, but keeps the session on the server.
        (_, ["sign-out"]) => {
            let cookie = format!("{}=; Max-Age=0", Credential::Session.cookie(&app.url));
            ([("set-cookie", cookie)], Redirect::to("/")).into_response()
        }
        ("POST", ["forgot"]) => match app.store().users.contains_key(field("email")) {
            true => html(200, "We have sent you an e-mail."),
            false => html(404, "There is no such account."),
        },
        (_, ["auth", _] | ["account", "link", _] | ["connections", _]) => {
            Redirect::to(google::authorization_url(app)?.as_str()).into_response()
        }
        // Neither state nor issuer is checked, and error_description is not escaped.
        ("GET", ["auth", _, "callback"]) => match request.query("code") {
            Some(code) => complete_sign_in(request, google::sign_in(app, &code).await?)?,
            None => html(400, request.query("error_description").unwrap_or_default()),
        },
        (method, ["account", action @ ..]) => {
            let Some(user) = request.user() else { return Ok(html(401, "Please sign in.")) };
            match (method, action) {
                // The name is not escaped.
                ("GET", []) => html(200, format!("<h1>Hello, {}</h1>", user.name)),
                // The current password is not required.
                ("POST", ["password"]) => {
                    if let Some(user) = app.store().users.get_mut(&user.email) {
                        field("new").clone_into(&mut user.password);
                    }
                    Redirect::to("/account").into_response()
                }
                // Sessions and tokens stay valid.
                ("POST", ["delete"]) => {
                    app.store().users.remove(&user.email);
                    Redirect::to("/").into_response()
                }
                _ => html(404, "Not found."),
            }
        }
        _ => html(404, "Not found."),
    })
}

/// Redirects to any `next` and does not escape it. The form's action is built from `Host`.
fn sign_in_page(request: &Incoming) -> Response {
    let next = request.query("next").unwrap_or_default();
    if request.user().is_some() {
        return Redirect::to(&next).into_response();
    }
    let host = request.header("x-forwarded-host").or(request.header("host")).unwrap_or_default();
    let form = format!("<form method=\"post\" action=\"http://{host}/sign-in\">");
    let fields = "<input name=\"email\"><input name=\"password\" type=\"password\">";
    html(
        200,
        format!("{form}{fields}<input name=\"next\" value=\"{next}\"><button>Sign in</button>"),
    )
}

/// Reuses the session id that the browser sent, in a cookie that scripts and every site can use,
/// and puts a token into `localStorage`.
fn complete_sign_in(request: &Incoming, user: User) -> Result<Response> {
    let app = &*request.app;
    let id = request.session().map_or_else(random, |id| Ok(id.to_owned()))?;
    let token = app.jwt(&user, "everything")?;
    let cookie = format!("{}={id}; Path=/", Credential::Session.cookie(&app.url));
    app.store().sessions.insert(id, user);
    let next = Some(request.field("next")).filter(|next| !next.is_empty()).unwrap_or("/account");
    let headers = [("set-cookie", cookie), ("location", next.to_owned())];
    let script = format!("<script>localStorage.setItem('token', '{token}')</script>");
    Ok((StatusCode::SEE_OTHER, headers, Html(script)).into_response())
}

/// Scope, role and owner are not checked.
fn api(request: &Incoming, path: &str) -> Result<Response> {
    let (app, path): (_, Vec<_>) = (&*request.app, path.split('/').collect());
    let answer = |document: Value| Json(document).into_response();
    let user = match &*path {
        ["token"] => {
            let user = app.store().users.get(request.field("email")).cloned();
            user.filter(|user| user.password == request.field("password"))
        }
        // A refresh token is the same kind of JWT, and stays valid after use.
        ["token", "refresh"] => app.verify(request.field("refresh_token")).as_ref().map(user_from),
        // "A JWT cannot be revoked."
        ["token", "revoke"] => return Ok(html(200, "")),
        _ => request.user(),
    };
    let Some(user) = user else { return Ok(html(401, "Unauthorized")) };
    let mut store = app.store();
    Ok(match (request.parts.method.as_str(), &*path) {
        // Grants whatever scope was requested.
        (_, ["token", ..]) => answer(token_pair(app, &user, request.field("scope"))?),
        (_, ["me"]) => answer(
            json!({ "email": user.email, "name": user.name, "email_verified": user.verified }),
        ),
        ("GET", ["contacts"]) => answer(store.contacts.values().cloned().collect()),
        ("POST", ["contacts"]) => {
            let id = random()?;
            store.contacts.insert(id.clone(), request.json.clone());
            let location = format!("/api/v1/contacts/{id}");
            (StatusCode::CREATED, [("location", location)]).into_response()
        }
        ("GET", ["contacts", id]) => match store.contacts.get(*id) {
            Some(contact) => answer(contact.clone()),
            None => html(404, "Not found."),
        },
        ("PUT", ["contacts", id]) => {
            store.contacts.insert((*id).to_owned(), request.json.clone());
            html(204, "")
        }
        ("DELETE", ["contacts", id]) => {
            store.contacts.remove(*id);
            html(204, "")
        }
        ("GET", ["sessions"]) => {
            let current = |id: &String| request.session() == Some(id);
            let items = store.sessions.keys().map(|id| json!({ "id": id, "current": current(id) }));
            answer(json!({ "items": items.collect::<Value>() }))
        }
        ("DELETE", ["sessions", id]) => {
            store.sessions.remove(*id);
            html(204, "")
        }
        // Only the link to it is hidden from other users.
        ("GET", ["admin", "users"]) => answer(store.users.keys().cloned().collect()),
        ("GET", ["calendar", "events"]) => answer(json!([])),
        _ => html(404, "Not found."),
    })
}

fn token_pair(app: &AppState, user: &User, scope: &str) -> Result<Value> {
    Ok(json!({
        "access_token": app.jwt(user, scope)?, "refresh_token": app.jwt(user, scope)?,
        "token_type": "Bearer", "scope": scope,
    }))
}
