//! The stylesheet, the script and the pictures, compiled in.

use std::borrow::Cow;
use std::sync::OnceLock;

use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use latchkey_axum::{AppError, catalogue};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../static/");

#[derive(Debug)]
pub struct File {
    name: &'static str,
    kind: &'static str,
    contents: &'static [u8],
    address: OnceLock<String>,
}

macro_rules! file {
    ($name:literal, $kind:literal) => {
        File::new($name, $kind, include_bytes!(concat!("../../../static/", $name)))
    };
}

static FILES: [File; 6] = [
    file!("app.css", "text/css; charset=utf-8"),
    file!("app.js", "text/javascript; charset=utf-8"),
    file!("favicon.svg", "image/svg+xml"),
    file!("favicon.ico", "image/x-icon"),
    file!("preview.png", "image/png"),
    file!("robots.txt", "text/plain; charset=utf-8"),
];

pub(crate) fn stylesheet() -> Cow<'static, str> {
    FILES[0].address()
}

pub(crate) fn script() -> Cow<'static, str> {
    FILES[1].address()
}

impl File {
    pub const fn new(name: &'static str, kind: &'static str, contents: &'static [u8]) -> Self {
        Self { name, kind, contents, address: OnceLock::new() }
    }

    /// Its address, which changes with its contents, so that a browser may keep
    /// it for as long as it likes.
    pub fn address(&'static self) -> Cow<'static, str> {
        let address = || {
            let hash = latchkey_store::hash::sha256_hex(&String::from_utf8_lossy(&self.contents()));
            format!("/static/{}?v={}", self.name, &hash[..12])
        };
        if cfg!(debug_assertions) {
            Cow::Owned(address())
        } else {
            Cow::Borrowed(self.address.get_or_init(address))
        }
    }

    /// In a debug build it is as it lies there now: who changes a style sees it at once.
    fn contents(&self) -> Cow<'static, [u8]> {
        let now = if cfg!(debug_assertions) {
            std::fs::read(format!("{FOLDER}{}", self.name)).ok()
        } else {
            None
        };
        now.map_or(Cow::Borrowed(self.contents), Cow::Owned)
    }

    /// The answer to a request for it, with the query of its address.
    pub fn response(&'static self, query: Option<&str>, asked: &HeaderMap) -> Response {
        // With a version in the address it never changes.
        let lasts = match query {
            Some(_) => "public, max-age=31536000, immutable",
            None => "public, max-age=3600",
        };
        // Weak (RFC 9110 §8.8.1): compressed it has other bytes.
        let address = self.address();
        let tag = format!("W/\"{}\"", address.rsplit('=').next().unwrap_or_default());
        let known = asked.get_all(header::IF_NONE_MATCH).iter();
        let is_known = known.filter_map(|tags| tags.to_str().ok()).any(|tags| tags.contains(&tag));
        let cached = [(header::CACHE_CONTROL, lasts), (header::ETAG, &tag)];
        if is_known {
            return (StatusCode::NOT_MODIFIED, cached).into_response();
        }
        (cached, [(header::CONTENT_TYPE, self.kind)], self.contents()).into_response()
    }
}

/// `GET /static/{file}`
pub(crate) async fn serve(
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    find(&name, query.as_deref(), &headers)
}

/// `GET /favicon.ico`, `GET /robots.txt`: where browsers and crawlers look unasked.
pub(crate) async fn serve_at_root(uri: Uri, headers: HeaderMap) -> Response {
    find(uri.path().trim_start_matches('/'), None, &headers)
}

fn find(name: &str, query: Option<&str>, headers: &HeaderMap) -> Response {
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => file.response(query, headers),
        None => AppError::new(catalogue::NOT_FOUND).into_response(),
    }
}
