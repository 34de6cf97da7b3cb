//! What tells browsers to be careful with our answers.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use latchkey_auth::oauth::{Kind, Provider};
use parking_lot::RwLock;

use crate::state::Latchkey;

const FIXED: [(HeaderName, HeaderValue); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // Not `no-referrer`: with it, browsers send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];

/// Neighbours under this name may not be ready for https: whoever runs them all
/// has to say so.
const HSTS: [HeaderValue; 2] = [
    HeaderValue::from_static("max-age=63072000"),
    HeaderValue::from_static("max-age=63072000; includeSubDomains"),
];

/// The policy for as long as the providers are where they are.
pub(super) struct SecurityHeaders(RwLock<Policy>);

struct Policy {
    /// How often the providers had been asked where they are.
    version: u64,
    value: Option<HeaderValue>,
}

impl SecurityHeaders {
    pub(super) fn new(latchkey: &Latchkey) -> Self {
        Self(RwLock::new(Policy::of(latchkey)))
    }

    /// Adds them to every answer: pages, errors, redirects and the API's.
    pub(super) fn add(&self, latchkey: &Latchkey, headers: &mut HeaderMap) {
        headers.reserve(FIXED.len() + 5);
        for (name, value) in FIXED {
            headers.insert(name, value);
        }
        if !headers.contains_key(header::CONTENT_SECURITY_POLICY)
            && let Some(policy) = self.policy(latchkey)
        {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        // What is not said to be public is somebody's own.
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        if latchkey.cookies.is_secure() {
            let [alone, with_subdomains] = HSTS;
            let asked_for = latchkey.config.hsts_subdomains;
            let hsts = if asked_for { with_subdomains } else { alone };
            headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts);
        }
    }

    fn policy(&self, latchkey: &Latchkey) -> Option<HeaderValue> {
        let known = self.0.read();
        if known.version == version(latchkey) {
            return known.value.clone();
        }
        drop(known);
        let policy = Policy::of(latchkey);
        let value = policy.value.clone();
        *self.0.write() = policy;
        value
    }
}

impl Policy {
    fn of(latchkey: &Latchkey) -> Self {
        // Read first: what is learned in between is another version.
        let version = version(latchkey);
        Self { version, value: HeaderValue::try_from(content_security_policy(latchkey)).ok() }
    }
}

fn version(latchkey: &Latchkey) -> u64 {
    latchkey.providers.iter().map(Provider::times_discovered).sum()
}

/// Nothing but our own files; forms lead to us and, through our redirect, to
/// the providers: Chromium applies `form-action` to the redirect as well.
fn content_security_policy(latchkey: &Latchkey) -> String {
    let mut targets: Vec<String> = Vec::new();
    for provider in &latchkey.providers {
        let target = match (provider.authorization_origin(), &provider.kind) {
            (Some(origin), _) => origin,
            // An issuer that we have not asked yet may send browsers to another
            // host than its own; it will be an https one, or on loopback.
            (None, Kind::OpenId(openid)) if openid.issuer.starts_with("https:") => {
                "https:".to_owned()
            }
            (None, Kind::OpenId(openid)) => origin_of(&openid.issuer),
            (None, _) => continue,
        };
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self' {}; base-uri 'none'; object-src 'none'; \
         frame-ancestors 'none'",
        targets.join(" ")
    )
}

fn origin_of(issuer: &str) -> String {
    url::Url::parse(issuer).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}
