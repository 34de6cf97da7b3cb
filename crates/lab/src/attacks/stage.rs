//! Where an attack takes place: the instance, its local provider, people who
//! are made up, and a record of what was said.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use url::Url;

use super::people::{Account, Passer};
use super::record::{Role, Seen, Step};
use crate::agent::Error;
use crate::{Agent, Answer, Call};

#[derive(Clone, Debug)]
pub struct Target {
    pub app: Url,
    /// The local provider, where there is one that plays Google and GitHub.
    pub provider: Option<LocalProvider>,
}

/// The local provider, and who the app is to it.
#[derive(Clone)]
pub struct LocalProvider {
    pub google: Url,
    pub client_id: String,
    /// Its secret: some attacks are those of a thief who has it.
    pub client_secret: String,
    pub redirect_uri: String,
}

impl std::fmt::Debug for LocalProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalProvider").field("google", &self.google).finish_non_exhaustive()
    }
}

/// Why an attack could not be run.
#[derive(Debug, thiserror::Error)]
pub enum NotRun {
    /// Somebody did not answer.
    #[error(transparent)]
    NoAnswer(#[from] Error),
    /// Something that has to work did not.
    #[error("{0}")]
    Because(String),
}

impl NotRun {
    pub(super) fn because(why: impl Into<String>) -> Self {
        Self::Because(why.into())
    }
}

/// What a step of an attack ends with.
pub(super) type Outcome<T = ()> = Result<T, NotRun>;

/// Somebody in front of a browser, or a program.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    pub(super) agent: Agent,
    name: &'static str,
}

impl Browser {
    /// Another browser with the same cookies.
    pub(super) fn twin(&self) -> Self {
        self.clone()
    }
}

#[derive(Debug)]
pub struct Stage {
    pub(super) target: Target,
    http: Agent,
    pub(super) owner: Option<Account>,
    pub(super) thief: Option<Account>,
    pub(super) passer: Option<Passer>,
    pub(super) access_tokens: BTreeMap<String, String>,
    seen: Vec<Seen>,
    steps: Vec<Step>,
}

impl Stage {
    /// An empty stage.
    ///
    /// # Errors
    /// When there is no HTTP client.
    pub fn new(target: Target) -> Outcome<Self> {
        Ok(Self {
            target,
            http: Agent::new()?,
            owner: None,
            thief: None,
            passer: None,
            access_tokens: BTreeMap::new(),
            seen: Vec::new(),
            steps: Vec::new(),
        })
    }

    /// Hands over what was recorded, and begins anew.
    pub(super) fn take_record(&mut self) -> (Vec<Seen>, Vec<Step>) {
        (std::mem::take(&mut self.seen), std::mem::take(&mut self.steps))
    }

    /// A browser that was never used.
    pub(super) fn browser(&self) -> Browser {
        Browser { agent: self.http.stranger(), name: "Somebody/1.0" }
    }

    /// A thief's browser: of another make.
    pub(super) fn thiefs_browser(&self) -> Browser {
        Browser { agent: self.http.stranger(), name: "Thief/1.0" }
    }

    pub(super) fn url(&self, path: &str) -> Outcome<Url> {
        let url = self.target.app.join(path);
        url.map_err(|error| NotRun::because(format!("{path} is no path: {error}")))
    }

    pub(super) fn provider(&self) -> Outcome<LocalProvider> {
        self.target.provider.clone().ok_or_else(|| {
            NotRun::because("It needs the local provider, which does not play Google here.")
        })
    }

    /// `GET` of a page, as from the address bar.
    pub(super) fn get(&self, path: &str) -> Outcome<Call> {
        Ok(Call::get(self.url(path)?))
    }

    /// A form of our own page.
    pub(super) fn form(&self, path: &str, fields: &[(&str, &str)]) -> Outcome<Call> {
        Ok(Call::form(self.url(path)?, fields))
    }

    /// The same form, on a page of somebody else.
    pub(super) fn foreign_form(&self, path: &str, fields: &[(&str, &str)]) -> Outcome<Call> {
        let mut call = self.form(path, fields)?;
        call.headers.retain(|(name, _)| name != "sec-fetch-site" && name != "origin");
        Ok(call.with("sec-fetch-site", "cross-site").with("origin", "https://evil.test"))
    }

    /// A call of a program, with a bearer token.
    pub(super) fn api(&self, method: Method, path: &str, token: &str) -> Outcome<Call> {
        Ok(Call::new(method, self.url(path)?).bearer(token))
    }

    /// Sends what is not part of the story.
    pub(super) async fn quietly(&self, who: &mut Browser, call: Call) -> Outcome<Answer> {
        Ok(who.agent.send(call.with("user-agent", who.name)).await?)
    }

    /// Sends a step of the attack.
    pub(super) async fn attack(
        &mut self,
        who: &mut Browser,
        note: &str,
        call: Call,
    ) -> Outcome<Answer> {
        let answer = self.recorded(who, Role::Attack, note, call).await?;
        self.seen.push(Seen::of(&answer));
        Ok(answer)
    }

    /// Records a step that was sent elsewhere, at the same time as others.
    pub(super) fn witnessed(&mut self, note: &str, call: &Call, answer: &Answer) {
        let seen = Seen::of(answer);
        self.steps.push(Step::of(Role::Attack, note, call, None, &seen));
        self.seen.push(seen);
    }

    /// Sends the same without the attack: it has to succeed with this status, or
    /// the refusal of the attack would mean nothing.
    pub(super) async fn control(
        &mut self,
        who: &mut Browser,
        note: &str,
        call: Call,
        status: u16,
    ) -> Outcome<Answer> {
        let answer = self.recorded(who, Role::Control, note, call).await?;
        let seen = Seen::of(&answer);
        if seen.status == status {
            return Ok(answer);
        }
        Err(NotRun::because(format!(
            "The control failed ({note}): {} was answered, not {status}.",
            seen.line()
        )))
    }

    async fn recorded(
        &mut self,
        who: &mut Browser,
        role: Role,
        note: &str,
        call: Call,
    ) -> Outcome<Answer> {
        let call = call.with("user-agent", who.name);
        let cookies = who.agent.cookies_for(&call.url);
        let answer = who.agent.send(call.clone()).await?;
        let seen = Seen::of(&answer);
        self.steps.push(Step::of(role, note, &call, cookies.as_deref(), &seen));
        Ok(answer)
    }
}

/// Something that nobody can guess: 128 bits.
pub(super) fn random() -> Outcome<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| NotRun::because(format!("no randomness: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// base64url without padding (RFC 7515 §2).
pub(super) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A member of the JSON document that was answered.
pub(super) fn member(answer: &Answer, name: &str) -> Outcome<String> {
    let seen = Seen::of(answer);
    let missing = || NotRun::because(format!("{} was answered, without {name}.", seen.line()));
    seen.member(name).ok_or_else(missing)
}
