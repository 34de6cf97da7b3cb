//! Removes one check from a Latchkey, seen from outside: a proxy in front of a temporary instance
//! fixes in each request what the check looks at, or strips from each response what the check
//! added. The instance itself is unchanged, except that the lab knows its signing key.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::signature::Ed25519KeyPair;
use http::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::judge::Verdict;
use super::record::Step;
use crate::agent::{Answer, Call, Interceptor};
use crate::error::Result;
use crate::instance::{Instance, InstanceFactory, InstanceOptions, LocalProvider, Target};
use crate::token::{self, Jwt};
use crate::tutorial::Tutorial;

#[derive(Clone, Copy, Debug)]
pub(super) struct RemovedCheck {
    pub(super) attacks: &'static [&'static str],
    /// What the app does without the check, as a sentence.
    pub(super) without: &'static str,
    pub(super) rewrite: Rewrite,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Rewrite {
    OnRequest(fn(&History, &mut Call)),
    OnResponse(fn(&History, &Call, &mut Answer)),
    /// Requests about an account take longer than others; their responses stay the same.
    UnevenTiming,
}

/// The outcome of an attack on an instance without the check.
#[derive(Clone, Debug)]
pub struct Proof {
    /// What the app does without the check, as a sentence.
    pub without: &'static str,
    pub verdict: Verdict,
    pub steps: Vec<Step>,
}

/// Started once per run: the temporary instance behind all proxies, and the tutorial.
pub(super) struct LabEnvironment {
    pub(super) target: Target,
    pub(super) tutorial: Option<Tutorial>,
    instance: Box<dyn Instance>,
    key: Arc<Ed25519KeyPair>,
    proxies: AtomicUsize,
}

impl LabEnvironment {
    pub(super) async fn start(factory: &dyn InstanceFactory) -> Result<Self> {
        let (key, pem) = token::signing_key()?;
        let options = InstanceOptions::default()
            .set("JWT_PRIVATE_KEY", &pem)
            .set("TRUSTED_PROXIES", "127.0.0.1");
        let instance = factory.start(&options).await?;
        let target = instance.target();
        let tutorial = match target.provider.clone() {
            Some(provider) => Some(Tutorial::start(provider).await?),
            None => None,
        };
        Ok(Self { target, tutorial, instance, key: Arc::new(key), proxies: AtomicUsize::new(0) })
    }

    /// A proxy for one run of one attack.
    pub(super) fn proxy(&self, removed_check: &'static RemovedCheck) -> Arc<dyn Interceptor> {
        let number = self.proxies.fetch_add(1, Ordering::Relaxed);
        let history = History {
            exchanges: Vec::new(),
            replacement: None,
            provider: self.target.provider.clone(),
            key: Arc::clone(&self.key),
            network: format!("10.{}.{}", number / 250, number % 250),
        };
        Arc::new(PatchingProxy { rewrite: removed_check.rewrite, history: Mutex::new(history) })
    }

    pub(super) async fn stop(self) {
        self.instance.stop().await;
    }
}

#[derive(Debug)]
struct PatchingProxy {
    rewrite: Rewrite,
    history: Mutex<History>,
}

impl Interceptor for PatchingProxy {
    fn on_request(&self, call: &mut Call) {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        // Each run has its own client address, so that runs do not share rate limits. Timed
        // attacks set a new address for each request.
        let is_timed = call.header("x-forwarded-for").is_some();
        if !is_timed {
            call.set_header("x-forwarded-for", Some(&format!("{}.1", history.network)));
        }
        match self.rewrite {
            Rewrite::OnRequest(rewrite) => rewrite(&history, call),
            Rewrite::UnevenTiming if is_timed => history.make_timing_uneven(call),
            Rewrite::UnevenTiming | Rewrite::OnResponse(_) => {}
        }
    }

    fn on_response(&self, call: &Call, answer: &mut Answer) {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        if let Rewrite::OnResponse(rewrite) = self.rewrite {
            rewrite(&history, call, answer);
        }
        if let Some(Answer { status, headers, body, .. }) = history.replacement.take() {
            *answer = Answer { status, headers, body, ..answer.clone() };
        }
        history.exchanges.push((call.clone(), answer.clone()));
    }
}

/// The exchanges so far, oldest first, and what a rewrite needs to know about the instance.
#[derive(Debug)]
pub(super) struct History {
    pub(super) exchanges: Vec<(Call, Answer)>,
    /// Returned in place of the next response.
    replacement: Option<Answer>,
    pub(super) provider: Option<LocalProvider>,
    key: Arc<Ed25519KeyPair>,
    network: String,
}

impl History {
    /// A client address that has sent nothing yet.
    pub(super) fn new_address(&self) -> String {
        format!("{}.{}", self.network, self.exchanges.len() % 250 + 2)
    }

