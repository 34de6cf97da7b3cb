//! An OpenID issuer that does as it is told, also when that is wrong.
//!
//! Out of the box it keeps to the standard and signs people in; a test takes
//! hold of one answer, and asserts what the app makes of it.

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
pub use token::{Key, Signed, Token, half_sha256};
pub use wire::{Answer, Request};

use crate::walk::parameter;

/// The four addresses that the app calls.
pub const DISCOVERY: &str = "/.well-known/openid-configuration";
/// Where its keys are.
pub const JWKS: &str = "/jwks";
/// Where the code is exchanged.
pub const TOKEN: &str = "/token";
/// Where tokens are asked about; it answers what a test says, and 404 before.
pub const INTROSPECT: &str = "/introspect";
/// Where the profile is.
pub const USERINFO: &str = "/userinfo";

/// Who signs in when a test does not care.
pub const SUBJECT: &str = "248289761001";

/// An issuer on a port of its own.
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
    people: BTreeMap<String, Asked>,
    codes: u32,
    offline: Option<offline::Offline>,
    /// What its documents are called, and what stands before them.
    label: (&'static str, &'static str),
}

/// An authorization request that was answered with a code.
#[derive(Clone, Debug)]
struct Asked {
    subject: String,
    nonce: String,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Issuer {
    /// Starts one that keeps to the standard.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::on(listener)
    }

    /// Starts one on a port that is known already.
    ///
    /// # Panics
    /// When the port was taken meanwhile.
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
            people: BTreeMap::new(),
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
                    let answer = hold(&inner).labelled(request);
                    // The app hangs up on what it does not want to hear.
                    let _ = answer.send(&mut stream).await;
                });
            }
        });
        Self { url, inner, _stop: stop }
    }

    /// `client_id`; what form-encoding changes is in it (RFC 6749 §2.3.1).
    #[must_use]
    pub const fn client_id(&self) -> &'static str {
        "acme client:1"
    }

    /// `client_secret`; likewise.
    #[must_use]
    pub const fn client_secret(&self) -> &'static str {
        "s3cret+&%/\u{e9} word"
    }

    /// Plays the person who says yes at the authorization endpoint: the
    /// address to which the browser comes back.
    #[must_use]
    pub fn approve(&self, authorize: &Url) -> Url {
        self.approve_as(authorize, SUBJECT)
    }

    /// The same, as this person.
    #[must_use]
    pub fn approve_as(&self, authorize: &Url, subject: &str) -> Url {
        assert!(authorize.as_str().starts_with(&self.url), "{authorize} is not this issuer");
        let mut inner = self.hold();
        inner.codes += 1;
        // Everything that RFC 6749 Appendix A.11 lets stand in a code.
        let code = format!("{}+/=&? %~\"'<>{{}}|\\^`", inner.codes);
        let asked = Asked { subject: subject.to_owned(), nonce: parameter(authorize, "nonce") };
        inner.people.insert(code.clone(), asked);
        self.answer_to(authorize, &[("code", &code), ("iss", &self.url)])
    }

    /// An authorization response with the right state and these parameters.
    #[must_use]
    pub fn answer_to(&self, authorize: &Url, parameters: &[(&str, &str)]) -> Url {
        let mut back = Url::parse(&parameter(authorize, "redirect_uri")).expect("a URL");
        back.query_pairs_mut()
            .append_pair("state", &parameter(authorize, "state"))
            .extend_pairs(parameters);
        back
    }

    /// Gives this answer at one of the four addresses from now on.
    pub fn answers(&self, path: &'static str, answer: Answer) {
        self.hold().answers.insert(path, answer);
    }

    /// Behaves again.
    pub fn behaves(&self) {
        let mut inner = self.hold();
        inner.answers.clear();
        inner.metadata = Box::new(|_| {});
        inner.id_token = Box::new(|_| {});
        inner.token_response = Box::new(|_| {});
        inner.userinfo = Box::new(|_| {});
    }

    /// Calls its documents this, and puts that before them.
    pub fn labels(&self, kind: &'static str, mark: &'static str) {
        self.hold().label = (kind, mark);
    }

    /// Changes its discovery document.
    pub fn metadata(&self, change: impl Fn(&mut Value) + Send + 'static) {
        self.hold().metadata = Box::new(change);
    }

    /// Changes every ID token before it is signed.
    pub fn id_token(&self, change: impl Fn(&mut Token) + Send + 'static) {
        self.hold().id_token = Box::new(change);
    }

    /// Changes every token response.
    pub fn token_response(&self, change: impl Fn(&mut Value) + Send + 'static) {
        self.hold().token_response = Box::new(change);
    }

    /// Changes every profile.
    pub fn userinfo(&self, change: impl Fn(&mut Value) + Send + 'static) {
        self.hold().userinfo = Box::new(change);
    }

    /// Gives out refresh tokens from now on, and access tokens that live for so
    /// many seconds; and lets both be ended.
    pub fn lasts(&self, rotation: Rotation, lifetime: i64) {
        self.hold().offline = Some(offline::Offline::new(rotation, lifetime));
    }

    /// Renews a token once more, and the answer gets lost on its way.
    pub fn loses_the_next_answer(&self) {
        if let Some(offline) = &mut self.hold().offline {
            offline.lose_next();
        }
    }

    /// Every grant is taken back, as a person does in their settings there.
    pub fn takes_everything_back(&self) {
        if let Some(offline) = &mut self.hold().offline {
            offline.end_all();
        }
    }

    /// Whether it would still take an access token of this person.
    #[must_use]
    pub fn still_takes(&self, subject: &str) -> bool {
        self.hold().offline.as_ref().is_some_and(|offline| offline.takes(subject))
    }

    /// How many refreshes it was asked for.
    #[must_use]
    pub fn refreshes(&self) -> usize {
        let is_refresh = |request: &Request| request.field("refresh_token").is_some();
        self.requests(TOKEN).iter().filter(|request| is_refresh(request)).count()
    }

    /// Signs with this key from now on, and publishes it alone.
    pub fn signs_with(&self, key: Key) {
        self.hold().keys = vec![Arc::new(key)];
    }

    /// A token of its own making.
    #[must_use]
    pub fn sign(&self, token: &Token) -> String {
        token.write(&self.hold().keys[0])
    }

    /// The public half of the key in use, in bytes.
    #[must_use]
    pub fn public_bytes(&self) -> Vec<u8> {
        self.hold().keys[0].public_bytes()
    }

    /// The requests that came to this address.
    #[must_use]
    pub fn requests(&self, path: &str) -> Vec<Request> {
        self.hold().requests.iter().filter(|request| request.path == path).cloned().collect()
    }

    /// Every request that came.
    #[must_use]
    pub fn all_requests(&self) -> Vec<Request> {
        self.hold().requests.clone()
    }

    fn hold(&self) -> MutexGuard<'_, Inner> {
        hold(&self.inner)
    }
}

fn hold(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().expect("no panic while it was held")
}

impl Inner {
    fn labelled(&mut self, request: Request) -> Answer {
        let (kind, mark) = self.label;
        match self.answer(request) {
            Answer::Json(value) => Answer::Says(200, kind, format!("{mark}{value}")),
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
