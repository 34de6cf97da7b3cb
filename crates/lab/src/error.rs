//! Why something could not be measured.

use std::time::Duration;

use crate::agent;

/// Why something could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Agent(#[from] agent::Error),
    /// There was an answer, and it was another one than the experiment needs.
    #[error("{asked} was answered with {answered}")]
    Unexpected {
        asked: String,
        /// What came back: a status, or what is missing.
        answered: String,
    },
    /// The ground has no such thing, or must not do it.
    #[error("this cannot be measured there: {0}")]
    NotHere(String),
    /// The ground could not be prepared.
    #[error("no instance could be started to measure at: {0}")]
    Ground(String),
    /// The time that the experiment may take was over.
    #[error("it took longer than the {} s that were left for it", .0.as_secs())]
    Late(Duration),
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An answer that is not the one that was expected.
    pub fn unexpected(asked: impl Into<String>, answered: impl Into<String>) -> Self {
        Self::Unexpected { asked: asked.into(), answered: answered.into() }
    }
}
