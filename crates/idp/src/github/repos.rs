//! `GET /user/repos`, "List repositories for the authenticated user".

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header::LINK},
    response::Response,
};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::api::{authorize, unprocessable, with_scopes};
use crate::{
    app::{App, Shared},
    belongings::repositories::{Repository, repositories},
    clock::Timestamp,
    people::Person,
    protocol::params::{Params, ParamsError},
};

const PATH: &str = "/github/api/user/repos";

pub(super) async fn list(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Result<Params, ParamsError>,
) -> Response {
    let authorization = match authorize(&app, &headers) {
        Ok(authorization) => authorization,
        Err(refusal) => return refusal,
    };
    let Some(query) = params.ok().as_ref().and_then(Query::read) else {
        return with_scopes(&authorization, unprocessable());
    };
    let person = &authorization.person;
    let sees_private = authorization.scopes.contains("repo");
    let mut found = repositories(person, app.now());
    found.retain(|one| (sees_private || !one.private) && query.wants(one));

    let start = (query.page - 1).saturating_mul(query.per_page).min(found.len());
    let end = start.saturating_add(query.per_page).min(found.len());
    let shown = found.get(start..end).unwrap_or_default();
    let body: Vec<Value> = shown.iter().map(|one| repository(&app, person, one)).collect();
    let mut answer = with_scopes(&authorization, Json(body));
    if end < found.len()
        && let Ok(link) = HeaderValue::try_from(query.next(&app))
    {
        answer.headers_mut().insert(LINK, link);
    }
    answer
}

/// What of the query is understood; the rest only orders.
struct Query {
    page: usize,
    per_page: usize,
    visibility: Option<Visibility>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visibility {
    Public,
    Private,
}

impl Query {
    fn read(params: &Params) -> Option<Self> {
        let number = |name, usual: usize| match params.get(name) {
            None => Some(usual),
            Some(value) => value.parse().ok().filter(|number| *number > 0),
        };
        let visibility = match params.get("visibility") {
            None | Some("all") => None,
            Some("public") => Some(Visibility::Public),
            Some("private") => Some(Visibility::Private),
            Some(_) => return None,
        };
        Some(Self {
            page: number("page", 1)?,
            per_page: number("per_page", 30)?.min(100),
            visibility,
        })
    }

    fn wants(&self, repository: &Repository) -> bool {
        self.visibility.is_none_or(|wanted| (wanted == Visibility::Private) == repository.private)
    }

    /// RFC 8288, as GitHub pages its lists.
    fn next(&self, app: &App) -> String {
        let visibility = match self.visibility {
            None => "all",
            Some(Visibility::Public) => "public",
            Some(Visibility::Private) => "private",
        };
        let (page, per_page) = (self.page.saturating_add(1), self.per_page);
        let url = app.url(PATH);
        format!(r#"<{url}?visibility={visibility}&per_page={per_page}&page={page}>; rel="next""#)
    }
}

fn repository(app: &App, person: &Person, one: &Repository) -> Value {
    let login = &person.github.login;
    let full_name = format!("{login}/{}", one.name);
    json!({
        "id": one.id,
        "node_id": one.node_id,
        "name": one.name,
        "full_name": full_name,
        "private": one.private,
        "owner": {
            "login": login,
            "id": person.github.id,
            "avatar_url": app.url(&person.avatar_path()),
            "type": "User",
        },
        "html_url": app.url(&format!("/github/{full_name}")),
        "description": one.description,
        "fork": false,
        "url": app.url(&format!("/github/api/repos/{full_name}")),
        "default_branch": "main",
        "language": one.language,
        "stargazers_count": one.stars,
        "archived": false,
        "visibility": if one.private { "private" } else { "public" },
        "created_at": instant(one.created_at),
        "updated_at": instant(one.pushed_at),
        "pushed_at": instant(one.pushed_at),
    })
}

fn instant(at: Timestamp) -> Option<String> {
    let seconds = i64::try_from(at.0).ok()?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}
