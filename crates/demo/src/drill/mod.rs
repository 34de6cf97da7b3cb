//! The storage drill: what an injected script can steal from `localStorage` and from cookies, and
//! what it can do with them. It only exists in development.
//!
//! One page is vulnerable to XSS on purpose. Only the [scripts of two comments](Comment) can be
//! injected, everything they can steal is a decoy, and the page's CSP confines them to `/drill/`.

pub(crate) mod state;

use axum::extract::RawQuery;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use latchkey_domain::Timestamp;
use latchkey_web::cookies::SetCookies;
use latchkey_web::static_files::File;
use serde_json::json;
use tower_sessions::cookie::{Cookie, SameSite};

use self::state::{Credential, Drill, Loot, Reuse};
use crate::prelude::*;

#[derive(Template)]
#[template(path = "drill.html")]
pub(crate) struct DrillPage {
    layout: Layout,
    drill: Option<Drill>,
    now: Timestamp,
}

#[derive(Template)]
#[template(path = "drill-room.html")]
pub(crate) struct DrillRoomPage {
    layout: Layout,
    drill: Drill,
    comment: Option<Comment>,
    /// Whether it has the CSP of every other page.
    is_guarded: bool,
}

/// The decoy cookies, and whether each is `HttpOnly`.
const COOKIES: [(&str, bool, Credential); 3] = [
    (SESSION, true, Credential::Session),
    ("drill_open", false, Credential::OpenSession),
    ("drill_token", true, Credential::HiddenToken),
];

const SESSION: &str = "drill";

/// The path of the drill and of its cookies.
const PATH: &str = "/drill";

static SCRIPT: File = File::new(
    "drill.js",
    "text/javascript; charset=utf-8",
    include_bytes!("../../../../static/drill.js"),
);

pub(crate) async fn script(RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    SCRIPT.response(query.as_deref(), &headers)
}

/// The script in a comment by Mallory, which the guest book does not escape. The page's CSP allows
/// it by its hash, so nothing else can be injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Comment(&'static str);

const STEAL: Comment = Comment(include_str!("../../../../static/drill-steal.js"));
const RIDE: Comment = Comment(include_str!("../../../../static/drill-ride.js"));

impl Comment {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "steal" => Some(STEAL),
            "ride" => Some(RIDE),
            _ => None,
        }
    }

    fn html(self) -> String {
        format!("Lovely page!<script>{}</script>", self.0)
    }

    /// The CSP source that allows this script (CSP Level 3 §2.3.1).
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
        drill: find_drill(&demo, &headers),
        now: demo.app.clock.now(),
    })
}

