//! Lists the apps that a user has authorized at the authorization server, and revokes them.
//!
//! There is no standard for this. A server that supports it has an `authorizations_endpoint`
//! in its metadata (RFC 8414 §2 allows more members): with `sub` and the API's credentials it
//! lists that user's authorizations, and deleting one revokes its tokens.

use ::http::{Method, StatusCode};
use latchkey_domain::{Clock, Scopes, Span, Subject, Timestamp};
use parking_lot::RwLock;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::client::{Client, Unavailable, expect_ok};
use super::response::sanitize;

/// How long the endpoint, or its absence, is cached.
const FRESH_FOR: Span = Span::minutes(60);

/// The rest is not shown.
const MAX_LISTED: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    pub id: String,
    pub app: String,
    pub scopes: Scopes,
    pub since: Option<Timestamp>,
    /// When one of its tokens was last issued or introspected.
    pub last_used_at: Option<Timestamp>,
}

/// Has its own client, so that its circuit breaker cannot block introspection.
#[derive(Debug)]
pub(super) struct Authorizations {
    client: Client,
    issuer: Option<String>,
    cached: RwLock<Option<(Timestamp, Option<Url>)>>,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorizations_endpoint: Option<Url>,
}

impl Authorizations {
    pub(super) fn new(client: Client, issuer: Option<String>) -> Self {
        Self { client, issuer, cached: RwLock::default() }
    }

    /// `None` when the server offers no list.
    pub(super) async fn list(
        &self,
        subject: &Subject,
        clock: &Clock,
    ) -> Result<Option<Vec<Authorization>>, Unavailable> {
        let Some(mut url) = self.endpoint(clock).await? else { return Ok(None) };
        url.query_pairs_mut().append_pair("sub", subject.as_str());
        let (status, body) = self.client.send(Method::GET, &url, true, clock).await?;
        expect_ok(status)?;
        read(&body).map(Some).ok_or(Unavailable::InvalidResponse)
    }

    /// Succeeds also if the authorization is gone already.
    pub(super) async fn revoke(&self, id: &str, clock: &Clock) -> Result<(), Unavailable> {
        let Some(mut url) = self.endpoint(clock).await? else { return Ok(()) };
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(id);
        }
        let (status, _) = self.client.send(Method::DELETE, &url, true, clock).await?;
        let is_revoked = status.is_success() || status == StatusCode::NOT_FOUND;
        if is_revoked { Ok(()) } else { expect_ok(status) }
    }

    async fn endpoint(&self, clock: &Clock) -> Result<Option<Url>, Unavailable> {
        let Some(issuer) = &self.issuer else { return Ok(None) };
        let cached = self.cached.read().clone();
        if let Some((at, endpoint)) = cached
            && clock.now().since(at) < FRESH_FOR
        {
            return Ok(endpoint);
        }
        let endpoint = self.discover(issuer, clock).await?;
        *self.cached.write() = Some((clock.now(), endpoint.clone()));
        Ok(endpoint)
    }

    /// Reads the metadata of RFC 8414 §3.1, or else of OpenID Connect Discovery §4.
    async fn discover(&self, issuer: &str, clock: &Clock) -> Result<Option<Url>, Unavailable> {
        for url in metadata_urls(issuer) {
            let (status, body) = self.client.send(Method::GET, &url, false, clock).await?;
            match status {
                StatusCode::NOT_FOUND => {}
                StatusCode::OK => {
                    let metadata = serde_json::from_slice(&body);
                    let metadata = metadata.map_err(|_| Unavailable::InvalidResponse)?;
                    return Ok(endpoint(issuer, metadata));
                }
                status => return Err(Unavailable::Status(status)),
            }
        }
        Ok(None)
    }
}

fn metadata_urls(issuer: &str) -> Vec<Url> {
    let Ok(url) = Url::parse(issuer) else { return Vec::new() };
    let path = url.path().trim_end_matches('/');
    let inserted = url.join(&format!("/.well-known/oauth-authorization-server{path}"));
    let appended =
        Url::parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')));
    inserted.into_iter().chain(appended).collect()
}

/// Checks that the metadata are the issuer's own (RFC 8414 §3.3), and the endpoint is at its
/// origin: only the issuer gets our credentials.
fn endpoint(issuer: &str, metadata: Metadata) -> Option<Url> {
    let origin = Url::parse(issuer).ok()?.origin();
    let is_at_issuer = |url: &Url| url.origin() == origin && url.username().is_empty();
    metadata.authorizations_endpoint.filter(|url| metadata.issuer == issuer && is_at_issuer(url))
}

