//! Runs attacks in parallel lanes, within a time limit.

use std::time::{Duration, Instant};

use super::attack::{Attack, Group};
use super::context::AttackContext;
use super::judge::{Expect, Verdict, judge};
use super::patching_proxy::{LabEnvironment, Proof};
use super::record::Step;
use super::removed_checks;
use crate::error::{Error, Result};
use crate::instance::{InstanceFactory, Target};

const ATTACK_TIMEOUT: Duration = Duration::from_secs(18);

/// Attacks that have not started by then could not run.
const RUN_TIMEOUT: Duration = Duration::from_secs(60);

/// Attacks that wait on purpose run in a lane of their own.
const SLOW: [&str; 1] = ["refresh_reused"];

/// Lanes run in parallel. The attacks of one lane share their accounts.
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
    /// Whether the tutorial falls to the attack.
    pub fn falls(&self) -> bool {
        self.tutorial.as_ref().is_some_and(Verdict::is_through)
    }

    /// Refused with the check, and not refused without it.
    pub fn is_proven(&self) -> bool {
        let proof = self.proof.as_ref();
        self.verdict == Verdict::Refused && proof.is_some_and(|proof| proof.verdict.is_through())
    }
}

type OnReport<'a> = &'a (dyn Fn(&'static Attack, Report) + Send + Sync);

/// Runs the attacks and reports each as soon as it ends. If a temporary instance can be started,
/// each attack also runs without its check and against the tutorial. The caller deletes the test
/// accounts, because an attack may be interrupted at any point.
pub async fn run(
    target: &Target,
    factory: &dyn InstanceFactory,
    attacks: &[&'static Attack],
    on_report: OnReport<'_>,
) {
    let (timed, others): (Vec<&'static Attack>, Vec<&'static Attack>) =
        attacks.iter().copied().partition(|attack| attack.is_timed());
    let (slow, quick): (Vec<&'static Attack>, Vec<&'static Attack>) =
        others.into_iter().partition(|attack| SLOW.contains(&attack.id));
    let in_groups = |groups: &[Group]| -> Vec<&'static Attack> {
        quick.iter().copied().filter(|attack| groups.contains(&attack.group)).collect()
    };
    let environment = LabEnvironment::start(factory).await;
    let deadline = Instant::now() + RUN_TIMEOUT;
    let environment_ref = environment.as_ref();
    let lane = |target, attacks| run_lane(target, environment_ref, attacks, deadline, on_report);
    let throw_away = environment_ref.map(|environment| &environment.target);
    let [one, two, three, four] = LANES.map(in_groups);
    tokio::join!(
        lane(Ok(target), one),
        lane(Ok(target), two),
        lane(Ok(target), three),
        lane(Ok(target), four),
        lane(Ok(target), slow),
        lane(throw_away, timed),
    );
    if let Ok(environment) = environment {
        environment.stop().await;
    }
}

async fn run_lane(
    target: Result<&Target, &Error>,
    environment: Result<&LabEnvironment, &Error>,
    attacks: Vec<&'static Attack>,
    deadline: Instant,
    on_report: OnReport<'_>,
) {
    let new_context = || AttackContext::new(target.map_err(Error::other)?.clone(), None);
    let mut context = new_context();
    for attack in attacks {
        let start = Instant::now();
        let ((verdict, steps), proof, tutorial) = tokio::join!(
            run_attack(&mut context, attack, deadline),
            run_without_check(environment, attack, deadline),
            run_at_tutorial(environment, attack, deadline),
        );
        if verdict != Verdict::Refused {
            // The next attack gets new accounts, so that one hole does not hide another.
            context = new_context();
        }
        on_report(attack, Report { verdict, steps, took: start.elapsed(), proof, tutorial });
    }
}

async fn run_without_check(
    environment: Result<&LabEnvironment, &Error>,
    attack: &'static Attack,
    deadline: Instant,
) -> Option<Proof> {
    let removed_check = removed_checks::of(attack.id)?;
    let mut context = environment.map_err(Error::other).and_then(|environment| {
        AttackContext::new(environment.target.clone(), Some(environment.proxy(removed_check)))
    });
    let (verdict, steps) = run_attack(&mut context, attack, deadline).await;
    Some(Proof { without: removed_check.without, verdict, steps })
}

async fn run_at_tutorial(
    environment: Result<&LabEnvironment, &Error>,
    attack: &'static Attack,
    deadline: Instant,
) -> Option<Verdict> {
    let tutorial = environment.ok()?.tutorial.as_ref()?;
    let proxy = tutorial.callback_redirect();
    let mut context = AttackContext::new(tutorial.target().clone(), Some(proxy));
    Some(run_attack(&mut context, attack, deadline).await.0)
}

/// Headers of every response, shown only if the attack is about them.
const COMMON_HEADERS: [&str; 2] = ["cache-control", "content-security-policy"];

fn is_about(attack: &Attack, header: &str) -> bool {
    let expects = |expect: &Expect| matches!(expect, Expect::HasHeader(name, _) if *name == header);
    attack.expect.iter().any(expects)
}

async fn run_attack(
    context: &mut Result<AttackContext>,
    attack: &'static Attack,
    deadline: Instant,
) -> (Verdict, Vec<Step>) {
    let context = match context {
        Ok(context) => context,
        Err(error) => return (Verdict::CouldNotRun(error.to_string()), Vec::new()),
    };
    let timeout = deadline.saturating_duration_since(Instant::now()).min(ATTACK_TIMEOUT);
    // The previous attack may have been interrupted.
    context.take_record();
    let result = match tokio::time::timeout(timeout, (attack.run)(context)).await {
        Ok(result) => result,
        Err(_) => Err(Error::other("There was no time left.")),
    };
    let (answers, mut steps) = context.take_record();
    for step in &mut steps {
        step.response_headers
            .retain(|(name, _)| !COMMON_HEADERS.contains(&&**name) || is_about(attack, name));
    }
    let verdict = match (judge(attack.expect, &answers), result) {
        // The answers count, whatever failed afterwards.
        (verdict @ Verdict::GotThrough(_), _) | (verdict, Ok(())) => verdict,
        // On a machine that is too slow, timing proves nothing.
        (_, Err(why)) if attack.is_timed() => Verdict::Undecided(why.to_string()),
        (_, Err(why)) => Verdict::CouldNotRun(why.to_string()),
    };
    (verdict, steps)
}
