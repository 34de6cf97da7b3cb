//! The experiments, one per claim that articles make about OAuth and JWT.

mod choice;
mod csrf;
mod deny_list;
mod experiment;
mod fan_out;
mod granular;
mod header;
mod in_a_url;
mod key_rotation;
mod lifespan;
mod prelude;
mod proof;
mod queries;
mod revocation;
mod roles;
mod secrets;
mod short_lived;
mod size;
mod speed;
mod stateless;
mod steps;
mod storage;
mod tampering;
mod thief;
mod third_party;
mod without_database;

use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::verdict::Verdict;

pub use experiment::Experiment;
pub use speed::{Curve, curve};

/// In the order of the claims. Most use a fraction of their budget, so that all of them fit into
/// the time limit of a run.
pub const ALL: &[Experiment] = &[
    steps::EXPERIMENT,
    queries::EXPERIMENT,
    speed::EXPERIMENT,
    size::EXPERIMENT,
    without_database::EXPERIMENT,
    stateless::EXPERIMENT,
    revocation::EXPERIMENT,
    lifespan::EXPERIMENT,
    granular::EXPERIMENT,
    secrets::EXPERIMENT,
    tampering::EXPERIMENT,
    roles::EXPERIMENT,
    storage::EXPERIMENT,
    in_a_url::EXPERIMENT,
    third_party::EXPERIMENT,
    choice::EXPERIMENT,
    csrf::EXPERIMENT,
    header::EXPERIMENT,
    deny_list::EXPERIMENT,
    short_lived::EXPERIMENT,
    thief::EXPERIMENT,
    fan_out::EXPERIMENT,
    proof::EXPERIMENT,
    key_rotation::EXPERIMENT,
];

pub fn by_number(number: u8) -> Option<&'static Experiment> {
    ALL.iter().find(|experiment| experiment.number == number)
}

/// Recomputes a verdict from the JSON of `latchkey compare --json`: the claim's number, samples
/// and facts.
pub fn verdict_of(claim: &Value) -> Option<Verdict> {
    let number = u8::try_from(claim.get("number")?.as_u64()?).ok()?;
    let evidence = json!({ "series": claim.get("series")?, "facts": claim.get("facts")? });
    let evidence: Evidence = serde_json::from_value(evidence).ok()?;
    Some(by_number(number)?.verdict(&evidence))
}
