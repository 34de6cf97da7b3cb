//! An OpenID issuer whose responses tests can change.
//!
//! By default it follows the standard and signs users in.

mod offline;
mod standard;
mod token;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::Url;

pub use offline::{REVOKE, Rotation};
pub use token::{Key, Signature, Token, at_hash};
pub use wire::{Answer, Request};

use crate::oauth_flow::parameter;

/// Path of the discovery document.
pub const DISCOVERY: &str = "/.well-known/openid-configuration";
/// Path of the key set.
pub const JWKS: &str = "/jwks";
/// Path of the token endpoint.
pub const TOKEN: &str = "/token";
/// Path of the introspection endpoint: 404 until a test sets a response.
pub const INTROSPECT: &str = "/introspect";
/// Path of the userinfo endpoint.
pub const USERINFO: &str = "/userinfo";

/// The default user.
pub const SUBJECT: &str = "248289761001";

/// An issuer on its own port.
pub struct Issuer {
    /// The issuer's identifier.
    pub url: String,
    inner: Arc<Mutex<Inner>>,
    _stop: oneshot::Sender<()>,
}

type Change<T> = Box<dyn Fn(&mut T) + Send>;

struct Inner {
    url: String,
    keys: Vec<Arc<Key>>,
    answers: BTreeMap<&'static str, Answer>,
    requests: Vec<Request>,
    metadata: Change<Value>,
    id_token: Change<Token>,
    token_response: Change<Value>,
    userinfo: Change<Value>,
    authorizations: BTreeMap<String, Authorization>,
    codes: u32,
    offline: Option<offline::Offline>,
    /// Content type of its documents, and a text to put before them.
    label: (&'static str, &'static str),
}

/// An authorization for which a code was issued.
#[derive(Clone, Debug)]
struct Authorization {
    subject: String,
    nonce: String,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Issuer {
    /// Starts an issuer that follows the standard.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::on(listener)
    }

    /// Starts it on this port.
    pub async fn start_on(port: u16) -> Self {
        Self::on(TcpListener::bind(("127.0.0.1", port)).await.expect("that port"))
    }

