//! A provider with a frozen clock, and an application that uses it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_idp::{Api, Client, Clock, Config, Provider, router_with_clock};
use latchkey_tests::jws;
use serde_json::Value;
use tower::ServiceExt as _;
use url::{Url, form_urlencoded};

pub const ORIGIN: &str = "http://127.0.0.1:3001";
pub const CALLBACK: &str = "http://localhost:3000/cb";
pub const CLIENT_ID: &str = "app";
/// Contains characters that Basic authentication must encode.
pub const SECRET: &str = "s3cret:+%";
pub const AUDIENCE: &str = "http://localhost:3000/api";
pub const API_SECRET: &str = "the API's own";
/// RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub const NOW: u64 = 1_800_000_000;
pub const CALENDAR: &str = "https://www.googleapis.com/auth/calendar.readonly";
pub const CONTACTS: &str = "https://www.googleapis.com/auth/contacts";

pub type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// A complete response.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_str(&self.body).expect(&self.body)
    }

    /// The parameters of a redirect to the application.
    pub fn callback(&self) -> Vec<(String, String)> {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        let location = Url::parse(self.header("location")).unwrap();
        assert!(location.as_str().starts_with(CALLBACK), "{location}");
        location.query_pairs().into_owned().collect()
    }

    pub fn callback_param(&self, name: &str) -> Option<String> {
        let pairs = self.callback();
        let found = pairs.into_iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value)
    }
}

pub struct Idp {
    router: Router,
    seconds: Arc<AtomicU64>,
}

impl Idp {
    pub fn start() -> Self {
        Self::of(config())
    }

    /// A provider that stores its grants in a file.
    pub fn keeping(file: &Path) -> Self {
        Self::of(Config { grants_file: Some(file.to_owned()), ..config() })
    }

    pub fn of(config: Config) -> Self {
        let (clock, seconds) = standing_clock();
        Self { router: router_with_clock(config, clock).unwrap(), seconds }
    }

    pub fn wait(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        let host = HeaderValue::from_static("127.0.0.1:3001");
        request.headers_mut().entry("host").or_insert(host);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        form: &[(&str, &str)],
    ) -> Answer {
        let mut request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(encoded(form))).unwrap()).await
    }

    pub async fn delete(&self, path: &str, authorization: &str) -> Answer {
        let request = Request::delete(path).header(header::AUTHORIZATION, authorization);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn delete_grant(&self, client: &str, basic: &str, json: &str) -> Answer {
        let request = Request::delete(format!("/github/api/applications/{client}/grant"))
            .header(header::AUTHORIZATION, basic)
            .header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(json.to_owned())).unwrap()).await
    }

    /// Sends an authorization request.
    pub async fn authorize(&self, provider: Provider, query: &[(&str, &str)]) -> Answer {
        let path = format!("{}?{}", provider.authorize_path(), encoded(query));
        self.get(&path, &[]).await
    }

    /// Submits a decision without opening the page.
    pub async fn decide(&self, provider: Provider, form: &[(&str, &str)]) -> Answer {
        let path = format!("{}/decide", provider.authorize_path());
        self.post(&path, &[], form).await
    }

    /// A code for `person`, who grants `scope`.
    pub async fn code(
        &self,
        provider: Provider,
        scope: &str,
        person: &str,
        misbehave: &str,
    ) -> String {
        let form = with(
            &request(scope),
            &[("person", person), ("misbehave", misbehave), ("decision", "allow")],
        );
        let answer = self.decide(provider, &form).await;
        answer.callback_param("code").expect("a code")
    }

    /// Exchanges a code, with the secret in the body.
    pub async fn exchange(&self, provider: Provider, code: &str) -> Answer {
        let headers = [("accept", "application/json")];
        let form = exchange(code);
        self.post(provider.token_path(), &headers, &form).await
    }

    /// Gets an access token.
    pub async fn access_token(
        &self,
        provider: Provider,
        scope: &str,
        person: &str,
        misbehave: &str,
    ) -> String {
        let code = self.code(provider, scope, person, misbehave).await;
        let answer = self.exchange(provider, &code).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        string(&answer.json(), "access_token")
    }
}

/// Two clients at each provider, a third party, and an API.
pub fn config() -> Config {
    let client = |provider, id: &str| Client {
        provider,
        id: id.into(),
        secret: SECRET.into(),
        redirect_uris: vec![CALLBACK.into(), format!("{CALLBACK}?other")],
        name: "Latchkey".into(),
        uri: None,
    };
    let mut clients: Vec<Client> = Provider::ALL
        .into_iter()
        .flat_map(|provider| [client(provider, CLIENT_ID), client(provider, "stranger")])
        .collect();
    let third_party = Client {
        redirect_uris: vec![format!("{ORIGIN}/third-party/callback")],
        name: "Third <Party>".into(),
        uri: Some(format!("{ORIGIN}/third-party")),
        ..client(Provider::Google, "third-party")
    };
    clients.push(third_party);
    Config {
        base_url: ORIGIN.parse().unwrap(),
        clients,
        apis: vec![api()],
        people_file: None,
        grants_file: None,
    }
}

/// A frozen clock, and a handle to move it.
pub fn standing_clock() -> (Clock, Arc<AtomicU64>) {
    let seconds = Arc::new(AtomicU64::new(NOW));
    let hand = Arc::clone(&seconds);
    let now = move || UNIX_EPOCH + Duration::from_secs(hand.load(Ordering::Relaxed));
    (Clock::from_fn(now), seconds)
}

/// A third party's API.
pub fn api() -> Api {
    let scope = |name: &str, sentence: &str| (name.to_owned(), sentence.to_owned());
    Api {
        name: "Latchkey".into(),
        audience: AUDIENCE.into(),
        scopes: vec![
            scope("profile", "See your name and address"),
            scope("calendar:read", "See your calendar"),
            scope("contacts:read", "See your contacts"),
        ],
        id: "latchkey-api".into(),
        secret: API_SECRET.into(),
    }
}

pub fn request(scope: &str) -> Pairs<'_> {
    vec![
        ("client_id", CLIENT_ID),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", scope),
        ("state", "the state & more"),
        ("nonce", "the-nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

/// A valid token request with `client_secret_post`.
pub fn exchange(code: &str) -> Pairs<'_> {
    vec![
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT_ID),
        ("client_secret", SECRET),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

/// `pairs` with `changes` applied; new names are appended.
pub fn with<'a>(pairs: &[(&'a str, &'a str)], changes: &[(&'a str, &'a str)]) -> Pairs<'a> {
    let changed = |name: &str| changes.iter().any(|(key, _)| *key == name);
    let kept = pairs.iter().filter(|(name, _)| !changed(name));
    kept.chain(changes).copied().collect()
}

pub fn without<'a>(pairs: &[(&'a str, &'a str)], names: &[&str]) -> Pairs<'a> {
    let kept = pairs.iter().filter(|(name, _)| !names.contains(name));
    kept.copied().collect()
}

pub fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// `Basic` credentials as in RFC 6749 §2.3.1.
pub fn basic(id: &str, secret: &str) -> String {
    let encode =
        |value: &str| form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>();
    let credentials = format!("{}:{}", encode(id), encode(secret));
    format!("Basic {}", STANDARD.encode(credentials))
}

/// The claims of an ID token, without verifying it.
pub fn claims_of(id_token: &str) -> Value {
    jws::decode(id_token).1
}

pub fn string(json: &Value, name: &str) -> String {
    json[name].as_str().expect(name).to_owned()
}
