//! The instances to measure, and what an experiment can do to them.

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::digest;
use url::Url;

use crate::error::{Error, Result};
use crate::token::base64url;

/// How to start an instance; the default is a plain one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceOptions {
    /// Environment variables.
    pub variables: Vec<(String, String)>,
    /// The clock only moves with [`Instance::advance`].
    pub manual_clock: bool,
    /// [`Instance::log`] is readable and includes every statement.
    pub log: bool,
}

impl InstanceOptions {
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A second process of the same app, with the same database and secret.
    pub fn sharing_storage_with(mut self, instance: &dyn Instance) -> Result<Self> {
        self.variables.extend(instance.shared_settings()?);
        Ok(self)
    }

    pub fn with_log(mut self) -> Self {
        self.log = true;
        self
    }

    pub fn with_manual_clock(mut self) -> Self {
        self.manual_clock = true;
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disruption {
    CutDatabase,
    StopProvider,
    StartProvider,
}

/// The target of an attack: an app, and its local provider if it has one.
#[derive(Clone, Debug)]
pub struct Target {
    pub app: Url,
    pub provider: Option<LocalProvider>,
}

/// The local provider, and the app's registration there.
#[derive(Clone)]
pub struct LocalProvider {
    pub google: Url,
    pub client_id: String,
    pub client_secret: String,
    pub redirect_uri: String,
}

impl std::fmt::Debug for LocalProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalProvider").field("google", &self.google).finish_non_exhaustive()
    }
}

impl LocalProvider {
    /// The app's authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3).
    pub(crate) fn authorization_url(&self, state: &str, nonce: &str, verifier: &str) -> Url {
        let mut url = self.google.clone();
        url.set_path("/google/authorize");
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", "openid email profile"),
            ("state", state),
            ("nonce", nonce),
            ("code_challenge", &code_challenge(verifier)),
            ("code_challenge_method", "S256"),
        ]);
        url
    }

    /// The fields of the app's token request (RFC 6749 §4.1.3, RFC 7636 §4.5).
    pub(crate) fn token_request<'a>(
        &'a self,
        code: &'a str,
        verifier: &'a str,
    ) -> [(&'a str, &'a str); 6] {
        [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", verifier),
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
        ]
    }
}

/// With the method S256 (RFC 7636 §4.2).
pub(crate) fn code_challenge(verifier: &str) -> String {
    base64url(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

#[async_trait]
pub trait InstanceFactory: Send + Sync {
    /// Where the instances run, shown beside the figures.
    fn describe(&self) -> String;

    /// Starts an instance with its own database.
    async fn start(&self, options: &InstanceOptions) -> Result<Box<dyn Instance>>;
}

/// An instance for one experiment. The defaults are those of an instance that the lab cannot
/// control.
#[async_trait]
pub trait Instance: Send + Sync {
    fn url(&self) -> &Url;

    /// The URL of its local provider, if it has one.
    fn provider(&self) -> Option<&Url>;

    fn target(&self) -> Target {
        Target { app: self.url().clone(), provider: None }
    }

    async fn disrupt(&self, disruption: Disruption) -> Result<()> {
        Err(Error::unsupported(format!("it needs its own instance ({disruption:?})")))
    }

    /// Gives an account exactly these roles, as `latchkey user role` does.
    async fn set_roles(&self, _email: &str, _roles: &[String]) -> Result<()> {
        Err(Error::unsupported("it changes roles, which takes the command line"))
    }

    /// The settings for a second process of the same app.
    fn shared_settings(&self) -> Result<Vec<(String, String)>> {
        Err(Error::unsupported("it needs two processes of the same app"))
    }

    async fn advance(&self, _by: Duration) -> Result<()> {
        Err(Error::unsupported("it moves the clock"))
    }

    /// The log so far, if it was started [`InstanceOptions::with_log`].
    fn log(&self) -> Result<String> {
        Err(Error::unsupported("it reads the log"))
    }

    fn database_files(&self) -> Result<Vec<u8>> {
        Err(Error::unsupported("it reads the database files"))
    }

    /// All statements sent to the database since the start, as counted in the log.
    fn statement_count(&self) -> Result<usize> {
        Ok(self.log()?.matches("a statement").count())
    }

    /// Stops it and deletes its files.
    async fn stop(self: Box<Self>);
}

const MAX_INSTANCES: usize = 8;

/// The instances of one experiment, stopped together.
pub struct Instances<'a> {
    factory: &'a dyn InstanceFactory,
    started: [OnceLock<Box<dyn Instance>>; MAX_INSTANCES],
}

impl<'a> Instances<'a> {
    pub fn new(factory: &'a dyn InstanceFactory) -> Self {
        Self { factory, started: Default::default() }
    }

    pub async fn start(&self, options: &InstanceOptions) -> Result<&dyn Instance> {
        let mut instance = self.factory.start(options).await?;
        for slot in &self.started {
            match slot.set(instance) {
                Ok(()) => return slot.get().map(AsRef::as_ref).ok_or_else(Self::full),
                Err(rejected) => instance = rejected,
            }
        }
        instance.stop().await;
        Err(Self::full())
    }

    fn full() -> Error {
        Error::StartFailed(format!("an experiment may start {MAX_INSTANCES}"))
    }

    /// Stops them in reverse order: a second process uses the database of the first.
    pub async fn stop_all(self) {
        for slot in self.started.into_iter().rev() {
            if let Some(instance) = slot.into_inner() {
                instance.stop().await;
            }
        }
    }
}

impl std::fmt::Debug for Instances<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instances").finish_non_exhaustive()
    }
}

pub fn at(base: &Url, path: &str) -> Result<Url> {
    base.join(path).map_err(|error| Error::unexpected(path, error.to_string()))
}