    fn on(listener: TcpListener) -> Self {
        let address = listener.local_addr().expect("an address");
        let url = format!("http://{address}");
        let inner = Arc::new(Mutex::new(Inner {
            url: url.clone(),
            keys: vec![Arc::new(Key::es256("first"))],
            answers: BTreeMap::new(),
            requests: Vec::new(),
            metadata: Box::new(|_| {}),
            id_token: Box::new(|_| {}),
            token_response: Box::new(|_| {}),
            userinfo: Box::new(|_| {}),
            authorizations: BTreeMap::new(),
            codes: 0,
            offline: None,
            label: ("application/json", ""),
        }));
        let (stop, mut stopped) = oneshot::channel();
        let shared = Arc::clone(&inner);
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    _ = &mut stopped => return,
                };
                let Ok((mut stream, _)) = accepted else { return };
                let inner = Arc::clone(&shared);
                tokio::spawn(async move {
                    let Some(request) = Request::read(&mut stream).await else { return };
                    let answer = lock(&inner).respond(request);
                    // The app may close the connection early.
                    let _ = answer.send(&mut stream).await;
                });
            }
        });
        Self { url, inner, _stop: stop }
    }

    /// Contains characters that form-encoding changes (RFC 6749 §2.3.1).
    #[must_use]
    pub const fn client_id(&self) -> &'static str {
        "acme client:1"
    }

    /// Contains characters that form-encoding changes, too.
    #[must_use]
    pub const fn client_secret(&self) -> &'static str {
        "s3cret+&%/\u{e9} word"
    }

    /// Consents at the authorization endpoint as the default user, and returns the redirect.
    #[must_use]
    pub fn approve(&self, authorize: &Url) -> Url {
        self.approve_as(authorize, SUBJECT)
    }

    /// Consents as this user.
    #[must_use]
    pub fn approve_as(&self, authorize: &Url, subject: &str) -> Url {
        assert!(authorize.as_str().starts_with(&self.url), "{authorize} is not this issuer");
        let mut inner = self.lock();
        inner.codes += 1;
        // All characters that RFC 6749 Appendix A.11 allows.
        let code = format!("{}+/=&? %~\"'<>{{}}|\\^`", inner.codes);
        let asked =
            Authorization { subject: subject.to_owned(), nonce: parameter(authorize, "nonce") };
        inner.authorizations.insert(code.clone(), asked);
        self.authorization_response(authorize, &[("code", &code), ("iss", &self.url)])
    }

    /// An authorization response with the right state and these parameters.
    #[must_use]
    pub fn authorization_response(&self, authorize: &Url, parameters: &[(&str, &str)]) -> Url {
        let mut back = Url::parse(&parameter(authorize, "redirect_uri")).expect("a URL");
        back.query_pairs_mut()
            .append_pair("state", &parameter(authorize, "state"))
            .extend_pairs(parameters);
        back
    }

    /// Sets the response for a path.
    pub fn respond_with(&self, path: &'static str, answer: Answer) {
        self.lock().answers.insert(path, answer);
    }

    /// Follows the standard again.
    pub fn reset(&self) {
        let mut inner = self.lock();
        inner.answers.clear();
        inner.metadata = Box::new(|_| {});
        inner.id_token = Box::new(|_| {});
        inner.token_response = Box::new(|_| {});
        inner.userinfo = Box::new(|_| {});
    }

    /// Sets the content type of its documents, and a text to put before them.
    pub fn wrap_documents(&self, content_type: &'static str, prefix: &'static str) {
        self.lock().label = (content_type, prefix);
    }

    /// Changes the discovery document.
    pub fn metadata(&self, change: impl Fn(&mut Value) + Send + 'static) {
        self.lock().metadata = Box::new(change);
    }

    /// Changes every ID token before it is signed.
    pub fn id_token(&self, change: impl Fn(&mut Token) + Send + 'static) {
        self.lock().id_token = Box::new(change);
    }

    /// Changes every token response.
    pub fn token_response(&self, change: impl Fn(&mut Value) + Send + 'static) {
        self.lock().token_response = Box::new(change);
    }

    /// Changes every profile.
    pub fn userinfo(&self, change: impl Fn(&mut Value) + Send + 'static) {
        self.lock().userinfo = Box::new(change);
    }

    /// Issues refresh tokens, and access tokens with a lifetime in seconds; both can be
    /// revoked.
    pub fn issue_refresh_tokens(&self, rotation: Rotation, lifetime: i64) {
        self.lock().offline = Some(offline::Offline::new(rotation, lifetime));
    }

    /// Processes the next refresh, but closes the connection without a response.
    pub fn drop_next_response(&self) {
        if let Some(offline) = &mut self.lock().offline {
            offline.lose_next();
        }
    }

    /// Revokes every grant, as users can in their settings at a provider.
    pub fn revoke_all_grants(&self) {
        if let Some(offline) = &mut self.lock().offline {
            offline.revoke_all();
        }
    }

    /// Whether access tokens of this user are still accepted.
    #[must_use]
    pub fn accepts_access_token_of(&self, subject: &str) -> bool {
        self.lock().offline.as_ref().is_some_and(|offline| offline.accepts(subject))
    }

    /// The number of refresh requests.
    #[must_use]
    pub fn refreshes(&self) -> usize {
        let is_refresh = |request: &Request| request.field("refresh_token").is_some();
        self.requests(TOKEN).iter().filter(|request| is_refresh(request)).count()
    }

    /// Signs with this key, and publishes only this one.
    pub fn set_signing_key(&self, key: Key) {
        self.lock().keys = vec![Arc::new(key)];
    }

    /// Signs a token with the current key.
    #[must_use]
    pub fn sign(&self, token: &Token) -> String {
        token.write(&self.lock().keys[0])
    }

    /// The current public key.
    #[must_use]
    pub fn public_bytes(&self) -> Vec<u8> {
        self.lock().keys[0].public_bytes()
    }

    /// The requests to this path.
    #[must_use]
    pub fn requests(&self, path: &str) -> Vec<Request> {
        self.lock().requests.iter().filter(|request| request.path == path).cloned().collect()
    }

    /// All requests.
    #[must_use]
    pub fn all_requests(&self) -> Vec<Request> {
        self.lock().requests.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().expect("not poisoned")
}

impl Inner {
    fn respond(&mut self, request: Request) -> Answer {
        let (content_type, prefix) = self.label;
        match self.answer(request) {
            Answer::Json(value) => Answer::Body(200, content_type, format!("{prefix}{value}")),
            other => other,
        }
    }

    fn answer(&mut self, request: Request) -> Answer {
        let path = request.path.clone();
        self.requests.push(request.clone());
        if let Some(answer) = self.answers.get(path.as_str()) {
            return answer.clone();
        }
        match path.as_str() {
            DISCOVERY => Answer::Json(self.discovery()),
            JWKS => {
                let keys: Vec<_> = self.keys.iter().map(|key| key.jwk()).collect();
                Answer::Json(json!({ "keys": keys }))
            }
            TOKEN => self.tokens(&request),
            USERINFO => self.profile(&request),
            REVOKE => match &mut self.offline {
                Some(offline) => offline.revoke(&request),
                None => Answer::html(404),
            },
            _ => Answer::html(404),
        }
    }
}
