//! An OAuth 2.0 client, step by step. Nothing here is specific to Latchkey.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use url::Url;

use crate::config::{Config, SCOPE};
use crate::http::{ApiResponse, Http, Unreachable};

/// Authorization server metadata (RFC 8414 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationServer {
    pub issuer: String,
    pub authorization_endpoint: Url,
    pub token_endpoint: String,
    pub revocation_endpoint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscoveryError {
    ApiUnreachable,
    ServerUnreachable,
    /// The metadata is incomplete or of another API or server.
    Metadata,
}

/// Step 1: discovers the authorization server of the API (RFC 9728, then RFC 8414).
pub async fn discover(http: &Http, config: &Config) -> Result<AuthorizationServer, DiscoveryError> {
    let metadata = http.get(config.api_metadata.as_str(), None).await;
    let issuer = issuer_of_api(&config.resource, metadata)?;
    let url = metadata_url(&issuer).ok_or(DiscoveryError::Metadata)?;
    authorization_server(&issuer, http.get(&url, None).await)
}

/// RFC 9728 §3.3: `resource` must be our API.
fn issuer_of_api(
    resource: &str,
    answer: Result<ApiResponse, Unreachable>,
) -> Result<String, DiscoveryError> {
    let answer = answer.ok().filter(|answer| answer.status.is_success());
    let metadata = answer.ok_or(DiscoveryError::ApiUnreachable)?.body;
    let list = |name: &str| metadata.get(name).and_then(Value::as_array);
    let knows_scope = list("scopes_supported").is_none_or(|scopes| scopes.contains(&SCOPE.into()));
    list("authorization_servers")
        .and_then(|servers| servers.first()?.as_str())
        .filter(|_| metadata["resource"] == resource && knows_scope)
        .map(str::to_owned)
        .ok_or(DiscoveryError::Metadata)
}

/// RFC 8414 §3.1: the well-known part goes between host and path.
fn metadata_url(issuer: &str) -> Option<String> {
    let url = Url::parse(issuer).ok()?;
    let plain = url.query().is_none() && url.fragment().is_none();
    let web = matches!(url.scheme(), "http" | "https");
    let origin = url.origin().ascii_serialization();
    let path = url.path().trim_end_matches('/');
    (plain && web).then(|| format!("{origin}/.well-known/oauth-authorization-server{path}"))
}

/// RFC 8414 §3.3: `issuer` must be the requested one. We also require PKCE.
fn authorization_server(
    issuer: &str,
    answer: Result<ApiResponse, Unreachable>,
) -> Result<AuthorizationServer, DiscoveryError> {
    let answer = answer.map_err(|_| DiscoveryError::ServerUnreachable)?;
    let methods = answer.body.get("code_challenge_methods_supported").and_then(Value::as_array);
    let pkce = methods.is_some_and(|methods| methods.contains(&"S256".into()));
    if !answer.status.is_success() || answer.text("issuer") != Some(issuer) || !pkce {
        return Err(DiscoveryError::Metadata);
    }
    let endpoint = |name: &str| answer.text(name).map(str::to_owned);
    let authorization = answer.text("authorization_endpoint").and_then(|url| Url::parse(url).ok());
    Ok(AuthorizationServer {
        issuer: issuer.to_owned(),
        authorization_endpoint: authorization.ok_or(DiscoveryError::Metadata)?,
        token_endpoint: endpoint("token_endpoint").ok_or(DiscoveryError::Metadata)?,
        revocation_endpoint: endpoint("revocation_endpoint"),
    })
}

/// A pending authorization request.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub server: AuthorizationServer,
    /// RFC 7636 §4.1; sent with the code.
    code_verifier: String,
}

/// Step 2: the authorization request (RFC 6749 §4.1.1). Returns the URL to redirect to.
pub fn authorization_request(
    server: AuthorizationServer,
    config: &Config,
    state: &str,
) -> Result<(Url, Attempt), getrandom::Error> {
    let code_verifier = random_token()?;
    let challenge = digest::digest(&digest::SHA256, code_verifier.as_bytes());
    let mut url = server.authorization_endpoint.clone();
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", &config.client_id),
        ("redirect_uri", &config.redirect_uri()),
        ("scope", SCOPE),
        // RFC 8707 §2: the API that the token is for.
        ("resource", &config.resource),
        ("state", state),
        ("code_challenge", &URL_SAFE_NO_PAD.encode(challenge)),
        ("code_challenge_method", "S256"),
        // Google's way to request a refresh token. Elsewhere it is the scope `offline_access`.
        ("access_type", "offline"),
    ]);
    Ok((url, Attempt { server, code_verifier }))
}

/// 256 bits, base64url: for `state`, the code verifier and the session cookie.
pub fn random_token() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[derive(Clone)]
pub struct Tokens {
    pub access_token: String,
    refresh_token: Option<String>,
    server: AuthorizationServer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    Unreachable,
    Refused,
}

/// Step 3: exchanges the code for tokens (RFC 6749 §4.1.3).
pub async fn exchange_code(
    http: &Http,
    config: &Config,
    attempt: Attempt,
    code: &str,
) -> Result<Tokens, TokenError> {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &config.redirect_uri()),
        ("code_verifier", &attempt.code_verifier),
        ("resource", &config.resource),
    ];
    request_tokens(http, config, attempt.server, &form).await
}

