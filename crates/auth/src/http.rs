//! Outgoing HTTP: the one client, with limits on everything that a hostile or
//! broken provider could stretch.

use std::time::Duration;

use ::http::{HeaderValue, Request, Response, header};
use url::Url;

/// The longest that one call may take, from the first byte out to the last one in.
pub const TIMEOUT: Duration = Duration::from_secs(8);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// The largest body that is taken: discovery documents, key sets and profiles
/// are a few kilobytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// Why a call yielded no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// It took longer than [`TIMEOUT`].
    #[error("no answer within {} seconds", TIMEOUT.as_secs())]
    Timeout,
    /// Nobody listens there, the name is unknown, or the certificate is wrong.
    #[error("no connection could be made")]
    Connect,
    /// The connection broke, or what came was not HTTP.
    #[error("the answer broke off or was not HTTP")]
    Broken,
    /// The body was larger than [`MAX_BODY`].
    #[error("the answer was larger than {MAX_BODY} bytes")]
    TooLarge,
    /// Our request could not be put into HTTP.
    #[error("the request cannot be sent")]
    Request,
}

/// The client for every call that leaves this process.
///
/// A total timeout, no redirects (a secret would follow them: RFC 9700 §4.12),
/// no proxy from the environment, a cap on the body, no decompression, and a
/// `User-Agent`, without which GitHub refuses.
#[derive(Clone, Debug)]
pub struct Outbound {
    client: reqwest::Client,
}

impl Outbound {
    /// Makes the client.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn new() -> Result<Self, Error> {
        #[expect(clippy::disallowed_methods, reason = "this is the one client")]
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("Latchkey/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| Error::Request)?;
        Ok(Self { client })
    }

    /// Sends a request and takes the whole answer in, whatever its status.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Error> {
        let request = reqwest::Request::try_from(request).map_err(|_| Error::Request)?;
        let mut answer = self.client.execute(request).await.map_err(kind)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(kind)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(Error::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = Response::new(body);
        *response.status_mut() = answer.status();
        std::mem::swap(response.headers_mut(), answer.headers_mut());
        Ok(response)
    }

    /// Gets a JSON document, with an access token if one is given (RFC 6750 §2.1).
    ///
    /// # Errors
    /// When there is no whole answer, or the token cannot stand in a header:
    /// one with control bytes in it would be a header of somebody else's making.
    pub async fn get(&self, url: &Url, bearer: Option<&str>) -> Result<Response<Vec<u8>>, Error> {
        let mut request = Request::get(url.as_str()).header(header::ACCEPT, "application/json");
        if let Some(token) = bearer {
            let mut value =
                HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| Error::Request)?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        self.send(request.body(Vec::new()).map_err(|_| Error::Request)?).await
    }
}

fn kind(error: reqwest::Error) -> Error {
    // The error itself names the URL, and a URL may hold a secret: only its kind goes on.
    if error.is_timeout() {
        Error::Timeout
    } else if error.is_connect() {
        Error::Connect
    } else {
        Error::Broken
    }
}
