//! The attack lab: real attacks on this instance, and the check that stops each one.

pub(crate) mod command;
pub(crate) mod runner;

use latchkey_lab::attacks::{self, Attack, Expect, Group, Report, Role, Verdict};

use self::runner::Progress;
use crate::prelude::*;

#[derive(Debug, Template)]
#[template(path = "lab.html")]
pub(crate) struct LabPage {
    layout: Layout,
    groups: Vec<LabGroup>,
    progress: Option<Progress>,
    problem: Option<String>,
}

#[derive(Debug)]
struct LabGroup {
    title: &'static str,
    rows: Vec<LabRow>,
}

impl LabGroup {
    fn count(&self, outcome_prefix: &str) -> usize {
        self.rows.iter().filter(|row| row.outcome().0.starts_with(outcome_prefix)).count()
    }

    fn falls(&self) -> usize {
        self.rows.iter().filter(|row| row.falls()).count()
    }
}

#[derive(Debug)]
struct LabRow {
    attack: &'static Attack,
    report: Option<Report>,
}

impl LabRow {
    fn verdict(&self) -> Option<&Verdict> {
        self.report.as_ref().map(|report| &report.verdict)
    }

    fn falls(&self) -> bool {
        self.report.as_ref().is_some_and(Report::falls)
    }

    fn summary(&self) -> String {
        let tutorial = if self.falls() { "; breaks the tutorial" } else { "" };
        format!("{}: {}{tutorial}", self.attack.title, self.outcome().0)
    }

    /// The text, and the CSS class of its square.
    fn outcome(&self) -> (&'static str, &'static str) {
        let Some(report) = &self.report else { return ("not run", "open") };
        match report.verdict {
            Verdict::CouldNotRun(_) => ("could not run", "unclear"),
            Verdict::Undecided(_) => ("undecided", "unclear"),
            Verdict::GotThrough(_) => ("got through", "through"),
            Verdict::Refused if report.is_proven() => ("refused, proven", "proven"),
            Verdict::Refused => ("refused, unproven", "refused"),
        }
    }
}

impl LabPage {
    fn total(&self) -> usize {
        self.groups.iter().map(|group| group.rows.len()).sum()
    }

    fn count(&self, outcome_prefix: &str) -> usize {
        self.groups.iter().map(|group| group.count(outcome_prefix)).sum()
    }

    fn falls(&self) -> usize {
        self.groups.iter().map(LabGroup::falls).sum()
    }
}

pub(crate) async fn page(State(demo): State<Demo>, caller: Option<Caller>) -> Page<LabPage> {
    let row = |attack: &'static Attack| LabRow { report: demo.lab.result(&attack.id), attack };
    let group =
        |group: Group| LabGroup { title: group.title(), rows: group.attacks().map(row).collect() };
    let progress = demo.lab.progress();
    Page(LabPage {
        layout: Layout::new(&demo.app, caller.as_ref()).at("/lab"),
        groups: Group::ALL.iter().copied().map(group).collect(),
        problem: demo.lab.problem().filter(|_| progress.is_none()),
        progress,
    })
}

#[derive(Debug, Template)]
#[template(path = "lab-attack.html")]
pub(crate) struct AttackPage {
    layout: Layout,
    attack: &'static Attack,
    report: Option<Report>,
    progress: Option<Progress>,
}

impl AttackPage {
    fn verdict(&self) -> Option<&Verdict> {
        self.report.as_ref().map(|report| &report.verdict)
    }
}

/// Formats an HTTP message.
fn message(first_line: &str, headers: &[(String, String)], body: &str) -> String {
    let mut text = first_line.to_owned();
    for (name, value) in headers {
        text.push_str(&format!("\n{name}: {value}"));
    }
    if !body.is_empty() {
        text.push_str(&format!("\n\n{body}"));
    }
    text
}

pub(crate) async fn attack_page(
    State(demo): State<Demo>,
    caller: Option<Caller>,
    Path(id): Path<String>,
) -> HandlerResult<Page<AttackPage>> {
    let attack = find_attack(&id)?;
    let report = demo.lab.result(&attack.id);
    Ok(Page(AttackPage {
        layout: Layout::new(&demo.app, caller.as_ref()).below("/lab"),
        attack,
        report,
        progress: demo.lab.progress(),
    }))
}

/// `POST /lab/run`. Has no effect while a run is in progress.
pub(crate) async fn run_all(State(demo): State<Demo>) -> HandlerResult<Redirect> {
    runner::start(&demo.lab, &demo.app, demo.instance_factory()?, attacks::all().collect());
    Ok(Redirect::to("/lab"))
}

pub(crate) async fn run_one(
    State(demo): State<Demo>,
    Path(id): Path<String>,
) -> HandlerResult<Redirect> {
    let attack = find_attack(&id)?;
    runner::start(&demo.lab, &demo.app, demo.instance_factory()?, vec![attack]);
    Ok(Redirect::to(&format!("/lab/{}", attack.id)))
}

fn find_attack(id: &str) -> HandlerResult<&'static Attack> {
    attacks::by_id(id)
        .ok_or_else(|| AppError::new(catalogue::NOT_FOUND).link("The list of attacks", "/lab"))
}
