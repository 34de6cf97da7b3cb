//! Scripted attacks: request templates, and [`send`], which fills in their `{{…}}` and sends them.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use tokio::sync::OnceCell;

use super::context::{Account, AttackContext, Browser, EphemeralUser, from_other_site, new_email};
use crate::agent::{Answer, Call};
use crate::error::{Error, Result};
use crate::sign_in::Credential;
use crate::token::{Jwt, random};

/// Length of `{{long}}`: longer than any valid value, but within the limits of the server.
const LONG: usize = 8_000;

/// Length of `{{large}}`.
const LARGE: usize = 100_000;

/// The client that sends a request. Each keeps its cookies during an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Client {
    Owner,
    /// A user with an account that only this attack uses.
    Newcomer,
    SignedInThief,
    Thief,
    Visitor,
    Stranger,
}

#[derive(Clone, Copy, Debug)]
enum Body {
    /// A page opened from the address bar.
    Page,
    Form(&'static [(&'static str, &'static str)]),
    Raw {
        text: &'static str,
        content_type: Option<&'static str>,
    },
}

#[derive(Clone, Copy, Debug)]
enum Site {
    Same,
    Other,
    /// Without `Sec-Fetch-Site` and `Origin`, as old browsers send it.
    Unknown,
}

/// A request template.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    method: &'static str,
    path: &'static str,
    query: Option<(&'static str, &'static str)>,
    body: Body,
    site: Site,
    headers: &'static [(&'static str, &'static str)],
    bearer: Option<&'static str>,
}

const fn request(method: &'static str, path: &'static str, body: Body) -> Request {
    Request { method, path, query: None, body, site: Site::Same, headers: &[], bearer: None }
}

pub(super) const fn get(path: &'static str) -> Request {
    request("GET", path, Body::Page)
}

pub(super) const fn form(
    path: &'static str,
    fields: &'static [(&'static str, &'static str)],
) -> Request {
    request("POST", path, Body::Form(fields))
}

/// A request of an API client, without a body.
pub(super) const fn api(method: &'static str, path: &'static str) -> Request {
    request(method, path, Body::Raw { text: "", content_type: None })
}

pub(super) const fn json(method: &'static str, path: &'static str, text: &'static str) -> Request {
    request(method, path, Body::Raw { text, content_type: Some("application/json") })
}

pub(super) const AS_OWNER: &[(&str, &str)] =
    &[("email", "{{owner.email}}"), ("password", "{{owner.password}}"), ("strategy", "session")];
pub(super) const AS_THIEF: &[(&str, &str)] =
    &[("email", "{{thief.email}}"), ("password", "{{thief.password}}")];
pub(super) const AS_NEWCOMER: &[(&str, &str)] = &[
    ("email", "{{newcomer.email}}"),
    ("password", "{{newcomer.password}}"),
    ("strategy", "session"),
];

/// A new API sign-in of the owner, with every scope.
pub(super) const NEW_TOKENS: Request = json(
    "POST",
    "/api/v1/token",
    r#"{"email":"{{owner.email}}","password":"{{owner.password}}",
        "scope":"profile calendar:read contacts:read contacts:write"}"#,
);

impl Request {
    pub(super) const fn text(self, text: &'static str) -> Self {
        Self { body: Body::Raw { text, content_type: None }, ..self }
    }

    pub(super) const fn query(self, name: &'static str, value: &'static str) -> Self {
        Self { query: Some((name, value)), ..self }
    }

    pub(super) const fn with(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    pub(super) const fn bearer(self, token: &'static str) -> Self {
        Self { bearer: Some(token), ..self }
    }

    /// Sent by a page on the thief's site.
    pub(super) const fn on_other_site(self) -> Self {
        Self { site: Site::Other, ..self }
    }

    pub(super) const fn in_old_browser(self) -> Self {
        Self { site: Site::Unknown, ..self }
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Attack,
    /// Must be answered with this status, or the attack proves nothing.
    Control(u16),
    /// Must be answered with this status, and is omitted from the report.
    Preparation(u16),
    /// A sign-in through the provider up to its callback, which is not opened. Saves `callback`,
    /// its parameters (`code`, `state`, `iss`), and the browser's `cookies`, under this prefix; of
    /// the first cookie, also `cookie_name` and `cookie_value`.
    SignIn {
        misbehave: &'static str,
        prefix: &'static str,
    },
}

/// Where to find a value in an answer that later requests use.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Header(&'static str),
    Member(&'static str),
    /// The client's cookie with this credential.
    Cookie(Credential),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Action {
    kind: Kind,
    note: &'static str,
    request: Request,
    client: Client,
    /// The address of the user at the provider; by default the one that the attack shares.
    provider_email: &'static str,
    each: &'static [&'static str],
    wait: Duration,
    save: &'static [(&'static str, Source)],
}