/// Step 4, after a 401 from the API: refreshes the access token (RFC 6749 §6).
pub async fn refresh(http: &Http, config: &Config, old: Tokens) -> Result<Tokens, TokenError> {
    let refresh_token = old.refresh_token.ok_or(TokenError::Refused)?;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.as_str()),
        ("resource", &config.resource),
    ];
    let new = request_tokens(http, config, old.server, &form).await?;
    // A server that does not rotate refresh tokens sends none: keep the old one.
    Ok(Tokens { refresh_token: new.refresh_token.or(Some(refresh_token)), ..new })
}

/// RFC 6749 §5.1.
async fn request_tokens(
    http: &Http,
    config: &Config,
    server: AuthorizationServer,
    form: &[(&str, &str)],
) -> Result<Tokens, TokenError> {
    let answer = http.post(&server.token_endpoint, config, form).await;
    let answer = answer.map_err(|_| TokenError::Unreachable)?;
    let bearer = answer.text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
    let access_token = answer.text("access_token").filter(|_| answer.status.is_success() && bearer);
    Ok(Tokens {
        access_token: access_token.ok_or(TokenError::Refused)?.to_owned(),
        refresh_token: answer.text("refresh_token").map(str::to_owned),
        server,
    })
}

/// Step 5: revokes the tokens (RFC 7009), the more valuable refresh token first.
pub async fn revoke(http: &Http, config: &Config, tokens: &Tokens) -> Result<(), TokenError> {
    let endpoint = tokens.server.revocation_endpoint.as_ref().ok_or(TokenError::Refused)?;
    for token in tokens.refresh_token.iter().chain([&tokens.access_token]) {
        match http.post(endpoint, config, &[("token", token)]).await {
            Ok(answer) if answer.status.is_success() => {}
            Ok(_) => return Err(TokenError::Refused),
            Err(Unreachable) => return Err(TokenError::Unreachable),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use super::*;

    const API: &str = "http://localhost:3000/api";
    const ISSUER: &str = "http://127.0.0.1:3001/google";

    fn answer(status: u16, body: Value) -> Result<ApiResponse, Unreachable> {
        let status = StatusCode::from_u16(status).unwrap_or_default();
        Ok(ApiResponse { status, challenge: None, body })
    }

    #[test]
    fn protected_resource_metadata_yields_the_issuer() {
        use DiscoveryError::{ApiUnreachable, Metadata};
        let good = json!({ "resource": API, "authorization_servers": [ISSUER, "http://x.test"] });
        let changed = |name: &str, value: Value| {
            let mut body = good.clone();
            body[name] = value;
            answer(200, body)
        };
        for (what, answer, expected) in [
            ("good", answer(200, good.clone()), Ok(ISSUER.to_owned())),
            ("its scope", changed("scopes_supported", json!([SCOPE])), Ok(ISSUER.to_owned())),
            ("no such scope", changed("scopes_supported", json!(["profile"])), Err(Metadata)),
            ("another API", changed("resource", json!("http://evil.test")), Err(Metadata)),
            ("no server", changed("authorization_servers", json!([])), Err(Metadata)),
            ("no list", changed("authorization_servers", json!(ISSUER)), Err(Metadata)),
            ("no JSON", answer(200, Value::Null), Err(Metadata)),
            ("an error", answer(500, good.clone()), Err(ApiUnreachable)),
            ("no answer", Err(Unreachable), Err(ApiUnreachable)),
        ] {
            assert_eq!(issuer_of_api(API, answer), expected, "{what}");
        }
    }

    #[test]
    fn metadata_url_inserts_well_known_before_path() {
        for (issuer, expected) in [
            (ISSUER, Some("http://127.0.0.1:3001/.well-known/oauth-authorization-server/google")),
            ("https://as.test", Some("https://as.test/.well-known/oauth-authorization-server")),
            ("https://as.test/?x", None),
            ("https://as.test/#x", None),
            ("ftp://as.test/", None),
            ("as.test", None),
        ] {
            assert_eq!(metadata_url(issuer).as_deref(), expected, "{issuer}");
        }
    }

    #[test]
    fn server_metadata_must_match_issuer_and_offer_pkce() {
        let good = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "http://127.0.0.1:3001/google/authorize",
            "token_endpoint": "t",
            "code_challenge_methods_supported": ["S256"],
        });
        let changed = |name: &str, value: Value| {
            let mut body = good.clone();
            body[name] = value;
            answer(200, body)
        };
        for (what, answer, good) in [
            ("good", answer(200, good.clone()), true),
            ("revocation", changed("revocation_endpoint", json!("r")), true),
            ("another issuer", changed("issuer", json!("http://evil.test")), false),
            ("no PKCE", changed("code_challenge_methods_supported", json!(["plain"])), false),
            ("no URL", changed("authorization_endpoint", json!("a")), false),
            ("no token endpoint", changed("token_endpoint", Value::Null), false),
            ("an error", answer(404, good.clone()), false),
            ("no answer", Err(Unreachable), false),
        ] {
            assert_eq!(authorization_server(ISSUER, answer).is_ok(), good, "{what}");
        }
    }
}
