//! The userinfo endpoint, OIDC Core §5.3.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::id_token::Profile;
use crate::{
    Provider,
    app::Shared,
    misbehave::Misbehaviour,
    protocol::bearer::{Presented, presented},
};

#[derive(Serialize)]
struct Userinfo {
    sub: String,
    #[serde(flatten)]
    profile: Profile,
}

pub(super) async fn show(State(app): State<Shared>, headers: HeaderMap) -> Response {
    let token = match presented(&headers, &["bearer"]) {
        Presented::Token(token) => token,
        Presented::Nothing => return refuse(StatusCode::UNAUTHORIZED, None),
        Presented::Malformed => return refuse(StatusCode::BAD_REQUEST, Some("invalid_request")),
    };
    let access = app.grants().access(app.now(), Provider::Google, token);
    let Some(authorization) = access else {
        return refuse(StatusCode::UNAUTHORIZED, Some("invalid_token"));
    };
    if !authorization.scopes.contains("openid") {
        return refuse(StatusCode::FORBIDDEN, Some("insufficient_scope"));
    }
    let sub = match authorization.misbehaviour {
        Misbehaviour::OtherSub => "100000000000000000666".to_owned(),
        _ => authorization.person.google_sub.clone(),
    };
    let profile = Profile::of(&authorization.person, &authorization.scopes, app.origin());
    Json(Userinfo { sub, profile }).into_response()
}

/// RFC 6750 §3: no error code when nothing was presented; the missing scope by its name.
fn refuse(status: StatusCode, error: Option<&str>) -> Response {
    let challenge = match error {
        None => r#"Bearer realm="google""#.to_owned(),
        Some("insufficient_scope") => {
            r#"Bearer realm="google", error="insufficient_scope", scope="openid""#.to_owned()
        }
        Some(error) => format!(r#"Bearer realm="google", error="{error}""#),
    };
    (status, [(WWW_AUTHENTICATE, challenge)]).into_response()
}