    /// Makes requests with and without an account take different times. Sign-in and sign-up hash
    /// a password: without an account, the request goes to `/healthz` instead. `/forgot` does
    /// hardly any work before it answers: with an account, the request goes to `/sign-up`, which
    /// hashes a password.
    fn make_timing_uneven(&mut self, call: &mut Call) {
        let Some(email) = field(call, "email") else { return };
        let has_email = |one: &Call| field(one, "email").as_ref() == Some(&email);
        let has_account = self.exchanges.iter().any(|(one, answer)| {
            one.url.path() == "/sign-in" && answer.status == StatusCode::SEE_OTHER && has_email(one)
        });
        let is_forgot = call.url.path() == "/forgot";
        if has_account != is_forgot {
            return;
        }
        let is_alike = |(one, _): &&(Call, Answer)| one.url == call.url && !has_email(one);
        self.replacement = self.exchanges.iter().rfind(is_alike).map(|(_, answer)| answer.clone());
        if self.replacement.is_none() {
            return;
        }
        if is_forgot {
            edit(call, |pairs| {
                put(pairs, "name", "Kai Known");
                put(pairs, "password", "a lantern under the stairs");
            });
            call.url.set_path("/sign-up");
        } else {
            (call.method, call.body) = (Method::GET, Vec::new());
            call.url.set_path("/healthz");
        }
    }

    /// The latest answer to an identical call.
    pub(super) fn answer_to(&self, call: &Call) -> Option<&Answer> {
        let is_same = |(one, _): &&(Call, Answer)| one.url == call.url && one.body == call.body;
        self.exchanges.iter().rfind(is_same).map(|(_, answer)| answer)
    }

    pub(super) fn last_call_to(&self, path: &str) -> Option<&Call> {
        let mut calls = self.exchanges.iter().rev().map(|(call, _)| call);
        calls.find(|call| call.url.path() == path)
    }

    /// The member of the latest JSON document that has it.
    pub(super) fn member(&self, name: &str) -> Option<String> {
        let mut answers = self.exchanges.iter().rev().map(|(_, answer)| answer);
        answers.find_map(|answer| answer.member(name))
    }

    /// The latest callback to which the provider redirected a browser.
    pub(super) fn callback(&self) -> Option<Url> {
        let is_consent = |call: &Call| call.url.path().ends_with("/decide");
        let mut consents = self.exchanges.iter().rev().filter(|(call, _)| is_consent(call));
        consents.find_map(|(_, answer)| answer.location())
    }

    /// All cookies set so far whose name has this prefix, oldest first.
    pub(super) fn cookies_set(&self, prefix: &str) -> Vec<(String, String)> {
        self.exchanges.iter().flat_map(|(_, answer)| cookies_set_by(answer, prefix)).collect()
    }

    /// The token with changed claims and a genuine signature.
    pub(super) fn signed(&self, jwt: &str, change: impl FnOnce(&mut Value)) -> Option<String> {
        let genuine = Jwt::read(&self.member("access_token")?).ok()?;
        let mut claims = Jwt::read(jwt).ok()?.claims;
        change(&mut claims);
        Some(token::sign(&self.key, &genuine.header, &claims))
    }

    /// Does the same to the bearer token of a call.
    pub(super) fn sign_bearer(&self, call: &mut Call, change: impl FnOnce(&mut Value)) {
        if let Some(token) = call.token().and_then(|token| self.signed(token, change)) {
            call.set_token(&token);
        }
    }
}

/// The cookies that an answer sets, by a prefix of their name; cleared ones are left out.
pub(super) fn cookies_set_by(answer: &Answer, prefix: &str) -> Pairs {
    let lines = answer.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.filter_map(|line| line.split(';').next()?.split_once('='));
    let found = pairs.filter(|(name, value)| name.starts_with(prefix) && !value.is_empty());
    found.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

pub(super) fn cookies(call: &Call) -> Pairs {
    let pairs = call.header("cookie").unwrap_or_default().split("; ");
    let pairs = pairs.filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

pub(super) type Pairs = Vec<(String, String)>;

pub(super) fn edit_cookies(call: &mut Call, change: impl FnOnce(&mut Pairs)) {
    let mut pairs = cookies(call);
    change(&mut pairs);
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    call.set_header("cookie", Some(&*pairs.join("; ")).filter(|all| !all.is_empty()));
}

/// Changes the fields of a form, or the query if there is no form.
pub(super) fn edit(call: &mut Call, change: impl FnOnce(&mut Pairs)) {
    let form = call.header("content-type") == Some("application/x-www-form-urlencoded");
    let text = if form { &*call.body } else { call.url.query().unwrap_or_default().as_bytes() };
    let mut pairs = url::form_urlencoded::parse(text).into_owned().collect();
    change(&mut pairs);
    let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    match (form, text.is_empty()) {
        (true, _) => call.body = text.into_bytes(),
        (false, true) => call.url.set_query(None),
        (false, false) => call.url.set_query(Some(&text)),
    }
}

/// A field of a form.
pub(super) fn field(call: &Call, name: &str) -> Option<String> {
    let mut fields = url::form_urlencoded::parse(&call.body);
    fields.find(|(one, _)| one == name).map(|(_, value)| value.into_owned())
}

pub(super) fn put(pairs: &mut Pairs, name: &str, value: &str) {
    pairs.retain(|(one, _)| one != name);
    pairs.push((name.to_owned(), value.to_owned()));
}

pub(super) fn edit_json(call: &mut Call, change: impl FnOnce(&mut Value)) {
    if let Ok(mut json) = serde_json::from_slice(&call.body) {
        change(&mut json);
        call.body = json.to_string().into_bytes();
    }
}
