//! What an attack works with: the instance, its local provider, made-up people, and a
//! record of what was sent. The people are deleted after the run, by [`is_made_up`].

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

/// A browser or a program, with a cookie jar of its own.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    pub(super) agent: Agent,
    user_agent: &'static str,
}

#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) email: String,
    pub(super) password: String,
    /// The browser that signed in when the account was made.
    pub(super) browser: Browser,
    access_token: Arc<OnceCell<String>>,
}

/// A person of the local provider that it forgets after the sign-in.
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
    seen: Vec<Answer>,
    steps: Vec<Step>,
}

impl AttackContext {
    pub(super) fn new(target: Target, through: Option<Arc<dyn Interceptor>>) -> Result<Self> {
        let http = Agent::new()?;
        Ok(Self {
            target,
            http: through.map_or(http.clone(), |interceptor| http.with_interceptor(interceptor)),
            owner: OnceCell::new(),
            thief: OnceCell::new(),
            ephemeral_user: OnceCell::new(),
            seen: Vec::new(),
            steps: Vec::new(),
        })
    }

    /// Hands over what was recorded, and begins a new record.
    pub(super) fn take_record(&mut self) -> (Vec<Answer>, Vec<Step>) {
        (std::mem::take(&mut self.seen), std::mem::take(&mut self.steps))
    }

    pub(super) fn browser(&self) -> Browser {
        Browser { agent: self.http.fresh(), user_agent: "Somebody/1.0" }
    }

    pub(super) fn thiefs_browser(&self) -> Browser {
        Browser { agent: self.http.fresh(), user_agent: "Thief/1.0" }
    }

    pub(super) fn browser_with_session(&self, value: &str) -> Browser {
        let (mut thief, app) = (self.thiefs_browser(), &self.target.app);
        thief.agent.set_cookie(app, &Credential::Session.cookie(app), value);
        thief
    }

    pub(super) fn url(&self, path: &str) -> Result<Url> {
        at(&self.target.app, path)
    }

    pub(super) fn provider(&self) -> Result<LocalProvider> {
        self.target.provider.clone().ok_or_else(|| {
            Error::other("It needs the local provider, which does not play Google here.")
        })
    }

    pub(super) fn get(&self, path: &str) -> Result<Call> {
        Ok(Call::get(self.url(path)?))
    }

    /// A form on a page of the app.
    pub(super) fn form(&self, path: &str, fields: &[(&str, &str)]) -> Result<Call> {
        Ok(Call::form(self.url(path)?, fields))
    }

    pub(super) fn api(&self, method: Method, path: &str, token: &str) -> Result<Call> {
        Ok(Call::new(method, self.url(path)?).bearer(token))
    }

    /// Sends what the report leaves out; it has to be answered with this status.
    pub(super) async fn send_unrecorded(
        &self,
        browser: &mut Browser,
        call: Call,
        status: u16,
    ) -> Result<Answer> {
        let what = format!("{} {}", call.method, call.url.path());
        let answer = browser.agent.send(call.with("user-agent", browser.user_agent)).await?;
        if answer.status == status {
            return Ok(answer);
        }
        let line = answer.line();
        Err(Error::other(format!("{what} was answered with {line}, not {status}.")))
    }

    pub(super) async fn attack(
        &mut self,
        browser: &mut Browser,
        note: &str,
        call: Call,
    ) -> Result<Answer> {
        let answer = self.send(browser, Role::Attack, note, call).await?;
        self.seen.push(answer.clone());
        Ok(answer)
    }

    /// Opens the account page as a step of the attack.
    pub(super) async fn attack_account(&mut self, browser: &mut Browser, note: &str) -> Result {
        self.attack(browser, note, self.get("/account")?).await?;
        Ok(())
    }

    /// Records a step that was sent elsewhere, at the same time as others.
    pub(super) fn record_attack(&mut self, note: &str, call: &Call, answer: Answer) {
        self.steps.push(Step::of(Role::Attack, note, call, None, &answer));
        self.seen.push(answer);
    }

