//! What an attack works with: the instance, its local provider, test accounts, and the record of
//! its requests. The caller deletes the accounts after the run, by [`is_made_up`].

use std::sync::Arc;

use http::Method;
use serde_json::json;
use tokio::sync::OnceCell;
use url::Url;

use super::record::{DOMAIN, Role, Step};
use crate::agent::{Agent, Answer, Call, Interceptor};
use crate::error::{Error, Result};
use crate::instance::{LocalProvider, Target, at};
use crate::sign_in::{self, Credential, redirect_target};
use crate::token::random;

/// A client with its own cookie jar.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    pub(super) agent: Agent,
    user_agent: &'static str,
}

#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) email: String,
    pub(super) password: String,
    /// The browser in which the account was created.
    pub(super) browser: Browser,
    access_token: Arc<OnceCell<String>>,
}

/// A user of the local provider that exists for one sign-in only.
#[derive(Clone, Debug)]
pub(super) struct EphemeralUser {
    pub(super) key: String,
    pub(super) email: String,
}

impl EphemeralUser {
    pub(super) fn new(email: String) -> Result<Self> {
        Ok(Self { key: format!("passing-{}", random()?), email })
    }
}

#[derive(Debug)]
pub struct AttackContext {
    pub(super) target: Target,
    http: Agent,
    owner: OnceCell<Account>,
    thief: OnceCell<Account>,
    ephemeral_user: OnceCell<EphemeralUser>,
    answers: Vec<Answer>,
    steps: Vec<Step>,
}

impl AttackContext {
    pub(super) fn new(target: Target, proxy: Option<Arc<dyn Interceptor>>) -> Result<Self> {
        let http = Agent::new()?;
        Ok(Self {
            target,
            http: match proxy {
                Some(proxy) => http.with_interceptor(proxy),
                None => http,
            },
            owner: OnceCell::new(),
            thief: OnceCell::new(),
            ephemeral_user: OnceCell::new(),
            answers: Vec::new(),
            steps: Vec::new(),
        })
    }

    /// Takes the record and starts a new one.
    pub(super) fn take_record(&mut self) -> (Vec<Answer>, Vec<Step>) {
        (std::mem::take(&mut self.answers), std::mem::take(&mut self.steps))
    }

    pub(super) fn browser(&self) -> Browser {
        Browser { agent: self.http.fresh(), user_agent: "User/1.0" }
    }

    pub(super) fn thiefs_browser(&self) -> Browser {
        Browser { agent: self.http.fresh(), user_agent: "Thief/1.0" }
    }

    pub(super) fn browser_with_session(&self, value: &str) -> Browser {
        let (mut browser, app) = (self.thiefs_browser(), &self.target.app);
        browser.agent.set_cookie(app, &Credential::Session.cookie(app), value);
        browser
    }

    pub(super) fn url(&self, path: &str) -> Result<Url> {
        at(&self.target.app, path)
    }

    pub(super) fn provider(&self) -> Result<LocalProvider> {
        self.target
            .provider
            .clone()
            .ok_or_else(|| Error::other("It needs the local provider in the role of Google."))
    }

    pub(super) fn get(&self, path: &str) -> Result<Call> {
        Ok(Call::get(self.url(path)?))
    }

    pub(super) fn form(&self, path: &str, fields: &[(&str, &str)]) -> Result<Call> {
        Ok(Call::form(self.url(path)?, fields))
    }

    pub(super) fn api(&self, method: Method, path: &str, token: &str) -> Result<Call> {
        Ok(Call::new(method, self.url(path)?).bearer(token))
    }

    /// Sends a call that the report omits; any other status is an error.
    pub(super) async fn send_unrecorded(
        &self,
        browser: &mut Browser,
        call: Call,
        status: u16,
    ) -> Result<Answer> {
        let request = format!("{} {}", call.method, call.url.path());
        let answer = browser.agent.send(call.with("user-agent", browser.user_agent)).await?;
        if answer.status == status {
            return Ok(answer);
        }
        let line = answer.line();
        Err(Error::other(format!("{request} was answered with {line}, not {status}.")))
    }

    pub(super) async fn attack(
        &mut self,
        browser: &mut Browser,
        note: &str,
        call: Call,
    ) -> Result<Answer> {
        let answer = self.send(browser, Role::Attack, note, call).await?;
        self.answers.push(answer.clone());
        Ok(answer)
    }

    pub(super) async fn attack_account(&mut self, browser: &mut Browser, note: &str) -> Result {
        self.attack(browser, note, self.get("/account")?).await?;
        Ok(())
    }

    /// Records a step that was sent outside of this context.
    pub(super) fn record_attack(&mut self, note: &str, call: &Call, answer: Answer) {
        self.steps.push(Step::of(Role::Attack, note, call, None, &answer));
        self.answers.push(answer);
    }

    /// Records an answer that is judged but not shown.
    pub(super) fn record_answer(&mut self, answer: Answer) {
        self.answers.push(answer);
    }

