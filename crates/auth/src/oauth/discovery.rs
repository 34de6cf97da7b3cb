//! What an OpenID issuer says of itself (OpenID Connect Discovery 1.0).

use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use latchkey_domain::{Span, Timestamp};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::error::{Error, Step, json};
use crate::http::Outbound;

/// How long a discovery document is believed before it is fetched again.
const FRESH_FOR: Span = Span::minutes(60);

/// The members of the discovery document that we use (Discovery §3).
#[derive(Clone, Debug, Deserialize)]
pub struct Metadata {
    /// The issuer, which has to be the configured one to the letter.
    pub issuer: String,
    pub authorization_endpoint: Url,
    pub token_endpoint: Url,
    pub jwks_uri: Url,
    /// Where the profile is; an issuer may have none.
    pub userinfo_endpoint: Option<Url>,
    /// Where a token is ended (RFC 8414 §2); an issuer may have none.
    pub revocation_endpoint: Option<Url>,
    /// How we may prove who we are; `client_secret_basic` when it does not say.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Whether it promises `iss` in the authorization response (RFC 9207 §3).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Whether the secret goes into the body, because the issuer takes it nowhere else.
    pub fn secret_in_body(&self) -> bool {
        self.token_endpoint_auth_methods_supported.as_ref().is_some_and(|methods| {
            let takes = |method: &str| methods.iter().any(|taken| taken == method);
            takes("client_secret_post") && !takes("client_secret_basic")
        })
    }
}

/// What an issuer told us, kept for an hour.
///
/// An issuer that is down when we start is asked again at the next sign-in;
/// one that goes down later keeps working from what it said before.
#[derive(Debug, Default)]
pub struct Discovery {
    known: RwLock<Option<(Timestamp, Arc<Metadata>)>>,
    /// What went wrong the last time that the issuer was asked.
    asking: Mutex<Option<Error>>,
    times: AtomicU64,
}

impl Discovery {
    /// What is known already, however old.
    pub fn known(&self) -> Option<Arc<Metadata>> {
        self.read().map(|(_, metadata)| metadata)
    }

    /// What the issuer says of itself, asked at most once at a time.
    pub(crate) async fn metadata(
        &self,
        http: &Outbound,
        issuer: &str,
        now: Timestamp,
    ) -> Result<Arc<Metadata>, Error> {
        if let Some(metadata) = self.fresh(now) {
            return Ok(metadata);
        }
        // Whoever waits for somebody else's answer takes it, a failure too: a
        // queue before an issuer that hangs would take minutes.
        let before = self.times.load(Ordering::Acquire);
        let mut asked = self.asking.lock().await;
        if let Some(metadata) = self.fresh(now) {
            return Ok(metadata);
        }
        if self.times.load(Ordering::Acquire) != before {
            match (self.known(), asked.clone()) {
                (Some(stale), _) => return Ok(stale),
                (None, Some(failure)) => return Err(failure),
                (None, None) => {}
            }
        }
        let fetched = fetch(http, issuer).await;
        *asked = fetched.as_ref().err().cloned();
        let fetched = fetched.map(Arc::new);
        if let Ok(metadata) = &fetched {
            *self.known.write() = Some((now, Arc::clone(metadata)));
        }
        // After that: whoever sees the count go up finds what was learned.
        self.times.fetch_add(1, Ordering::AcqRel);
        match fetched {
            Ok(metadata) => Ok(metadata),
            Err(error) => match self.known() {
                Some(stale) => {
                    tracing::warn!(%issuer, %error, "discovery failed; going by what it said before");
                    Ok(stale)
                }
                None => Err(error),
            },
        }
    }

    fn fresh(&self, now: Timestamp) -> Option<Arc<Metadata>> {
        let (at, metadata) = self.read()?;
        (now.since(at) < FRESH_FOR).then_some(metadata)
    }

    fn read(&self) -> Option<(Timestamp, Arc<Metadata>)> {
        self.known.read().clone()
    }
}

