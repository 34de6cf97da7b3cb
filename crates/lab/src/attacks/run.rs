//! Running attacks: bounded in time.

use std::time::{Duration, Instant};

use super::judge::{Expect, Verdict, judge};
use super::record::Step;
use super::stage::{NotRun, Stage, Target};
use super::{Attack, Group};

/// How long one attack may take.
const EACH: Duration = Duration::from_secs(18);

/// How long all of them may take; what has not been run by then is not run.
const ALL: Duration = Duration::from_secs(25);

/// Those that wait for seconds on purpose: in a lane of their own.
const SLOW: [&str; 1] = ["refresh_reused"];

/// Attacks that run beside each other. Those of one lane share their people.
const LANES: [&[Group]; 4] = [
    &[Group::Callback, Group::IdToken, Group::Provider],
    &[Group::CrossSite, Group::Sessions, Group::Input],
    &[Group::Jwt, Group::Rights],
    &[Group::Refresh, Group::Accounts],
];

#[derive(Clone, Debug)]
pub struct Report {
    /// Refused or not.
    pub verdict: Verdict,
    pub steps: Vec<Step>,
    /// From its first request to its last.
    pub took: Duration,
}

/// Runs these attacks, and tells of each as soon as it is over. Its people stay
/// behind, for whoever runs it to delete: some attacks are cut off halfway.
pub async fn run(
    target: &Target,
    attacks: &[&'static Attack],
    tell: &(dyn Fn(&'static Attack, Report) + Send + Sync),
) {
    let (slow, quick): (Vec<&'static Attack>, Vec<&'static Attack>) =
        attacks.iter().copied().partition(|attack| SLOW.contains(&attack.id));
    let of = |groups: &[Group]| -> Vec<&'static Attack> {
        quick.iter().copied().filter(|attack| groups.contains(&attack.group)).collect()
    };
    let deadline = Instant::now() + ALL;
    let [one, two, three, four] = LANES.map(of);
    tokio::join!(
        lane(target, &one, deadline, tell),
        lane(target, &two, deadline, tell),
        lane(target, &three, deadline, tell),
        lane(target, &four, deadline, tell),
        lane(target, &slow, deadline, tell),
    );
}

/// One after the other, with the same people.
async fn lane(
    target: &Target,
    attacks: &[&'static Attack],
    deadline: Instant,
    tell: &(dyn Fn(&'static Attack, Report) + Send + Sync),
) {
    let mut stage = Stage::new(target.clone());
    for attack in attacks.iter().copied() {
        let report = match &mut stage {
            Ok(stage) => one(stage, attack, deadline).await,
            Err(error) => Report {
                verdict: Verdict::CouldNotRun(error.to_string()),
                steps: Vec::new(),
                took: Duration::ZERO,
            },
        };
        tell(attack, report);
    }
}

/// Headers that stand on every answer: shown where they are what it is about.
const ON_EVERYTHING: [&str; 2] = ["cache-control", "content-security-policy"];

fn tells(attack: &Attack, header: &str) -> bool {
    attack.expect.iter().any(|expect| matches!(expect, Expect::Has(name, _) if *name == header))
}

async fn one(stage: &mut Stage, attack: &'static Attack, deadline: Instant) -> Report {
    let start = Instant::now();
    let time = deadline.saturating_duration_since(start).min(EACH);
    // What an attack before this one left half done is not part of this one.
    stage.take_record();
    let done = match tokio::time::timeout(time, (attack.run)(stage)).await {
        Ok(done) => done,
        Err(_) => Err(NotRun::because("There was no time left.")),
    };
    let (seen, mut steps) = stage.take_record();
    for step in &mut steps {
        step.headers.retain(|(name, _)| !ON_EVERYTHING.contains(&&**name) || tells(attack, name));
    }
    let verdict = match done {
        Ok(()) => judge(attack.expect, &seen),
        Err(why) => match judge(attack.expect, &seen) {
            // What has been seen has been seen, whatever happened afterwards.
            through @ Verdict::GotThrough(_) => through,
            _ => Verdict::CouldNotRun(why.to_string()),
        },
    };
    Report { verdict, steps, took: start.elapsed() }
}