    /// Sends the request without the attack, which must be answered with this status.
    pub(super) async fn control(
        &mut self,
        browser: &mut Browser,
        note: &str,
        call: Call,
        status: u16,
    ) -> Result<Answer> {
        let answer = self.send(browser, Role::Control, note, call).await?;
        if answer.status == status {
            return Ok(answer);
        }
        Err(Error::other(format!(
            "The control failed ({note}): the answer was {}, not {status}.",
            answer.line()
        )))
    }

    async fn send(
        &mut self,
        browser: &mut Browser,
        role: Role,
        note: &str,
        call: Call,
    ) -> Result<Answer> {
        let call = call.with("user-agent", browser.user_agent);
        let cookies = browser.agent.cookies_for(&call.url);
        let answer = browser.agent.send(call.clone()).await?;
        self.steps.push(Step::of(role, note, &call, cookies.as_deref(), &answer));
        Ok(answer)
    }

    pub(super) async fn new_account(&self, name: &str, email: &str) -> Result<Account> {
        let password = random()?;
        let fields = [("name", name), ("email", email), ("password", &*password)];
        let form = self.form("/sign-up", &fields)?;
        self.send_unrecorded(&mut self.browser(), form, 303).await?;
        let mut browser = self.browser();
        self.sign_in(&mut browser, email, &password).await?;
        Ok(Account { email: email.to_owned(), password, browser, access_token: Arc::default() })
    }

    pub(super) async fn owner(&self) -> Result<Account> {
        let new = async || self.new_account("Olive Owner", &new_email()?).await;
        self.owner.get_or_try_init(new).await.cloned()
    }

    pub(super) async fn thief(&self) -> Result<Account> {
        let new = async || self.new_account("Theo Thief", &new_email()?).await;
        self.thief.get_or_try_init(new).await.cloned()
    }

    pub(super) async fn ephemeral_user(&self) -> Result<EphemeralUser> {
        let new = async || EphemeralUser::new(new_email()?);
        self.ephemeral_user.get_or_try_init(new).await.cloned()
    }

    pub(super) async fn sign_in(
        &self,
        browser: &mut Browser,
        email: &str,
        password: &str,
    ) -> Result {
        let fields = [("email", email), ("password", password), ("strategy", "session")];
        self.send_unrecorded(browser, self.form("/sign-in", &fields)?, 303).await?;
        Ok(())
    }

    pub(super) async fn signed_in(&self, account: &Account) -> Result<Browser> {
        let mut browser = self.browser();
        self.sign_in(&mut browser, &account.email, &account.password).await?;
        Ok(browser)
    }

    /// Signs in at the API and requests every scope.
    pub(super) async fn new_tokens(&self, account: &Account) -> Result<Answer> {
        let body = json!({
            "email": account.email, "password": account.password,
            "scope": "profile calendar:read contacts:read contacts:write",
        });
        let call = Call::json(Method::POST, self.url("/api/v1/token")?, &body.to_string());
        self.send_unrecorded(&mut self.browser(), call, 200).await
    }

    /// An access token with every scope, shared by all attacks: each password sign-in counts
    /// towards the limit of this client address.
    pub(super) async fn access_token(&self, account: &Account) -> Result<String> {
        let new = async || member(&self.new_tokens(account).await?, "access_token");
        account.access_token.get_or_try_init(new).await.cloned()
    }

    /// Consents at the local provider, with a fault to simulate; returns the callback.
    pub(super) async fn consent(
        &self,
        authorize: &Url,
        user: &EphemeralUser,
        misbehave: &str,
    ) -> Result<Url> {
        let call = consent_form(authorize, user, misbehave);
        redirect_target(&self.send_unrecorded(&mut self.browser(), call, 303).await?)
    }

    /// A sign-in at the provider up to its callback, which is not opened.
    pub(super) async fn callback(
        &self,
        browser: &mut Browser,
        start: Call,
        user: &EphemeralUser,
        misbehave: &str,
    ) -> Result<Url> {
        self.provider()?;
        let authorize = redirect_target(&self.send_unrecorded(browser, start, 303).await?)?;
        self.consent(&authorize, user, misbehave).await
    }
}

pub(super) fn consent_form(authorize: &Url, user: &EphemeralUser, misbehave: &str) -> Call {
    let fields = [
        ("person", &*user.key),
        ("name", "Pia Passer"),
        ("email", &*user.email),
        ("verified", "on"),
        ("misbehave", misbehave),
    ];
    sign_in::consent_form(authorize, &fields, "")
}

/// The same form, sent from a page of another site.
pub(super) fn from_other_site(mut call: Call) -> Call {
    call.headers.retain(|(name, _)| name != "sec-fetch-site" && name != "origin");
    call.with("sec-fetch-site", "cross-site").with("origin", "https://evil.test")
}

pub(super) fn new_email() -> Result<String> {
    Ok(format!("lab-{}@{DOMAIN}", random()?))
}

/// Whether the account with this address was created by a run.
pub fn is_made_up(email: &str) -> bool {
    let random = email.strip_prefix("lab-").and_then(|rest| rest.strip_suffix(DOMAIN));
    random.and_then(|rest| rest.strip_suffix('@')).is_some_and(|random| {
        random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

pub(super) fn member(answer: &Answer, name: &str) -> Result<String> {
    let missing = || Error::other(format!("The answer {} has no {name}.", answer.line()));
    answer.member(name).ok_or_else(missing)
}
