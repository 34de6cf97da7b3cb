//! Why something could not be measured.

use std::time::Duration;

use crate::agent;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Agent(#[from] agent::Error),
    #[error("{asked} was answered with {answered}")]
    Unexpected { asked: String, answered: String },
    /// This instance cannot do it, or must not.
    #[error("this cannot be measured there: {0}")]
    NotHere(String),
    #[error("no instance could be started to measure at: {0}")]
    NotStarted(String),
    #[error("it took longer than the {} s that were left for it", .0.as_secs())]
    Late(Duration),
    #[error("{0}")]
    Because(String),
}

pub type Result<T = (), E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn unexpected(asked: impl Into<String>, answered: impl Into<String>) -> Self {
        Self::Unexpected { asked: asked.into(), answered: answered.into() }
    }

    pub(crate) fn because(why: impl ToString) -> Self {
        Self::Because(why.to_string())
    }
}
