//! The storage drill: what a script that was smuggled into a page gets from
//! `localStorage` and from cookies, and what it can do with either.
//!
//! It is there in development alone. One page has a hole on purpose; what goes
//! through it is chosen from a [closed list](Comment), everything that can be
//! stolen is a decoy, and the policy of that page lets its scripts reach
//! nothing outside `/drill/`.

pub(crate) mod stage;

use std::borrow::Cow;

use axum::extract::RawQuery;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use latchkey_domain::{Span, Timestamp};
use latchkey_web::cookies::SetCookies;
use latchkey_web::static_files::File;
use serde_json::json;
use tower_sessions::cookie::{Cookie, SameSite};

use self::stage::{Arrived, By, Scene, Used};
use crate::prelude::*;

#[derive(Template)]
#[template(path = "drill.html")]
pub(crate) struct DrillPage {
    layout: Layout,
    drill_script: Cow<'static, str>,
    token_lives: Span,
    first_email: &'static str,
    scene: Option<Scene>,
    now: Timestamp,
}

#[derive(Template)]
#[template(path = "drill-room.html")]
pub(crate) struct DrillRoomPage {
    layout: Layout,
    drill_script: Cow<'static, str>,
    number: String,
    email: String,
    comment: Option<String>,
    source: Option<&'static str>,
    is_guarded: bool,
}

/// The decoy's cookies, and whether scripts cannot read them. On one it was forgotten.
const COOKIES: [(&str, bool, By); 3] = [
    (SESSION, true, By::Session),
    ("drill_open", false, By::Open),
    ("drill_token", true, By::HiddenToken),
];

const SESSION: &str = "drill";

/// The decoys leave this path as little as the scripts do.
const PATH: &str = "/drill";

static SCRIPT: File = File::new(
    "drill.js",
    "text/javascript; charset=utf-8",
    include_bytes!("../../../../static/drill.js"),
);

pub(crate) async fn script(RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    SCRIPT.response(query.as_deref(), &headers)
}

/// The script in a comment of Mallory's that the guest book does not escape. It is a hole, and
/// nobody can put anything through it: a comment is one of two, and the page's policy names the
/// very text of its script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Comment(&'static str);

const STEAL: Comment = Comment(include_str!("../../../../static/drill-steal.js"));
const RIDE: Comment = Comment(include_str!("../../../../static/drill-ride.js"));

impl Comment {
    fn parse(name: &str) -> Option<Self> {
        [("steal", STEAL), ("ride", RIDE)].into_iter().find(|(of, _)| *of == name).map(|it| it.1)
    }

    const fn script(self) -> &'static str {
        self.0
    }

    fn html(self) -> String {
        format!("Lovely page!<script>{}</script>", self.0)
    }

    /// What a policy calls this script, and no other (CSP Level 3 §2.3.1).
    fn hash(self) -> String {
        format!("'sha256-{}'", STANDARD.encode(latchkey_store::hash::sha256(self.0.as_bytes())))
    }
}

const MAX_FIELD: usize = 2_000;

pub(crate) async fn page(
    State(demo): State<Demo>,
    caller: Option<Caller>,
    headers: HeaderMap,
) -> Page<DrillPage> {
    Page(DrillPage {
        layout: Layout::new(&demo.app, caller.as_ref()),
        drill_script: SCRIPT.url(),
        token_lives: stage::TOKEN_LIVES,
        first_email: stage::EMAIL,
        scene: scene(&demo, &headers),
        now: demo.app.clock.now(),
    })
}

pub(crate) async fn start(State(demo): State<Demo>, headers: HeaderMap) -> Response {
    demo.drill.end(session(&demo, &headers));
    let scene = demo.drill.begin(demo.app.clock.now());
    let values = [scene.session, scene.open, scene.hidden_token];
    let cookies = COOKIES
        .iter()
        .zip(values)
        .map(|((name, http_only, _), value)| cookie(&demo, name, value, *http_only));
    (SetCookies(cookies.collect()), Redirect::to("/drill#attack")).into_response()
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
        drill_script: SCRIPT.url(),
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

/// `GET /drill/me`: the decoy API, which takes a token or a cookie.
pub(crate) async fn me(State(demo): State<Demo>, headers: HeaderMap) -> Response {
    authenticate(&demo, &headers, |scene, by| {
        json!({ "name": "Dora Decoy", "email": scene.email, "known_by": by.to_string() })
    })
    .map_or_else(unauthorized, |me| Json(me).into_response())
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
    authenticate(&demo, &headers, |scene, _| scene.email = short(&change.email))
        .map_or_else(unauthorized, |()| StatusCode::NO_CONTENT.into_response())
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
    let arrived = Arrived { local_storage, cookies, ridden };
    let scene = demo.drill.with(|it| it.number == loot.drill, |scene| scene.arrive(arrived));
    scene.map_or(StatusCode::NOT_FOUND, |()| StatusCode::NO_CONTENT)
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
    demo.drill.with(
        |it| it.number == scene.number,
        |scene| {
            scene.used.retain(|other| other.what != what);
            scene.used.push(Used { what, status, answer });
        },
    );
    Ok(back)
}

/// `POST /drill/sign-out`: the decoy signs out; the sessions are worth nothing any more, and the
/// browser forgets the token in its cookie.
pub(crate) async fn sign_out(State(demo): State<Demo>, headers: HeaderMap) -> Response {
    let session = session(&demo, &headers);
    demo.drill.with(|it| it.session == session, |scene| scene.is_signed_in = false);
    let gone = removals(&demo, |by| by == By::HiddenToken);
    (gone, Redirect::to("/drill#desk")).into_response()
}

/// `POST /drill/end`: nothing is left.
pub(crate) async fn end(State(demo): State<Demo>, headers: HeaderMap) -> Response {
    demo.drill.end(session(&demo, &headers));
    (removals(&demo, |_| true), Redirect::to(PATH)).into_response()
}

fn removals(demo: &Demo, is_meant: impl Fn(By) -> bool) -> SetCookies {
    let meant = COOKIES.into_iter().filter(|(.., by)| is_meant(*by));
    let removal = |(name, http_only, _)| {
        let mut cookie = cookie(demo, name, String::new(), http_only);
        cookie.make_removal();
        cookie
    };
    SetCookies(meant.map(removal).collect())
}

/// The decoy session of this browser; nothing, when it has none.
fn session<'h>(demo: &Demo, headers: &'h HeaderMap) -> &'h str {
    demo.app.cookies.value(headers, SESSION).unwrap_or_default()
}

fn scene(demo: &Demo, headers: &HeaderMap) -> Option<Scene> {
    let session = session(demo, headers);
    demo.drill.with(|scene| scene.session == session, |scene| scene.clone())
}

/// Does something for whoever calls the decoy API: what was sent explicitly counts first.
fn authenticate<T>(
    demo: &Demo,
    headers: &HeaderMap,
    act: impl Fn(&mut Scene, By) -> T,
) -> Option<T> {
    let now = demo.app.clock.now();
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let cookie = |(name, _, by)| Some((demo.app.cookies.value(headers, name)?, by));
    let shown: Vec<_> = match bearer {
        Some(bearer) => vec![(bearer.strip_prefix("Bearer ")?, By::Token)],
        None => COOKIES.into_iter().filter_map(cookie).collect(),
    };
    shown.into_iter().find_map(|(shown, by)| {
        demo.drill.with(|it| it.accepts(by, shown, now), |scene| act(scene, by))
    })
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
    crate::inspector::escape_invisible(&text.chars().take(MAX_FIELD).collect::<String>())
}