    /// Records what is judged, and not shown.
    pub(super) fn record_answer(&mut self, answer: Answer) {
        self.seen.push(answer);
    }

    /// Sends the same without the attack: it has to succeed with this status, or
    /// the refusal of the attack would mean nothing.
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
            "The control failed ({note}): {} was answered, not {status}.",
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

    /// The attacker, who has an account too.
    pub(super) async fn thief(&self) -> Result<Account> {
        let new = async || self.new_account("Theo Thief", &new_email()?).await;
        self.thief.get_or_try_init(new).await.cloned()
    }

    pub(super) async fn ephemeral_user(&self) -> Result<EphemeralUser> {
        let new = async || EphemeralUser::new(new_email()?);
        self.ephemeral_user.get_or_try_init(new).await.cloned()
    }

    /// Signs a browser in with a password and a session.
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

    /// Tokens for everything, of a sign-in of their own.
    pub(super) async fn new_tokens(&self, account: &Account) -> Result<Answer> {
        let body = json!({
            "email": account.email, "password": account.password,
            "scope": "profile calendar:read contacts:read contacts:write",
        });
        let call = Call::json(Method::POST, self.url("/api/v1/token")?, &body.to_string());
        self.send_unrecorded(&mut self.browser(), call, 200).await
    }

    /// An access token for everything. The same one for all attacks: each password that
    /// is typed counts towards the limit of this address.
    pub(super) async fn access_token(&self, account: &Account) -> Result<String> {
        let new = async || member(&self.new_tokens(account).await?, "access_token");
        account.access_token.get_or_try_init(new).await.cloned()
    }

    /// Begins a sign-in at a provider; where the browser is sent to.
    pub(super) async fn authorization_url(&self, browser: &mut Browser, path: &str) -> Result<Url> {
        self.provider()?;
        redirect_target(&self.send_unrecorded(browser, self.form(path, &[])?, 303).await?)
    }

    /// Consents at the local provider, which misbehaves as it is told; the callback to
    /// which it sends the browser.
    pub(super) async fn consent(
        &self,
        authorize: &Url,
        user: &EphemeralUser,
        misbehave: &str,
    ) -> Result<Url> {
        let call = consent_form(authorize, user, misbehave);
        redirect_target(&self.send_unrecorded(&mut self.browser(), call, 303).await?)
    }

    /// A sign-in up to its callback, which is not yet opened.
    pub(super) async fn callback(&mut self, browser: &mut Browser, misbehave: &str) -> Result<Url> {
        let user = self.ephemeral_user().await?;
        let authorize = self.authorization_url(browser, "/auth/google").await?;
        self.consent(&authorize, &user, misbehave).await
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

/// The callback, as a browser follows the redirect to it.
pub(super) fn open_callback(callback: Url) -> Call {
    Call::new(Method::GET, callback).with("sec-fetch-site", "cross-site")
}

/// Turns the form of our own page into the same form on a page of another site.
pub(super) fn from_other_site(mut call: Call) -> Call {
    call.headers.retain(|(name, _)| name != "sec-fetch-site" && name != "origin");
    call.with("sec-fetch-site", "cross-site").with("origin", "https://evil.test")
}

pub(super) fn new_email() -> Result<String> {
    Ok(format!("lab-{}@{DOMAIN}", random()?))
}

/// Whether an account with this address was made up for a run.
pub fn is_made_up(email: &str) -> bool {
    let random = email.strip_prefix("lab-").and_then(|rest| rest.strip_suffix(DOMAIN));
    random.and_then(|rest| rest.strip_suffix('@')).is_some_and(|random| {
        random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// A member of the JSON document in an answer.
pub(super) fn member(answer: &Answer, name: &str) -> Result<String> {
    let missing = || Error::other(format!("{} was answered, without {name}.", answer.line()));
    answer.member(name).ok_or_else(missing)
}
