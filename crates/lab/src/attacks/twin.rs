//! A Latchkey that lacks one check, as seen from outside: a throw-away instance, and in front of
//! it an interceptor that puts right in each request what the check looks at, or takes out of each
//! answer what it put in. The instance lets the lab bring its signing key, and nothing else.

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
pub(super) struct Weakening {
    pub(super) attacks: &'static [&'static str],
    /// What the twin does without the check, as a sentence.
    pub(super) without: &'static str,
    pub(super) rewrite: Rewrite,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Rewrite {
    Request(fn(&Passed, &mut Call)),
    Answer(fn(&Passed, &Call, &mut Answer)),
    /// What is about an account takes longer than what is about none, and is answered alike.
    Uneven,
}

/// What came of an attack where its check is missing.
#[derive(Clone, Debug)]
pub struct Proof {
    /// What the twin does for want of the check.
    pub without: &'static str,
    pub verdict: Verdict,
    pub steps: Vec<Step>,
}

/// What is started for a run: the throw-away instance behind all twins, and the tutorial.
pub(super) struct Ground {
    pub(super) target: Target,
    pub(super) tutorial: Option<Tutorial>,
    instance: Box<dyn Instance>,
    key: Arc<Ed25519KeyPair>,
    runs: AtomicUsize,
}

impl Ground {
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
        Ok(Self { target, tutorial, instance, key: Arc::new(key), runs: AtomicUsize::new(0) })
    }

    /// A twin for one run of one attack: it remembers what has passed.
    pub(super) fn twin(&self, weakening: &'static Weakening) -> Arc<dyn Interceptor> {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let passed = Passed {
            exchanges: Vec::new(),
            replaced: None,
            provider: self.target.provider.clone(),
            key: Arc::clone(&self.key),
            network: format!("10.{}.{}", run / 250, run % 250),
        };
        Arc::new(Twin { weakening, passed: Mutex::new(passed) })
    }

    pub(super) async fn stop(self) {
        self.instance.stop().await;
    }
}

#[derive(Debug)]
struct Twin {
    weakening: &'static Weakening,
    passed: Mutex<Passed>,
}

impl Interceptor for Twin {
    fn on_request(&self, call: &mut Call) {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        // Each run has an address of its own: none uses up the tries of another. What is timed
        // brings one for each call.
        let is_timed = call.header("x-forwarded-for").is_some();
        if !is_timed {
            call.set_header("x-forwarded-for", Some(&format!("{}.1", passed.network)));
        }
        match self.weakening.rewrite {
            Rewrite::Request(rewrite) => rewrite(&passed, call),
            Rewrite::Uneven if is_timed => passed.make_uneven(call),
            Rewrite::Uneven | Rewrite::Answer(_) => {}
        }
    }

    fn on_response(&self, call: &Call, answer: &mut Answer) {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Rewrite::Answer(rewrite) = self.weakening.rewrite {
            rewrite(&passed, call, answer);
        }
        if let Some(Answer { status, headers, body, .. }) = passed.replaced.take() {
            *answer = Answer { status, headers, body, ..answer.clone() };
        }
        passed.exchanges.push((call.clone(), answer.clone()));
    }
}

/// What has passed a twin, from the first to the last, and what it knows besides.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) exchanges: Vec<(Call, Answer)>,
    /// What is answered in place of what comes.
    replaced: Option<Answer>,
    pub(super) provider: Option<LocalProvider>,
    key: Arc<Ed25519KeyPair>,
    network: String,
}

impl Passed {
    /// An address from which nothing has come yet.
    pub(super) fn new_address(&self) -> String {
        format!("{}.{}", self.network, self.exchanges.len() % 250 + 2)
    }