pub(crate) async fn start(State(demo): State<Demo>, headers: HeaderMap) -> Response {
    demo.drills.end(session(&demo, &headers));
    let drill = demo.drills.start(demo.app.clock.now());
    let values = [drill.session, drill.open_session, drill.hidden_token];
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

/// `GET /drill/room`: the vulnerable page.
pub(crate) async fn room(
    State(demo): State<Demo>,
    headers: HeaderMap,
    Query(query): Query<RoomQuery>,
) -> Response {
    let Some(drill) = find_drill(&demo, &headers).filter(|drill| drill.is_signed_in) else {
        return Redirect::to(PATH).into_response();
    };
    let comment = query.comment.as_deref().and_then(Comment::parse);
    let is_guarded = query.policy.as_deref() == Some("real");
    let page = DrillRoomPage { layout: Layout::anonymous(&demo.app), drill, comment, is_guarded };
    let mut response = Page(page).into_response();
    if !is_guarded && let Ok(policy) = HeaderValue::try_from(policy(&demo.app, comment)) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Allows the page's own script, the comment's script and requests to the drill. The sandbox forbids
/// opening windows, in which other pages of this origin could be read.
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

/// `POST /drill/token`: the token that the page stores in `localStorage`.
pub(crate) async fn token(State(demo): State<Demo>, headers: HeaderMap) -> Response {
    let drill = find_drill(&demo, &headers).filter(|drill| drill.is_signed_in);
    drill.map_or_else(unauthorized, |drill| Json(json!({ "token": drill.token })).into_response())
}

/// `GET /drill/me`: the decoy API, which accepts a token or a cookie.
pub(crate) async fn me(State(demo): State<Demo>, headers: HeaderMap) -> Response {
    authenticate(&demo, &headers, |drill, credential| {
        json!({ "name": "Dora Decoy", "email": drill.email, "known_by": credential.to_string() })
    })
    .map_or_else(unauthorized, |me| Json(me).into_response())
}

#[derive(Debug, Deserialize)]
pub(crate) struct EmailForm {
    email: String,
}

/// `POST /drill/me`: changes the decoy's address.
pub(crate) async fn change(
    State(demo): State<Demo>,
    headers: HeaderMap,
    StrictForm(form): StrictForm<EmailForm>,
) -> Response {
    authenticate(&demo, &headers, |drill, _| drill.email = sanitize(&form.email))
        .map_or_else(unauthorized, |()| StatusCode::NO_CONTENT.into_response())
}

#[derive(Debug, Deserialize)]
pub(crate) struct LootForm {
    drill: String,
    #[serde(flatten)]
    loot: Loot,
}

/// `POST /drill/thief`: stands in for the thief's server.
pub(crate) async fn thief(
    State(demo): State<Demo>,
    StrictForm(form): StrictForm<LootForm>,
) -> StatusCode {
    let Loot { local_storage, cookies, ridden } = form.loot;
    let [local_storage, cookies, ridden] = [local_storage, cookies, ridden].map(|it| sanitize(&it));
    let loot = Loot { local_storage, cookies, ridden };
    let received = demo.drills.with(|it| it.id == form.drill, |drill| drill.receive(loot));
    received.map_or(StatusCode::NOT_FOUND, |()| StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
pub(crate) struct ReuseForm {
    what: String,
}

/// `POST /drill/use`: uses the loot over a separate connection.
pub(crate) async fn reuse(
    State(demo): State<Demo>,
    headers: HeaderMap,
    StrictForm(form): StrictForm<ReuseForm>,
) -> HandlerResult<Redirect> {
    let back = Redirect::to("/drill#desk");
    let Some(drill) = find_drill(&demo, &headers) else { return Ok(back) };
    let latest = |field: fn(&Loot) -> &String| {
        drill.loot.iter().rev().map(field).find(|text| !text.is_empty()).cloned()
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
    let (status, response) = match demo.app.http.send(request).await {
        Ok(response) => {
            let body = String::from_utf8_lossy(response.body());
            (response.status().as_u16(), sanitize(&body))
        }
        Err(error) => (0, format!("This server could not call itself: {error}")),
    };
    demo.drills.with(
        |it| it.id == drill.id,
        |drill| {
            drill.reuses.retain(|other| other.what != what);
            drill.reuses.push(Reuse { what, status, response });
        },
    );
    Ok(back)
}

/// `POST /drill/sign-out`: ends the decoy's sessions and removes the token's cookie.
pub(crate) async fn sign_out(State(demo): State<Demo>, headers: HeaderMap) -> Response {
    let session = session(&demo, &headers);
    demo.drills.with(|it| it.session == session, |drill| drill.is_signed_in = false);
    let removals = removals(&demo, |it| it == Credential::HiddenToken);
    (removals, Redirect::to("/drill#desk")).into_response()
}

/// `POST /drill/end`: deletes everything.
pub(crate) async fn end(State(demo): State<Demo>, headers: HeaderMap) -> Response {
    demo.drills.end(session(&demo, &headers));
    (removals(&demo, |_| true), Redirect::to(PATH)).into_response()
}

fn removals(demo: &Demo, is_removed: impl Fn(Credential) -> bool) -> SetCookies {
    let removed = COOKIES.into_iter().filter(|(.., credential)| is_removed(*credential));
    let removal = |(name, http_only, _)| {
        let mut cookie = cookie(demo, name, String::new(), http_only);
        cookie.make_removal();
        cookie
    };
    SetCookies(removed.map(removal).collect())
}

/// The decoy session in the browser's cookie, or an empty string.
fn session<'h>(demo: &Demo, headers: &'h HeaderMap) -> &'h str {
    demo.app.cookies.value(headers, SESSION).unwrap_or_default()
}

fn find_drill(demo: &Demo, headers: &HeaderMap) -> Option<Drill> {
    let session = session(demo, headers);
    demo.drills.with(|drill| drill.session == session, |drill| drill.clone())
}

/// Runs `action` for the caller of the decoy API. A bearer token takes precedence over cookies.
fn authenticate<T>(
    demo: &Demo,
    headers: &HeaderMap,
    action: impl Fn(&mut Drill, Credential) -> T,
) -> Option<T> {
    let now = demo.app.clock.now();
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let cookie = |(name, _, credential)| Some((demo.app.cookies.value(headers, name)?, credential));
    let credentials: Vec<_> = match bearer {
        Some(bearer) => vec![(bearer.strip_prefix("Bearer ")?, Credential::Token)],
        None => COOKIES.into_iter().filter_map(cookie).collect(),
    };
    credentials.into_iter().find_map(|(value, credential)| {
        let accepts = |drill: &Drill| drill.accepts(credential, value, now);
        demo.drills.with(accepts, |drill| action(drill, credential))
    })
}

fn unauthorized() -> Response {
    (StatusCode::UNAUTHORIZED, Json(json!({ "error": "not signed in" }))).into_response()
}

fn cookie(demo: &Demo, base: &str, value: String, http_only: bool) -> Cookie<'static> {
    let name = demo.app.cookies.name(base);
    // Without `Secure`: development is http on loopback.
    Cookie::build((name, value)).http_only(http_only).same_site(SameSite::Lax).path(PATH).build()
}

fn sanitize(text: &str) -> String {
    crate::inspector::escape_invisible(&text.chars().take(MAX_FIELD).collect::<String>())
}
