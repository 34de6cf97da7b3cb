//! What an experiment gets: instances, options, a deadline and test accounts.

use std::time::{Duration, Instant};

use serde_json::json;
use url::Url;

use crate::agent::{Agent, Answer, Call};
use crate::error::Result;
use crate::instance::{Instance, InstanceFactory, InstanceOptions, Instances, at};
use crate::sign_in::{self, Credential, SignInMethod, Tokens};
use crate::stats::as_f64;
use crate::token;

/// The values of `JWT_ALGORITHM`.
pub const ALGORITHMS: [&str; 4] = ["HS256", "EdDSA", "ES256", "RS256"];

/// Simulated database latencies, in milliseconds per statement.
pub const LATENCIES: [f64; 4] = [0.0, 0.5, 2.0, 10.0];

#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub algorithms: Vec<String>,
    pub latencies: Vec<f64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { algorithms: ALGORITHMS.map(str::to_owned).to_vec(), latencies: LATENCIES.to_vec() }
    }
}

/// How long after its expiry a token is tried: more than any leeway may be.
const MAX_LATE_SECONDS: u64 = 120;

#[derive(Debug)]
pub struct Context<'a> {
    pub instances: Instances<'a>,
    pub options: &'a Options,
    deadline: Instant,
}

impl<'a> Context<'a> {
    pub fn new(factory: &'a dyn InstanceFactory, options: &'a Options, deadline: Instant) -> Self {
        Self { instances: Instances::new(factory), options, deadline }
    }

    pub async fn start(&self, options: &InstanceOptions) -> Result<Fixture<'_>> {
        Fixture::new(self.instances.start(options).await?).await
    }

    /// Whether the time budget allows another round beyond the minimum.
    pub fn has_time(&self) -> bool {
        Instant::now() < self.deadline
    }
}

/// An instance with a password account.
#[expect(missing_debug_implementations, reason = "an instance has none")]
pub struct Fixture<'a> {
    pub instance: &'a dyn Instance,
    pub agent: Agent,
    pub email: String,
}

impl<'a> Fixture<'a> {
    pub async fn new(instance: &'a dyn Instance) -> Result<Self> {
        let agent = Agent::new()?;
        let email = sign_in::sign_up(&agent, instance.url()).await?;
        Ok(Self { instance, agent, email })
    }

    pub fn url(&self) -> &Url {
        self.instance.url()
    }

    /// Signs in a new browser; with OAuth, as Ada. Also returns the answers along the way.
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

    /// Signs in a new browser with the password.
    pub async fn browser(&self, credential: Credential) -> Result<Agent> {
        Ok(self.sign_in(SignInMethod::Password, credential).await?.0)
    }

    /// Signs in with a JWT, after giving the account this many roles.
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

    pub async fn try_refresh(&self, refresh_token: &str) -> Result<Answer> {
        self.post_token("/api/v1/token/refresh", "refresh_token", refresh_token).await
    }

    /// `GET` with the cookies of this browser.
    pub async fn get(&self, browser: &mut Agent, path: &str) -> Result<Answer> {
        Ok(browser.send(Call::new(http::Method::GET, at(self.url(), path)?)).await?)
    }

    pub async fn get_with_token(&self, token: &str, path: &str) -> Result<Answer> {
        let call = Call::new(http::Method::GET, at(self.url(), path)?).bearer(token);
        Ok(self.agent.fresh().send(call).await?)
    }

    /// `GET /api/v1/me` with a bearer token.
    pub async fn me(&self, token: &str) -> Result<Answer> {
        self.get_with_token(token, "/api/v1/me").await
    }

    /// Moves the clock to one second before a token's expiry, then second by second until the
    /// token is refused. Returns how many seconds after the expiry that is, and the answers one
    /// second before the expiry and at the end.
    pub async fn advance_past_expiry(&self, token: &str) -> Result<(u64, [Answer; 2])> {
        let lifetime = Duration::from_secs(token::lifetime(token)?);
        let second = Duration::from_secs(1);
        // `exp` is in whole seconds, and the clock may be anywhere within one.
        self.instance.advance(lifetime.saturating_sub(second)).await?;
        let before = self.me(token).await?;
        let mut late = 0;
        loop {
            self.instance.advance(second).await?;
            let answer = self.me(token).await?;
            if answer.status != http::StatusCode::OK || late == MAX_LATE_SECONDS {
                return Ok((late, [before, answer]));
            }
            late += 1;
        }
    }

    /// Database statements per minute without any requests, extrapolated from `idle`. Needs an
    /// instance started with [`InstanceOptions::with_log`].
    pub async fn statements_per_minute(&self, idle: Duration) -> Result<f64> {
        let before = self.instance.statement_count()?;
        tokio::time::sleep(idle).await;
        let statements = self.instance.statement_count()? - before;
        Ok(as_f64(statements) * 60.0 / idle.as_secs_f64())
    }

    /// Posts a token as JSON, under this member name.
    pub async fn post_token(&self, path: &str, name: &str, token: &str) -> Result<Answer> {
        let document = json!({ name: token }).to_string();
        let call = Call::json(http::Method::POST, at(self.url(), path)?, &document);
        Ok(self.agent.fresh().send(call).await?)
    }
}
