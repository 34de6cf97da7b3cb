//! What tells browsers to be careful with our answers.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use latchkey_auth::oauth::Provider;

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

/// Made once: every answer gets a copy.
pub(super) struct SecurityHeaders(HeaderMap);

impl SecurityHeaders {
    pub(super) fn new(latchkey: &Latchkey) -> Self {
        let mut headers: HeaderMap = FIXED.into_iter().collect();
        let policy = content_security_policy(&latchkey.providers);
        if let Ok(policy) = HeaderValue::try_from(policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        // What is not said to be public is somebody's own.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if latchkey.cookies.is_secure() {
            let [alone, with_subdomains] = HSTS;
            let asked_for = latchkey.config.hsts_subdomains;
            let hsts = if asked_for { with_subdomains } else { alone };
            headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts);
        }
        Self(headers)
    }

    /// Adds them to every answer: pages, errors, redirects and the API's. What an
    /// answer says itself counts before them.
    pub(super) fn add(&self, headers: &mut HeaderMap) {
        let own = std::mem::replace(headers, self.0.clone());
        headers.extend(own);
    }
}

/// Nothing but our own files. Forms lead to us and, through our redirect, to a
/// provider, and from there to wherever it sends people on: Chromium applies
/// `form-action` to every hop of that chain, and nobody can list the origins of a
/// broker's, or of a company that keeps its people elsewhere. So no https target is
/// refused; one on http where a provider is, which is on this machine alone.
fn content_security_policy(providers: &[Provider]) -> String {
    let is_near = |provider: &Provider| provider.issuer().starts_with("http:");
    let near = if providers.iter().any(is_near) { " http:" } else { "" };
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self' https:{near}; base-uri 'none'; \
         object-src 'none'; frame-ancestors 'none'"
    )
}
