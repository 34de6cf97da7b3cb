//! Running attacks: bounded in time.

use std::time::{Duration, Instant};

use super::attack::{Attack, Group};
use super::context::AttackContext;
use super::judge::{Expect, Verdict, judge};
use super::record::Step;
use super::twin::{Ground, Proof};
use super::weakenings;
use crate::error::{Error, Result};
use crate::instance::{InstanceFactory, Target};

const EACH: Duration = Duration::from_secs(18);

/// How long all of them may take; what has not been run by then is not run.
const ALL: Duration = Duration::from_secs(60);

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
    pub tutorial: Option<Verdict>,
}

impl Report {
    pub fn falls(&self) -> bool {
        self.tutorial.as_ref().is_some_and(Verdict::is_through)
    }

    /// Refused with the check, and let through without it.
    pub fn is_proven(&self) -> bool {
        let proof = self.proof.as_ref();
        self.verdict == Verdict::Refused && proof.is_some_and(|proof| proof.verdict.is_through())
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
    let (timed, others): (Vec<&'static Attack>, Vec<&'static Attack>) =
        attacks.iter().copied().partition(|attack| attack.is_timed());
    let (slow, quick): (Vec<&'static Attack>, Vec<&'static Attack>) =
        others.into_iter().partition(|attack| SLOW.contains(&attack.id));
    let of = |groups: &[Group]| -> Vec<&'static Attack> {
        quick.iter().copied().filter(|attack| groups.contains(&attack.group)).collect()
    };
    let ground = Ground::start(factory).await;
    let deadline = Instant::now() + ALL;
    let [one, two, three, four] = LANES.map(of);
    let (here, apart) = (Ok(target), ground.as_ref());
    let throw_away = apart.map(|ground| &ground.target);
    tokio::join!(
        lane(here, apart, &one, deadline, tell),
        lane(here, apart, &two, deadline, tell),
        lane(here, apart, &three, deadline, tell),
        lane(here, apart, &four, deadline, tell),
        lane(here, apart, &slow, deadline, tell),
        lane(throw_away, apart, &timed, deadline, tell),
    );
    if let Ok(ground) = ground {
        ground.stop().await;
    }
}

async fn lane(
    target: Result<&Target, &Error>,
    ground: Result<&Ground, &Error>,
    attacks: &[&'static Attack],
    deadline: Instant,
    tell: Tell<'_>,
) {
    let here = || {
        let target = target.map_err(Error::other)?;
        AttackContext::new(target.clone(), None)
    };
    let mut context = here();
    for attack in attacks.iter().copied() {
        let start = Instant::now();
        let ((verdict, steps), proof, tutorial) = tokio::join!(
            run_in(&mut context, attack, deadline),
            prove(ground, attack, deadline),
            at_tutorial(ground, attack, deadline),
        );
        if verdict != Verdict::Refused {
            // The next one has a victim of its own: one hole must not hide another.
            context = here();
        }
        tell(attack, Report { verdict, steps, took: start.elapsed(), proof, tutorial });
    }
}

/// Runs an attack on a twin that lacks its check, with people of its own.
async fn prove(
    ground: Result<&Ground, &Error>,
    attack: &'static Attack,
    deadline: Instant,
) -> Option<Proof> {
    let weakening = weakenings::of(attack.id)?;
    let mut context = ground
        .map_err(Error::other)
        .and_then(|ground| AttackContext::new(ground.target.clone(), Some(ground.twin(weakening))));
    let (verdict, steps) = run_in(&mut context, attack, deadline).await;
    Some(Proof { without: weakening.without, verdict, steps })
}

async fn at_tutorial(
    ground: Result<&Ground, &Error>,
    attack: &'static Attack,
    deadline: Instant,
) -> Option<Verdict> {
    let tutorial = ground.ok()?.tutorial.as_ref()?;
    let mut context = AttackContext::new(tutorial.target().clone(), Some(tutorial.way_back()));
    Some(run_in(&mut context, attack, deadline).await.0)
}

/// Headers that every answer has: shown where the attack is about them.
const ON_EVERY_ANSWER: [&str; 2] = ["cache-control", "content-security-policy"];

fn is_about(attack: &Attack, header: &str) -> bool {
    attack.expect.iter().any(|expect| matches!(expect, Expect::Has(name, _) if *name == header))
}

async fn run_in(
    context: &mut Result<AttackContext>,
    attack: &'static Attack,
    deadline: Instant,
) -> (Verdict, Vec<Step>) {
    let context = match context {
        Ok(context) => context,
        Err(error) => return (Verdict::CouldNotRun(error.to_string()), Vec::new()),
    };
    let time = deadline.saturating_duration_since(Instant::now()).min(EACH);
    // An attack before this one may have been cut off.
    context.take_record();
    let done = match tokio::time::timeout(time, (attack.run)(context)).await {
        Ok(done) => done,
        Err(_) => Err(Error::other("There was no time left.")),
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
            // A machine that is too slow for the clock is none that refuses or lets in.
            _ if attack.is_timed() => Verdict::Undecided(why.to_string()),
            _ => Verdict::CouldNotRun(why.to_string()),
        },
    };
    (verdict, steps)
}
