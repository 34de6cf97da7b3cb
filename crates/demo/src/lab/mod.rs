//! The attack lab: attacks on this very instance, run for real, and what
//! refused each of them.

pub(crate) mod command;
pub(crate) mod runner;

use axum::extract::{Path, State};
use axum::response::Redirect;
use latchkey_lab::attacks::{self, Attack, Group};

use latchkey_web::caller::PageCaller;
use latchkey_web::errors::{Action, AppError, HandlerResult, catalogue};

use self::runner::Progress;
use crate::state::Demo;
use askama::Template;
use latchkey_lab::attacks::{Report, Role, Step, Verdict};
use latchkey_web::layout::Layout;
use latchkey_web::templates::Page;

/// `GET /lab`
#[derive(Debug, Template)]
#[template(path = "lab.html")]
pub(crate) struct LabPage {
    pub(crate) layout: Layout,
    pub(crate) groups: Vec<LabGroup>,
    /// Only in development are attacks run.
    pub(crate) may_run: bool,
    pub(crate) progress: Option<Progress>,
    /// What the last run could not clear away.
    pub(crate) left_over: Option<String>,
}

#[derive(Debug)]
pub(crate) struct LabGroup {
    pub(crate) title: &'static str,
    pub(crate) rows: Vec<LabRow>,
}

impl LabGroup {
    fn refused(&self) -> usize {
        self.rows.iter().filter(|row| row.state == LabState::Refused).count()
    }
}

/// One attack, and how it went.
#[derive(Debug)]
pub(crate) struct LabRow {
    pub(crate) attack: &'static Attack,
    pub(crate) state: LabState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LabState {
    NotRun,
    Refused,
    GotThrough(String),
    CouldNotRun(String),
}

impl LabState {
    pub(crate) fn of(report: Option<&Report>) -> Self {
        match report.map(|report| &report.verdict) {
            None => Self::NotRun,
            Some(Verdict::Refused) => Self::Refused,
            Some(Verdict::GotThrough(how)) => Self::GotThrough(how.clone()),
            Some(Verdict::CouldNotRun(why)) => Self::CouldNotRun(why.clone()),
        }
    }
}

impl LabPage {
    fn total(&self) -> usize {
        self.groups.iter().map(|group| group.rows.len()).sum()
    }

    fn count(&self, is: impl Fn(&LabState) -> bool) -> usize {
        let rows = self.groups.iter().flat_map(|group| &group.rows);
        rows.filter(|row| is(&row.state)).count()
    }

    fn refused(&self) -> usize {
        self.count(|state| *state == LabState::Refused)
    }

    fn got_through(&self) -> usize {
        self.count(|state| matches!(state, LabState::GotThrough(_)))
    }

    fn could_not_run(&self) -> usize {
        self.count(|state| matches!(state, LabState::CouldNotRun(_)))
    }

    fn not_run(&self) -> usize {
        self.count(|state| *state == LabState::NotRun)
    }
}

/// `GET /lab/{id}`
#[derive(Debug, Template)]
#[template(path = "lab-attack.html")]
pub(crate) struct AttackPage {
    pub(crate) layout: Layout,
    pub(crate) attack: &'static Attack,
    pub(crate) expected: Vec<String>,
    pub(crate) state: LabState,
    pub(crate) took: Option<u128>,
    pub(crate) steps: Vec<Exchange>,
    pub(crate) may_run: bool,
    pub(crate) progress: Option<Progress>,
}

/// One request and its answer, as text.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) note: String,
    pub(crate) is_control: bool,
    pub(crate) sent: String,
    pub(crate) answered: String,
}

impl Exchange {
    pub(crate) fn of(step: &Step) -> Self {
        Self {
            note: step.note.clone(),
            is_control: step.role == Role::Control,
            sent: message(&step.asked, &step.sent, &step.body),
            answered: message(&step.answered, &step.headers, &step.said),
        }
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

/// `GET /lab`
pub(crate) async fn index(State(demo): State<Demo>, caller: Option<PageCaller>) -> Page<LabPage> {
    let groups = Group::ALL.into_iter().map(|group| LabGroup {
        title: group.title(),
        rows: group.attacks().map(|attack| row(&demo, attack)).collect(),
    });
    Page(LabPage {
        layout: Layout::new(&demo.app, caller.as_deref()).at("/lab"),
        groups: groups.collect(),
        may_run: demo.app.settings.is_development(),
        progress: demo.lab.progress(),
        left_over: demo.lab.left_over(),
    })
}

/// `GET /lab/{id}`
pub(crate) async fn show(
    State(demo): State<Demo>,
    caller: Option<PageCaller>,
    Path(id): Path<String>,
) -> HandlerResult<Page<AttackPage>> {
    let attack = named(&id)?;
    let report = demo.lab.report(attack);
    let steps = report.as_ref().map(|report| report.steps.iter().map(Exchange::of).collect());
    Ok(Page(AttackPage {
        layout: Layout::new(&demo.app, caller.as_deref()).below("/lab"),
        attack,
        expected: attack.expect.iter().map(attacks::Expect::words).collect(),
        state: LabState::of(report.as_ref()),
        took: report.map(|report| report.took.as_millis()),
        steps: steps.unwrap_or_default(),
        may_run: demo.app.settings.is_development(),
        progress: demo.lab.progress(),
    }))
}

/// `POST /lab/run`
pub(crate) async fn run_all(State(demo): State<Demo>) -> HandlerResult<Redirect> {
    run(&demo, attacks::all().collect())?;
    Ok(Redirect::to("/lab"))
}

/// `POST /lab/{id}/run`
pub(crate) async fn run_one(
    State(demo): State<Demo>,
    Path(id): Path<String>,
) -> HandlerResult<Redirect> {
    let attack = named(&id)?;
    run(&demo, vec![attack])?;
    Ok(Redirect::to(&format!("/lab/{}", attack.id)))
}

/// Starts a run in the background. While one is under way there is no second
/// one: whoever asks is shown the first.
fn run(demo: &Demo, attacks: Vec<&'static Attack>) -> HandlerResult<()> {
    if !demo.app.settings.is_development() {
        return Err(AppError::new(catalogue::NOT_FOUND)
            .detail("Attacks only run in development, on your own machine.")
            .action(Action::link("The list of attacks", "/lab")));
    }
    demo.lab.start(&demo.app, attacks);
    Ok(())
}

fn named(id: &str) -> HandlerResult<&'static Attack> {
    attacks::by_id(id).ok_or_else(|| {
        AppError::new(catalogue::NOT_FOUND).action(Action::link("The list of attacks", "/lab"))
    })
}

fn row(demo: &Demo, attack: &'static Attack) -> LabRow {
    LabRow { attack, state: LabState::of(demo.lab.report(attack).as_ref()) }
}
