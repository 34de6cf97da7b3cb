//! From the address of an API to its authorization server: RFC 9728, then RFC 8414.

use url::Url;

use super::{
    Printer, SCOPE,
    outbound::{Answer, Unreachable},
};

/// What an application has to know about an authorization server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) issuer: String,
    pub(super) authorization: String,
    pub(super) token: String,
    pub(super) revocation: Option<String>,
}

/// Why there is no server to go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DiscoveryError {
    ApiUnreachable,
    /// The metadata are not those of the API that was meant, or incomplete.
    ApiMetadata,
    ServerUnreachable,
    ServerMetadata,
}

pub(super) async fn discover(printer: &Printer) -> Result<Server, DiscoveryError> {
    let api = &printer.api;
    let outbound = &printer.outbound;
    let metadata = outbound.get(api.metadata_url.as_str(), None).await;
    let issuer = authorization_server(&api.audience, metadata)?;
    let url = metadata_url(&issuer).ok_or(DiscoveryError::ApiMetadata)?;
    server(&issuer, outbound.get(&url, None).await)
}

/// RFC 9728 §3.3: the `resource` must be the one that was meant.
fn authorization_server(
    resource: &str,
    answer: Result<Answer, Unreachable>,
) -> Result<String, DiscoveryError> {
    let answer = answer.map_err(|_| DiscoveryError::ApiUnreachable)?;
    if !answer.status.is_success() {
        return Err(DiscoveryError::ApiUnreachable);
    }
    let list = |name: &str| answer.body.get(name).and_then(|list| list.as_array());
    let knows_scope = list("scopes_supported").is_none_or(|scopes| scopes.contains(&SCOPE.into()));
    let issuer = list("authorization_servers").and_then(|list| list.first()?.as_str());
    issuer
        .filter(|_| answer.text("resource") == Some(resource) && knows_scope)
        .map(str::to_owned)
        .ok_or(DiscoveryError::ApiMetadata)
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

/// RFC 8414 §3.3: the `issuer` must be the one that was asked; here PKCE must be there too.
fn server(issuer: &str, answer: Result<Answer, Unreachable>) -> Result<Server, DiscoveryError> {
    let answer = answer.map_err(|_| DiscoveryError::ServerUnreachable)?;
    let methods = answer.body.get("code_challenge_methods_supported");
    let pkce = methods.and_then(|list| list.as_array()).is_some_and(|m| m.contains(&"S256".into()));
    if !answer.status.is_success() || answer.text("issuer") != Some(issuer) || !pkce {
        return Err(DiscoveryError::ServerMetadata);
    }
    let endpoint = |name: &str| answer.text(name).map(str::to_owned);
    Ok(Server {
        issuer: issuer.to_owned(),
        authorization: endpoint("authorization_endpoint").ok_or(DiscoveryError::ServerMetadata)?,
        token: endpoint("token_endpoint").ok_or(DiscoveryError::ServerMetadata)?,
        revocation: endpoint("revocation_endpoint"),
    })
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::{Value, json};

    use super::*;

    const API: &str = "http://localhost:3000/api";
    const ISSUER: &str = "http://127.0.0.1:3001/google";

    fn answer(status: u16, body: Value) -> Result<Answer, Unreachable> {
        let status = StatusCode::from_u16(status).unwrap_or_default();
        Ok(Answer { status, challenge: None, body })
    }

    #[test]
    fn an_api_names_its_authorization_server() {
        use DiscoveryError::{ApiMetadata, ApiUnreachable};
        let good = json!({ "resource": API, "authorization_servers": [ISSUER, "http://x.test"] });
        let changed = |name: &str, value: Value| {
            let mut body = good.clone();
            body[name] = value;
            answer(200, body)
        };
        for (what, answer, expected) in [
            ("good", answer(200, good.clone()), Ok(ISSUER.to_owned())),
            ("its scope", changed("scopes_supported", json!([SCOPE])), Ok(ISSUER.to_owned())),
            ("no such scope", changed("scopes_supported", json!(["profile"])), Err(ApiMetadata)),
            ("another API", changed("resource", json!("http://evil.test")), Err(ApiMetadata)),
            ("no server", changed("authorization_servers", json!([])), Err(ApiMetadata)),
            ("no list", changed("authorization_servers", json!(ISSUER)), Err(ApiMetadata)),
            ("no JSON", answer(200, Value::Null), Err(ApiMetadata)),
            ("an error", answer(500, good.clone()), Err(ApiUnreachable)),
            ("nobody", Err(Unreachable), Err(ApiUnreachable)),
        ] {
            assert_eq!(authorization_server(API, answer), expected, "{what}");
        }
    }

    #[test]
    fn the_well_known_part_goes_between_host_and_path() {
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
    fn a_server_is_the_one_that_was_asked_and_knows_pkce() {
        let good = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "a",
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
            ("no token endpoint", changed("token_endpoint", Value::Null), false),
            ("an error", answer(404, good.clone()), false),
            ("nobody", Err(Unreachable), false),
        ] {
            assert_eq!(server(ISSUER, answer).is_ok(), good, "{what}");
        }
    }
}
