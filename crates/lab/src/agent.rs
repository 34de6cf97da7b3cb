//! A minimal HTTP client with a cookie jar and no redirects.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(15);

/// The largest accepted body, in bytes.
const MAX_BODY: usize = 4 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no answer: {0}")]
    NoAnswer(#[from] reqwest::Error),
    #[error("the answer was larger than {MAX_BODY} bytes")]
    TooLarge,
}

#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    pub url: Url,
    /// Sent in this order; a name may occur twice. The agent adds its cookies.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Vec<u8>,
}

impl Call {
    pub const fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: Vec::new(), body: Vec::new() }
    }

    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url).with("sec-fetch-site", "none")
    }

    /// Submits a form from a page of the same origin.
    pub fn form(url: Url, fields: &[(&str, &str)]) -> Self {
        let origin = url.origin().ascii_serialization();
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).finish().into_bytes();
        let call = Self { body, ..Self::new(Method::POST, url) };
        call.with("sec-fetch-site", "same-origin")
            .with("origin", &origin)
            .with("content-type", "application/x-www-form-urlencoded")
    }

    pub fn json(method: Method, url: Url, document: &str) -> Self {
        let body = document.as_bytes().to_vec();
        Self { body, ..Self::new(method, url) }.with("content-type", "application/json")
    }

    /// Adds a header. An invalid one is dropped.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (name.parse(), HeaderValue::from_bytes(value.as_bytes())) {
            self.headers.push((name, value));
        }
        self
    }

    /// Replaces all headers of this name, or removes them.
    pub fn set_header(&mut self, name: &str, value: Option<&str>) {
        self.headers.retain(|(one, _)| one != name);
        if let Some(value) = value {
            *self = self.clone().with(name, value);
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one == name)?.1.to_str().ok()
    }

    pub fn bearer(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    /// The first bearer token.
    pub fn token(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    pub fn set_token(&mut self, token: &str) {
        self.set_header("authorization", Some(&format!("Bearer {token}")));
    }
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub url: Url,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub request_body: Vec<u8>,
    /// From sending the request to the last byte of the answer.
    pub took: Duration,
    /// Bytes of the request in HTTP/1.1: request line, headers and body.
    pub bytes_up: usize,
    /// Bytes of the answer in HTTP/1.1: status line, headers and body.
    pub bytes_down: usize,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn location(&self) -> Option<Url> {
        self.url.join(self.header("location")?).ok()
    }

    /// The body as JSON; null if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn millis(&self) -> f64 {
        self.took.as_secs_f64() * 1000.0
    }

    /// The status and the error code, from `X-Error-Code` or the problem document.
    pub fn summary(&self) -> String {
        let status = self.status.as_u16();
        let is_problem = self.header("content-type") == Some("application/problem+json");
        let problem = if is_problem { self.json() } else { Value::Null };
        match self.header("x-error-code").or(problem["code"].as_str()) {
            Some(code) => format!("{status} {code}"),
            None => status.to_string(),
        }
    }
}

/// Sees, and may change, every request and answer of an [`Agent`].
pub trait Interceptor: std::fmt::Debug + Send + Sync {
    fn on_request(&self, call: &mut Call);
    fn on_response(&self, call: &Call, answer: &mut Answer);
}

/// A browser or a program. Cookies ignore ports, as in browsers (RFC 6265 §8.5).
#[derive(Clone, Debug)]
pub struct Agent {
    http: reqwest::Client,
    /// By host, name and path.
    cookies: BTreeMap<(String, String, String), String>,
    interceptor: Option<Arc<dyn Interceptor>>,
}

