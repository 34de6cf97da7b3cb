//! Verdicts can be recomputed, and two runs agree.

use std::path::Path;
use std::time::Duration;

use latchkey_demo::throwaway::ThrowawayInstances;
use latchkey_lab::experiments::{self, Experiment};
use latchkey_lab::remote::Remote;
use latchkey_lab::run::TIME_LIMIT;
use latchkey_lab::{
    InstanceFactory, InstanceOptions, Options, Outcome, Report, Verdict, run, verdict_of,
};
use latchkey_tests::Latchkey;
use latchkey_tests::app::PROVIDER;

async fn measure(chosen: &[&'static Experiment]) -> Report {
    let factory = ThrowawayInstances::new(PROVIDER).expect("threads");
    run(&factory, &Options::default(), chosen, &|_| {}).await
}

/// Compares two runs, without their numbers.
fn agree(one: &Verdict, other: &Verdict) -> bool {
    match (one, other) {
        (Verdict::TrueIf { condition: one, .. }, Verdict::TrueIf { condition: other, .. }) => {
            one == other
        }
        (one, other) => one.word() == other.word(),
    }
}

#[test]
fn agreement_is_about_verdict_and_condition() {
    let (a, b) = (Verdict::only_if("x", "1 ms"), Verdict::only_if("x", "2 ms"));
    assert!(agree(&a, &b));
    assert!(!agree(&a, &Verdict::only_if("y", "1 ms")));
    assert!(!agree(&a, &Verdict::yes("1 ms")));
    assert!(agree(&Verdict::no("a"), &Verdict::no("b")));
}

/// Recomputes the verdict of a claim from its JSON.
#[track_caller]
fn recomputed(outcome: &Outcome) -> Verdict {
    let json = serde_json::to_value(outcome).expect("JSON");
    let verdict = verdict_of(&json).expect("a verdict");
    assert_eq!(Some(&verdict), outcome.verdict.as_ref(), "{}", outcome.sentence);
    verdict
}

/// All claims in one run, and then each one alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeated_runs_reach_the_same_verdicts() {
    let all: Vec<_> = experiments::ALL.iter().collect();
    let first = measure(&all).await;
    // It ends even on a busy machine: running measurements are stopped, which takes a moment for
    // each instance.
    let most = TIME_LIMIT + Duration::from_secs(15);
    assert!(u128::from(first.took_ms) <= most.as_millis(), "{}", first.took_ms);
    assert_eq!(first.claims.len(), all.len());
    for (claim, first) in all.iter().zip(&first.claims) {
        let (one, other) = (decided(claim, Some(first)).await, decided(claim, None).await);
        assert!(agree(&one, &other), "{claim:?}: {one:?}, {other:?}");
    }
}

/// How often a slow machine may run out of time.
const TRIES: usize = 4;

/// A verdict on a claim. On a busy machine, time may run out or noise may hide the effect: then it
/// is measured again.
async fn decided(claim: &'static Experiment, outcome: Option<&Outcome>) -> Verdict {
    let mut outcome = outcome.cloned();
    let mut said = Vec::new();
    for _ in 0..TRIES {
        let measured = match outcome.take() {
            Some(outcome) => outcome,
            None => measure(&[claim]).await.claims.remove(0),
        };
        match &measured.error {
            Some(why) => said.push(why.clone()),
            None => match recomputed(&measured) {
                Verdict::Undecided { because } => said.push(because),
                verdict => return verdict,
            },
        }
    }
    panic!("{claim:?}: {TRIES} tries, and no verdict: {said:#?}")
}

/// Other samples lead to another verdict: it is not copied.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_samples_change_the_verdict() {
    let queries = experiments::by_number(2).expect("a claim");
    let mut tries = 0..TRIES;
    let measured = loop {
        assert!(tries.next().is_some(), "no time");
        match measure(&[queries]).await.claims.remove(0) {
            Outcome { error: Some(_), .. } => {}
            measured => break measured,
        }
    };
    let mut json = serde_json::to_value(&measured).expect("JSON");
    assert!(matches!(verdict_of(&json), Some(Verdict::TrueIf { .. })));
    for series in json["series"].as_array_mut().expect("series") {
        if series["label"] == "password + JWT" && series["unit"] == "queries" {
            series["values"][7] = 1.0.into();
        }
    }
    assert!(matches!(verdict_of(&json), Some(Verdict::False { .. })));
}

/// Temporary instances leave nothing behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_throwaway_instance_no_longer_responds() {
    let factory = ThrowawayInstances::new(PROVIDER).expect("threads");
    let instance = factory.start(&InstanceOptions::default()).await.expect("an instance");
    let url = instance.url().join("/healthz").expect("a URL");
    let mut agent = latchkey_lab::Agent::new().expect("an agent");
    let answer = agent.send(latchkey_lab::Call::get(url.clone())).await.expect("an answer");
    assert_eq!(answer.status.as_u16(), 200);
    let settings = instance.shared_settings().expect("settings");
    let (_, database) = settings.iter().find(|(name, _)| name == "DATABASE_URL").expect("one");
    let database = Path::new(database.strip_prefix("sqlite://").expect("SQLite"));
    let folder = database.parent().expect("a folder");
    assert!(database.is_file(), "{}", database.display());
    instance.stop().await;
    assert!(!folder.exists(), "{} is left", folder.display());
    let mut late = latchkey_lab::Agent::new().expect("an agent");
    assert!(late.send(latchkey_lab::Call::get(url)).await.is_err(), "somebody still listens");
}

/// A running instance: what is visible from outside is measured; the rest is reported to need a
/// restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_instance_reports_claims_that_need_a_restart() {
    let app = Latchkey::start().await;
    let url = |text: &str| text.parse().expect("a URL");
    let factory = Remote::new(&url(&app.origin), Some(url(&app.idp))).expect("on this machine");
    let chosen: Vec<_> = [2, 3, 6].into_iter().filter_map(experiments::by_number).collect();
    let mut tries = 0..TRIES;
    let report = loop {
        let report = run(&factory, &Options::default(), &chosen, &|_| {}).await;
        if report.claims[0].error.is_none() || tries.next().is_none() {
            break report;
        }
    };
    assert!(report.ground.contains(&app.origin), "{}", report.ground);
    assert!(matches!(report.claims[0].verdict, Some(Verdict::TrueIf { .. })), "{report:?}");
    let why = report.claims[1].error.as_deref().expect("it cannot be measured there");
    assert!(why.contains("JWT_ALGORITHM"), "{why}");
    assert_eq!(report.claims[1].verdict, None);
    let why = report.claims[2].error.as_deref().expect("it cannot be measured there");
    assert!(why.contains("JWT_PRIVATE_KEY") && !why.contains("BEGIN"), "{why}");
}
