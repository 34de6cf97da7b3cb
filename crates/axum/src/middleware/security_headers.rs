//! Security headers of every response.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use latchkey_auth::oauth::Provider;

use crate::state::Latchkey;

const FIXED: [(HeaderName, HeaderValue); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // Not `no-referrer`: browsers would send `Origin: null` with our own forms.
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

/// Without and with subdomains, which may not support https.
const HSTS: [HeaderValue; 2] = [
    HeaderValue::from_static("max-age=63072000"),
    HeaderValue::from_static("max-age=63072000; includeSubDomains"),
];

/// Built once and cloned into every response.
pub(super) struct SecurityHeaders(HeaderMap);

impl SecurityHeaders {
    pub(super) fn new(latchkey: &Latchkey) -> Self {
        let mut headers: HeaderMap = FIXED.into_iter().collect();
        let policy = content_security_policy(&latchkey.providers);
        if let Ok(policy) = HeaderValue::try_from(policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        // Responses are private unless a route says otherwise.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if latchkey.cookies.is_secure() {
            let [without, with_subdomains] = HSTS;
            let hsts = if latchkey.config.hsts_subdomains { with_subdomains } else { without };
            headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts);
        }
        Self(headers)
    }

    /// Adds the headers that the response does not set itself.
    pub(super) fn add(&self, headers: &mut HeaderMap) {
        let own = std::mem::replace(headers, self.0.clone());
        headers.extend(own);
    }
}

/// Allows only our own files. `form-action` must allow all of https: Chromium applies it to
/// every redirect after a form, through the provider and on to identity providers that it
/// delegates to, and we cannot know their origins. It allows http only if a provider is on
/// http, which is possible on loopback only.
fn content_security_policy(providers: &[Provider]) -> String {
    let is_http = |provider: &Provider| provider.issuer().starts_with("http:");
    let http = if providers.iter().any(is_http) { " http:" } else { "" };
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self' https:{http}; base-uri 'none'; \
         object-src 'none'; frame-ancestors 'none'"
    )
}
