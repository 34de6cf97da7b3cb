//! Why an experiment or an attack could not run.

use std::time::Duration;

use crate::agent;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Agent(#[from] agent::Error),
    #[error("{request} was answered with {response}")]
    Unexpected { request: String, response: String },
    /// This instance cannot do it, or must not.
    #[error("this cannot be measured here: {0}")]
    Unsupported(String),
    #[error("no instance could be started: {0}")]
    StartFailed(String),
    #[error("it took longer than the {} s left in this run", .0.as_secs())]
    TimedOut(Duration),
    #[error("{0}")]
    Other(String),
}

pub type Result<T = (), E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn unexpected(request: impl Into<String>, response: impl Into<String>) -> Self {
        Self::Unexpected { request: request.into(), response: response.into() }
    }

    pub(crate) fn unsupported(why: impl Into<String>) -> Self {
        Self::Unsupported(why.into())
    }

    pub(crate) fn other(why: impl ToString) -> Self {
        Self::Other(why.to_string())
    }
}