async fn fetch(http: &Outbound, issuer: &str) -> Result<Metadata, Error> {
    let url = address(issuer)?;
    let answer = http.get(&url, None).await.map_err(Error::unreachable(Step::Discovery))?;
    read(issuer, &answer)
}

/// Where an issuer's discovery document is (Discovery §4): the path is appended
/// to the issuer, whatever its own path.
///
/// # Errors
/// When the issuer is not a URL.
pub fn address(issuer: &str) -> Result<Url, Error> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    Url::parse(&url)
        .map_err(|_| Error::invalid_response(Step::Discovery, "the issuer is not a URL"))
}

/// Reads the answer to a request for a discovery document, and judges it.
///
/// # Errors
/// When it is no such document, or one that must not be believed.
pub fn read(issuer: &str, answer: &::http::Response<Vec<u8>>) -> Result<Metadata, Error> {
    if answer.status().is_redirection() {
        let to = answer.headers().get(::http::header::LOCATION).and_then(|to| to.to_str().ok());
        return Err(Error::invalid_response(Step::Discovery, moved(issuer, to)));
    }
    validate(issuer, json(Step::Discovery, answer)?)
}

/// Where an issuer seems to have moved to. It is not followed there: an issuer is
/// who it says that it is, at the address that somebody has written down here.
fn moved(issuer: &str, to: Option<&str>) -> String {
    let whole = to.and_then(|to| address(issuer).ok()?.join(to).ok());
    let named = whole.filter(may_be_called).and_then(|url| {
        Some(url.as_str().split_once("/.well-known/openid-configuration")?.0.to_owned())
    });
    match named {
        Some(named) => format!(
            "it redirects to another address, which is not followed; if that is the issuer, \
             set its …_ISSUER to {named}"
        ),
        None => "it redirects to a page that is no discovery document; set its …_ISSUER to the \
                 issuer itself"
            .to_owned(),
    }
}

/// Judges a discovery document (Discovery §4.3).
fn validate(issuer: &str, metadata: Metadata) -> Result<Metadata, Error> {
    // Entra's addresses for every tenant answer with a template: each tenant is an issuer.
    if metadata.issuer != issuer && metadata.issuer.contains('{') {
        return Err(Error::invalid_response(
            Step::Discovery,
            "it is about every tenant, and an issuer is one of them: write your tenant's ID in \
             its …_ISSUER in place of common, organizations or consumers",
        ));
    }
    if metadata.issuer != issuer {
        return Err(Error::invalid_response(
            Step::Discovery,
            "it says that it is another issuer than the configured one",
        ));
    }
    let endpoints = [
        Some(&metadata.authorization_endpoint),
        Some(&metadata.token_endpoint),
        Some(&metadata.jwks_uri),
        metadata.userinfo_endpoint.as_ref(),
        metadata.revocation_endpoint.as_ref(),
    ];
    // A browser would follow us to `javascript:` too; and a secret is not sent in
    // clear. Nor does an issuer elsewhere get to name what listens on this machine.
    let is_near = Url::parse(issuer).is_ok_and(|issuer| is_loopback(&issuer));
    let may_be_named = |url: &Url| may_be_called(url) && (is_near || !is_this_machine(url));
    if !endpoints.into_iter().flatten().all(may_be_named) {
        return Err(Error::invalid_response(
            Step::Discovery,
            "one of its endpoints is not https, or on this machine",
        ));
    }
    Ok(metadata)
}

/// https anywhere, http only on loopback.
pub fn may_be_called(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_loopback(url),
        _ => false,
    }
}

/// Whether a URL's host is this machine by its name or number.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

