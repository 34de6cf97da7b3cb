//! The stylesheet, the icon and the avatars.

use axum::{
    extract::{Path, State},
    http::{
        HeaderName, HeaderValue,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};

use crate::{app::Shared, digest::Digest, pages::Problem, people::Person};

const STYLESHEET: &str = include_str!("../static/local-provider.css");
const ICON: &str = include_str!("../static/icon.svg");

/// Grounds on which white letters have a contrast of at least 4.5 to 1.
const GROUNDS: [&str; 8] =
    ["#7a4a12", "#8a3b2e", "#5b4a8a", "#2f5d62", "#3d6131", "#8a2f5c", "#345a8c", "#5a5249"];

pub(crate) async fn stylesheet() -> Response {
    asset("text/css; charset=utf-8", STYLESHEET.to_owned())
}

pub(crate) async fn icon() -> Response {
    asset("image/svg+xml", ICON.to_owned())
}

/// `/avatars/{person}.svg`
pub(crate) async fn avatar(State(app): State<Shared>, Path(file): Path<String>) -> Response {
    let person = file.strip_suffix(".svg").and_then(|key| app.people.find(key));
    match person {
        Some(person) => asset("image/svg+xml", monogram(&person)),
        None => Problem::not_found().into_response(),
    }
}

fn asset(content_type: &'static str, body: String) -> Response {
    let headers: [(HeaderName, HeaderValue); 2] = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        // Asked for again each time: during development these change with every build.
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, body).into_response()
}

/// A letter on a ground that depends on the key alone. The letter is alphanumeric or `?`, so it
/// needs no escaping.
fn monogram(person: &Person) -> String {
    let [first, ..] = *Digest::of(&person.key).as_bytes();
    let ground = GROUNDS.get(usize::from(first) % GROUNDS.len()).unwrap_or(&"#5a5249");
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" viewBox="0 0 96 96">
<rect width="96" height="96" rx="48" fill="{ground}"/>
<text x="48" y="48" fill="#fff" font-family="system-ui, sans-serif" font-size="42" text-anchor="middle" dominant-baseline="central">{}</text>
</svg>
"##,
        person.initial()
    )
}
