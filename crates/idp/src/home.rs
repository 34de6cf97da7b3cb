//! The start page, and the static files.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::app::Shared;
use crate::config::Client;
use crate::kit::Digest;
use crate::misbehave::Misbehaviour;
use crate::pages::{Page, Problem};
use crate::people::Person;
use crate::provider::Provider;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    origin: &'a str,
    issuer: String,
    people: Vec<Arc<Person>>,
    misbehaviours: Vec<Misbehaviour>,
    third_parties: Vec<&'a Client>,
}

struct Endpoint {
    name: &'static str,
    path: &'static str,
    opens: bool,
}

impl HomePage<'_> {
    fn endpoints(provider: &Provider) -> Vec<Endpoint> {
        let common = [
            ("Authorization", provider.authorize_path()),
            ("Token", provider.token_path()),
            ("Person", provider.userinfo_path()),
        ];
        let own: &[(&str, &str)] = match provider {
            Provider::Google => &[
                ("Revocation", "/google/revoke"),
                ("Introspection", "/google/introspect"),
                ("Discovery", "/google/.well-known/openid-configuration"),
                ("Keys", "/google/jwks"),
                ("Calendar", "/google/calendar/v3/calendars/primary/events"),
                ("Contacts", "/google/people/v1/people/me/connections"),
            ],
            Provider::Github => &[
                ("E-mail addresses", "/github/api/user/emails"),
                ("Repositories", "/github/api/user/repos"),
                ("Delete the grant", "/github/api/applications/{client_id}/grant"),
            ],
            Provider::Facebook => &[("Permissions", "/facebook/v23.0/me/permissions")],
        };
        let endpoint =
            |(name, path)| Endpoint { name, path, opens: matches!(name, "Discovery" | "Keys") };
        common.into_iter().chain(own.iter().copied()).map(endpoint).collect()
    }
}

pub async fn show(State(app): State<Shared>) -> Response {
    let page = HomePage {
        origin: &app.origin,
        issuer: app.google_issuer(),
        people: app.people.all(),
        misbehaviours: Misbehaviour::all().collect(),
        third_parties: app.clients.third_parties(),
    };
    Page(StatusCode::OK, page).into_response()
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
        None => Problem::not_found().into_response(),
    }
}

fn asset(content_type: &'static str, body: impl IntoResponse) -> Response {
    // Asked for again each time: during development these change with every build.
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache")], body).into_response()
}

/// A letter on a colour that depends on the key alone. The letter is alphanumeric or `?`, so it needs
/// no escaping.
fn avatar_svg(person: &Person) -> String {
    /// White letters have a contrast of at least 4.5 to 1 on each.
    const COLOURS: [&str; 8] =
        ["#7a4a12", "#8a3b2e", "#5b4a8a", "#2f5d62", "#3d6131", "#8a2f5c", "#345a8c", "#5a5249"];
    let colour = COLOURS[usize::from(Digest::of(&person.key).0[0]) % COLOURS.len()];
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" viewBox="0 0 96 96">
<rect width="96" height="96" rx="48" fill="{colour}"/>
<text x="48" y="48" fill="#fff" font-family="system-ui, sans-serif" font-size="42" text-anchor="middle" dominant-baseline="central">{}</text>
</svg>
"##,
        person.initial()
    )
}
