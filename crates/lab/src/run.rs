//! Runs experiments one after the other, within a time limit.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

pub use crate::context::{ALGORITHMS, LATENCIES};
use crate::context::{Context, Options};
use crate::error::{Error, Result};
use crate::evidence::{Evidence, Fact, Figure, Series, format_number, with_unit};
use crate::experiments::Experiment;
use crate::instance::InstanceFactory;
use crate::verdict::Verdict;

pub const TIME_LIMIT: Duration = Duration::from_secs(45);

#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    Started(&'static Experiment),
    Finished(Box<Outcome>),
}

pub type ProgressCallback<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// A claim with the evidence of its experiment and the verdict.
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
    pub took_ms: u64,
}

impl Outcome {
    fn new(experiment: &'static Experiment, measured: Result<Evidence>, start: Instant) -> Self {
        let (evidence, verdict, error) = match measured {
            Ok(evidence) => {
                let verdict = experiment.verdict(&evidence);
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
            took_ms: elapsed_ms(start),
        }
    }

    pub fn in_words(&self) -> String {
        self.verdict.as_ref().map_or("not measured".to_owned(), Verdict::in_words)
    }

    /// The reason for the verdict, or why there is none.
    pub fn because(&self) -> &str {
        let error = self.error.as_deref().unwrap_or_default();
        self.verdict.as_ref().map_or(error, Verdict::because)
    }

    /// The formatted median of a series, if it was measured.
    pub fn figure(&self, label: &str, unit: &str) -> Option<String> {
        let figure = self.figures.iter().find(|one| one.label == label && one.unit == unit)?;
        Some(format_number(figure.interval.median))
    }

    /// The median with its unit.
    pub fn quantity(&self, label: &str, unit: &str) -> Option<String> {
        Some(with_unit(&self.figure(label, unit)?, unit))
    }
}

fn elapsed_ms(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// How many verdicts there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    confirmed: usize,
    conditional: usize,
    refuted: usize,
    undecided: usize,
}

impl Tally {
    pub fn of(outcomes: &[&Outcome]) -> Self {
        let mut tally = Self::default();
        for outcome in outcomes {
            *match outcome.verdict {
                Some(Verdict::True { .. }) => &mut tally.confirmed,
                Some(Verdict::TrueIf { .. }) => &mut tally.conditional,
                Some(Verdict::False { .. }) => &mut tally.refuted,
                Some(Verdict::Undecided { .. }) | None => &mut tally.undecided,
            } += 1;
        }
        tally
    }

    pub const fn measured(&self) -> usize {
        self.confirmed + self.conditional + self.refuted + self.undecided
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { confirmed, conditional, refuted, undecided } = self;
        write!(f, "{confirmed} true · {conditional} it depends · {refuted} false")?;
        if *undecided > 0 { write!(f, " · {undecided} open") } else { Ok(()) }
    }
}

/// CPU, cores, operating system and version, for people.
pub fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{}, {cores} cores, {}, Latchkey {VERSION}.",
        model.map_or(std::env::consts::ARCH, |(_, name)| name),
        std::env::consts::OS
    )
}

pub const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub ground: String,
    pub machine: String,
    pub version: &'static str,
    pub took_ms: u64,
    pub claims: Vec<Outcome>,
}

/// Runs the experiments one after the other, within [`TIME_LIMIT`].
pub async fn run(
    factory: &dyn InstanceFactory,
    options: &Options,
    experiments: &[&'static Experiment],
    on_progress: ProgressCallback<'_>,
) -> Report {
    let start = Instant::now();
    let mut claims = Vec::new();
    for (done, experiment) in experiments.iter().enumerate() {
        on_progress(Progress::Started(experiment));
        let left = TIME_LIMIT.saturating_sub(start.elapsed());
        let pending = u32::try_from(experiments.len() - done).unwrap_or(u32::MAX);
        let share = left / pending;
        let outcome = run_one(factory, options, experiment, left, share).await;
        on_progress(Progress::Finished(Box::new(outcome.clone())));
        claims.push(outcome);
    }
    Report {
        ground: factory.describe(),
        machine: machine(),
        version: VERSION,
        took_ms: elapsed_ms(start),
        claims,
    }
}

async fn run_one(
    factory: &dyn InstanceFactory,
    options: &Options,
    experiment: &'static Experiment,
    left: Duration,
    share: Duration,
) -> Outcome {
    let start = Instant::now();
    // Optional samples are taken during two thirds of the budget; on a busy machine the required
    // ones may take longer than that.
    let deadline = start + experiment.budget.min(left) * 2 / 3;
    let context = Context::new(factory, options, deadline);
    let limit = (experiment.budget * 2).max(share).min(left);
    let mut evidence = Evidence::default();
    let measuring = (experiment.measure)(&context, &mut evidence);
    let measured =
        tokio::time::timeout(limit, measuring).await.unwrap_or(Err(Error::TimedOut(limit)));
    context.instances.stop_all().await;
    Outcome::new(experiment, measured.map(|()| evidence), start)
}
