//! The attack lab: attacks on this very instance, run for real, and what
//! refused each of them.

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
    left_over: Option<String>,
}

#[derive(Debug)]
struct LabGroup {
    title: &'static str,
    rows: Vec<LabRow>,
}

impl LabGroup {
    /// How many came out like this, by how their words begin.
    fn count(&self, outcome: &str) -> usize {
        self.rows.iter().filter(|row| row.outcome().0.starts_with(outcome)).count()
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

    fn in_words(&self) -> String {
        let tutorial = if self.falls() { "; the tutorial falls" } else { "" };
        format!("{}: {}{tutorial}", self.attack.title, self.outcome().0)
    }

    /// How it came out, in words, and the class of its square on the map.
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

    fn count(&self, outcome: &str) -> usize {
        self.groups.iter().map(|group| group.count(outcome)).sum()
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
        left_over: demo.lab.left_over().filter(|_| progress.is_none()),
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

/// As HTTP has it: a line, headers, an empty line, a body.
fn message(first: &str, headers: &[(String, String)], body: &str) -> String {
    let mut text = first.to_owned();
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
    let attack = named(&id)?;
    let report = demo.lab.result(&attack.id);
    Ok(Page(AttackPage {
        layout: Layout::new(&demo.app, caller.as_ref()).below("/lab"),
        attack,
        report,
        progress: demo.lab.progress(),
    }))
}

/// `POST /lab/run`. While a run is under way there is no second one: whoever
/// asks is shown the first.
pub(crate) async fn run_all(State(demo): State<Demo>) -> HandlerResult<Redirect> {
    runner::start(&demo.lab, &demo.app, demo.factory()?, attacks::all().collect());
    Ok(Redirect::to("/lab"))
}

pub(crate) async fn run_one(
    State(demo): State<Demo>,
    Path(id): Path<String>,
) -> HandlerResult<Redirect> {
    let attack = named(&id)?;
    runner::start(&demo.lab, &demo.app, demo.factory()?, vec![attack]);
    Ok(Redirect::to(&format!("/lab/{}", attack.id)))
}

fn named(id: &str) -> HandlerResult<&'static Attack> {
    attacks::by_id(id)
        .ok_or_else(|| AppError::new(catalogue::NOT_FOUND).link("The list of attacks", "/lab"))
}
