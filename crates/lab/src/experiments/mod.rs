//! The experiments: one for each thing that articles say of OAuth and JWT.

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

/// In the order of the claims. Most take a fraction of their budget, so that together they
/// stay within the limit of a run.
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

/// Reaches the verdict on a claim again from its JSON, as `latchkey compare --json` prints
/// it: from its number, its samples and its facts.
pub fn verdict_of(claim: &Value) -> Option<Verdict> {
    let number = u8::try_from(claim.get("number")?.as_u64()?).ok()?;
    let evidence = json!({ "series": claim.get("series")?, "facts": claim.get("facts")? });
    let evidence: Evidence = serde_json::from_value(evidence).ok()?;
    Some(by_number(number)?.verdict(&evidence))
}
