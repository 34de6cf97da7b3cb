//! The attack lab: attacks on this very instance, run for real, and what
//! refused each of them.

mod runner;

use axum::extract::{Path, State};
use axum::response::Redirect;
use latchkey_lab::attacks::{self, Attack, Group};

use crate::app::{App, Application};
use crate::caller::Caller;
use crate::errors::{Action, Fault, Result, catalogue};
use crate::templates::{AttackPage, Chrome, Exchange, LabGroup, LabPage, LabRow, LabState, Page};

pub(crate) use runner::Runner;

/// `GET /lab`
pub(crate) async fn index(State(app): State<App>, caller: Option<Caller>) -> Page<LabPage> {
    let groups = Group::ALL.into_iter().map(|group| LabGroup {
        title: group.title(),
        rows: group.attacks().map(|attack| row(&app, attack)).collect(),
    });
    Page(LabPage {
        chrome: Chrome::new(&app, caller.as_ref()),
        groups: groups.collect(),
        may_run: app.settings.is_development(),
        progress: app.lab.progress(),
        left_over: app.lab.left_over(),
    })
}

/// `GET /lab/{id}`
pub(crate) async fn show(
    State(app): State<App>,
    caller: Option<Caller>,
    Path(id): Path<String>,
) -> Result<Page<AttackPage>> {
    let attack = named(&id)?;
    let report = app.lab.report(attack);
    let steps = report.as_ref().map(|report| report.steps.iter().map(Exchange::of).collect());
    Ok(Page(AttackPage {
        chrome: Chrome::new(&app, caller.as_ref()),
        attack,
        expected: attack.expect.iter().map(attacks::Expect::words).collect(),
        state: LabState::of(report.as_ref()),
        took: report.map(|report| report.took.as_millis()),
        steps: steps.unwrap_or_default(),
        may_run: app.settings.is_development(),
        progress: app.lab.progress(),
    }))
}

/// `POST /lab/run`
pub(crate) async fn run_all(State(app): State<App>) -> Result<Redirect> {
    run(&app, attacks::all().collect())?;
    Ok(Redirect::to("/lab"))
}

/// `POST /lab/{id}/run`
pub(crate) async fn run_one(State(app): State<App>, Path(id): Path<String>) -> Result<Redirect> {
    let attack = named(&id)?;
    run(&app, vec![attack])?;
    Ok(Redirect::to(&format!("/lab/{}", attack.id)))
}

/// Starts a run in the background. While one is under way there is no second
/// one: whoever asks is shown the first.
fn run(app: &App, attacks: Vec<&'static Attack>) -> Result<()> {
    if !app.settings.is_development() {
        return Err(Fault::new(catalogue::NOT_FOUND)
            .detail("Attacks are run in development alone, on one’s own machine.")
            .action(Action::link("The list of attacks", "/lab")));
    }
    runner::start(app, attacks);
    Ok(())
}

fn named(id: &str) -> Result<&'static Attack> {
    attacks::by_id(id).ok_or_else(|| {
        Fault::new(catalogue::NOT_FOUND).action(Action::link("The list of attacks", "/lab"))
    })
}

fn row(app: &Application, attack: &'static Attack) -> LabRow {
    LabRow { attack, state: LabState::of(app.lab.report(attack).as_ref()) }
}