impl Agent {
    pub fn new() -> Result<Self, Error> {
        #[expect(
            clippy::disallowed_methods,
            reason = "an external client must not share the app's limits"
        )]
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http, cookies: BTreeMap::new(), interceptor: None })
    }

    /// Passes all requests of this agent, and of those made by [`Self::fresh`], through it.
    pub fn with_interceptor(self, interceptor: Arc<dyn Interceptor>) -> Self {
        Self { interceptor: Some(interceptor), ..self }
    }

    /// An agent without cookies that shares the connection pool.
    pub fn fresh(&self) -> Self {
        Self { cookies: BTreeMap::new(), ..self.clone() }
    }

    pub fn cookie(&self, url: &Url, name: &str) -> Option<&str> {
        self.matching_cookies(url).find(|(one, _)| *one == name).map(|(_, value)| value)
    }

    /// The cookies sent to this URL (RFC 6265 §5.1.4).
    fn matching_cookies<'a>(&'a self, url: &Url) -> impl Iterator<Item = (&'a str, &'a str)> {
        let path_matches = |path: &str| {
            let rest = url.path().strip_prefix(path);
            rest.is_some_and(|rest| path.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
        };
        let matching = self.cookies.iter().filter(move |((host, _, path), _)| {
            Some(&**host) == url.host_str() && path_matches(path)
        });
        matching.map(|((_, name, _), value)| (&**name, &**value))
    }

    /// The `Cookie` header for this URL.
    pub fn cookies_for(&self, url: &Url) -> Option<String> {
        let pairs = self.matching_cookies(url).map(|(name, value)| format!("{name}={value}"));
        Some(pairs.collect::<Vec<_>>().join("; ")).filter(|all| !all.is_empty())
    }

    pub fn set_cookie(&mut self, url: &Url, name: &str, value: &str) {
        if let Some(host) = url.host_str() {
            let key = (host.to_owned(), name.to_owned(), "/".to_owned());
            self.cookies.insert(key, value.to_owned());
        }
    }

    pub async fn send(&mut self, mut call: Call) -> Result<Answer, Error> {
        let url = call.url.clone();
        if let Some(mut cookies) = self.cookies_for(&url) {
            // Servers take the first of two equal names, so the call's own cookies win.
            if let Some(own) = call.header("cookie") {
                cookies = format!("{own}; {cookies}");
            }
            call.set_header("cookie", Some(&cookies));
        }
        let answer = match self.interceptor.clone() {
            Some(interceptor) => {
                interceptor.on_request(&mut call);
                let mut answer = self.exchange(call.clone()).await?;
                interceptor.on_response(&call, &mut answer);
                Answer { url, ..answer }
            }
            None => self.exchange(call).await?,
        };
        self.store_cookies(&answer.url, &answer.headers);
        Ok(answer)
    }

    async fn exchange(&self, call: Call) -> Result<Answer, Error> {
        let mut request = reqwest::Request::new(call.method, call.url.clone());
        for (name, value) in call.headers {
            request.headers_mut().append(name, value);
        }
        if !call.body.is_empty() {
            *request.body_mut() = Some(call.body.into());
        }
        let bytes_up = size_of_request(&request);
        let request_body = body_of(&request).to_vec();
        let start = Instant::now();
        let mut response = self.http.execute(request).await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(Error::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let took = start.elapsed();
        let status = response.status();
        let headers = response.headers().clone();
        let bytes_down = size_of_response(status, &headers, &body);
        Ok(Answer {
            url: call.url,
            status,
            headers,
            body,
            request_body,
            took,
            bytes_up,
            bytes_down,
        })
    }

    fn store_cookies(&mut self, url: &Url, headers: &HeaderMap) {
        let Some(host) = url.host_str() else { return };
        for line in headers.get_all(header::SET_COOKIE) {
            let mut parts = line.to_str().unwrap_or_default().split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            let path = parts.clone().find_map(|part| part.strip_prefix("Path=")).unwrap_or("/");
            let key = (host.to_owned(), name.to_owned(), path.to_owned());
            if parts.any(|part| part.eq_ignore_ascii_case("max-age=0")) {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
    }
}

fn body_of(request: &reqwest::Request) -> &[u8] {
    request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default()
}

/// Bytes of a request in HTTP/1.1, with the `Host`, `Accept` and `Content-Length` that the client
/// adds.
fn size_of_request(request: &reqwest::Request) -> usize {
    let url = request.url();
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut added = format!("{} {target} HTTP/1.1\r\nhost: {host}\r\n", request.method()).len();
    if !request.headers().contains_key(header::ACCEPT) {
        added += "accept: */*\r\n".len();
    }
    let body = body_of(request).len();
    if body > 0 {
        added += format!("content-length: {body}\r\n").len();
    }
    added + size_of_headers(request.headers()) + body
}

fn size_of_response(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> usize {
    let reason = status.canonical_reason().unwrap_or_default();
    let line = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).len();
    line + size_of_headers(headers) + body.len()
}

/// Bytes of the header lines and the empty line after them.
fn size_of_headers(headers: &HeaderMap) -> usize {
    let lines = headers.iter().map(|(name, value)| name.as_str().len() + 2 + value.len() + 2);
    lines.sum::<usize>() + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_size_counts_the_serialized_bytes() {
        let url: Url = "http://localhost:3000/a?b=c".parse().unwrap();
        let mut request = reqwest::Request::new(Method::POST, url);
        request.headers_mut().append("x-a", HeaderValue::from_static("1"));
        *request.body_mut() = Some("hello".into());
        let written = "POST /a?b=c HTTP/1.1\r\nx-a: 1\r\nhost: localhost:3000\r\naccept: */*\r\n\
            content-length: 5\r\n\r\nhello";
        assert_eq!(size_of_request(&request), written.len());
    }

    #[test]
    fn response_size_counts_the_serialized_bytes() {
        let mut headers = HeaderMap::new();
        headers.append("x-a", HeaderValue::from_static("1"));
        let written = "HTTP/1.1 200 OK\r\nx-a: 1\r\n\r\nhello";
        assert_eq!(size_of_response(StatusCode::OK, &headers, b"hello"), written.len());
    }

    #[test]
    fn agent_cookies_follow_host_path_and_max_age() {
        let mut agent = Agent::new().unwrap();
        let url: Url = "http://localhost:3000/".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.append("set-cookie", HeaderValue::from_static("a=1; Path=/; HttpOnly"));
        headers.append("set-cookie", HeaderValue::from_static("b=2; Max-Age=60"));
        headers.append("set-cookie", HeaderValue::from_static("c=3; Path=/c"));
        agent.store_cookies(&url, &headers);
        assert_eq!(agent.cookies_for(&url).unwrap(), "a=1; b=2");
        for (path, sent) in
            [("/c", "a=1; b=2; c=3"), ("/c/d", "a=1; b=2; c=3"), ("/cd", "a=1; b=2")]
        {
            assert_eq!(agent.cookies_for(&url.join(path).unwrap()).unwrap(), sent, "{path}");
        }
        let other: Url = "http://127.0.0.1:3000/".parse().unwrap();
        assert_eq!(agent.cookies_for(&other), None);
        headers.insert("set-cookie", HeaderValue::from_static("a=; Max-Age=0"));
        agent.store_cookies(&url, &headers);
        assert_eq!(agent.cookies_for(&url).unwrap(), "b=2");
    }
}