const fn action(kind: Kind, note: &'static str, request: Request, client: Client) -> Action {
    let (provider_email, each, save) = ("", &[""], &[]);
    Action { kind, note, request, client, provider_email, each, wait: Duration::ZERO, save }
}

pub(super) const fn attack(note: &'static str, request: Request) -> Action {
    action(Kind::Attack, note, request, Client::Thief)
}

pub(super) const fn control(note: &'static str, request: Request, status: u16) -> Action {
    action(Kind::Control(status), note, request, Client::Thief)
}

pub(super) const fn prepare(request: Request, status: u16) -> Action {
    action(Kind::Preparation(status), "", request, Client::Visitor)
}

/// Starts a sign-in and consents at the provider, with a fault to simulate.
pub(super) const fn begin(misbehave: &'static str, prefix: &'static str) -> Action {
    action(Kind::SignIn { misbehave, prefix }, "", form("/auth/google", &[]), Client::Visitor)
}

/// The callback, as a browser that follows the redirect sends it.
pub(super) const fn open(callback: &'static str) -> Request {
    api("GET", callback).with(&[("sec-fetch-site", "cross-site")])
}

impl Action {
    /// Sent by this client; by default the thief.
    pub(super) const fn by(self, client: Client) -> Self {
        Self { client, ..self }
    }

    /// Starts at this path instead of the sign-in.
    pub(super) const fn from(self, path: &'static str) -> Self {
        Self { request: form(path, &[]), ..self }
    }

    /// As another user of the provider, with this address.
    pub(super) const fn at_provider(self, provider_email: &'static str) -> Self {
        Self { provider_email, ..self }
    }

    /// Sent once for each value, as `{{each}}`.
    pub(super) const fn each(self, values: &'static [&'static str]) -> Self {
        Self { each: values, ..self }
    }

    pub(super) const fn after(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// Saves parts of the answer under these names.
    pub(super) const fn save(self, parts: &'static [(&'static str, Source)]) -> Self {
        Self { save: parts, ..self }
    }
}

/// Performs the actions in order.
pub(super) async fn send(context: &mut AttackContext, actions: &[Action]) -> Result {
    let (clients, saved) = (BTreeMap::new(), BTreeMap::new());
    let mut script = Script { context, newcomer: OnceCell::new(), clients, saved };
    for action in actions {
        for each in action.each {
            let each = script.fill(each).await?;
            script.saved.insert("each".to_owned(), each);
            script.perform(action).await?;
        }
    }
    Ok(())
}

struct Script<'a> {
    context: &'a mut AttackContext,
    newcomer: OnceCell<Account>,
    clients: BTreeMap<Client, Browser>,
    saved: BTreeMap<String, String>,
}

