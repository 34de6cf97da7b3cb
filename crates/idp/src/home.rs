//! The start page, and the static files.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use strum::IntoEnumIterator as _;

use crate::app::{App, Shared};
use crate::kit::Digest;
use crate::misbehave::Misbehaviour;
use crate::pages::{Page, Problem};
use crate::people::Person;
use crate::provider::Provider;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    app: &'a App,
}

pub async fn page(State(app): State<Shared>) -> Response {
    Page(StatusCode::OK, HomePage { app: &app }).into_response()
}

pub async fn health() -> &'static str {
    "ok\n"
}

pub async fn stylesheet() -> Response {
    asset("text/css; charset=utf-8", include_str!("../static/local-provider.css"))
}

pub async fn icon() -> Response {
    asset("image/svg+xml", include_str!("../static/icon.svg"))
}

pub async fn avatar(State(app): State<Shared>, Path(file): Path<String>) -> Response {
    match file.strip_suffix(".svg").and_then(|key| app.people.find(key)) {
        Some(person) => asset("image/svg+xml", avatar_svg(&person)),
        None => Problem::from(StatusCode::NOT_FOUND).into_response(),
    }
}

fn asset(content_type: &'static str, body: impl IntoResponse) -> Response {
    // Always revalidated, because these files change during development.
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache")], body).into_response()
}

/// The initial is alphanumeric or `?`, so it needs no escaping.
fn avatar_svg(person: &Person) -> String {
    /// White text has a contrast of at least 4.5 to 1 on each.
    const COLORS: [&str; 8] =
        ["#7a4a12", "#8a3b2e", "#5b4a8a", "#2f5d62", "#3d6131", "#8a2f5c", "#345a8c", "#5a5249"];
    let color = COLORS[usize::from(Digest::of(&person.key).0[0]) % COLORS.len()];
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" viewBox="0 0 96 96">
<rect width="96" height="96" rx="48" fill="{color}"/>
<text x="48" y="48" fill="#fff" font-family="system-ui, sans-serif" font-size="42" text-anchor="middle" dominant-baseline="central">{}</text>
</svg>
"##,
        person.initial()
    )
}
