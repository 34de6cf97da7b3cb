//! Where it is measured: throw-away instances, and what can be done to them.

use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use crate::{Error, Result};

/// What an instance is to be started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Settings, by the names of their environment variables.
    pub variables: Vec<(String, String)>,
    /// Whether its clock stands still until it is moved.
    pub clock_stands: bool,
}

impl Wishes {
    /// An instance as it is out of the box.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// As another process of the same app: it shares the database, the secret and
    /// whatever else two processes behind one address share.
    ///
    /// # Errors
    /// When the place has no twins.
    pub fn twin_of(mut self, place: &dyn Place) -> Result<Self> {
        self.variables.extend(place.shared()?);
        Ok(self)
    }

    /// With a clock that stands still until it is moved.
    #[must_use]
    pub fn clock_standing(mut self) -> Self {
        self.clock_stands = true;
        self
    }
}

/// Something that happens to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Its database is gone, for good.
    CutDatabase,
    /// Its provider does not answer any longer.
    StopProvider,
    StartProvider,
}

#[async_trait]
pub trait Ground: Send + Sync {
    /// What it is, in a few words, for whoever reads the figures.
    fn describe(&self) -> String;

    /// Starts an instance with a database of its own.
    ///
    /// # Errors
    /// When it cannot be started, or not with these wishes.
    async fn start(&self, wishes: &Wishes) -> Result<Box<dyn Place>>;
}

/// An instance that is there for the experiment alone.
#[async_trait]
pub trait Place: Send + Sync {
    /// Its address, as browsers write it.
    fn url(&self) -> &Url;

    /// The address of its local provider, if it has one.
    fn provider(&self) -> Option<&Url>;

    /// Has something happen to it.
    ///
    /// # Errors
    /// When that cannot happen there.
    async fn switch(&self, switch: Switch) -> Result<()> {
        Err(Error::NotHere(format!("it needs an instance of its own ({switch:?})")))
    }

    /// Gives exactly these roles to the account of an address, as its owner
    /// would with `latchkey user role`.
    ///
    /// # Errors
    /// When that cannot be done there.
    async fn give_roles(&self, _email: &str, _roles: &[String]) -> Result<()> {
        Err(Error::NotHere("it gives roles, which the command line alone may".to_owned()))
    }

    /// The settings that another process of the same app would have to be given.
    ///
    /// # Errors
    /// When there can be no other process.
    fn shared(&self) -> Result<Vec<(String, String)>> {
        Err(Error::NotHere("it needs two processes of one app".to_owned()))
    }

    /// Moves a clock that stands still.
    ///
    /// # Errors
    /// When its clock cannot be moved.
    async fn advance(&self, _by: Duration) -> Result<()> {
        Err(Error::NotHere("it moves the clock".to_owned()))
    }

    /// Stops it, and takes away everything that it has written.
    async fn stop(self: Box<Self>);
}

/// An address below the one of a place.
///
/// # Errors
/// When the path makes no address.
pub fn at(base: &Url, path: &str) -> Result<Url> {
    base.join(path).map_err(|error| Error::unexpected(path, error.to_string()))
}
