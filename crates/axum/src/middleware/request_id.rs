//! `X-Request-Id`.

use std::array;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderName, HeaderValue};

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The ID of a request in the response, on error pages and in the log. We ignore IDs that
/// clients send, because they would end up in our log.
#[derive(Debug)]
pub(super) struct RequestId([u8; 22]);

impl RequestId {
    /// A counter, hashed with random keys of this process (SipHash): fast, and it reveals
    /// neither the next ID nor the number of requests.
    pub(super) fn new() -> Self {
        static KEYS: LazyLock<[RandomState; 2]> =
            LazyLock::new(|| array::from_fn(|_| RandomState::new()));
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let bytes = KEYS.each_ref().map(|key| key.hash_one(count).to_be_bytes());
        let mut text = [b'-'; 22];
        // Cannot fail: 16 bytes are 22 characters.
        let _ = URL_SAFE_NO_PAD.encode_slice(bytes.as_flattened(), &mut text);
        Self(text)
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) fn header(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).unwrap_or(HeaderValue::from_static("-"))
    }
}
