//! The attack lab.

use askama::Template;
use latchkey_lab::attacks::{Attack, Report, Role, Step, Verdict};

use super::{Chrome, Who};

/// `GET /lab`
#[derive(Debug, Template)]
#[template(path = "lab.html")]
pub(crate) struct LabPage {
    pub(crate) chrome: Chrome,
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

#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) done: usize,
    pub(crate) wanted: usize,
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
    pub(crate) chrome: Chrome,
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
