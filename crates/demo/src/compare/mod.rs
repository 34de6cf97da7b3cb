//! The comparison: every claim with what was measured of it on this machine.

pub(crate) mod command;
mod cost;
mod guesses;
pub mod results;
mod view;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderMap;
use latchkey_lab::experiments::{self, Experiment};
use latchkey_lab::run::{ALGORITHMS, LATENCIES};
use latchkey_lab::{Options, Outcome};
use serde::Deserialize;

use self::results::UnderWay;
use crate::traces::pages as traces;
use crate::traces::timing::SideBySide;
use guesses::Guesses;
use latchkey_web::caller::PageCaller;
use latchkey_web::cookies::SetCookies;
use latchkey_web::errors::{AppError, HandlerResult, catalogue};
use latchkey_web::extract::StrictForm;

use crate::state::Demo;
use askama::Template;
use cost::{Source, Stolen};
use latchkey_web::layout::Layout;
use latchkey_web::page::Page;
use view::{ClaimView, Combination};

#[derive(Debug, Template)]
#[template(path = "compare.html")]
pub(crate) struct ComparePage {
    pub(crate) layout: Layout,
    pub(crate) development: bool,
    pub(crate) running: bool,
    pub(crate) combinations: Vec<Combination>,
    pub(crate) claims: Vec<ClaimView>,
    pub(crate) cost: Vec<Stolen>,
    pub(crate) hidden: bool,
    pub(crate) side_by_side: SideBySide,
}

#[derive(Debug, Template)]
#[template(path = "comparing.html")]
pub(crate) struct ComparingPage {
    pub(crate) layout: Layout,
    pub(crate) run: UnderWay,
}

pub(crate) async fn page(
    State(demo): State<Demo>,
    caller: Option<PageCaller>,
    headers: HeaderMap,
) -> HandlerResult<Page<ComparePage>> {
    let guesses = Guesses::of(&headers, demo.app.cookies);
    let claims: Vec<ClaimView> = experiments::ALL
        .iter()
        .map(|claim| view::claim(&demo.comparison, claim, &guesses))
        .collect();
    let side_by_side = match &caller {
        Some(caller) => traces::latest_side_by_side(&demo.app, caller).await?,
        None => SideBySide::default(),
    };
    Ok(Page(ComparePage {
        layout: Layout::new(&demo.app, caller.as_deref()).at("/compare"),
        development: demo.app.settings.is_development(),
        running: demo.comparison.progress().is_some(),
        cost: cost::of(&demo.app),
        combinations: view::combinations(&demo.comparison, &guesses),
        hidden: claims.iter().any(|claim| claim.shown.is_none()),
        claims,
        side_by_side,
    }))
}

#[derive(Debug, Deserialize)]
pub(crate) struct ProgressQuery {
    claim: Option<String>,
}

/// `GET /compare/progress`: what is being measured, until it is done.
pub(crate) async fn progress(
    State(demo): State<Demo>,
    caller: Option<PageCaller>,
    Query(which): Query<ProgressQuery>,
) -> HandlerResult<Response> {
    let Some(run) = demo.comparison.progress() else {
        return Ok(Redirect::to(&row(chosen(which.claim.as_deref())?)).into_response());
    };
    let layout = Layout::new(&demo.app, caller.as_deref()).below("/compare");
    Ok(Page(ComparingPage { layout, run }).into_response())
}

#[derive(Debug, Deserialize)]
pub(crate) struct RunForm {
    claim: Option<String>,
    algorithm: Option<String>,
    latency: Option<String>,
}

/// `POST /compare/run`: measures a claim, or all of them, beside the requests.
pub(crate) async fn run(
    State(demo): State<Demo>,
    StrictForm(form): StrictForm<RunForm>,
) -> HandlerResult<Redirect> {
    let claim = chosen(form.claim.as_deref())?;
    begin(&demo, claim, options(form.algorithm.as_deref(), form.latency.as_deref())?)
}

#[derive(Debug, Deserialize)]
pub(crate) struct GuessForm {
    claim: Option<String>,
    guess: String,
}

