//! The claims: what articles say, each with an experiment and a judge.

mod choice;
mod granular;
mod in_a_url;
mod lifespan;
mod queries;
mod revocation;
mod roles;
mod secrets;
mod seen;
mod size;
mod speed;
mod stateless;
mod steps;
mod storage;
mod tampering;
mod third_party;
mod without_database;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::evidence::Evidence;
use crate::run::Bench;
use crate::verdict::Verdict;
use crate::{Place, Result};

pub type Measuring<'a> = Pin<Box<dyn Future<Output = Result<Evidence>> + Send + 'a>>;

/// Something that is said of OAuth and JWT, and how it is measured here.
#[derive(Clone, Copy)]
pub struct Claim {
    /// Its number, which never changes.
    pub number: u8,
    pub slug: &'static str,
    pub sentence: &'static str,
    pub method: &'static str,
    /// What to expect of an honest answer.
    pub honest: &'static str,
    /// How long it takes at the most, unless the machine is busy.
    pub budget: Duration,
    pub measure: for<'a> fn(&'a Bench<'a>) -> Measuring<'a>,
    /// Reaches a verdict from the evidence alone.
    pub judge: fn(&Evidence) -> Verdict,
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "claim {}: {}", self.number, self.sentence)
    }
}

impl PartialEq for Claim {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

/// Every claim, in order. Most take a fraction of what they may; all together
/// are held to [`crate::run::LIMIT`].
pub const ALL: &[Claim] = &[
    steps::CLAIM,
    queries::CLAIM,
    speed::CLAIM,
    size::CLAIM,
    without_database::CLAIM,
    stateless::CLAIM,
    revocation::CLAIM,
    lifespan::CLAIM,
    granular::CLAIM,
    secrets::CLAIM,
    tampering::CLAIM,
    roles::CLAIM,
    storage::CLAIM,
    in_a_url::CLAIM,
    third_party::CLAIM,
    choice::CLAIM,
];

#[must_use]
pub fn by_number(number: u8) -> Option<&'static Claim> {
    ALL.iter().find(|claim| claim.number == number)
}

/// Stops places and hands the evidence on, whichever way the experiment ended.
async fn closing(places: Vec<Box<dyn Place>>, measured: Result<Evidence>) -> Result<Evidence> {
    // Last started, first stopped: a twin lives on the database of its elder.
    for place in places.into_iter().rev() {
        place.stop().await;
    }
    measured
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::LIMIT;

    #[test]
    fn numbers_rise_slugs_differ_and_nobody_takes_it_all() {
        assert!(ALL.windows(2).all(|pair| pair[0].number < pair[1].number));
        let mut slugs: Vec<_> = ALL.iter().map(|claim| claim.slug).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), ALL.len());
        assert!(ALL.iter().all(|claim| claim.budget <= LIMIT / 3));
    }

    /// No verdict without evidence, and no panic either.
    #[test]
    fn nothing_is_said_about_nothing() {
        for claim in ALL {
            let verdict = (claim.judge)(&Evidence::default());
            assert!(matches!(verdict, Verdict::Undecided { .. }), "{claim:?}: {verdict:?}");
        }
    }
}
