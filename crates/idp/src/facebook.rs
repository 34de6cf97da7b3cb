//! Facebook's dialect: OAuth 2.0 with Graph API errors, the User node, and its permissions.

use aws_lc_rs::hmac;

use crate::kit::{random_token, secrets_match};
use crate::prelude::*;

/// All routes except the consent page.
pub fn routes() -> Router<Shared> {
    Router::new()
        // Facebook documents GET, with secrets in the URL.
        .route(Provider::Facebook.token_path(), get(access_token).post(access_token))
        .route(Provider::Facebook.userinfo_path(), get(me))
        .route("/facebook/v23.0/me/permissions", delete(delete_permissions))
}

/// `/oauth/access_token`, "Manually build a login flow".
async fn access_token(call: Call) -> Result<Json<Value>, Response> {
    let issued = call.issue_tokens(Provider::Facebook, error).await?;
    Ok(Json(json!({
        "access_token": issued.access_token,
        "token_type": "bearer",
        "expires_in": Provider::Facebook.access_token_lifetime().as_secs(),
    })))
}

fn error(error: TokenError) -> Response {
    let (message, subcode) = match error {
        TokenError::InvalidClient => {
            return GraphError::oauth(1, "Error validating client secret.").into_response();
        }
        TokenError::NoRandomness => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        TokenError::InvalidRequest(why) => (why, None),
        TokenError::UnsupportedGrantType => {
            ("Only the authorization_code grant is supported.", None)
        }
        // This dialect does not have these.
        TokenError::InvalidGrant(GrantType::RefreshToken, _) | TokenError::InvalidTarget => {
            ("This grant is not supported.", None)
        }
        TokenError::InvalidGrant(_, GrantError::Replayed) => {
            ("This authorization code has been used.", Some(36009))
        }
        TokenError::InvalidGrant(_, GrantError::Expired) => {
            ("This authorization code has expired.", Some(36007))
        }
        TokenError::InvalidGrant(_, GrantError::RedirectUriMismatch) => (
            "Error validating verification code. Please make sure your redirect_uri is identical \
             to the one you used in the OAuth dialog request",
            Some(36008),
        ),
        TokenError::InvalidGrant(_, GrantError::VerifierMismatch) => {
            ("Error validating verification code: wrong code_verifier.", None)
        }
        TokenError::InvalidGrant(..) => ("Invalid verification code format.", None),
    };
    GraphError { subcode, ..GraphError::oauth(100, message) }.into_response()
}

/// "Handling errors". The status is always 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct GraphError {
    message: &'static str,
    kind: &'static str,
    code: u16,
    subcode: Option<u32>,
}

impl GraphError {
    /// The code 190 is an invalid access token.
    const fn oauth(code: u16, message: &'static str) -> Self {
        Self { message, kind: "OAuthException", code, subcode: None }
    }
}

impl From<ParamsError> for GraphError {
    fn from(error: ParamsError) -> Self {
        Self::oauth(100, error.into())
    }
}

impl IntoResponse for GraphError {
    fn into_response(self) -> Response {
        let mut error = json!({
            "message": self.message,
            "type": self.kind,
            "code": self.code,
            // A support id, not used here.
            "fbtrace_id": random_token().unwrap_or_default(),
        });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = subcode.into();
        }
        let kind = if self.code == 190 { "invalid_token" } else { "invalid_request" };
        let challenge = format!(r#"OAuth "Facebook Platform" "{kind}" "{}""#, self.message);
        let body = Json(json!({ "error": error }));
        (StatusCode::BAD_REQUEST, [(header::WWW_AUTHENTICATE, challenge)], body).into_response()
    }
}

/// `GET /me`
async fn me(call: Call) -> Result<Json<Map<String, Value>>, GraphError> {
    let (authorization, params) = authorize(&call)?;
    user_node(&call.app, &authorization, params.get("fields").unwrap_or("id,name")).map(Json)
}

fn authorize(call: &Call) -> Result<(Arc<Authorization>, &Params), GraphError> {
    let params = call.params.as_ref().map_err(|error| *error)?;
    if params.repeated().is_some() {
        return Err(GraphError::oauth(100, "A parameter is repeated."));
    }
    let authorization = call.authorization(Provider::Facebook).map_err(|error| match error {
        BearerError::Missing => GraphError::oauth(
            2500,
            "An active access token must be used to query information about the current user.",
        ),
        BearerError::Malformed => {
            GraphError::oauth(190, "Invalid OAuth access token - Cannot parse access token")
        }
        BearerError::Invalid => GraphError::oauth(
            190,
            "Error validating access token: it is unknown, expired or revoked.",
        ),
    })?;
    if let Some(proof) = params.get("appsecret_proof") {
        let token = call.access_token(Provider::Facebook).unwrap_or_default();
        if !secrets_match(proof, &appsecret_proof(token, &authorization.client.secret)) {
            let why = "Invalid appsecret_proof provided in the API argument";
            return Err(GraphError { kind: "GraphMethodException", ..GraphError::oauth(100, why) });
        }
    }
    match authorization.misbehaviour {
        Misbehaviour::RateLimited => Err(GraphError::oauth(4, "Application request limit reached")),
        _ => Ok((authorization, params)),
    }
}

/// The id, and the requested fields that were granted.
fn user_node(
    app: &App,
    authorization: &Authorization,
    fields: &str,
) -> Result<Map<String, Value>, GraphError> {
    let person = &authorization.person;
    let mut node = Map::new();
    node.insert("id".into(), person.facebook_id.clone().into());
    for field in fields.split(',').map(str::trim) {
        let value = match field {
            "id" => continue,
            "name" => person.name.clone().into(),
            // Absent, not null, if there is none or it was not granted.
            "email" => match person.email_at(Provider::Facebook) {
                Some(email) if authorization.scopes.contains("email") => {
                    email.address.clone().into()
                }
                _ => continue,
            },
            "picture" => {
                let url = app.url(&person.avatar_path());
                json!({ "data": {
                    "height": 50, "is_silhouette": false, "url": url, "width": 50,
                }})
            }
            _ => {
                let why = "Tried accessing nonexisting field on node type (User)";
                return Err(GraphError::oauth(100, why));
            }
        };
        node.insert(field.to_owned(), value);
    }
    Ok(node)
}

/// "Securing Graph API requests": HMAC-SHA256 of the access token keyed by the app secret, in hex.
fn appsecret_proof(access_token: &str, app_secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, app_secret.as_bytes());
    let tag = hmac::sign(&key, access_token.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `DELETE /me/permissions`, "Revoking permissions and de-authorizing apps".
async fn delete_permissions(call: Call) -> Result<Response, GraphError> {
    let (authorization, _) = authorize(&call)?;
    if !call.app.grants().revoke(&authorization) {
        return Ok(simulated_failure());
    }
    tracing::info!(client = authorization.client.id, "permissions deleted");
    Ok(Json(json!({ "success": true })).into_response())
}