/// `POST /compare/guess`: what somebody thinks, before they see the answer.
pub(crate) async fn guess(
    State(demo): State<Demo>,
    headers: HeaderMap,
    StrictForm(form): StrictForm<GuessForm>,
) -> HandlerResult<(SetCookies, Redirect)> {
    let guess = form.guess.parse().map_err(|_| AppError::new(catalogue::BAD_REQUEST))?;
    let claim = chosen(form.claim.as_deref())?;
    let guesses = which(claim)
        .iter()
        .fold(Guesses::of(&headers, demo.app.cookies), |all, claim| all.with(claim.number, guess));
    let cookie = SetCookies(vec![guesses.cookie(demo.app.cookies)]);
    let is_measured = which(claim).iter().any(|one| demo.comparison.result(&one.number).is_some());
    let to = if is_measured {
        Redirect::to(&row(claim))
    } else {
        begin(&demo, claim, Options::default())?
    };
    Ok((cookie, to))
}

/// `GET /compare/claims/{number}.json`: a claim with every sample.
pub(crate) async fn samples(
    State(demo): State<Demo>,
    Path(file): Path<String>,
) -> HandlerResult<Json<Outcome>> {
    let number = file.strip_suffix(".json").and_then(|number| number.parse().ok());
    let measured = number.and_then(|number| demo.comparison.result(&number));
    measured.map(|it| Json(it.outcome)).ok_or_else(|| AppError::new(catalogue::NOT_FOUND))
}

fn chosen(number: Option<&str>) -> HandlerResult<Option<&'static Experiment>> {
    let Some(number) = number.filter(|number| !number.is_empty()) else { return Ok(None) };
    let claim = number.parse().ok().and_then(experiments::by_number);
    claim.map(Some).ok_or_else(|| AppError::new(catalogue::BAD_REQUEST))
}

fn which(claim: Option<&'static Experiment>) -> Vec<&'static Experiment> {
    claim.map_or_else(|| experiments::ALL.iter().collect(), |claim| vec![claim])
}

fn row(claim: Option<&Experiment>) -> String {
    claim.map_or("/compare#claims".to_owned(), |claim| format!("/compare#claim-{}", claim.number))
}

fn begin(
    demo: &Demo,
    claim: Option<&'static Experiment>,
    options: Options,
) -> HandlerResult<Redirect> {
    let ground = demo.instances().map_err(|error| {
        tracing::error!(%error, "the comparison could not begin");
        AppError::new(catalogue::INTERNAL)
    })?;
    results::begin(&demo.comparison, ground, which(claim), options, demo.app.clock.clone());
    let of = claim.map_or(String::new(), |claim| format!("?claim={}", claim.number));
    Ok(Redirect::to(&format!("/compare/progress{of}")))
}

/// What was turned: one algorithm or all, and the farthest database to look at.
fn options(algorithm: Option<&str>, latency: Option<&str>) -> HandlerResult<Options> {
    let refused = || AppError::new(catalogue::BAD_REQUEST);
    let mut options = Options::default();
    if let Some(name) = algorithm.filter(|name| !name.is_empty()) {
        let known = ALGORITHMS.into_iter().find(|known| *known == name).ok_or_else(refused)?;
        options.algorithms = vec![known.to_owned()];
    }
    if let Some(text) = latency.filter(|text| !text.is_empty()) {
        let latency: f64 = text.parse().map_err(|_| refused())?;
        let known = LATENCIES.into_iter().find(|known| (known - latency).abs() < 1e-9);
        let known = known.ok_or_else(refused)?;
        options.latencies =
            LATENCIES.into_iter().filter(|one| *one == 0.0 || *one == known).collect();
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dials_take_what_the_form_offers_and_nothing_else() {
        for (algorithm, latency, expected) in [
            (None, None, Some((4, 4))),
            (Some(""), Some(""), Some((4, 4))),
            (Some("ES256"), Some("2"), Some((1, 2))),
            (None, Some("0"), Some((4, 1))),
            (None, Some("0.5"), Some((4, 2))),
            (Some("none"), None, None),
            (None, Some("9"), None),
            (None, Some("NaN"), None),
        ] {
            let found = options(algorithm, latency).ok();
            let found = found.map(|it| (it.algorithms.len(), it.latencies.len()));
            assert_eq!(found, expected, "{algorithm:?} {latency:?}");
        }
    }
}
