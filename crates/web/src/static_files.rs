//! The stylesheet, the script and the icon, compiled in.

use std::sync::LazyLock;

use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Response};
use http::header;

use crate::errors::{Fault, catalogue};

struct File {
    name: &'static str,
    kind: &'static str,
    contents: &'static [u8],
}

const FILES: [File; 4] = [
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
    File {
        name: "drill.js",
        kind: "text/javascript; charset=utf-8",
        contents: include_bytes!("../../../static/drill.js"),
    },
];

/// The stylesheet's address, which changes with its contents, so that a
/// browser may keep it for as long as it likes.
pub(crate) fn stylesheet() -> &'static str {
    static ADDRESS: LazyLock<String> = LazyLock::new(|| address(&FILES[0]));
    &ADDRESS
}

pub(crate) fn script() -> &'static str {
    static ADDRESS: LazyLock<String> = LazyLock::new(|| address(&FILES[1]));
    &ADDRESS
}

/// The address of the drill's own script, likewise.
pub(crate) fn drill_script() -> &'static str {
    static ADDRESS: LazyLock<String> = LazyLock::new(|| address(&FILES[3]));
    &ADDRESS
}

fn address(file: &File) -> String {
    let hash = latchkey_store::hash::of(&String::from_utf8_lossy(file.contents));
    format!("/static/{}?v={}", file.name, &hash[..12])
}

/// `GET /static/{file}`
pub(crate) async fn serve(Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    let Some(file) = FILES.iter().find(|file| file.name == name) else {
        return Fault::new(catalogue::NOT_FOUND).into_response();
    };
    // With a version in the address it never changes.
    let lasts = match query {
        Some(_) => "public, max-age=31536000, immutable",
        None => "public, max-age=3600",
    };
    let headers = [(header::CONTENT_TYPE, file.kind), (header::CACHE_CONTROL, lasts)];
    (headers, file.contents).into_response()
}
