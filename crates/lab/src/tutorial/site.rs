//! The tutorial's pages and its API. What each of them leaves out stands beside it.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::google;
use super::visit::{App, Data, User, Visit, named};
use crate::error::Result;
use crate::sign_in::Credential;
use crate::token::random;

/// "CORS error? Add these two headers." There are no others: none against frames, none that
/// keeps pages out of caches.
pub(super) async fn answer(State(app): State<App>, request: Request) -> Response {
    let visit = Visit::read(app, request).await;
    let answered = match visit.parts.uri.path().strip_prefix("/api/v1/") {
        Some(path) => api(&visit, path),
        None => page(&visit).await,
    };
    let mut response = answered.unwrap_or_else(|error| says(502, error.to_string()));
    if let Some(origin) = visit.parts.headers.get("origin").cloned() {
        let (headers, yes) = (response.headers_mut(), HeaderValue::from_static("true"));
        headers.insert("access-control-allow-origin", origin);
        headers.insert("access-control-allow-credentials", yes);
    }
    response
}

fn says(status: u16, text: impl Into<String>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or_default();
    (status, Html(text.into())).into_response()
}

/// No form is asked where it comes from, and a link does for the sign-out.
async fn page(visit: &Visit) -> Result<Response> {
    let (app, field) = (&*visit.app, |name| visit.field(name));
    let path: Vec<_> = visit.parts.uri.path().split('/').skip(1).collect();
    Ok(match (visit.parts.method.as_str(), &*path) {
        ("GET", ["sign-in"]) => sign_in_page(visit),
        // As often as one likes; and it says which of the two was wrong.
        ("POST", ["sign-in"]) => {
            let user = app.store().users.get(field("email")).cloned();
            match user {
                None => says(401, "There is no such account."),
                Some(user) if user.password == field("password") => let_in(visit, user)?,
                Some(_) => says(401, "The password is wrong."),
            }
        }
        // With any password.
        ("POST", ["sign-up"]) => {
            let [email, name, password] =
                ["email", "name", "password"].map(|it| field(it).to_owned());
            let mut store = app.store();
            if store.users.contains_key(&email) {
                return Ok(says(409, "This address is taken."));
            }
            store.users.insert(email.clone(), User { email, name, password, verified: false });
            Redirect::to("/sign-in").into_response()
        }
        // The browser forgets the session, and the server does not.
        (_, ["sign-out"]) => {
            let cookie = format!("{}=; Max-Age=0", Credential::Session.cookie(&app.url));
            ([("set-cookie", cookie)], Redirect::to("/")).into_response()
        }
        ("POST", ["forgot"]) => match app.store().users.contains_key(field("email")) {
            true => says(200, "We have sent you an e-mail."),
            false => says(404, "There is no such account."),
        },
        (_, ["auth", _] | ["account", "link", _] | ["connections", _]) => {
            Redirect::to(google::authorization_url(app)?.as_str()).into_response()
        }
        // Neither state nor issuer are compared. What went wrong is shown in the words that came.
        ("GET", ["auth", _, "callback"]) => match visit.query("code") {
            Some(code) => let_in(visit, google::user(app, &code).await?)?,
            None => says(400, visit.query("error_description").unwrap_or_default()),
        },
        (method, ["account", what @ ..]) => {
            let Some(user) = visit.user() else { return Ok(says(401, "Please sign in.")) };
            match (method, what) {
                // The name is written into the page as it is.
                ("GET", []) => says(200, format!("<h1>Hello, {}</h1>", user.name)),
                // The old password is not asked for.
                ("POST", ["password"]) => {
                    if let Some(user) = app.store().users.get_mut(&user.email) {
                        field("new").clone_into(&mut user.password);
                    }
                    Redirect::to("/account").into_response()
                }
                // What was handed out before stays good.
                ("POST", ["delete"]) => {
                    app.store().users.remove(&user.email);
                    Redirect::to("/").into_response()
                }
                _ => says(404, "Not found."),
            }
        }
        _ => says(404, "Not found."),
    })
}

