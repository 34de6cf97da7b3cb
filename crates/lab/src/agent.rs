//! A minimal HTTP client with a cookie jar and no redirects.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(15);

/// The largest body that is taken in, in bytes.
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
    /// What is sent beside cookies, in this order; a name may come twice.
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

    /// `POST` of a form on a page of the same origin.
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

    /// Adds a header. One that cannot stand in HTTP is left out.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (name.parse(), HeaderValue::from_bytes(value.as_bytes())) {
            self.headers.push((name, value));
        }
        self
    }

    /// With this header in place of all of its name, or with none.
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

    /// The bearer token; the first, if there are two.
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
    pub sent: Vec<u8>,
    /// From the first byte out to the last one in.
    pub took: Duration,
    /// Bytes of the request, as HTTP/1.1 puts them: line, headers and body.
    pub bytes_up: usize,
    /// Bytes of the answer, likewise.
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

    /// The body as JSON; null when it is not.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn millis(&self) -> f64 {
        self.took.as_secs_f64() * 1000.0
    }

    /// Its status, and the code of its error: from the header of a page, or from the
    /// problem document of the API.
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

/// Stands between a client and what it calls, and may change what passes.
pub trait Interceptor: std::fmt::Debug + Send + Sync {
    fn on_request(&self, call: &mut Call);
    fn on_response(&self, call: &Call, answer: &mut Answer);
}

/// Its cookies are kept by host, as in browsers: they ignore ports (RFC 6265 §8.5).
#[derive(Clone, Debug)]
pub struct Agent {
    http: reqwest::Client,
    cookies: BTreeMap<(String, String, String), String>,
    interceptor: Option<Arc<dyn Interceptor>>,
}

impl Agent {
    pub fn new() -> Result<Self, Error> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the outside world's client, not the app's: it must not share its limits"
        )]
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http, cookies: BTreeMap::new(), interceptor: None })
    }

    /// Everything that it and its kind send passes through this one.
    pub fn with_interceptor(self, interceptor: Arc<dyn Interceptor>) -> Self {
        Self { interceptor: Some(interceptor), ..self }
    }

    /// One with an empty jar, on the same connections.
    pub fn fresh(&self) -> Self {
        Self { cookies: BTreeMap::new(), ..self.clone() }
    }

    pub fn cookie(&self, url: &Url, name: &str) -> Option<&str> {
        self.matching_cookies(url).find(|(one, _)| *one == name).map(|(_, value)| value)
    }

    /// The cookies that a call to this URL takes along (RFC 6265 §5.1.4).
    fn matching_cookies<'a>(&'a self, url: &Url) -> impl Iterator<Item = (&'a str, &'a str)> {
        let is_below = |path: &str| {
            let rest = url.path().strip_prefix(path);
            rest.is_some_and(|rest| path.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
        };
        let own = self
            .cookies
            .iter()
            .filter(move |((host, _, path), _)| Some(&**host) == url.host_str() && is_below(path));
        own.map(|((_, name, _), value)| (&**name, &**value))
    }

    /// All cookies for the host of this URL, as they are sent.
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
        if let Some(kept) = self.cookies_for(&url) {
            // What a call brings itself comes first, and so counts.
            let all = call.header("cookie").map_or(kept.clone(), |own| format!("{own}; {kept}"));
            call.set_header("cookie", Some(&all));
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
        let sent = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec();
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
        let bytes_down =
            size_of_head(status.canonical_reason().map_or(0, str::len) + 13, response.headers())
                + body.len();
        let headers = response.headers().clone();
        Ok(Answer { url: call.url, status, headers, body, sent, took, bytes_up, bytes_down })
    }

    fn store_cookies(&mut self, url: &Url, headers: &HeaderMap) {
        let Some(host) = url.host_str() else { return };
        for line in headers.get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok())
        {
            let mut parts = line.split(';').map(str::trim);
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

/// Bytes of a request, as HTTP/1.1 puts it: with the `Host`, `Accept` and
/// `Content-Length` that the client adds.
fn size_of_request(request: &reqwest::Request) -> usize {
    let url = request.url();
    let target = url[url::Position::BeforePath..url::Position::AfterQuery].len();
    let line = request.method().as_str().len() + 1 + target + 1 + "HTTP/1.1".len() + 2;
    let host = url[url::Position::BeforeHost..url::Position::AfterPort].len();
    let mut added = "host: ".len() + host + 2;
    if !request.headers().contains_key(header::ACCEPT) {
        added += "accept: */*".len() + 2;
    }
    let body = request.body().and_then(reqwest::Body::as_bytes).map_or(0, <[u8]>::len);
    if body > 0 {
        added += "content-length: ".len() + body.to_string().len() + 2;
    }
    size_of_head(line, request.headers()) + added + body
}

/// Bytes of a head: the first line, each header with its colon and line end, and
/// the empty line.
fn size_of_head(line: usize, headers: &HeaderMap) -> usize {
    let each = headers.iter().map(|(name, value)| name.as_str().len() + 2 + value.len() + 2);
    line + each.sum::<usize>() + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_as_it_is_written() {
        let url: Url = "http://localhost:3000/a?b=c".parse().unwrap();
        let mut request = reqwest::Request::new(Method::POST, url);
        request.headers_mut().append("x-a", HeaderValue::from_static("1"));
        *request.body_mut() = Some("hello".into());
        let written = "POST /a?b=c HTTP/1.1\r\nx-a: 1\r\nhost: localhost:3000\r\naccept: */*\r\n\
            content-length: 5\r\n\r\nhello";
        assert_eq!(size_of_request(&request), written.len());
    }

    #[test]
    fn cookies_are_kept_by_host_and_taken_away() {
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