/// `None` if an entry has no ID, and so could not be revoked.
fn read(body: &[u8]) -> Option<Vec<Authorization>> {
    let list: Value = serde_json::from_slice(body).ok()?;
    let entries = list.get("authorizations")?.as_array()?;
    entries.iter().take(MAX_LISTED).map(entry).collect()
}

fn entry(entry: &Value) -> Option<Authorization> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let time = |name: &str| entry.get(name).and_then(Value::as_i64).filter(|at| at.abs() < 1 << 40);
    let id = text("id").filter(|id| !matches!(*id, "" | "." | ".."))?;
    let app = text("client_name").or_else(|| text("client_id")).unwrap_or_default();
    Some(Authorization {
        id: id.to_owned(),
        app: sanitize(app),
        scopes: Scopes::parse_known(text("scope").unwrap_or_default()),
        since: time("created_at").map(Timestamp::from_seconds),
        last_used_at: time("last_used_at").map(Timestamp::from_seconds),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metadata_urls_follow_rfc_8414_and_oidc_discovery() {
        let (near, known) = ("http://127.0.0.1:3001", "/.well-known");
        for (issuer, inserted, appended) in [
            ("https://as.test", "https://as.test", ""),
            ("http://127.0.0.1:3001/google", near, "/google"),
        ] {
            let found: Vec<_> = metadata_urls(issuer).into_iter().map(String::from).collect();
            let inserted = format!("{inserted}{known}/oauth-authorization-server{appended}");
            assert_eq!(found, [inserted, format!("{issuer}{known}/openid-configuration")]);
        }
    }

    #[test]
    fn authorizations_endpoint_must_belong_to_issuer() -> Result<(), serde_json::Error> {
        for (issuer, endpoint_, accepted) in [
            ("https://as.test/x", "https://as.test/authorizations", true),
            ("https://as.test/y", "https://as.test/authorizations", false),
            ("https://as.test/x", "https://evil.test/authorizations", false),
            ("https://as.test/x", "http://as.test/authorizations", false),
            ("https://as.test/x", "https://as.test:8443/authorizations", false),
            ("https://as.test/x", "https://me@as.test/authorizations", false),
        ] {
            let metadata = json!({ "issuer": issuer, "authorizations_endpoint": endpoint_ });
            let found = endpoint("https://as.test/x", serde_json::from_value(metadata)?);
            assert_eq!(found.is_some(), accepted, "{issuer} {endpoint_}");
        }
        let without = serde_json::from_value(json!({ "issuer": "https://as.test/x" }))?;
        assert_eq!(endpoint("https://as.test/x", without), None);
        Ok(())
    }

    #[test]
    fn authorizations_list_is_parsed_and_bounded() {
        let good = json!({ "authorizations": [{
            "id": "7", "client_id": "printer", "client_name": "Calendar\nPrinter",
            "scope": "calendar:read openid", "created_at": 1_800_000_000, "last_used_at": null,
        }]});
        let read_ = |value: &Value| read(value.to_string().as_bytes());
        let one = read_(&good).and_then(|mut list| list.pop()).expect("one");
        assert_eq!((one.id.as_str(), one.app.as_str()), ("7", "CalendarPrinter"));
        assert_eq!(one.scopes.to_string(), "calendar:read");
        assert_eq!(one.since, Some(Timestamp::from_seconds(1_800_000_000)));
        assert_eq!(one.last_used_at, None);
        assert_eq!(read_(&json!({ "authorizations": [] })), Some(Vec::new()));
        let one = |entry: Value| json!({ "authorizations": [entry] });
        let entries = [json!({}), json!({ "id": "" }), json!({ "id": ".." }), json!({ "id": 7 })];
        let others = [json!([]), json!({}), json!({ "authorizations": {} })];
        for bad in entries.map(one).into_iter().chain(others) {
            assert_eq!(read_(&bad), None, "{bad}");
        }
        let many: Vec<_> = (0..1000).map(|id| json!({ "id": id.to_string() })).collect();
        assert_eq!(read_(&json!({ "authorizations": many })).map(|list| list.len()), Some(100));
    }
}
