//! Running attacks: bounded in time.

use std::time::{Duration, Instant};

use super::attack::{Attack, Group};
use super::context::{AttackContext, NotRun, Target};
use super::judge::{Expect, Verdict, judge};
use super::record::Step;

/// How long one attack may take.
const EACH: Duration = Duration::from_secs(18);

/// How long all of them may take; what has not been run by then is not run.
const ALL: Duration = Duration::from_secs(25);

/// Those that wait for seconds on purpose, in a lane of their own.
const SLOW: [&str; 1] = ["refresh_reused"];

/// What runs at the same time. The attacks of one lane share their accounts.
const LANES: [&[Group]; 4] = [
    &[Group::Callback, Group::IdToken, Group::Provider],
    &[Group::CrossSite, Group::Sessions, Group::Input],
    &[Group::Jwt, Group::Rights],
    &[Group::Refresh, Group::Accounts],
];

#[derive(Clone, Debug)]
pub struct Report {
    pub verdict: Verdict,
    pub steps: Vec<Step>,
    pub took: Duration,
}

/// Runs these attacks, and reports each as soon as it is over. The caller deletes the
/// accounts: an attack may be cut off halfway.
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

async fn lane(
    target: &Target,
    attacks: &[&'static Attack],
    deadline: Instant,
    tell: &(dyn Fn(&'static Attack, Report) + Send + Sync),
) {
    let mut context = AttackContext::new(target.clone());
    for attack in attacks.iter().copied() {
        let report = match &mut context {
            Ok(context) => run_one(context, attack, deadline).await,
            Err(error) => Report {
                verdict: Verdict::CouldNotRun(error.to_string()),
                steps: Vec::new(),
                took: Duration::ZERO,
            },
        };
        tell(attack, report);
    }
}

/// Headers that every answer has: shown where the attack is about them.
const ON_EVERY_ANSWER: [&str; 2] = ["cache-control", "content-security-policy"];

fn is_about(attack: &Attack, header: &str) -> bool {
    attack.expect.iter().any(|expect| matches!(expect, Expect::Has(name, _) if *name == header))
}

async fn run_one(
    context: &mut AttackContext,
    attack: &'static Attack,
    deadline: Instant,
) -> Report {
    let start = Instant::now();
    let time = deadline.saturating_duration_since(start).min(EACH);
    // An attack before this one may have been cut off.
    context.take_record();
    let done = match tokio::time::timeout(time, (attack.run)(context)).await {
        Ok(done) => done,
        Err(_) => Err(NotRun::because("There was no time left.")),
    };
    let (seen, mut steps) = context.take_record();
    for step in &mut steps {
        step.headers
            .retain(|(name, _)| !ON_EVERY_ANSWER.contains(&&**name) || is_about(attack, name));
    }
    let verdict = match done {
        Ok(()) => judge(attack.expect, &seen),
        Err(why) => match judge(attack.expect, &seen) {
            // What was seen counts, whatever failed afterwards.
            through @ Verdict::GotThrough(_) => through,
            _ => Verdict::CouldNotRun(why.to_string()),
        },
    };
    Report { verdict, steps, took: start.elapsed() }
}