impl Script<'_> {
    async fn perform(&mut self, action: &Action) -> Result {
        let mut browser = match self.clients.remove(&action.client) {
            Some(browser) => browser,
            None => self.browser(action.client).await?,
        };
        let call = self.call(&action.request).await?;
        tokio::time::sleep(action.wait).await;
        let (context, note) = (&mut *self.context, action.note);
        let answer = match action.kind {
            Kind::SignIn { misbehave, prefix } => {
                let user = match action.provider_email {
                    "" => self.context.ephemeral_user().await?,
                    email => EphemeralUser::new(self.fill(email).await?)?,
                };
                let context = &*self.context;
                let callback = context.callback(&mut browser, call, &user, misbehave).await?;
                let cookies = browser.agent.cookies_for(&context.target.app).unwrap_or_default();
                let mut save =
                    |name: &str, value| self.saved.insert(format!("{prefix}{name}"), value);
                for (name, value) in callback.query_pairs() {
                    save(&name, value.into_owned());
                }
                save("callback", callback.into());
                let (name, value) = cookies.split_once('=').unwrap_or_default();
                save("cookie_name", name.to_owned());
                save("cookie_value", value.to_owned());
                save("cookies", cookies);
                self.clients.insert(action.client, browser);
                return Ok(());
            }
            Kind::Attack => context.attack(&mut browser, note, call).await?,
            Kind::Control(status) => context.control(&mut browser, note, call, status).await?,
            Kind::Preparation(status) => {
                context.send_unrecorded(&mut browser, call, status).await?
            }
        };
        for (name, source) in action.save {
            let value = extract(&answer, &browser, *source)?;
            self.saved.insert((*name).to_owned(), value);
        }
        self.clients.insert(action.client, browser);
        Ok(())
    }

    async fn browser(&mut self, client: Client) -> Result<Browser> {
        Ok(match client {
            Client::Owner => self.context.owner().await?.browser,
            Client::Newcomer => self.newcomer().await?.browser,
            Client::SignedInThief => self.context.thief().await?.browser,
            Client::Thief => self.context.thiefs_browser(),
            Client::Visitor | Client::Stranger => self.context.browser(),
        })
    }

    async fn call(&mut self, request: &Request) -> Result<Call> {
        let path = self.fill(request.path).await?;
        let mut url = self.context.url(&path)?;
        if let Some((name, value)) = request.query {
            let (name, value) = (self.fill(name).await?, self.fill(value).await?);
            url.query_pairs_mut().append_pair(&name, &value);
        }
        let mut call = match request.body {
            Body::Page => Call::get(url),
            Body::Form(templates) => {
                let mut fields = Vec::new();
                for (name, value) in templates {
                    fields.push((*name, self.fill(value).await?));
                }
                let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
                Call::form(url, &fields)
            }
            Body::Raw { text, content_type } => {
                let method = Method::from_bytes(request.method.as_bytes());
                let method = method.map_err(|error| Error::other(error.to_string()))?;
                let body = self.fill(text).await?.into_bytes();
                let call = Call { body, ..Call::new(method, url) };
                content_type.into_iter().fold(call, |call, kind| call.with("content-type", kind))
            }
        };
        match request.site {
            Site::Same => {}
            Site::Other => call = from_other_site(call),
            Site::Unknown => {
                call.headers.retain(|(name, _)| name != "sec-fetch-site" && name != "origin");
            }
        }
        if let Some(token) = request.bearer {
            call = call.bearer(&self.fill(token).await?);
        }
        for (name, value) in request.headers {
            call = call.with(&self.fill(name).await?, &self.fill(value).await?);
        }
        Ok(call)
    }

    async fn fill(&mut self, template: &str) -> Result<String> {
        let (mut filled, mut rest) = (String::new(), template);
        while let Some((before, (name, after))) =
            rest.split_once("{{").and_then(|(before, rest)| Some((before, rest.split_once("}}")?)))
        {
            filled.push_str(before);
            filled.push_str(&self.value(name).await?);
            rest = after;
        }
        Ok(filled + rest)
    }

    /// A value saved earlier; an error if it is missing or empty.
    fn saved(&self, name: &str) -> Result<&String> {
        let value = self.saved.get(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| Error::other(format!("No answer had a {name}.")))
    }

    async fn newcomer(&self) -> Result<Account> {
        let new = async || self.context.new_account("Nora Newcomer", &new_email()?).await;
        self.newcomer.get_or_try_init(new).await.cloned()
    }

    async fn value(&mut self, name: &str) -> Result<String> {
        if let Some(saved) = self.saved.get(name) {
            return Ok(saved.clone());
        }
        let app = &self.context.target.app;
        match name {
            "random" => return random(),
            "new_email" => return new_email(),
            "provider_email" => return Ok(self.context.ephemeral_user().await?.email),
            "other_state" => return Ok(self.saved("state")?.chars().rev().collect()),
            "short_state" | "short_session" => {
                let full = self.saved(&name["short_".len()..])?;
                return Ok(full.get(..full.len() - 1).unwrap_or_default().to_owned());
            }
            "long" => return Ok("a".repeat(LONG)),
            "large" => return Ok("a".repeat(LARGE)),
            "origin" => return Ok(app.origin().ascii_serialization()),
            "session_cookie" => return Ok(Credential::Session.cookie(app)),
            "token_cookie" => return Ok(Credential::Jwt.cookie(app)),
            "other_port" => {
                let port = if app.port() == Some(3001) { 3002 } else { 3001 };
                return Ok(format!("{}://{}:{port}", app.scheme(), app.host_str().unwrap_or("")));
            }
            _ => {}
        }
        let account = match name.split_once('.') {
            Some(("owner", _)) => self.context.owner().await?,
            Some(("thief", _)) => self.context.thief().await?,
            Some(("newcomer", _)) => self.newcomer().await?,
            _ => return Err(Error::other(format!("Unknown placeholder {name}."))),
        };
        Ok(match name.split_once('.') {
            Some((_, "email")) => account.email,
            Some((_, "password")) => account.password,
            Some((_, "sub")) => {
                let token = self.context.access_token(&account).await?;
                Jwt::read(&token)?.claims["sub"].as_str().unwrap_or_default().to_owned()
            }
            _ => self.context.access_token(&account).await?,
        })
    }
}

fn extract(answer: &Answer, browser: &Browser, source: Source) -> Result<String> {
    let (name, found) = match source {
        Source::Member(name) => return super::context::member(answer, name),
        Source::Header(name) => (name, answer.header(name)),
        Source::Cookie(credential) => {
            let cookie = credential.cookie(&answer.url);
            (credential.name(), browser.agent.cookie(&answer.url, &cookie))
        }
    };
    let path = answer.url.path();
    let missing = || Error::other(format!("The answer of {path} has no {name}."));
    found.map(str::to_owned).ok_or_else(missing)
}
