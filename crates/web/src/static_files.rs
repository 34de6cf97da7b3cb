//! Static files, compiled in.

use std::borrow::Cow;
use std::sync::OnceLock;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use latchkey_axum::{AppError, catalogue};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../static/");

#[derive(Debug)]
pub struct File {
    name: &'static str,
    content_type: &'static str,
    contents: &'static [u8],
    url: OnceLock<String>,
}

macro_rules! file {
    ($name:literal, $content_type:literal) => {
        File::new($name, $content_type, include_bytes!(concat!("../../../static/", $name)))
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
    FILES[0].url()
}

pub(crate) fn script() -> Cow<'static, str> {
    FILES[1].url()
}

impl File {
    pub const fn new(
        name: &'static str,
        content_type: &'static str,
        contents: &'static [u8],
    ) -> Self {
        Self { name, content_type, contents, url: OnceLock::new() }
    }

    /// The URL with a hash of the contents, so that browsers can cache it forever.
    pub fn url(&'static self) -> Cow<'static, str> {
        let url = || {
            let hash = latchkey_store::hash::sha256_hex(&String::from_utf8_lossy(&self.contents()));
            format!("/static/{}?v={}", self.name, &hash[..12])
        };
        if cfg!(debug_assertions) {
            Cow::Owned(url())
        } else {
            Cow::Borrowed(self.url.get_or_init(url))
        }
    }

    /// A debug build reads the file again, so that changes show without a build.
    fn contents(&self) -> Cow<'static, [u8]> {
        let current = if cfg!(debug_assertions) {
            std::fs::read(format!("{FOLDER}{}", self.name)).ok()
        } else {
            None
        };
        current.map_or(Cow::Borrowed(self.contents), Cow::Owned)
    }

    pub fn response(&'static self, query: Option<&str>, headers: &HeaderMap) -> Response {
        let cache_control = match query {
            Some(_) => "public, max-age=31536000, immutable",
            None => "public, max-age=3600",
        };
        // Weak, because a compressed response has other bytes (RFC 9110 §8.8.1).
        let url = self.url();
        let tag = format!("W/\"{}\"", url.rsplit('=').next().unwrap_or_default());
        let mut if_none_match =
            headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
        let cache_headers = [(header::CACHE_CONTROL, cache_control), (header::ETAG, &tag)];
        if if_none_match.any(|tags| tags.contains(&tag)) {
            return (StatusCode::NOT_MODIFIED, cache_headers).into_response();
        }
        (cache_headers, [(header::CONTENT_TYPE, self.content_type)], self.contents())
            .into_response()
    }
}

/// `GET /static/{file}`, `GET /favicon.ico`, `GET /robots.txt`
pub(crate) async fn serve(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path();
    let (name, query) = match path.strip_prefix("/static/") {
        Some(name) => (name, uri.query()),
        None => (path.trim_start_matches('/'), None),
    };
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => file.response(query, &headers),
        None => AppError::new(catalogue::NOT_FOUND).into_response(),
    }
}