/// It goes wherever `next` says, or writes it into the page as it came. The form’s address is
/// made of `Host`.
fn sign_in_page(visit: &Visit) -> Response {
    let next = visit.query("next").unwrap_or_default();
    if visit.user().is_some() {
        return Redirect::to(&next).into_response();
    }
    let host = visit.header("x-forwarded-host").or(visit.header("host")).unwrap_or_default();
    let form = format!("<form method=\"post\" action=\"http://{host}/sign-in\">");
    let fields = "<input name=\"email\"><input name=\"password\" type=\"password\">";
    says(
        200,
        format!("{form}{fields}<input name=\"next\" value=\"{next}\"><button>Sign in</button>"),
    )
}

/// The session that came along goes on under its old id, in a cookie for scripts and for every
/// site; and a token goes to `localStorage`.
fn let_in(visit: &Visit, user: User) -> Result<Response> {
    let app = &*visit.app;
    let id = visit.session().map_or_else(random, |id| Ok(id.to_owned()))?;
    let token = app.jwt(&user, "everything")?;
    let cookie = format!("{}={id}; Path=/", Credential::Session.cookie(&app.url));
    app.store().sessions.insert(id, user);
    let next = Some(visit.field("next")).filter(|next| !next.is_empty()).unwrap_or("/account");
    let headers = [("set-cookie", cookie), ("location", next.to_owned())];
    let script = format!("<script>localStorage.setItem('token', '{token}')</script>");
    Ok((StatusCode::SEE_OTHER, headers, Html(script)).into_response())
}

/// Whoever is signed in may do everything with everything: neither scope nor role nor owner is
/// looked at.
fn api(visit: &Visit, path: &str) -> Result<Response> {
    let (app, path): (_, Vec<_>) = (&*visit.app, path.split('/').collect());
    let answer = |document: Value| Json(document).into_response();
    let user = match &*path {
        ["token"] => {
            let user = app.store().users.get(visit.field("email")).cloned();
            user.filter(|user| user.password == visit.field("password"))
        }
        // A refresh token is a JWT like the other, and stays good after its use.
        ["token", "refresh"] => app.verify(visit.field("refresh_token")).as_ref().map(named),
        // "A JWT cannot be revoked."
        ["token", "revoke"] => return Ok(says(200, "")),
        _ => visit.user(),
    };
    let Some(user) = user else { return Ok(says(401, "Unauthorized")) };
    let mut store = app.store();
    Ok(match (visit.parts.method.as_str(), &*path) {
        // With the scope that was asked for, whatever that was.
        (_, ["token", ..]) => answer(pair(app, &user, visit.field("scope"))?),
        (_, ["me"]) => answer(
            json!({ "email": user.email, "name": user.name, "email_verified": user.verified }),
        ),
        ("GET", ["contacts"]) => answer(store.contacts.values().cloned().collect()),
        ("POST", ["contacts"]) => {
            let id = random()?;
            store.contacts.insert(id.clone(), visit.json.clone());
            let place = format!("/api/v1/contacts/{id}");
            (StatusCode::CREATED, [("location", place)]).into_response()
        }
        ("GET", ["contacts", id]) => match store.contacts.get(*id) {
            Some(contact) => answer(contact.clone()),
            None => says(404, "Not found."),
        },
        ("PUT", ["contacts", id]) => {
            store.contacts.insert((*id).to_owned(), visit.json.clone());
            says(204, "")
        }
        ("DELETE", ["contacts", id]) => {
            store.contacts.remove(*id);
            says(204, "")
        }
        ("GET", ["sessions"]) => {
            let current = |id: &String| visit.session() == Some(id);
            let items = store.sessions.keys().map(|id| json!({ "id": id, "current": current(id) }));
            answer(json!({ "items": items.collect::<Value>() }))
        }
        ("DELETE", ["sessions", id]) => {
            store.sessions.remove(*id);
            says(204, "")
        }
        // The link to it is shown to administrators alone.
        ("GET", ["admin", "users"]) => answer(store.users.keys().cloned().collect()),
        ("GET", ["calendar", "events"]) => answer(json!([])),
        _ => says(404, "Not found."),
    })
}

fn pair(app: &Data, user: &User, scope: &str) -> Result<Value> {
    Ok(json!({
        "access_token": app.jwt(user, scope)?, "refresh_token": app.jwt(user, scope)?,
        "token_type": "Bearer", "scope": scope,
    }))
}
