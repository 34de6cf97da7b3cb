//! The comparison: claims about OAuth and JWT, measured on this machine.

pub(crate) mod card;
pub(crate) mod command;
mod guesses;
mod progress;
mod publish;
pub mod results;
pub(crate) mod view;

use http::HeaderMap;
use latchkey_auth::oauth::attempt;
use latchkey_domain::refresh;
use latchkey_lab::experiments::{self, Experiment};
use latchkey_lab::run::{ALGORITHMS, LATENCIES};
use latchkey_lab::{Options, Outcome};

use latchkey_web::cookies::SetCookies;
use latchkey_web::settings::Revocation;

use self::guesses::Guesses;
pub(crate) use self::progress::page as progress;
use self::view::{Board, ClaimView};
use crate::prelude::*;
use crate::traces::pages as traces;
use crate::traces::timing::SideBySide;

#[derive(Debug, Template)]
#[template(path = "compare.html")]
pub(crate) struct ComparePage {
    layout: Layout,
    running: bool,
    is_measured: bool,
    is_quiz: bool,
    board: String,
    app: App,
    side_by_side: SideBySide,
}

pub(crate) async fn page(
    State(demo): State<Demo>,
    caller: Option<Caller>,
    headers: HeaderMap,
) -> HandlerResult<Page<ComparePage>> {
    let guesses = Guesses::of(&headers, &demo.app.cookies);
    let side_by_side = match &caller {
        Some(caller) => traces::latest_side_by_side(&demo.app, caller).await?,
        None => SideBySide::default(),
    };
    let claims = ClaimView::all(&demo.comparison, &guesses);
    Ok(Page(ComparePage {
        layout: Layout::new(&demo.app, caller.as_ref()).at("/compare"),
        running: demo.comparison.progress().is_some(),
        is_measured: claims.iter().any(|one| one.measured.is_some()),
        is_quiz: guesses.is_quiz(),
        board: Board::of_views(&claims).to_string(),
        app: demo.app.clone(),
        side_by_side,
    }))
}

#[derive(Debug, Template)]
#[template(path = "compare-claim.html")]
pub(crate) struct ClaimPage {
    layout: Layout,
    view: ClaimView,
    /// The results as HTML; empty while they are hidden or missing.
    body: String,
    card: Option<String>,
    neighbours: [Option<&'static Experiment>; 2],
}

pub(crate) async fn claim_page(
    State(demo): State<Demo>,
    caller: Option<Caller>,
    headers: HeaderMap,
    Path(slug): Path<String>,
) -> HandlerResult<Page<ClaimPage>> {
    let all = experiments::ALL;
    let index = all.iter().position(|claim| claim.slug == slug || claim.number.to_string() == slug);
    let index = index.ok_or_else(|| AppError::new(catalogue::NOT_FOUND))?;
    let guesses = Guesses::of(&headers, &demo.app.cookies);
    let view = ClaimView::of(&demo.comparison, &all[index], &guesses);
    Ok(Page(ClaimPage {
        layout: Layout::new(&demo.app, caller.as_ref()).below("/compare"),
        body: view.body(),
        card: view.visible_result().and_then(|measured| card::sign(&demo.app, measured)),
        view,
        neighbours: [index.checked_sub(1).and_then(|before| all.get(before)), all.get(index + 1)],
    }))
}

#[derive(Debug, Deserialize)]
pub(crate) struct RunForm {
    claim: Option<String>,
    algorithm: Option<String>,
    latency: Option<String>,
}

/// `POST /compare/run`: measures a claim, or all of them, in the background.
pub(crate) async fn run(
    State(demo): State<Demo>,
    StrictForm(form): StrictForm<RunForm>,
) -> HandlerResult<Redirect> {
    let claim = find_claim(form.claim.as_deref())?;
    start(&demo, claim, options(form.algorithm.as_deref(), form.latency.as_deref())?)
}

#[derive(Debug, Deserialize)]
pub(crate) struct GuessForm {
    quiz: Option<String>,
    claim: Option<String>,
    guess: Option<String>,
}

/// `POST /compare/guess`: starts or ends the quiz, or records a guess.
pub(crate) async fn guess(
    State(demo): State<Demo>,
    headers: HeaderMap,
    StrictForm(form): StrictForm<GuessForm>,
) -> HandlerResult<(SetCookies, Redirect)> {
    let (bad_request, cookies) = (|| AppError::new(catalogue::BAD_REQUEST), &demo.app.cookies);
    let claim = find_claim(form.claim.as_deref())?;
    let (cookie, to) = match (form.quiz.as_deref(), claim, form.guess) {
        (Some("on"), None, None) => (Guesses::default().cookie(cookies), Redirect::to("/compare")),
        (Some("off"), None, None) => (Guesses::removal(cookies), Redirect::to("/compare")),
        (None, Some(claim), Some(guess)) => {
            let guess = guess.parse().map_err(|_| bad_request())?;
            let guesses = Guesses::of(&headers, cookies).with(claim.number, guess);
            let to = match demo.comparison.result(&claim.number) {
                Some(_) => Redirect::to(&format!("/compare/{}", claim.slug)),
                None => start(&demo, Some(claim), Options::default())?,
            };
            (guesses.cookie(cookies), to)
        }
        _ => return Err(bad_request()),
    };
    Ok((SetCookies(vec![cookie]), to))
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

fn find_claim(number: Option<&str>) -> HandlerResult<Option<&'static Experiment>> {
    let Some(number) = number.filter(|number| !number.is_empty()) else { return Ok(None) };
    let claim = number.parse().ok().and_then(experiments::by_number);
    claim.map(Some).ok_or_else(|| AppError::new(catalogue::BAD_REQUEST))
}

fn start(
    demo: &Demo,
    claim: Option<&'static Experiment>,
    options: Options,
) -> HandlerResult<Redirect> {
    let claims = claim.map_or_else(|| experiments::ALL.iter().collect(), |claim| vec![claim]);
    let (factory, clock) = (demo.instance_factory()?, demo.app.clock.clone());
    results::start(&demo.comparison, factory, claims, options, clock);
    Ok(Redirect::to("/compare/progress"))
}

/// One algorithm or all, and the largest database latency, in milliseconds.
fn options(algorithm: Option<&str>, latency: Option<&str>) -> HandlerResult<Options> {
    let bad_request = || AppError::new(catalogue::BAD_REQUEST);
    let mut options = Options::default();
    if let Some(name) = algorithm.filter(|name| !name.is_empty()) {
        let known = ALGORITHMS.into_iter().find(|known| *known == name).ok_or_else(bad_request)?;
        options.algorithms = vec![known.to_owned()];
    }
    if let Some(text) = latency.filter(|text| !text.is_empty()) {
        let latency: f64 = text.parse().map_err(|_| bad_request())?;
        let known = LATENCIES.into_iter().find(|known| (known - latency).abs() < 1e-9);
        let known = known.ok_or_else(bad_request)?;
        options.latencies =
            LATENCIES.into_iter().filter(|one| *one == 0.0 || *one == known).collect();
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compare_options_accept_only_offered_values() {
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