/// Loopback, or "every address of this machine", which connects to the same.
fn is_this_machine(url: &Url) -> bool {
    is_loopback(url)
        || match url.host() {
            Some(url::Host::Ipv4(address)) => address.is_unspecified(),
            Some(url::Host::Ipv6(address)) => address.to_canonical().is_unspecified(),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(issuer: &str, authorize: &str, token: &str) -> Result<Metadata, serde_json::Error> {
        serde_json::from_value(serde_json::json!({
            "issuer": issuer,
            "authorization_endpoint": authorize,
            "token_endpoint": token,
            "jwks_uri": "https://op.test/keys",
        }))
    }

    #[test]
    fn documents_are_judged() -> Result<(), serde_json::Error> {
        let good = ("https://op.test/authorize", "https://op.test/token");
        let near = ("http://127.0.0.1:9/a", "http://[::1]:9/t");
        for (issuer, says, (authorize, token), taken) in [
            ("https://op.test", "https://op.test", good, true),
            ("https://op.test", "https://op.test/", good, false),
            ("https://op.test", "https://OP.test", good, false),
            ("https://op.test", "https://evil.test", good, false),
            ("https://op.test", "https://op.test", ("javascript:alert(1)", good.1), false),
            ("https://op.test", "https://op.test", ("data:text/html,x", good.1), false),
            ("https://op.test", "https://op.test", (good.0, "http://op.test/token"), false),
            // What listens on this machine is named by issuers on this machine alone.
            ("https://op.test", "https://op.test", (near.0, good.1), false),
            ("https://op.test", "https://op.test", (good.0, near.1), false),
            ("https://op.test", "https://op.test", (good.0, "https://localhost/t"), false),
            ("https://op.test", "https://op.test", (good.0, "https://x.localhost./t"), false),
            ("https://op.test", "https://op.test", (good.0, "https://[::ffff:127.0.0.1]/t"), false),
            ("https://op.test", "https://op.test", (good.0, "https://0.0.0.0:5432/t"), false),
            ("http://127.0.0.1:1", "http://127.0.0.1:1", near, true),
            ("https://localhost", "https://localhost", near, true),
        ] {
            let judged = validate(issuer, document(says, authorize, token)?);
            assert_eq!(judged.is_ok(), taken, "{issuer} {says} {authorize} {token}");
        }
        Ok(())
    }

    #[test]
    fn the_advice_fits_the_cause() -> Result<(), serde_json::Error> {
        const ELSEWHERE: &str = "https://id.op.test/v2/.well-known/openid-configuration";
        for (location, advice) in [
            (Some(ELSEWHERE), "set its …_ISSUER to https://id.op.test/v2"),
            (Some("/v2/.well-known/openid-configuration?x=y"), "to https://op.test/v2"),
            (Some("https://op.test/login"), "to the issuer itself"),
            (Some("javascript:/.well-known/openid-configuration"), "to the issuer itself"),
            (Some("http://evil.test/.well-known/openid-configuration"), "to the issuer itself"),
            (None, "to the issuer itself"),
        ] {
            assert!(moved("https://op.test", location).ends_with(advice), "{location:?}");
        }
        let entra = "https://login.microsoftonline.com/{tenantid}/v2.0";
        let common = "https://login.microsoftonline.com/common/v2.0";
        let document = document(entra, "https://op.test/a", "https://op.test/t")?;
        let error = validate(common, document).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("your tenant's ID")));
        Ok(())
    }

    #[test]
    fn the_secret_goes_where_the_issuer_takes_it() -> Result<(), serde_json::Error> {
        let mut metadata = document("https://op.test", "https://op.test/a", "https://op.test/t")?;
        for (methods, in_body) in [
            (None, false),
            (Some(vec!["client_secret_basic", "client_secret_post"]), false),
            (Some(vec!["client_secret_post"]), true),
            (Some(vec!["private_key_jwt"]), false),
        ] {
            metadata.token_endpoint_auth_methods_supported =
                methods.map(|methods| methods.into_iter().map(str::to_owned).collect());
            assert_eq!(metadata.secret_in_body(), in_body);
        }
        Ok(())
    }
}
