//! How many bytes HTTP/1.1 takes for a head (RFC 9112 §2.1).

use http::{HeaderMap, Method, StatusCode};

/// `GET /path HTTP/1.1`, the headers and the empty line.
pub(crate) fn request(method: &Method, target: &str, headers: &HeaderMap) -> usize {
    method.as_str().len() + 1 + target.len() + 1 + "HTTP/1.1".len() + 2 + fields(headers)
}

/// `HTTP/1.1 200 OK`, the headers and the empty line.
pub(crate) fn response(status: StatusCode, headers: &HeaderMap) -> usize {
    "HTTP/1.1 200 ".len() + reason(status).len() + 2 + fields(headers)
}

/// The words behind a status, as hyper writes them.
pub(crate) fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("<none>")
}

fn fields(headers: &HeaderMap) -> usize {
    let line = |name: &str, value: &[u8]| name.len() + 2 + value.len() + 2;
    headers.iter().map(|(name, value)| line(name.as_str(), value.as_bytes())).sum::<usize>() + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_counted_as_they_are_written() {
        let mut headers = HeaderMap::new();
        headers.append("host", http::HeaderValue::from_static("a.test"));
        headers.append("x", http::HeaderValue::from_static("1"));
        headers.append("x", http::HeaderValue::from_static("2"));
        let written = "GET /a?b HTTP/1.1\r\nhost: a.test\r\nx: 1\r\nx: 2\r\n\r\n";
        assert_eq!(request(&Method::GET, "/a?b", &headers), written.len());
        let written = "HTTP/1.1 303 See Other\r\nhost: a.test\r\nx: 1\r\nx: 2\r\n\r\n";
        assert_eq!(response(StatusCode::SEE_OTHER, &headers), written.len());
    }
}
