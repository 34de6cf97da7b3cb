//! The storage drill: what a script that was smuggled into a page gets from
//! `localStorage` and from cookies, and what it can do with either.
//!
//! It is there in development alone. One page has a hole on purpose; what goes
//! through it is chosen from a [closed list](comment), everything that can be
//! stolen is a decoy, and the policy of that page lets its scripts reach
//! nothing outside `/drill/`.

mod comment;
pub(crate) mod stage;

use axum::Json;
use axum::extract::{Query, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use tower_sessions::cookie::{Cookie, SameSite};

use self::comment::Comment;
use self::stage::{Arrived, By, Scene, Used};
use crate::state::Demo;
use askama::Template;
use latchkey_domain::{Span, Timestamp};
use latchkey_web::app::Application;
use latchkey_web::caller::PageCaller;
use latchkey_web::cookies::SetCookies;
use latchkey_web::errors::{AppError, HandlerResult, catalogue};
use latchkey_web::extract::StrictForm;
use latchkey_web::layout::Layout;
use latchkey_web::page::Page;
use latchkey_web::static_files::File;

/// `GET /drill`
#[derive(Template)]
#[template(path = "drill.html")]
pub(crate) struct DrillPage {
    layout: Layout,
    drill_script: &'static str,
    token_lives: Span,
    first_email: &'static str,
    scene: Option<Scene>,
    now: Timestamp,
}

/// `GET /drill/room`
#[derive(Template)]
#[template(path = "drill-room.html")]
pub(crate) struct DrillRoomPage {
    layout: Layout,
    drill_script: &'static str,
    number: String,
    email: String,
    comment: Option<String>,
    source: Option<&'static str>,
    is_guarded: bool,
}

/// The cookie that no script can read.
const SESSION: &str = "latchkey_drill";

/// The cookie on which `HttpOnly` was forgotten.
const OPEN: &str = "latchkey_drill_open";

/// The decoys leave this path as little as the scripts do.
const PATH: &str = "/drill";

static SCRIPT: File = File::new(
    "drill.js",
    "text/javascript; charset=utf-8",
    include_bytes!("../../../../static/drill.js"),
);

/// `GET /static/drill.js`
pub(crate) async fn script(RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    SCRIPT.response(query.as_deref(), &headers)
}

const MAX_FIELD: usize = 2_000;

/// `GET /drill`
pub(crate) async fn page(
    State(demo): State<Demo>,
    caller: Option<PageCaller>,
    headers: HeaderMap,
) -> Page<DrillPage> {
    Page(DrillPage {
        layout: Layout::new(&demo.app, caller.as_deref()),
        drill_script: SCRIPT.address(),
        token_lives: stage::TOKEN_LIVES,
        first_email: stage::EMAIL,
        scene: scene(&demo, &headers),
        now: demo.app.clock.now(),
    })
}

/// `POST /drill/start`
pub(crate) async fn start(State(demo): State<Demo>, headers: HeaderMap) -> Response {
    if let Some(session) = demo.app.cookies.value(&headers, SESSION) {
        demo.drill.end(session);
    }
    let scene = demo.drill.begin(demo.app.clock.now());
    let cookies =
        vec![cookie(&demo, SESSION, scene.session, true), cookie(&demo, OPEN, scene.open, false)];
    (SetCookies(cookies), Redirect::to("/drill/room")).into_response()
}

#[derive(Debug, Deserialize)]
pub(crate) struct RoomQuery {
    comment: Option<String>,
    policy: Option<String>,
}

/// `GET /drill/room`: the page with the hole.
pub(crate) async fn room(
    State(demo): State<Demo>,
    headers: HeaderMap,
    Query(visit): Query<RoomQuery>,
) -> Response {
    let Some(scene) = scene(&demo, &headers).filter(|scene| scene.is_signed_in) else {
        return Redirect::to(PATH).into_response();
    };
    let comment = visit.comment.as_deref().and_then(Comment::parse);
    let is_guarded = visit.policy.as_deref() == Some("real");
    let page = DrillRoomPage {
        layout: Layout::anonymous(&demo.app),
        drill_script: SCRIPT.address(),
        number: scene.number,
        email: scene.email,
        comment: comment.map(Comment::html),
        source: comment.map(Comment::script),
        is_guarded,
    };
    let mut response = Page(page).into_response();
    // Guarded, it has the policy of every other page.
    if !is_guarded && let Ok(policy) = HeaderValue::try_from(policy(&demo.app, comment)) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// As much as the hole needs: the page's own script, the very text of the
/// comment's, and requests to the drill. No window can be opened in which
/// another page of this origin could be read.
fn policy(app: &Application, comment: Option<Comment>) -> String {
    let origin = app.settings.origin();
    let hash = comment.map(Comment::hash).unwrap_or_default();
    format!(
        "default-src 'none'; script-src {origin}/static/drill.js {hash}; style-src 'self'; \
         img-src 'self'; connect-src {origin}/drill/; form-action {origin}/drill/; \
         base-uri 'none'; object-src 'none'; frame-ancestors 'none'; \
         sandbox allow-forms allow-same-origin allow-scripts"
    )
}

/// `POST /drill/token`: what the page puts into `localStorage`.
pub(crate) async fn token(State(demo): State<Demo>, headers: HeaderMap) -> Response {
    let scene = scene(&demo, &headers).filter(|scene| scene.is_signed_in);
    scene.map_or_else(unauthorized, |scene| Json(json!({ "token": scene.token })).into_response())
}

/// `GET /drill/me`: the decoy API, which takes the token or a cookie.
pub(crate) async fn me(State(demo): State<Demo>, headers: HeaderMap) -> Response {
    authenticate(&demo, &headers).map_or_else(unauthorized, |(scene, by)| {
        let me = json!({ "name": "Dora Decoy", "email": scene.email, "known_by": by.name() });
        Json(me).into_response()
    })
}

#[derive(Debug, Deserialize)]
pub(crate) struct EmailForm {
    email: String,
}

/// `POST /drill/me`: what a rider does in the decoy's name.
pub(crate) async fn change(
    State(demo): State<Demo>,
    headers: HeaderMap,
    StrictForm(change): StrictForm<EmailForm>,
) -> Response {
    let Some((scene, _)) = authenticate(&demo, &headers) else { return unauthorized() };
    demo.drill.change_email(&scene.number, short(&change.email));
    StatusCode::NO_CONTENT.into_response()
}

#[derive(Debug, Deserialize)]
pub(crate) struct LootForm {
    drill: String,
    #[serde(flatten)]
    arrived: Arrived,
}

/// `POST /drill/thief`: the thief's own server, if it were elsewhere.
pub(crate) async fn thief(
    State(demo): State<Demo>,
    StrictForm(loot): StrictForm<LootForm>,
) -> StatusCode {
    let Arrived { local_storage, cookies, ridden } = loot.arrived;
    let [local_storage, cookies, ridden] = [local_storage, cookies, ridden].map(|it| short(&it));
    match demo.drill.arrive(&loot.drill, Arrived { local_storage, cookies, ridden }) {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::NOT_FOUND,
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct ReuseForm {
    what: String,
}

/// `POST /drill/use`: the thief uses what arrived, on a connection of their own.
pub(crate) async fn reuse(
    State(demo): State<Demo>,
    headers: HeaderMap,
    StrictForm(form): StrictForm<ReuseForm>,
) -> HandlerResult<Redirect> {
    let back = Redirect::to("/drill#desk");
    let Some(scene) = scene(&demo, &headers) else { return Ok(back) };
    let latest = |of: fn(&Arrived) -> &String| {
        scene.arrived.iter().rev().map(of).find(|text| !text.is_empty()).cloned()
    };
    let (what, name, value) = match form.what.as_str() {
        "token" => {
            let token = latest(|one| &one.local_storage).unwrap_or_default();
            ("The token from localStorage", header::AUTHORIZATION, format!("Bearer {token}"))
        }
        "cookies" => {
            ("The cookies", header::COOKIE, latest(|one| &one.cookies).unwrap_or_default())
        }
        _ => return Err(AppError::new(catalogue::BAD_REQUEST)),
    };
    let request = Request::get(demo.app.settings.absolute("/drill/me")).header(name, value);
    let request = request.body(Vec::new()).map_err(|_| AppError::new(catalogue::BAD_REQUEST))?;
    let (status, answer) = match demo.app.http.send(request).await {
        Ok(answer) => {
            let body = String::from_utf8_lossy(answer.body()).into_owned();
            (answer.status().as_u16(), short(&body))
        }
        // Behind something that this process cannot reach itself through.
        Err(error) => (0, format!("This process could not call itself: {error}")),
    };
    demo.drill.note_used(&scene.number, Used { what, status, answer });
    Ok(back)
}

/// `POST /drill/sign-out`: the decoy signs out; the cookies are worth nothing any more.
pub(crate) async fn sign_out(State(demo): State<Demo>, headers: HeaderMap) -> Redirect {
    if let Some(session) = demo.app.cookies.value(&headers, SESSION) {
        demo.drill.sign_out(session);
    }
    Redirect::to("/drill#desk")
}

/// `POST /drill/end`: nothing is left.
pub(crate) async fn end(State(demo): State<Demo>, headers: HeaderMap) -> Response {
    if let Some(session) = demo.app.cookies.value(&headers, SESSION) {
        demo.drill.end(session);
    }
    let gone = [(SESSION, true), (OPEN, false)].map(|(name, http_only)| {
        let mut cookie = cookie(&demo, name, String::new(), http_only);
        cookie.make_removal();
        cookie
    });
    (SetCookies(gone.to_vec()), Redirect::to(PATH)).into_response()
}

fn scene(demo: &Demo, headers: &HeaderMap) -> Option<Scene> {
    demo.drill.of_session(demo.app.cookies.value(headers, SESSION)?)
}

/// Who calls the decoy API: what was sent explicitly counts first.
fn authenticate(demo: &Demo, headers: &HeaderMap) -> Option<(Scene, By)> {
    let now = demo.app.clock.now();
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(bearer) = bearer {
        let token = bearer.strip_prefix("Bearer ")?;
        return Some((demo.drill.find(By::Token, token, now)?, By::Token));
    }
    let by_cookie = |name, by| {
        let scene = demo.drill.find(by, demo.app.cookies.value(headers, name)?, now)?;
        Some((scene, by))
    };
    by_cookie(SESSION, By::Session).or_else(|| by_cookie(OPEN, By::Open))
}

fn unauthorized() -> Response {
    (StatusCode::UNAUTHORIZED, Json(json!({ "error": "not signed in" }))).into_response()
}

fn cookie(demo: &Demo, base: &str, value: String, http_only: bool) -> Cookie<'static> {
    let name = demo.app.cookies.name(base);
    // Development is http on loopback: there is no `Secure` here.
    Cookie::build((name, value)).http_only(http_only).same_site(SameSite::Lax).path(PATH).build()
}

fn short(text: &str) -> String {
    crate::inspector::visible(&text.chars().take(MAX_FIELD).collect::<String>())
}
