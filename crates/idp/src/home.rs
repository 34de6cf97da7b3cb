//! The start page: what this is, what it offers, who can be picked.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::{Provider, app::Shared, misbehave::Misbehaviour, pages::Page, people::Person};

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    origin: String,
    issuer: String,
    dialects: Vec<Dialect>,
    people: Vec<Arc<Person>>,
    misbehaviours: Vec<Misbehaviour>,
    /// Whether there is a third-party application to show.
    printer: bool,
}

struct Dialect {
    provider: Provider,
    endpoints: Vec<Endpoint>,
}

struct Endpoint {
    name: &'static str,
    path: &'static str,
    /// Worth opening in a browser: answers a plain GET.
    opens: bool,
}

pub(crate) async fn show(State(app): State<Shared>) -> Response {
    let dialect = |provider| Dialect { provider, endpoints: endpoints(provider) };
    let page = HomePage {
        origin: app.origin().to_owned(),
        issuer: app.google_issuer(),
        dialects: Provider::ALL.map(dialect).into(),
        people: app.people.all(),
        misbehaviours: Misbehaviour::all().collect(),
        printer: app.printer().is_some(),
    };
    Page(StatusCode::OK, page).into_response()
}

fn endpoints(provider: Provider) -> Vec<Endpoint> {
    let closed = |name, path| Endpoint { name, path, opens: false };
    let open = |name, path| Endpoint { name, path, opens: true };
    let mut endpoints = vec![
        closed("Authorization", provider.authorize_path()),
        closed("Token", provider.token_path()),
        closed("Person", provider.userinfo_path()),
    ];
    match provider {
        Provider::Google => endpoints.extend([
            closed("Revocation", "/google/revoke"),
            closed("Introspection", "/google/introspect"),
            open("Discovery", "/google/.well-known/openid-configuration"),
            open("Keys", "/google/jwks"),
            closed("Calendar", "/google/calendar/v3/calendars/primary/events"),
            closed("Contacts", "/google/people/v1/people/me/connections"),
        ]),
        Provider::Github => endpoints.extend([
            closed("E-mail addresses", "/github/api/user/emails"),
            closed("Repositories", "/github/api/user/repos"),
            closed("Ending the grant", "/github/api/applications/{client_id}/grant"),
        ]),
        Provider::Facebook => {
            endpoints.push(closed("Permissions", "/facebook/v23.0/me/permissions"));
        }
    }
    endpoints
}

/// `GET /healthz`
pub(crate) async fn health() -> &'static str {
    "ok\n"
}
