//! The services themselves: one call each, and what it yields, made harmless.

mod github;
mod google;
mod profile;

use ::http::{Response, StatusCode};
use latchkey_domain::connection::Service;
use latchkey_domain::{DisplayName, Timestamp};
use serde_json::Value;
use url::Url;

use crate::http::Outbound;
use crate::oauth::error::{Error, Step};
use crate::oauth::provider::Kind;
use crate::oauth::{Provider, github as github_dialect};
use crate::secret::Secret;

/// How much of a list is shown.
pub const AT_MOST: usize = 20;

/// One thing that a service holds: texts of somebody else's, bounded and
/// without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub title: DisplayName,
    pub about: Option<DisplayName>,
    pub when: Option<When>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    At(Timestamp),
    /// On a day, as the provider writes it.
    Day(DisplayName),
}

#[derive(Debug)]
pub enum Refused {
    /// It does not take the access token (RFC 6750 §3.1 `invalid_token`).
    Token,
    /// The access token is not for this (RFC 6750 §3.1 `insufficient_scope`).
    Scope,
    Failed(Error),
}

/// Asks a service, which has to answer about this subject.
pub(super) async fn list(
    http: &Outbound,
    provider: &Provider,
    service: Service,
    subject: &str,
    token: &Secret,
    now: Timestamp,
) -> Result<Vec<Entry>, Refused> {
    match (service, &provider.kind) {
        (Service::Calendar, Kind::OpenId(openid)) => {
            let base = google::calendar(&openid.issuer, provider.local);
            google::events(&ask(http, base.map(|base| google::upcoming(&base, now)), token).await?)
        }
        (Service::Contacts, Kind::OpenId(openid)) => {
            let base = google::people(&openid.issuer, provider.local);
            google::contacts(&ask(http, base.map(|base| google::everybody(&base)), token).await?)
        }
        (Service::Repositories, Kind::GitHub { api, .. }) => {
            github::repositories(&ask(http, Some(github::latest(api)), token).await?)
        }
        (Service::Profile, Kind::OpenId(openid)) => {
            let metadata = openid.discovery.metadata(http, &openid.issuer, now).await;
            let endpoint = metadata.map_err(Refused::Failed)?.userinfo_endpoint.clone();
            profile::of_claims(&ask(http, endpoint, token).await?, subject)
        }
        (Service::Profile, Kind::Facebook { graph, .. }) => {
            let url = profile::me(graph, token, &provider.client_secret);
            profile::of_me(&ask(http, Some(url), token).await?, subject)
        }
        _ => Err(nonsense("there is no such service")),
    }
}

/// Gets a JSON document with an access token.
async fn ask(http: &Outbound, url: Option<Url>, token: &Secret) -> Result<Value, Refused> {
    let url = url.ok_or_else(|| nonsense("it has no such service"))?;
    let answer = http.get(&url, Some(token.expose())).await;
    let answer =
        answer.map_err(|error| Refused::Failed(Error::unreachable(Step::Service)(error)))?;
    judge(answer)
}

fn judge(answer: Response<Vec<u8>>) -> Result<Value, Refused> {
    let answer = github_dialect::not_exhausted(answer).map_err(Refused::Failed)?;
    let body: Option<Value> = serde_json::from_slice(answer.body()).ok();
    match answer.status() {
        StatusCode::OK => body.ok_or_else(|| nonsense("it is not a JSON document")),
        StatusCode::UNAUTHORIZED => Err(Refused::Token),
        status => match body.as_ref().map(said) {
            Some(Said::TooOften) => {
                let status = StatusCode::TOO_MANY_REQUESTS;
                Err(Refused::Failed(Error::OutOfOrder { step: Step::Service, status }))
            }
            Some(Said::DeadToken) => Err(Refused::Token),
            _ if status == StatusCode::FORBIDDEN => Err(Refused::Scope),
            _ => Err(Refused::Failed(Error::status(Step::Service, status))),
        },
    }
}

/// What the body of a refusal says beyond its status.
enum Said {
    TooOften,
    DeadToken,
    Nothing,
}

fn said(body: &Value) -> Said {
    /// Graph's numbers for "too often" and "this token is no good".
    const TOO_OFTEN: [i64; 4] = [4, 17, 32, 613];
    const DEAD_TOKEN: [i64; 2] = [102, 190];
    let error = body.get("error");
    let code = error.and_then(|error| error.get("code")).and_then(Value::as_i64);
    // Google says 403 also when somebody has asked too often, and names the reason.
    let reasons = error.and_then(|error| error.get("errors")).and_then(Value::as_array);
    let too_often = reasons.into_iter().flatten().any(|one| {
        let reason = one.get("reason").and_then(Value::as_str).unwrap_or_default();
        reason.ends_with("ateLimitExceeded") || reason == "quotaExceeded"
    });
    match code {
        _ if too_often => Said::TooOften,
        Some(code) if TOO_OFTEN.contains(&code) => Said::TooOften,
        Some(code) if DEAD_TOKEN.contains(&code) => Said::DeadToken,
        _ => Said::Nothing,
    }
}

fn nonsense(what: &str) -> Refused {
    Refused::Failed(Error::nonsense(Step::Service, what))
}

/// The list of this name in a document; absent is empty, and anything else that
/// is no list makes no sense.
fn listed<'a>(body: &'a Value, name: &str) -> Result<&'a [Value], Refused> {
    match body.get(name) {
        None if body.is_object() => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        _ => Err(nonsense("it is not a list")),
    }
}

/// A text of somebody else's, made harmless.
fn text(value: Option<&Value>) -> Option<DisplayName> {
    value.and_then(Value::as_str).and_then(DisplayName::clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        let graph = |code: i64| format!(r#"{{"error":{{"code":{code},"message":"x"}}}}"#);
        for (status, body, outcome) in [
            (200, "{}".to_owned(), "ok"),
            (200, "<html>".to_owned(), "failed"),
            (401, String::new(), "token"),
            (403, r#"{"error":{"code":403,"status":"PERMISSION_DENIED"}}"#.to_owned(), "scope"),
            (
                403,
                r#"{"error":{"code":403,"errors":[{"reason":"userRateLimitExceeded"}]}}"#
                    .to_owned(),
                "failed",
            ),
            (400, graph(190), "token"),
            (400, graph(4), "failed"),
            (400, graph(1), "failed"),
            (503, String::new(), "failed"),
            (302, String::new(), "failed"),
        ] {
            let mut answer = Response::new(body.clone().into_bytes());
            *answer.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
            let judged = match judge(answer) {
                Ok(_) => "ok",
                Err(Refused::Token) => "token",
                Err(Refused::Scope) => "scope",
                Err(Refused::Failed(_)) => "failed",
            };
            assert_eq!(judged, outcome, "{status} {body}");
        }
    }
}
