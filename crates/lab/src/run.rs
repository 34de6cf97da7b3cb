//! Runs experiments one after the other, in bounded time.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::claims::Claim;
use crate::evidence::{Evidence, Fact, Figure, Series};
use crate::ground::{Ground, Place, Wishes};
use crate::stopwatch::{Round, Timed};
use crate::verdict::Verdict;
use crate::{Error, Result};

/// A whole run takes no longer.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The algorithms that a JWT can be signed with here.
pub const ALGORITHMS: [&str; 4] = ["HS256", "EdDSA", "ES256", "RS256"];

/// How far away the database is made to be, in milliseconds for each statement.
pub const LATENCIES: [f64; 4] = [0.0, 0.5, 2.0, 10.0];

/// What can be turned before a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// With which algorithms JWTs are signed.
    pub algorithms: Vec<String>,
    /// How long the database's statements are made to take besides, in milliseconds.
    pub latencies: Vec<f64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { algorithms: ALGORITHMS.map(str::to_owned).to_vec(), latencies: LATENCIES.to_vec() }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    Begun(&'static Claim),
    Doing(String),
    Ended(Box<Outcome>),
}

/// What is told of a run.
pub type Tell<'a> = &'a (dyn Fn(Progress) + Send + Sync);

pub struct Bench<'a> {
    ground: &'a dyn Ground,
    pub options: &'a Options,
    until: Instant,
    tell: Tell<'a>,
}

impl Bench<'_> {
    /// Starts an instance.
    ///
    /// # Errors
    /// When the ground cannot.
    pub async fn start(&self, wishes: &Wishes) -> Result<Box<dyn Place>> {
        self.ground.start(wishes).await
    }

    /// Times a key of the stopwatch, at instances of its own.
    ///
    /// # Errors
    /// When there are none, or nobody can sign in there.
    pub async fn time(&self, round: Round) -> Result<Timed> {
        round.run(self.ground, |_| ()).await
    }

    /// Whether there is time for more than the least number of samples. An
    /// experiment that asks before each further round is not cut off.
    #[must_use]
    pub fn has_time(&self) -> bool {
        Instant::now() < self.until
    }

    pub fn doing(&self, what: impl Into<String>) {
        (self.tell)(Progress::Doing(what.into()));
    }
}

impl std::fmt::Debug for Bench<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench").field("ground", &self.ground.describe()).finish_non_exhaustive()
    }
}

/// One claim, measured or not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    pub number: u8,
    pub slug: &'static str,
    pub sentence: &'static str,
    pub method: &'static str,
    /// How many samples each variant has.
    pub n: usize,
    /// The samples in a few numbers.
    pub figures: Vec<Figure>,
    pub series: Vec<Series>,
    /// What else was seen.
    pub facts: Vec<Fact>,
    /// What that says, when it could be measured.
    pub verdict: Option<Verdict>,
    /// Why it could not be measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

impl Outcome {
    fn new(claim: &'static Claim, measured: Result<Evidence>, took: Duration) -> Self {
        let (evidence, verdict, error) = match measured {
            Ok(evidence) => {
                let verdict = (claim.judge)(&evidence);
                (evidence, Some(verdict), None)
            }
            Err(error) => (Evidence::default(), None, Some(error.to_string())),
        };
        Self {
            number: claim.number,
            slug: claim.slug,
            sentence: claim.sentence,
            method: claim.method,
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

/// Measures these claims, one after the other, for [`LIMIT`] at the most.
pub async fn run(
    ground: &dyn Ground,
    options: &Options,
    claims: &[&'static Claim],
    tell: Tell<'_>,
) -> Report {
    let start = Instant::now();
    let mut outcomes = Vec::new();
    for (done, claim) in claims.iter().enumerate() {
        tell(Progress::Begun(claim));
        let left = (start + LIMIT).saturating_duration_since(Instant::now());
        let to_do = u32::try_from(claims.len() - done).unwrap_or(u32::MAX);
        let outcome = one(ground, options, claim, left, left / to_do, tell).await;
        tell(Progress::Ended(Box::new(outcome.clone())));
        outcomes.push(outcome);
    }
    let took_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Report { ground: ground.describe(), took_ms, claims: outcomes }
}

async fn one(
    ground: &dyn Ground,
    options: &Options,
    claim: &'static Claim,
    left: Duration,
    share: Duration,
    tell: Tell<'_>,
) -> Outcome {
    let start = Instant::now();
    // Samples are taken for two thirds of the time. What has to be done at
    // least may take longer, because on a busy machine everything does.
    let until = start + claim.budget.min(left) * 2 / 3;
    let bench = Bench { ground, options, until, tell };
    let most = (claim.budget * 2).max(share).min(left);
    let measured = tokio::time::timeout(most, (claim.measure)(&bench)).await;
    let measured = measured.unwrap_or(Err(Error::Late(most)));
    Outcome::new(claim, measured, start.elapsed())
}
