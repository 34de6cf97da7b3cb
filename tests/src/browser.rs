//! A browser that keeps cookies and follows no redirects.

use std::net::SocketAddr;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use crate::app::Latchkey;
use crate::cookies::{Jar, SetCookie};
use crate::page::Page;

/// A browser.
#[derive(Clone, Debug)]
pub struct Browser {
    client: Client,
    pub jar: Jar,
    /// Origins, and the local addresses to use for them, as with a proxy.
    hosts: Vec<(String, SocketAddr)>,
    /// The value of `User-Agent`.
    agent: &'static str,
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Browser {
    /// A browser without cookies.
    #[must_use]
    pub fn new() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "not the app's outgoing HTTP: this is the client"
        )]
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            // Loading the system's certificates takes longer than most tests.
            .tls_certs_only([])
            .resolve("localhost", ([127, 0, 0, 1], 0).into())
            .build()
            .expect("a client");
        Self { client, jar: Jar::default(), hosts: Vec::new(), agent: "Mozilla/5.0 (a test)" }
    }

    /// A browser with this `User-Agent`.
    #[must_use]
    pub fn with_user_agent(agent: &'static str) -> Self {
        Self { agent, ..Self::new() }
    }

    /// Sends requests for this origin to that address.
    #[must_use]
    pub fn with_host(mut self, origin: &str, address: SocketAddr) -> Self {
        self.hosts.push((origin.to_owned(), address));
        self
    }

    /// `GET` from the address bar.
    pub async fn get(&mut self, url: &str) -> Page {
        self.send(Method::GET, url, &[("sec-fetch-site", "none")], None).await
    }

    /// Submits a form from a page of the same origin.
    pub async fn post(&mut self, url: &str, fields: &[(&str, &str)]) -> Page {
        let origin = Url::parse(url).expect("a URL").origin().ascii_serialization();
        let headers = [
            ("sec-fetch-site", "same-origin"),
            ("origin", origin.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let form =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Method::POST, url, &headers, Some(form)).await
    }

    /// Sends this request with its cookies. Panics without a response.
    pub async fn send(
        &mut self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Page {
        let url = Url::parse(url).expect("a URL");
        let mut all = HeaderMap::new();
        if let Some(cookies) = self.jar.header(&url) {
            all.insert("cookie", cookies.parse().expect("a header"));
        }
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header's name");
            all.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header"));
        }
        all.entry("user-agent").or_insert(HeaderValue::from_static(self.agent));
        let (to, host) = self.resolve(&url);
        if let Some(host) = host
            && !all.contains_key("host")
        {
            all.insert("host", host.parse().expect("a header"));
        }
        let sent = format!("{method} {url}");
        let request = self.client.request(method, to).headers(all);
        let request = match body {
            Some(body) => request.body(body),
            None => request,
        };
        let answer = request.send().await.unwrap_or_else(|error| panic!("{sent}: {error:?}"));
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let body = answer.bytes().await.unwrap_or_else(|error| panic!("{sent}: {error:?}"));
        let body = String::from_utf8_lossy(&body).into_owned();
        for cookie in headers.get_all("set-cookie") {
            self.jar.take(&url, &SetCookie::parse(cookie.to_str().expect("text")));
        }
        Page { request: sent, url, status, headers, body }
    }

    /// The URL to connect to, and the `Host` to send there.
    fn resolve(&self, url: &Url) -> (Url, Option<String>) {
        let origin = url.origin().ascii_serialization();
        let Some((_, address)) = self.hosts.iter().find(|(name, _)| *name == origin) else {
            return (url.clone(), None);
        };
        let path = &url[url::Position::BeforePath..];
        let to = Url::parse(&format!("http://{address}{path}")).expect("a URL");
        (to, url.host_str().map(str::to_owned))
    }
}

/// Opens connections that have received one response and stay idle.
pub async fn idle_connections(app: &Latchkey, connections: usize) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for _ in 0..connections {
        let mut stream = TcpStream::connect(app.address).await.expect("a connection");
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
        let mut answer = [0; 16];
        let _ = stream.read_exact(&mut answer).await.expect("an answer");
        open.push(stream);
    }
    open
}
