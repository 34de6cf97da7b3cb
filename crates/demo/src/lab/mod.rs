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
    /// Only in development are attacks run.
    may_run: bool,
    progress: Option<Progress>,
    left_over: Option<String>,
}

#[derive(Debug)]
struct LabGroup {
    title: &'static str,
    rows: Vec<LabRow>,
}

impl LabGroup {
    fn count(&self, is: impl Fn(&LabRow) -> bool) -> usize {
        self.rows.iter().filter(|row| is(row)).count()
    }

    /// Whether something in it has to be looked at.
    fn needs_attention(&self) -> bool {
        self.rows.iter().any(|row| row.got_through() || row.could_not_run())
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

    fn is_refused(&self) -> bool {
        self.verdict() == Some(&Verdict::Refused)
    }

    fn is_waiting(&self) -> bool {
        self.report.is_none()
    }

    fn got_through(&self) -> bool {
        self.verdict().is_some_and(Verdict::is_through)
    }

    fn could_not_run(&self) -> bool {
        matches!(self.verdict(), Some(Verdict::CouldNotRun(_)))
    }

    fn is_undecided(&self) -> bool {
        matches!(self.verdict(), Some(Verdict::Undecided(_)))
    }

    fn is_proven(&self) -> bool {
        self.report.as_ref().is_some_and(Report::is_proven)
    }

    fn falls(&self) -> bool {
        self.report.as_ref().is_some_and(Report::falls)
    }

    fn in_words(&self) -> String {
        let tutorial = if self.falls() { "; the tutorial falls" } else { "" };
        format!("{}: {}{tutorial}", self.attack.title, self.square().1)
    }

    /// Its square on the map: a class and the words for it.
    fn square(&self) -> (&'static str, &'static str) {
        match self.verdict() {
            None => ("open", "not run"),
            Some(Verdict::CouldNotRun(_)) => ("unclear", "could not run"),
            Some(Verdict::Undecided(_)) => ("unclear", "undecided"),
            Some(Verdict::GotThrough(_)) => ("through", "got through"),
            Some(Verdict::Refused) if self.is_proven() => ("proven", "refused, proven"),
            Some(Verdict::Refused) => ("refused", "refused, unproven"),
        }
    }
}

impl LabPage {
    fn total(&self) -> usize {
        self.count(|_| true)
    }

    fn count(&self, is: impl Fn(&LabRow) -> bool) -> usize {
        self.groups.iter().map(|group| group.count(&is)).sum()
    }
}

/// `GET /lab`
pub(crate) async fn page(State(demo): State<Demo>, caller: Option<Caller>) -> Page<LabPage> {
    let row = |attack: &'static Attack| LabRow { report: demo.lab.result(&attack.id), attack };
    let group =
        |group: Group| LabGroup { title: group.title(), rows: group.attacks().map(row).collect() };
    let progress = demo.lab.progress();
    Page(LabPage {
        layout: Layout::new(&demo.app, caller.as_ref()).at("/lab"),
        groups: Group::ALL.iter().copied().map(group).collect(),
        may_run: demo.app.settings.is_development(),
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
    may_run: bool,
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

/// `GET /lab/{id}`
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
        may_run: demo.app.settings.is_development(),
        progress: demo.lab.progress(),
    }))
}

/// `POST /lab/run`. While a run is under way there is no second one: whoever
/// asks is shown the first.
pub(crate) async fn run_all(State(demo): State<Demo>) -> HandlerResult<Redirect> {
    start(&demo, attacks::all().collect())?;
    Ok(Redirect::to("/lab"))
}

/// `POST /lab/{id}/run`
pub(crate) async fn run_one(
    State(demo): State<Demo>,
    Path(id): Path<String>,
) -> HandlerResult<Redirect> {
    let attack = named(&id)?;
    start(&demo, vec![attack])?;
    Ok(Redirect::to(&format!("/lab/{}", attack.id)))
}

fn start(demo: &Demo, attacks: Vec<&'static Attack>) -> HandlerResult<()> {
    let factory = demo.instances().map_err(|error| {
        tracing::error!(%error, "the attack lab could not begin");
        AppError::new(catalogue::INTERNAL)
    })?;
    runner::start(&demo.lab, &demo.app, factory, attacks);
    Ok(())
}

fn named(id: &str) -> HandlerResult<&'static Attack> {
    attacks::by_id(id).ok_or_else(|| {
        AppError::new(catalogue::NOT_FOUND).action(Action::link("The list of attacks", "/lab"))
    })
}
