//! The command `latchkey lab`.

use std::io::Write as _;

use clap::Args;
use latchkey_lab::attacks::{self, Attack, Report, Role, Verdict};
use latchkey_lab::evidence::capitalize;
use latchkey_lab::{InstanceFactory as _, InstanceOptions};
use latchkey_web::cli::{Outcome, print};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::report::{self, Format, Kind};
use crate::state::LocalProvider;
use crate::throwaway::ThrowawayInstances;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Print JSON.
    #[arg(long, conflicts_with = "report")]
    json: bool,
    /// Print a report for continuous integration.
    #[arg(long, value_enum)]
    report: Option<Format>,
    /// Run only this attack; may be repeated.
    #[arg(long = "attack", value_name = "ID")]
    attacks: Vec<String>,
}

/// Attacks a temporary instance. Fails if an attack gets through or could not run.
pub(crate) async fn run(arguments: Arguments, local_provider: Option<LocalProvider>) -> Outcome {
    let attacks = find_attacks(&arguments.attacks)?;
    let instances = ThrowawayInstances::new(local_provider)?;
    let instance = instances.start(&InstanceOptions::default()).await?;
    let reports = Mutex::new(Vec::new());
    attacks::run(&instance.target(), &instances, &attacks, &|attack, report| {
        report::print_progress(attack.title);
        reports.lock().push((attack, report));
    })
    .await;
    instance.stop().await;
    let mut reports = reports.into_inner();
    reports.sort_by_key(|(attack, _)| attacks.iter().position(|one| one.id == attack.id));
    if let Some(format) = arguments.report {
        let rows: Vec<_> = reports.iter().map(report_row).collect();
        print(&report::render(format, "latchkey lab", &rows)?)?;
    } else if arguments.json {
        let all: Vec<_> = reports.iter().map(to_json).collect();
        print(&serde_json::to_string_pretty(&all)?)?;
    } else {
        for result in &reports {
            print(&line(result))?;
        }
    }
    let count = |is: fn(&Report) -> bool| reports.iter().filter(|(_, report)| is(report)).count();
    // To standard error, to leave the JSON intact.
    writeln!(
        std::io::stderr(),
        "{} of {} attacks are proven: without the check, they get through. \
         The tutorial falls to {}.",
        count(Report::is_proven),
        reports.len(),
        count(Report::falls),
    )?;
    exit_status(&reports)
}

fn find_attacks(ids: &[String]) -> Result<Vec<&'static Attack>, String> {
    if ids.is_empty() {
        return Ok(attacks::all().collect());
    }
    let find = |id: &String| attacks::by_id(id).ok_or(format!("there is no attack {id}"));
    ids.iter().map(find).collect()
}

fn report_row((attack, report): &(&Attack, Report)) -> report::Row {
    let kind = match report.verdict {
        Verdict::Refused => Kind::Pass,
        Verdict::GotThrough(_) => Kind::Fail,
        Verdict::CouldNotRun(_) => Kind::Error,
        Verdict::Undecided(_) => Kind::Open,
    };
    let (outcome, detail) = outcome_and_detail(&report.verdict);
    let proven = if report.is_proven() { ", proven" } else { "" };
    report::Row {
        id: attack.id,
        title: attack.title.to_owned(),
        kind,
        text: format!("{}{proven}. {detail}", capitalize(outcome)).trim_end().to_owned(),
        file: Some(attack.check.file),
    }
}

/// The outcome, and how or why.
fn outcome_and_detail(verdict: &Verdict) -> (&'static str, &str) {
    match verdict {
        Verdict::Refused => ("refused", ""),
        Verdict::GotThrough(how) => ("got through", how),
        Verdict::CouldNotRun(why) => ("could not run", why),
        Verdict::Undecided(why) => ("undecided", why),
    }
}

fn line((attack, report): &(&Attack, Report)) -> String {
    let (outcome, detail) = outcome_and_detail(&report.verdict);
    let proven = if report.is_proven() { "proven" } else { "" };
    let tutorial = if report.falls() { "tutorial falls" } else { "" };
    let (id, title) = (attack.id, attack.title);
    let line = format!("{outcome:<14}{proven:<8}{tutorial:<16}{id:<26}{title}  {detail}");
    line.trim_end().to_owned()
}

fn to_json((attack, report): &(&Attack, Report)) -> Value {
    let outcome = |verdict: &Verdict| outcome_and_detail(verdict).0.replace(' ', "_");
    let without_check = report.proof.as_ref().map(|proof| {
        let (outcome, detail) = (outcome(&proof.verdict), outcome_and_detail(&proof.verdict).1);
        json!({ "twin": proof.without, "verdict": outcome, "detail": detail })
    });
    json!({
        "id": attack.id,
        "group": attack.group.title(),
        "title": attack.title,
        "verdict": outcome(&report.verdict),
        "detail": outcome_and_detail(&report.verdict).1,
        "proven": report.is_proven(),
        "controls": report.steps.iter().filter(|step| step.role == Role::Control).count(),
        "without_check": without_check,
        "tutorial": report.falls().then_some("falls"),
        "took_ms": u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
    })
}

fn exit_status(reports: &[(&'static Attack, Report)]) -> Outcome {
    let count =
        |is: fn(&Verdict) -> bool| reports.iter().filter(|(_, report)| is(&report.verdict)).count();
    let through = count(|verdict| matches!(verdict, Verdict::GotThrough(_)));
    let not_run = count(|verdict| matches!(verdict, Verdict::CouldNotRun(_)));
    match (through, not_run) {
        (0, 0) => Ok(()),
        (0, n) => Err(format!("{n} of {} attacks could not run", reports.len()).into()),
        (n, _) => Err(format!("{n} of {} attacks got through", reports.len()).into()),
    }
}
