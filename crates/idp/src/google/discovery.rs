//! What the provider says about itself: OIDC Discovery §3, RFC 8414 §2.

use axum::{Json, extract::State};
use serde::Serialize;

use crate::{Provider, app::Shared};

/// Only what is true here; where a default of the standard is not, it is said so.
#[derive(Serialize)]
pub(super) struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    jwks_uri: String,
    /// RFC 7009, and how RFC 8414 §2 says it.
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: [&'static str; 3],
    /// RFC 7662.
    introspection_endpoint: String,
    introspection_endpoint_auth_methods_supported: [&'static str; 2],
    /// No standard names it: where an API asks what somebody let in (RFC 8414 §2 lets us).
    authorizations_endpoint: String,
    /// RFC 9728 §4: the APIs that tokens are issued for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    protected_resources: Vec<String>,
    scopes_supported: Vec<String>,
    claims_supported: [&'static str; 13],
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 2],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 2],
    code_challenge_methods_supported: [&'static str; 1],
    prompt_values_supported: [&'static str; 4],
    claim_types_supported: [&'static str; 1],
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
    /// RFC 9207 §3.
    authorization_response_iss_parameter_supported: bool,
}

const SECRETS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

pub(super) async fn show(State(app): State<Shared>) -> Json<Metadata> {
    let google = Provider::Google;
    Json(Metadata {
        issuer: app.google_issuer(),
        authorization_endpoint: app.url(google.authorize_path()),
        token_endpoint: app.url(google.token_path()),
        userinfo_endpoint: app.url(google.userinfo_path()),
        jwks_uri: app.url("/google/jwks"),
        revocation_endpoint: app.url("/google/revoke"),
        // "none": whoever holds a token may end it, as at Google.
        revocation_endpoint_auth_methods_supported: [
            "client_secret_basic",
            "client_secret_post",
            "none",
        ],
        introspection_endpoint: app.url("/google/introspect"),
        introspection_endpoint_auth_methods_supported: SECRETS,
        authorizations_endpoint: app.url("/google/authorizations"),
        protected_resources: app.apis().iter().map(|api| api.audience.clone()).collect(),
        scopes_supported: app.catalogue().names().into_iter().map(str::to_owned).collect(),
        claims_supported: [
            "iss",
            "aud",
            "azp",
            "sub",
            "iat",
            "exp",
            "auth_time",
            "nonce",
            "at_hash",
            "email",
            "email_verified",
            "name",
            "picture",
        ],
        response_types_supported: ["code"],
        response_modes_supported: ["query"],
        grant_types_supported: ["authorization_code", "refresh_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256"],
        token_endpoint_auth_methods_supported: SECRETS,
        code_challenge_methods_supported: ["S256"],
        prompt_values_supported: ["none", "login", "consent", "select_account"],
        claim_types_supported: ["normal"],
        claims_parameter_supported: false,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        authorization_response_iss_parameter_supported: true,
    })
}
