//! The services: one call each, and its sanitised result.

pub(super) mod entry;
mod github;
mod google;
mod profile;

use ::http::{Response, StatusCode};
use latchkey_domain::Timestamp;
use latchkey_domain::connection::Service;
use serde_json::Value;
use url::Url;

use crate::http::Outbound;
use crate::oauth::error::{Error, Step};
use crate::oauth::provider::{Kind, Provider};
use crate::oauth::{facebook, github as github_dialect};
use crate::secret::Secret;
use entry::{Refused, invalid_response};

pub use entry::{Entry, When};

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
            let url = facebook::me(graph, token.expose(), &provider.client_secret);
            profile::of_me(&ask(http, Some(url), token).await?, subject)
        }
        _ => Err(invalid_response("there is no such service")),
    }
}

/// Gets a JSON document with an access token.
async fn ask(http: &Outbound, url: Option<Url>, token: &Secret) -> Result<Value, Refused> {
    let url = url.ok_or_else(|| invalid_response("it has no such service"))?;
    let answer = http.get(&url, Some(token.expose())).await;
    let answer =
        answer.map_err(|error| Refused::Failed(Error::unreachable(Step::Service)(error)))?;
    validate(answer)
}

fn validate(answer: Response<Vec<u8>>) -> Result<Value, Refused> {
    let answer = github_dialect::not_exhausted(answer).map_err(Refused::Failed)?;
    let body: Option<Value> = serde_json::from_slice(answer.body()).ok();
    match answer.status() {
        StatusCode::OK => body.ok_or_else(|| invalid_response("it is not a JSON document")),
        StatusCode::UNAUTHORIZED => Err(Refused::Token),
        status => match body.as_ref().map(said) {
            Some(Said::TooOften) => Err(Refused::Failed(Error::rate_limited(Step::Service))),
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
    /// Graph's codes for an invalid token.
    const DEAD_TOKEN: [i64; 2] = [102, 190];
    let code = body.pointer("/error/code").and_then(Value::as_i64);
    // Google says 403 also when somebody has asked too often, and names the reason.
    let reasons = body.pointer("/error/errors").and_then(Value::as_array);
    let too_often = reasons.into_iter().flatten().any(|one| {
        let reason = one.get("reason").and_then(Value::as_str).unwrap_or_default();
        reason.ends_with("ateLimitExceeded") || reason == "quotaExceeded"
    });
    match code {
        _ if too_often => Said::TooOften,
        Some(code) if facebook::TOO_OFTEN.contains(&code) => Said::TooOften,
        Some(code) if DEAD_TOKEN.contains(&code) => Said::DeadToken,
        _ => Said::Nothing,
    }
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
            let judged = match validate(answer) {
                Ok(_) => "ok",
                Err(Refused::Token) => "token",
                Err(Refused::Scope) => "scope",
                Err(Refused::Failed(_)) => "failed",
            };
            assert_eq!(judged, outcome, "{status} {body}");
        }
    }
}
