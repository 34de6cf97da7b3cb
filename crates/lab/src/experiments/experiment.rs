//! The definition of an experiment; each of the other files has one.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::context::Context;
use crate::error::Result;
use crate::evidence::Evidence;
use crate::verdict::{Unclear, Verdict, VerdictResult};

type Measuring<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// A common claim about OAuth and JWT, and how it is measured.
#[derive(Clone, Copy)]
pub struct Experiment {
    /// The number of the claim, which never changes.
    pub number: u8,
    pub slug: &'static str,
    pub sentence: &'static str,
    pub method: &'static str,
    /// May be exceeded on a busy machine.
    pub budget: Duration,
    pub(crate) measure: for<'a> fn(&'a Context<'a>, &'a mut Evidence) -> Measuring<'a>,
    pub(crate) judge: fn(&Evidence) -> VerdictResult,
}

impl Experiment {
    /// A pure function of the evidence.
    pub fn verdict(&self, evidence: &Evidence) -> Verdict {
        (self.judge)(evidence).unwrap_or_else(|Unclear(because)| Verdict::Undecided { because })
    }
}

impl std::fmt::Debug for Experiment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "claim {}: {}", self.number, self.sentence)
    }
}

impl PartialEq for Experiment {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

/// Defines the `EXPERIMENT` of a file, from its functions `measure` and `judge`.
macro_rules! experiment {
    ($number:literal, $slug:literal, within $seconds:literal s,
        $sentence:literal, $method:literal) => {
        pub(super) const EXPERIMENT: Experiment = Experiment {
            number: $number,
            slug: $slug,
            sentence: $sentence,
            method: $method,
            budget: Duration::from_secs($seconds),
            measure: |context, evidence| Box::pin(measure(context, evidence)),
            judge,
        };
    };
}
pub(super) use experiment;
