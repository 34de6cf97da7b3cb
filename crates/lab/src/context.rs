//! What an experiment works with.

use std::time::{Duration, Instant};

use serde_json::json;
use url::Url;

use crate::agent::{Agent, Answer, Call};
use crate::error::Result;
use crate::instance::{Instance, InstanceFactory, InstanceOptions, Instances, at};
use crate::sign_in::{self, Credential, SignInMethod, Tokens};
use crate::stats::as_f64;
use crate::token;

/// The algorithms that a JWT can be signed with here.
pub const ALGORITHMS: [&str; 4] = ["HS256", "EdDSA", "ES256", "RS256"];

/// How far away the database is made to be, in milliseconds for each statement.
pub const LATENCIES: [f64; 4] = [0.0, 0.5, 2.0, 10.0];

#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub algorithms: Vec<String>,
    /// What each statement of the database takes longer, in milliseconds.
    pub latencies: Vec<f64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { algorithms: ALGORITHMS.map(str::to_owned).to_vec(), latencies: LATENCIES.to_vec() }
    }
}

/// Past its end a token is tried for so many seconds: more than any leeway may be.
const MAX_LATE_SECONDS: u64 = 120;

/// Is told what an experiment is doing.
pub type StepCallback<'a> = &'a (dyn Fn(String) + Send + Sync);

#[expect(missing_debug_implementations, reason = "it holds a function")]
pub struct Context<'a> {
    pub instances: Instances<'a>,
    pub options: &'a Options,
    until: Instant,
    on_step: StepCallback<'a>,
}

impl<'a> Context<'a> {
    pub fn new(
        factory: &'a dyn InstanceFactory,
        options: &'a Options,
        until: Instant,
        on_step: StepCallback<'a>,
    ) -> Self {
        Self { instances: Instances::new(factory), options, until, on_step }
    }

    pub async fn start(&self, options: &InstanceOptions) -> Result<Fixture<'_>> {
        Fixture::at(self.instances.start(options).await?).await
    }

    /// Whether the time budget allows another round beyond the minimum.
    pub fn has_time(&self) -> bool {
        Instant::now() < self.until
    }

    pub fn step(&self, what: impl Into<String>) {
        (self.on_step)(what.into());
    }
}

/// An instance, and an account with a password there.
#[expect(missing_debug_implementations, reason = "an instance has none")]
pub struct Fixture<'a> {
    pub instance: &'a dyn Instance,
    pub agent: Agent,
    pub email: String,
}

impl<'a> Fixture<'a> {
    pub async fn at(instance: &'a dyn Instance) -> Result<Self> {
        let agent = Agent::new()?;
        let email = sign_in::sign_up(&agent, instance.url()).await?;
        Ok(Self { instance, agent, email })
    }

    pub fn url(&self) -> &Url {
        self.instance.url()
    }

    /// A browser that has just signed in, and its exchanges; with OAuth as Ada.
    pub async fn sign_in(
        &self,
        method: SignInMethod,
        credential: Credential,
    ) -> Result<(Agent, Vec<Answer>)> {
        let mut agent = self.agent.fresh();
        let answers = match method {
            SignInMethod::OAuth => {
                sign_in::with_oauth(&mut agent, self.instance, "ada", credential).await?
            }
            SignInMethod::Password => {
                sign_in::with_password(&mut agent, self.url(), &self.email, credential).await?
            }
        };
        Ok((agent, answers))
    }

    /// A browser that has signed in with the password.
    pub async fn browser(&self, credential: Credential) -> Result<Agent> {
        Ok(self.sign_in(SignInMethod::Password, credential).await?.0)
    }

    /// The same, who has so many roles by then. They come into a JWT when it is issued.
    pub async fn browser_with_roles(&self, count: usize) -> Result<Agent> {
        self.set_roles(count).await?;
        self.browser(Credential::Jwt).await
    }

    pub async fn set_roles(&self, count: usize) -> Result<()> {
        let roles: Vec<String> = (1..=count).map(|n| format!("team-{n:03}-editor")).collect();
        self.instance.set_roles(&self.email, &roles).await
    }

    pub async fn tokens(&self) -> Result<Tokens> {
        sign_in::parse_tokens(&self.request_tokens().await?)
    }

    pub async fn request_tokens(&self) -> Result<Answer> {
        sign_in::request_tokens(&self.agent, self.url(), &self.email).await
    }

    pub async fn refresh(&self, refresh_token: &str) -> Result<(Tokens, Answer)> {
        let answer = self.try_refresh(refresh_token).await?;
        let answer = sign_in::expect_status(answer, http::StatusCode::OK)?;
        Ok((sign_in::parse_tokens(&answer)?, answer))
    }

    /// Whatever is answered.
    pub async fn try_refresh(&self, refresh_token: &str) -> Result<Answer> {
        self.post_token("/api/v1/token/refresh", "refresh_token", refresh_token).await
    }

    /// `GET` with what is in the jar of this browser.
    pub async fn get(&self, browser: &mut Agent, path: &str) -> Result<Answer> {
        Ok(browser.send(Call::new(http::Method::GET, at(self.url(), path)?)).await?)
    }

    pub async fn get_with(&self, token: &str, path: &str) -> Result<Answer> {
        let call = Call::new(http::Method::GET, at(self.url(), path)?).bearer(token);
        Ok(self.agent.fresh().send(call).await?)
    }

    /// Moves the clock to the second before a token's end, and then second by second until it is
    /// refused: how many seconds past its end that is, and what was answered before it and then.
    pub async fn outlive(&self, token: &str) -> Result<(u64, [Answer; 2])> {
        let lifetime = Duration::from_secs(token::lifetime(token)?);
        let second = Duration::from_secs(1);
        // `exp` counts whole seconds, and the clock may stand anywhere in one.
        self.instance.advance(lifetime.saturating_sub(second)).await?;
        let before = self.get_with(token, "/api/v1/me").await?;
        let mut late = 0;
        loop {
            self.instance.advance(second).await?;
            let answer = self.get_with(token, "/api/v1/me").await?;
            if answer.status != http::StatusCode::OK || late == MAX_LATE_SECONDS {
                return Ok((late, [before, answer]));
            }
            late += 1;
        }
    }

    /// How many statements it sends to its database in a minute while nobody asks anything,
    /// reckoned from this long. It has to be started with its log.
    pub async fn statements_per_minute(&self, idle: Duration) -> Result<f64> {
        let before = self.instance.statement_count()?;
        tokio::time::sleep(idle).await;
        let asked = self.instance.statement_count()? - before;
        Ok(as_f64(asked) * 60.0 / idle.as_secs_f64())
    }

    /// Sends a token to a route that takes it in JSON under this name.
    pub async fn post_token(&self, path: &str, name: &str, token: &str) -> Result<Answer> {
        let document = json!({ name: token }).to_string();
        let call = Call::json(http::Method::POST, at(self.url(), path)?, &document);
        Ok(self.agent.fresh().send(call).await?)
    }
}
