//! An issuer's metadata (OpenID Connect Discovery 1.0).

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

/// The members that we use (Discovery §3).
#[derive(Clone, Debug, Deserialize)]
pub struct Metadata {
    /// Must equal the configured issuer exactly.
    pub issuer: String,
    pub authorization_endpoint: Url,
    pub token_endpoint: Url,
    pub jwks_uri: Url,
    pub userinfo_endpoint: Option<Url>,
    /// RFC 8414 §2.
    pub revocation_endpoint: Option<Url>,
    /// Defaults to `client_secret_basic`.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// RFC 9207 §3.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Only if the issuer does not accept HTTP Basic.
    pub fn secret_in_body(&self) -> bool {
        self.token_endpoint_auth_methods_supported.as_ref().is_some_and(|methods| {
            let supports = |method: &str| methods.iter().any(|one| one == method);
            supports("client_secret_post") && !supports("client_secret_basic")
        })
    }
}

/// An issuer's metadata, cached for an hour.
///
/// An issuer that is down when we start is retried at the next sign-in. One that goes down
/// later is served from the stale cache.
#[derive(Debug, Default)]
pub struct Discovery {
    cached: RwLock<Option<(Timestamp, Arc<Metadata>)>>,
    /// The error of the last fetch. Held during a fetch.
    last_error: Mutex<Option<Error>>,
    fetches: AtomicU64,
}

impl Discovery {
    /// However old.
    pub fn cached(&self) -> Option<Arc<Metadata>> {
        self.cached.read().as_ref().map(|(_, metadata)| Arc::clone(metadata))
    }

    /// Cached, or fetched by one task at a time.
    pub(crate) async fn metadata(
        &self,
        http: &Outbound,
        issuer: &str,
        now: Timestamp,
    ) -> Result<Arc<Metadata>, Error> {
        if let Some(metadata) = self.fresh(now) {
            return Ok(metadata);
        }
        // Tasks that wait for a fetch share its result, including a failure: with an issuer
        // that hangs, a queue of fetches would take minutes.
        let before = self.fetches.load(Ordering::Acquire);
        let mut last_error = self.last_error.lock().await;
        if let Some(metadata) = self.fresh(now) {
            return Ok(metadata);
        }
        if self.fetches.load(Ordering::Acquire) != before {
            match (self.cached(), last_error.clone()) {
                (Some(stale), _) => return Ok(stale),
                (None, Some(error)) => return Err(error),
                (None, None) => {}
            }
        }
        let fetched = fetch(http, issuer).await.map(Arc::new);
        *last_error = fetched.as_ref().err().cloned();
        if let Ok(metadata) = &fetched {
            *self.cached.write() = Some((now, Arc::clone(metadata)));
        }
        // Last, so that a task that sees the new count also sees the result.
        self.fetches.fetch_add(1, Ordering::AcqRel);
        fetched.or_else(|error| {
            let stale = self.cached().ok_or_else(|| error.clone())?;
            tracing::warn!(%issuer, %error, "discovery failed; using stale metadata");
            Ok(stale)
        })
    }

    fn fresh(&self, now: Timestamp) -> Option<Arc<Metadata>> {
        let (at, metadata) = self.cached.read().clone()?;
        (now.since(at) < FRESH_FOR).then_some(metadata)
    }
}

async fn fetch(http: &Outbound, issuer: &str) -> Result<Metadata, Error> {
    let url = metadata_url(issuer)?;
    let response = http.get(&url, None).await.map_err(Error::unreachable(Step::Discovery))?;
    read(issuer, &response)
}

/// The path is appended to the issuer, whatever its own path (Discovery §4).
pub fn metadata_url(issuer: &str) -> Result<Url, Error> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    Url::parse(&url)
        .map_err(|_| Error::invalid_response(Step::Discovery, "the issuer is not a URL"))
}

/// Parses and validates a discovery response.
pub fn read(issuer: &str, response: &::http::Response<Vec<u8>>) -> Result<Metadata, Error> {
    if response.status().is_redirection() {
        let to = response.headers().get(::http::header::LOCATION).and_then(|to| to.to_str().ok());
        return Err(Error::invalid_response(Step::Discovery, redirect_error(issuer, to)));
    }
    validate(issuer, json(Step::Discovery, response)?)
}

/// Suggests the issuer that a redirect leads to. We do not follow it: the issuer is the one
/// in the settings.
fn redirect_error(issuer: &str, to: Option<&str>) -> String {
    let target = to.and_then(|to| metadata_url(issuer).ok()?.join(to).ok());
    let named = target.filter(is_https_or_loopback).and_then(|url| {
        Some(url.as_str().split_once("/.well-known/openid-configuration")?.0.to_owned())
    });
    match named {
        Some(named) => format!(
            "it redirects to another address, which is not followed; if that is the issuer, \
             set its …_ISSUER to {named}"
        ),
        None => "it redirects to a page that is not a discovery document; set its …_ISSUER to the \
                 issuer itself"
            .to_owned(),
    }
}

/// Discovery §4.3.
fn validate(issuer: &str, metadata: Metadata) -> Result<Metadata, Error> {
    let refused = |why: &str| Err(Error::invalid_response(Step::Discovery, why));
    // Microsoft Entra's multi-tenant endpoints return a template: each tenant is an issuer.
    if metadata.issuer != issuer && metadata.issuer.contains('{') {
        return refused(
            "it is for all tenants: in its …_ISSUER, replace common, organizations or consumers \
             with your tenant's ID",
        );
    }
    if metadata.issuer != issuer {
        return refused("it names another issuer than the configured one");
    }
    let endpoints = [
        Some(&metadata.authorization_endpoint),
        Some(&metadata.token_endpoint),
        Some(&metadata.jwks_uri),
        metadata.userinfo_endpoint.as_ref(),
        metadata.revocation_endpoint.as_ref(),
    ];
    // No `javascript:` URL reaches a browser, and no secret is sent in the clear. A remote
    // issuer must not name services on this machine (SSRF).
    let is_local = Url::parse(issuer).is_ok_and(|issuer| is_loopback(&issuer));
    let is_allowed = |url: &Url| is_https_or_loopback(url) && (is_local || !is_this_machine(url));
    if !endpoints.into_iter().flatten().all(is_allowed) {
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

/// `localhost`, its subdomains, and loopback addresses.
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

/// Loopback or unspecified (`0.0.0.0`, `::`), which connects to the same machine.
fn is_this_machine(url: &Url) -> bool {
    is_loopback(url)
        || match url.host() {
            Some(url::Host::Ipv4(address)) => address.is_unspecified(),
            Some(url::Host::Ipv6(address)) => address.to_canonical().is_unspecified(),
            _ => false,
        }
}
