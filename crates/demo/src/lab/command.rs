//! `latchkey lab`

use std::io::Write as _;

use clap::Args;
use latchkey_lab::InstanceOptions;
use latchkey_lab::attacks::{self, Attack, Report, Role, Verdict};
use latchkey_lab::evidence::capitalize;
use latchkey_web::cli::{Outcome, print};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::report::{self, Format, Kind};
use crate::state::LocalProvider;
use crate::throwaway;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Print JSON.
    #[arg(long, conflicts_with = "report")]
    json: bool,
    /// Print what continuous integration reads.
    #[arg(long, value_enum)]
    report: Option<Format>,
    /// Run only this attack; may be repeated.
    #[arg(long = "attack", value_name = "ID")]
    attacks: Vec<String>,
}

/// Attacks an instance that is thrown away, and prints what refused each attack.
pub(crate) async fn run(arguments: Arguments, local_provider: Option<LocalProvider>) -> Outcome {
    let all = chosen(&arguments.attacks)?;
    let instances = throwaway::instances(local_provider)?;
    let instance = instances.start(&InstanceOptions::default()).await?;
    let reports = Mutex::new(Vec::new());
    attacks::run(&instance.target(), instances.as_ref(), &all, &|attack, report| {
        report::tell(attack.title);
        reports.lock().push((attack, report));
    })
    .await;
    instance.stop().await;
    let mut reports = reports.into_inner();
    reports.sort_by_key(|(attack, _)| all.iter().position(|one| one.id == attack.id));
    if let Some(format) = arguments.report {
        let rows: Vec<_> =
            reports.iter().map(|(attack, report)| reported(attack, report)).collect();
        print(&report::render(format, "latchkey lab", &rows)?)?;
    } else if arguments.json {
        let all: Vec<_> = reports.iter().map(|(attack, report)| row(attack, report)).collect();
        print(&serde_json::to_string_pretty(&all)?)?;
    } else {
        for (attack, report) in &reports {
            print(&line(attack, report))?;
        }
    }
    let count = |is: fn(&Report) -> bool| reports.iter().filter(|(_, report)| is(report)).count();
    // Beside the JSON, for whoever reads along.
    writeln!(
        std::io::stderr(),
        "{} of {} attacks are proven: they get through where just their check is missing. \
         The tutorial falls to {}.",
        count(Report::is_proven),
        reports.len(),
        count(Report::falls),
    )?;
    verdict(&reports)
}

fn chosen(ids: &[String]) -> Result<Vec<&'static Attack>, String> {
    if ids.is_empty() {
        return Ok(attacks::all().collect());
    }
    let one = |id: &String| attacks::by_id(id).ok_or(format!("there is no attack {id}"));
    ids.iter().map(one).collect()
}

fn reported(attack: &Attack, report: &Report) -> report::Row {
    let kind = match report.verdict {
        Verdict::Refused => Kind::Pass,
        Verdict::GotThrough(_) => Kind::Fail,
        Verdict::CouldNotRun(_) => Kind::Error,
        Verdict::Undecided(_) => Kind::Open,
    };
    let (word, more) = words(&report.verdict);
    let proven = if report.is_proven() { ", proven" } else { "" };
    report::Row {
        id: attack.id,
        title: attack.title.to_owned(),
        kind,
        text: format!("{}{proven}. {more}", capitalize(word)).trim_end().to_owned(),
        file: Some(attack.check.file),
    }
}

/// What came of an attack, and how or why, where there is more to say.
fn words(verdict: &Verdict) -> (&'static str, &str) {
    match verdict {
        Verdict::Refused => ("refused", ""),
        Verdict::GotThrough(how) => ("got through", how),
        Verdict::CouldNotRun(why) => ("could not run", why),
        Verdict::Undecided(why) => ("undecided", why),
    }
}

fn line(attack: &Attack, report: &Report) -> String {
    let (word, more) = words(&report.verdict);
    let proven = if report.is_proven() { "proven" } else { "" };
    let tutorial = if report.falls() { "tutorial falls" } else { "" };
    let (id, title) = (attack.id, attack.title);
    let line = format!("{word:<14}{proven:<8}{tutorial:<16}{id:<26}{title}  {more}");
    line.trim_end().to_owned()
}

fn row(attack: &Attack, report: &Report) -> Value {
    let outcome = |verdict: &Verdict| words(verdict).0.replace(' ', "_");
    let without_check = report.proof.as_ref().map(|proof| {
        let (outcome, detail) = (outcome(&proof.verdict), words(&proof.verdict).1);
        json!({ "twin": proof.without, "verdict": outcome, "detail": detail })
    });
    json!({
        "id": attack.id,
        "group": attack.group.title(),
        "title": attack.title,
        "verdict": outcome(&report.verdict),
        "detail": words(&report.verdict).1,
        "proven": report.is_proven(),
        "controls": report.steps.iter().filter(|step| step.role == Role::Control).count(),
        "without_check": without_check,
        "tutorial": report.falls().then_some("falls"),
        "took_ms": u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
    })
}

fn verdict(reports: &[(&'static Attack, Report)]) -> Outcome {
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
