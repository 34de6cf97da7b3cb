//! Runs experiments one after the other, in bounded time.

use std::time::{Duration, Instant};

use serde::Serialize;

pub use crate::context::{ALGORITHMS, LATENCIES};
use crate::context::{Context, Options};
use crate::error::{Error, Result};
use crate::evidence::{Evidence, Fact, Figure, Series};
use crate::experiments::Experiment;
use crate::instance::InstanceFactory;
use crate::verdict::Verdict;

/// The longest that a run takes.
pub const LIMIT: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    Begun(&'static Experiment),
    Doing(String),
    Ended(Box<Outcome>),
}

/// What is told of a run.
pub type Tell<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// A claim, and how its experiment went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    pub number: u8,
    pub slug: &'static str,
    pub sentence: &'static str,
    pub method: &'static str,
    pub n: usize,
    pub figures: Vec<Figure>,
    pub series: Vec<Series>,
    pub facts: Vec<Fact>,
    pub verdict: Option<Verdict>,
    /// Why it could not be measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

impl Outcome {
    fn new(experiment: &'static Experiment, measured: Result<Evidence>, took: Duration) -> Self {
        let (evidence, verdict, error) = match measured {
            Ok(evidence) => {
                let verdict = (experiment.judge)(&evidence);
                (evidence, Some(verdict), None)
            }
            Err(error) => (Evidence::default(), None, Some(error.to_string())),
        };
        Self {
            number: experiment.number,
            slug: experiment.slug,
            sentence: experiment.sentence,
            method: experiment.method,
            n: if error.is_some() { 0 } else { evidence.n() },
            figures: evidence.figures(),
            series: evidence.series,
            facts: evidence.facts,
            verdict,
            error,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub ground: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    pub claims: Vec<Outcome>,
}

/// Runs these experiments, one after the other, within [`LIMIT`].
pub async fn run(
    factory: &dyn InstanceFactory,
    options: &Options,
    experiments: &[&'static Experiment],
    tell: Tell<'_>,
) -> Report {
    let start = Instant::now();
    let mut outcomes = Vec::new();
    for (done, experiment) in experiments.iter().enumerate() {
        tell(Progress::Begun(experiment));
        let left = (start + LIMIT).saturating_duration_since(Instant::now());
        let to_do = u32::try_from(experiments.len() - done).unwrap_or(u32::MAX);
        let outcome = run_one(factory, options, experiment, left, left / to_do, tell).await;
        tell(Progress::Ended(Box::new(outcome.clone())));
        outcomes.push(outcome);
    }
    let took_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Report { ground: factory.describe(), took_ms, claims: outcomes }
}

async fn run_one(
    factory: &dyn InstanceFactory,
    options: &Options,
    experiment: &'static Experiment,
    left: Duration,
    share: Duration,
    tell: Tell<'_>,
) -> Outcome {
    let start = Instant::now();
    // Samples are taken for two thirds of the time. What has to be done at
    // least may take longer, because on a busy machine everything does.
    let until = start + experiment.budget.min(left) * 2 / 3;
    let doing = |what| tell(Progress::Doing(what));
    let context = Context::new(factory, options, until, &doing);
    let most = (experiment.budget * 2).max(share).min(left);
    let mut evidence = Evidence::default();
    let measuring = (experiment.measure)(&context, &mut evidence);
    let measured = tokio::time::timeout(most, measuring).await.unwrap_or(Err(Error::Late(most)));
    context.instances.stop_all().await;
    Outcome::new(experiment, measured.map(|()| evidence), start.elapsed())
}