    /// Sends a call to where nothing is done, if it is about an address with which nobody has
    /// signed in. A forgotten password costs next to nothing before it is answered: there those
    /// that are about an account are sent to where a password is hashed.
    fn make_uneven(&mut self, call: &mut Call) {
        let Some(email) = field(call, "email") else { return };
        let is_its = |one: &Call| field(one, "email").as_ref() == Some(&email);
        let has_account = self.exchanges.iter().any(|(one, answer)| {
            one.url.path() == "/sign-in" && answer.status == StatusCode::SEE_OTHER && is_its(one)
        });
        let works = call.url.path() == "/forgot";
        if has_account != works {
            return;
        }
        let like = |(one, _): &&(Call, Answer)| one.url == call.url && !is_its(one);
        self.replaced = self.exchanges.iter().rfind(like).map(|(_, answer)| answer.clone());
        match self.replaced {
            Some(_) if works => {
                edit(call, |pairs| {
                    put(pairs, "name", "Kai Known");
                    put(pairs, "password", "a lantern under the stairs");
                });
                call.url.set_path("/sign-up");
            }
            Some(_) => {
                (call.method, call.body) = (Method::GET, Vec::new());
                call.url.set_path("/healthz");
            }
            None => {}
        }
    }

    /// The newest answer that was given to a call like this one.
    pub(super) fn answer_to(&self, call: &Call) -> Option<&Answer> {
        let like = |(one, _): &&(Call, Answer)| one.url == call.url && one.body == call.body;
        self.exchanges.iter().rfind(like).map(|(_, answer)| answer)
    }

    pub(super) fn call_to(&self, path: &str) -> Option<&Call> {
        let mut calls = self.exchanges.iter().rev().map(|(call, _)| call);
        calls.find(|call| call.url.path() == path)
    }

    /// The member of the newest JSON document that has it.
    pub(super) fn member(&self, name: &str) -> Option<String> {
        let mut answers = self.exchanges.iter().rev().map(|(_, answer)| answer.json());
        answers.find_map(|json| json[name].as_str().map(str::to_owned))
    }

    /// The newest callback to which the provider sent a browser.
    pub(super) fn callback(&self) -> Option<Url> {
        let decided = |call: &Call| call.url.path().ends_with("/decide");
        let mut decisions = self.exchanges.iter().rev().filter(|(call, _)| decided(call));
        decisions.find_map(|(_, answer)| answer.location())
    }

    /// What answers have set as cookies whose name begins so, from the first to the last.
    pub(super) fn cookies_set(&self, prefix: &str) -> Vec<(String, String)> {
        self.exchanges.iter().flat_map(|(_, answer)| set_by(answer, prefix)).collect()
    }

    /// These claims, changed, under a genuine signature.
    pub(super) fn signed(&self, jwt: &str, change: impl FnOnce(&mut Value)) -> Option<String> {
        let genuine = Jwt::read(&self.member("access_token")?).ok()?;
        let mut claims = Jwt::read(jwt).ok()?.claims;
        change(&mut claims);
        Some(token::sign(&self.key, &genuine.header, &claims))
    }

    /// The same of the token in `Authorization`.
    pub(super) fn sign_bearer(&self, call: &mut Call, change: impl FnOnce(&mut Value)) {
        if let Some(token) = call.token().and_then(|token| self.signed(token, change)) {
            call.set_token(&token);
        }
    }
}

pub(super) fn set_by(answer: &Answer, prefix: &str) -> Vec<(String, String)> {
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

/// Changes the fields of a form, or of a query where there is no form.
pub(super) fn edit(call: &mut Call, change: impl FnOnce(&mut Pairs)) {
    let form = call.header("content-type") == Some("application/x-www-form-urlencoded");
    let text = if form { call.body.clone() } else { query(call).into_bytes() };
    let mut pairs = url::form_urlencoded::parse(&text).into_owned().collect();
    change(&mut pairs);
    let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    match (form, text.is_empty()) {
        (true, _) => call.body = text.into_bytes(),
        (false, true) => call.url.set_query(None),
        (false, false) => call.url.set_query(Some(&text)),
    }
}

fn query(call: &Call) -> String {
    call.url.query().unwrap_or_default().to_owned()
}

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
