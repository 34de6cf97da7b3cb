//! What an OpenID issuer says of itself (OpenID Connect Discovery 1.0).

use latchkey_domain::{Span, Timestamp};
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::error::{Error, Step, json};
use crate::http::Outbound;

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
        self.known.read().as_ref().map(|(_, metadata)| Arc::clone(metadata))
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
        let fetched = fetch(http, issuer).await.map(Arc::new);
        *asked = fetched.as_ref().err().cloned();
        if let Ok(metadata) = &fetched {
            *self.known.write() = Some((now, Arc::clone(metadata)));
        }
        // After that: whoever sees the count go up finds what was learned.
        self.times.fetch_add(1, Ordering::AcqRel);
        fetched.or_else(|error| {
            let stale = self.known().ok_or_else(|| error.clone())?;
            tracing::warn!(%issuer, %error, "discovery failed; going by what it said before");
            Ok(stale)
        })
    }

    fn fresh(&self, now: Timestamp) -> Option<Arc<Metadata>> {
        let (at, metadata) = self.known.read().clone()?;
        (now.since(at) < FRESH_FOR).then_some(metadata)
    }
}

async fn fetch(http: &Outbound, issuer: &str) -> Result<Metadata, Error> {
    let url = address(issuer)?;
    let answer = http.get(&url, None).await.map_err(Error::unreachable(Step::Discovery))?;
    read(issuer, &answer)
}

/// Where an issuer's discovery document is (Discovery §4): the path is appended
/// to the issuer, whatever its own path.
pub fn address(issuer: &str) -> Result<Url, Error> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    Url::parse(&url)
        .map_err(|_| Error::invalid_response(Step::Discovery, "the issuer is not a URL"))
}

/// Reads the answer to a request for a discovery document, and judges it.
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
    let named = whole.filter(is_https_or_loopback).and_then(|url| {
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
    let refused = |why: &str| Err(Error::invalid_response(Step::Discovery, why));
    // Entra's addresses for every tenant answer with a template: each tenant is an issuer.
    if metadata.issuer != issuer && metadata.issuer.contains('{') {
        return refused(
            "it is about every tenant, and an issuer is one of them: write your tenant's ID in \
             its …_ISSUER in place of common, organizations or consumers",
        );
    }
    if metadata.issuer != issuer {
        return refused("it says that it is another issuer than the configured one");
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
    let may_be_named = |url: &Url| is_https_or_loopback(url) && (is_near || !is_this_machine(url));
    if !endpoints.into_iter().flatten().all(may_be_named) {
        return refused("one of its endpoints is not https, or on this machine");
    }
    Ok(metadata)
}

/// https anywhere, http only on loopback.
pub fn is_https_or_loopback(url: &Url) -> bool {
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
