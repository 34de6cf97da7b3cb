//! Running attacks: bounded in time.

use std::time::{Duration, Instant};

use super::attack::{Attack, Group};
use super::context::{AttackContext, NotRun};
use super::judge::{Expect, Verdict, judge};
use super::record::Step;
use super::twin::{Ground, Proof};
use super::weakenings;
use crate::error::Error;
use crate::instance::{InstanceFactory, Target};

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
    pub proof: Option<Proof>,
}

impl Report {
    /// Refused with the check, and let through without it.
    pub fn is_proven(&self) -> bool {
        let through = |proof: &Proof| matches!(proof.verdict, Verdict::GotThrough(_));
        self.verdict == Verdict::Refused && self.proof.as_ref().is_some_and(through)
    }
}

type Tell<'a> = &'a (dyn Fn(&'static Attack, Report) + Send + Sync);

/// Runs these attacks, and reports each as soon as it is over; each once more where its check is
/// missing, if an instance can be started for that. The caller deletes the accounts: an attack
/// may be cut off halfway.
pub async fn run(
    target: &Target,
    factory: &dyn InstanceFactory,
    attacks: &[&'static Attack],
    tell: Tell<'_>,
) {
    let (slow, quick): (Vec<&'static Attack>, Vec<&'static Attack>) =
        attacks.iter().copied().partition(|attack| SLOW.contains(&attack.id));
    let of = |groups: &[Group]| -> Vec<&'static Attack> {
        quick.iter().copied().filter(|attack| groups.contains(&attack.group)).collect()
    };
    let ground = Ground::start(factory).await;
    let deadline = Instant::now() + ALL;
    let [one, two, three, four] = LANES.map(of);
    let ground_of = ground.as_ref();
    tokio::join!(
        lane(target, ground_of, &one, deadline, tell),
        lane(target, ground_of, &two, deadline, tell),
        lane(target, ground_of, &three, deadline, tell),
        lane(target, ground_of, &four, deadline, tell),
        lane(target, ground_of, &slow, deadline, tell),
    );
    if let Ok(ground) = ground {
        ground.stop().await;
    }
}

async fn lane(
    target: &Target,
    ground: Result<&Ground, &Error>,
    attacks: &[&'static Attack],
    deadline: Instant,
    tell: Tell<'_>,
) {
    let mut context = AttackContext::new(target.clone(), None);
    for attack in attacks.iter().copied() {
        let (report, proof) =
            tokio::join!(run_in(&mut context, attack, deadline), prove(ground, attack, deadline),);
        if report.verdict != Verdict::Refused {
            // The next one has a victim of its own: one hole must not hide another.
            context = AttackContext::new(target.clone(), None);
        }
        tell(attack, Report { proof: Some(proof), ..report });
    }
}

/// Runs an attack on a twin that lacks its check, with people of its own.
async fn prove(
    ground: Result<&Ground, &Error>,
    attack: &'static Attack,
    deadline: Instant,
) -> Proof {
    let Some(weakening) = weakenings::of(attack.id) else {
        let why = "No twin without this check can be made from outside.".to_owned();
        return Proof { without: None, verdict: Verdict::CouldNotRun(why), steps: Vec::new() };
    };
    let started = ground.map_err(|error| NotRun::because(error.to_string())).and_then(|ground| {
        let twin = ground.twin(weakening).map_err(|error| NotRun::because(error.to_string()))?;
        AttackContext::new(ground.target.clone(), Some(twin))
    });
    let Report { verdict, steps, .. } = run_in(&mut { started }, attack, deadline).await;
    Proof { without: Some(weakening.without), verdict, steps }
}

async fn run_in(
    context: &mut Result<AttackContext, NotRun>,
    attack: &'static Attack,
    deadline: Instant,
) -> Report {
    match context {
        Ok(context) => run_one(context, attack, deadline).await,
        Err(error) => Report {
            verdict: Verdict::CouldNotRun(error.to_string()),
            steps: Vec::new(),
            took: Duration::ZERO,
            proof: None,
        },
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
    Report { verdict, steps, took: start.elapsed(), proof: None }
}
