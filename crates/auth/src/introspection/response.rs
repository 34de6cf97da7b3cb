//! Validates introspection responses (RFC 7662 §2.2).

use latchkey_domain::{Scopes, Subject, Timestamp};
use serde_json::Value;

use crate::jose::Members;
use crate::tokens::verify::DEFAULT_LEEWAY;

const MAX_CLIENT_ID: usize = 255;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub audience: String,
    /// Compared with `iss`, if the response has one.
    pub issuer: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    pub subject: Subject,
    pub issuer: Option<String>,
    pub scopes: Scopes,
    pub client_id: Option<String>,
    pub expires_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::EnumIter)]
pub enum Rejection {
    /// Revoked, expired, or never issued: the server does not say which.
    #[error("The authorization server says that the token is not active.")]
    NotActive,
    #[error("The response of the authorization server has no valid {0}.")]
    Unusable(&'static str),
    /// RFC 7662 §4, RFC 8707.
    #[error("The token is meant for another service.")]
    AudienceWrong,
    #[error("The token was issued by another issuer.")]
    IssuerWrong,
    #[error("The token has expired.")]
    Expired,
    #[error("The token is not valid yet.")]
    NotYetValid,
}

impl Rejection {
    /// The same code as for a JWT that is rejected for the same reason.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotActive | Self::Unusable(_) => "token_inactive",
            Self::AudienceWrong => "token_audience_wrong",
            Self::IssuerWrong => "token_issuer_wrong",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
        }
    }
}

/// Rejects duplicate members: two `active` would be ambiguous.
pub(super) fn parse(body: &[u8]) -> Option<Members> {
    Members::parse(body).filter(|members| !members.has_duplicates())
}

/// A member of the wrong type is an error, not ignored.
pub fn validate(
    response: &Members,
    expected: &Expected,
    now: Timestamp,
) -> Result<TokenInfo, Rejection> {
    if response.get("active") != Some(&Value::Bool(true)) {
        return Err(Rejection::NotActive);
    }
    // RFC 6749 §7.1: we support bearer tokens only.
    if text(response, "token_type")?.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(Rejection::Unusable("token_type"));
    }
    let issuer = text(response, "iss")?;
    if let (Some(issuer), Some(expected)) = (&issuer, &expected.issuer)
        && issuer != expected
    {
        return Err(Rejection::IssuerWrong);
    }
    if !audiences(response)?.contains(&expected.audience.as_str()) {
        return Err(Rejection::AudienceWrong);
    }
    // The server has checked its own clock; this is for a late response.
    let expires_at = time(response, "exp")?;
    if expires_at.is_some_and(|at| at <= now) {
        return Err(Rejection::Expired);
    }
    if time(response, "nbf")?.is_some_and(|at| now.plus(DEFAULT_LEEWAY) < at) {
        return Err(Rejection::NotYetValid);
    }
    let subject = text(response, "sub")?.ok_or(Rejection::Unusable("sub"))?;
    let subject = Subject::new(subject).map_err(|_| Rejection::Unusable("sub"))?;
    let client_id = text(response, "client_id")?.map(|id| sanitize(&id));
    let scopes = Scopes::parse_known(&text(response, "scope")?.unwrap_or_default());
    Ok(TokenInfo { subject, issuer, scopes, client_id, expires_at })
}

/// Null counts as absent.
fn text(response: &Members, name: &'static str) -> Result<Option<String>, Rejection> {
    match response.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Rejection::Unusable(name)),
    }
}

/// RFC 7519 §2 `NumericDate`, rounded down.
fn time(response: &Members, name: &'static str) -> Result<Option<Timestamp>, Rejection> {
    let seconds = match response.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => match number.as_f64() {
            // Larger values would overflow as milliseconds.
            Some(seconds) if seconds.abs() < 1e14 => number.as_i64().or(whole(seconds)),
            _ => None,
        },
        Some(_) => None,
    };
    seconds.map(|at| Some(Timestamp::from_seconds(at))).ok_or(Rejection::Unusable(name))
}

fn whole(seconds: f64) -> Option<i64> {
    format!("{:.0}", seconds.floor()).parse().ok()
}

fn audiences(response: &Members) -> Result<Vec<&str>, Rejection> {
    match response.get("aud") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(all)) => {
            let texts: Option<_> = all.iter().map(Value::as_str).collect();
            texts.ok_or(Rejection::Unusable("aud"))
        }
        Some(_) => Err(Rejection::Unusable("aud")),
    }
}

/// For the log and the audit trail.
pub(super) fn sanitize(client_id: &str) -> String {
    client_id.chars().filter(|c| !c.is_control()).take(MAX_CLIENT_ID).collect()
}
