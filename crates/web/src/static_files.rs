//! The stylesheet, the script and the icon, compiled in.

use std::sync::LazyLock;

use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Response};
use http::header;

use crate::errors::{AppError, catalogue};

/// A file that is compiled in.
#[derive(Debug)]
pub struct File {
    pub name: &'static str,
    pub kind: &'static str,
    pub contents: &'static [u8],
}

const FILES: [File; 3] = [
    File {
        name: "app.css",
        kind: "text/css; charset=utf-8",
        contents: include_bytes!("../../../static/app.css"),
    },
    File {
        name: "app.js",
        kind: "text/javascript; charset=utf-8",
        contents: include_bytes!("../../../static/app.js"),
    },
    File {
        name: "favicon.svg",
        kind: "image/svg+xml",
        contents: include_bytes!("../../../static/favicon.svg"),
    },
];

pub(crate) fn stylesheet() -> &'static str {
    static ADDRESS: LazyLock<String> = LazyLock::new(|| FILES[0].address());
    &ADDRESS
}

pub(crate) fn script() -> &'static str {
    static ADDRESS: LazyLock<String> = LazyLock::new(|| FILES[1].address());
    &ADDRESS
}

impl File {
    /// Its address, which changes with its contents, so that a browser may keep
    /// it for as long as it likes.
    pub fn address(&self) -> String {
        let hash = latchkey_store::hash::of(&String::from_utf8_lossy(self.contents));
        format!("/static/{}?v={}", self.name, &hash[..12])
    }

    /// The answer to a request for it, with the query of its address.
    pub fn response(&self, query: Option<&str>) -> Response {
        // With a version in the address it never changes.
        let lasts = match query {
            Some(_) => "public, max-age=31536000, immutable",
            None => "public, max-age=3600",
        };
        let headers = [(header::CONTENT_TYPE, self.kind), (header::CACHE_CONTROL, lasts)];
        (headers, self.contents).into_response()
    }
}

/// `GET /static/{file}`
pub(crate) async fn serve(Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => file.response(query.as_deref()),
        None => AppError::new(catalogue::NOT_FOUND).into_response(),
    }
}
