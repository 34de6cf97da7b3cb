//! Google's dialect: the authorization code flow of OpenID Connect Core 1.0, metadata (OIDC
//! Discovery §3, RFC 8414 §2), and the key set.

mod apis;
mod introspection;
mod token;

use crate::keys::{KeyError, KeyRing};
use crate::prelude::*;

/// All routes except the consent page.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/google/.well-known/openid-configuration", get(discovery))
        // RFC 8414 §3.1 puts this before the path of the issuer.
        .route("/.well-known/oauth-authorization-server/google", get(discovery))
        .route("/google/jwks", get(jwks))
        .route(Provider::Google.token_path(), post(token::token))
        .route("/google/revoke", post(introspection::revoke))
        .route("/google/introspect", post(introspection::introspect))
        .route("/google/authorizations", get(introspection::authorizations))
        .route("/google/authorizations/{id}", delete(introspection::revoke_authorization))
        .route("/google/calendar/v3/calendars/{calendar}/events", get(apis::events))
        .route("/google/people/v1/people/me/connections", get(apis::connections))
        // OIDC Core §5.3.1: both methods.
        .route(Provider::Google.userinfo_path(), get(token::userinfo).post(token::userinfo))
}

const SECRET_METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

async fn discovery(State(app): State<Shared>) -> Json<Value> {
    let google = Provider::Google;
    let mut metadata = json!({
        "issuer": app.google_issuer(),
        "authorization_endpoint": app.url(google.authorize_path()),
        "token_endpoint": app.url(google.token_path()),
        "userinfo_endpoint": app.url(google.userinfo_path()),
        "jwks_uri": app.url("/google/jwks"),
        // RFC 7009. As at Google, a token can be revoked without client authentication.
        "revocation_endpoint": app.url("/google/revoke"),
        "revocation_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "none"],
        // RFC 7662.
        "introspection_endpoint": app.url("/google/introspect"),
        "introspection_endpoint_auth_methods_supported": SECRET_METHODS,
        // Not standardized; lists the applications with access to an API.
        "authorizations_endpoint": app.url("/google/authorizations"),
        "scopes_supported": app.catalogue.names(),
        "claims_supported": [
            "iss", "aud", "azp", "sub", "iat", "exp", "auth_time", "nonce", "at_hash",
            "email", "email_verified", "name", "picture",
        ],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": SECRET_METHODS,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        // RFC 9207 §3.
        "authorization_response_iss_parameter_supported": true,
    });
    // RFC 9728 §4.
    let audiences = app.apis.audiences();
    if !audiences.is_empty() {
        metadata["protected_resources"] = json!(audiences);
    }
    Json(metadata)
}

/// RFC 7517 §5.
async fn jwks(State(app): State<Shared>) -> Response {
    match app.keys.blocking(KeyRing::jwks).await {
        // Real key sets may be cached for hours. These keys change at every restart.
        Ok(keys) => {
            ([(header::CACHE_CONTROL, "no-cache")], Json(json!({ "keys": keys }))).into_response()
        }
        Err(KeyError) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
