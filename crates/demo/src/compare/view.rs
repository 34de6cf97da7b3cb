//! The views of claims and results on pages.

use askama::Template;
use latchkey_lab::evidence::{capitalize, format_number, group_by};
use latchkey_lab::experiments::{ALL, Curve, Experiment, curve};
use latchkey_lab::run::{Tally, machine};
use latchkey_lab::{Figure, Outcome, Verdict};

use super::guesses::{Guess, Guesses};
use super::results::{Comparison, Measured};

#[derive(Debug)]
pub(crate) struct ClaimView {
    pub(crate) claim: &'static Experiment,
    pub(crate) measured: Option<Measured>,
    guess: Option<Guess>,
    is_hidden: bool,
}

impl ClaimView {
    pub(super) fn of(results: &Comparison, claim: &'static Experiment, guesses: &Guesses) -> Self {
        Self {
            claim,
            measured: results.result(&claim.number),
            guess: guesses.get(claim.number),
            is_hidden: guesses.hides(claim.number),
        }
    }

    pub(super) fn all(results: &Comparison, guesses: &Guesses) -> Vec<Self> {
        ALL.iter().map(|claim| Self::of(results, claim, guesses)).collect()
    }

    /// The results as HTML; empty while they are hidden or missing.
    pub(super) fn body(&self) -> String {
        let Some(Measured { outcome, instances, at }) = self.visible_result() else {
            return String::new();
        };
        let is_right = |guess: Guess| outcome.verdict.as_ref().is_some_and(|it| guess.is_right(it));
        let guess = self.guess.and_then(|guess| Some((guess.label()?, is_right(guess))));
        ClaimBody { outcome, instances, at: at.rfc3339(), guess }.to_string()
    }

    /// `None` while it is hidden.
    pub(crate) fn visible_result(&self) -> Option<&Measured> {
        self.measured.as_ref().filter(|_| !self.is_hidden)
    }

    /// The label and CSS class of the verdict.
    fn verdict_label(&self) -> (&'static str, &'static str) {
        match self.visible_result() {
            Some(measured) => verdict_label(&measured.outcome),
            None if self.measured.is_some() => ("Guess first", ""),
            None => ("Not measured yet", ""),
        }
    }
}

pub(super) const fn verdict_label(outcome: &Outcome) -> (&'static str, &'static str) {
    match outcome.verdict {
        Some(Verdict::True { .. }) => ("True", "verdict--true"),
        Some(Verdict::TrueIf { .. }) => ("It depends", "verdict--if"),
        Some(Verdict::False { .. }) => ("False", "verdict--false"),
        Some(Verdict::Undecided { .. }) => ("Undecided", "verdict--none"),
        None => ("Not measured", "verdict--none"),
    }
}

/// The summary of a run: a tally, two sentences, the four combinations and the claims.
#[derive(Debug, Template)]
#[template(path = "compare-board.html")]
pub(crate) struct Board<'a> {
    pub(super) outcomes: Vec<&'a Outcome>,
    pub(super) rows: Vec<Row>,
}

/// A claim's URL, number and sentence, and the label and CSS class of its verdict.
pub(super) type Row = (String, u8, &'static str, (&'static str, &'static str));

impl<'a> Board<'a> {
    /// Leaves out the hidden results.
    pub(super) fn of_views(views: &'a [ClaimView]) -> Self {
        let outcomes = views.iter().filter_map(|one| Some(&one.visible_result()?.outcome));
        let row = |view: &ClaimView| {
            let claim = view.claim;
            let url = format!("/compare/{}", claim.slug);
            (url, claim.number, claim.sentence, view.verdict_label())
        };
        Self { outcomes: outcomes.collect(), rows: views.iter().map(row).collect() }
    }
}

fn figure(outcomes: &[&Outcome], claim: u8, label: &str, unit: &str) -> Option<String> {
    outcomes.iter().find(|one| one.number == claim)?.figure(label, unit)
}

/// The queries and bytes of a request, by claim 2.
fn queries_and_bytes(outcomes: &[&Outcome], credential: &str) -> Option<(String, String)> {
    let measured = |unit| figure(outcomes, 2, &format!("password + {credential}"), unit);
    Some((measured("queries")?, measured("bytes up")?))
}

/// The cost of a sign-in, by claim 1.
pub(crate) fn sign_in_cost(outcomes: &[&Outcome], method: &str) -> Option<String> {
    let measured = |unit| figure(outcomes, 1, &format!("{method} + session"), unit);
    Some(format!("{} exchanges, {} ms", measured("exchanges")?, measured("ms")?))
}

/// The cost of a request, by claim 2.
pub(crate) fn request_cost(
    outcomes: &[&Outcome],
    method: &str,
    credential: &str,
) -> Option<String> {
    let measured = |unit| figure(outcomes, 2, &format!("{method} + {credential}"), unit);
    let queries = match measured("queries")?.as_str() {
        "1" => "1\u{a0}query".to_owned(),
        n => format!("{n}\u{a0}queries"),
    };
    Some(format!("{queries}, {}\u{a0}bytes, {}\u{a0}ms", measured("bytes up")?, measured("ms")?))
}

/// The verdict of a claim, with a chart, the method and the figures.
#[derive(Debug, Template)]
#[template(path = "compare-claim-body.html")]
pub(crate) struct ClaimBody<'a> {
    pub(super) outcome: &'a Outcome,
    pub(super) instances: &'a str,
    pub(super) at: String,
    /// The visitor's guess, and whether it was right.
    pub(super) guess: Option<(&'static str, bool)>,
}

impl ClaimBody<'_> {
    fn curve(&self) -> Option<CurveChart> {
        let verdict = self.outcome.verdict.as_ref();
        curve(&self.outcome.figures).map(|curve| CurveChart::of(&curve, verdict))
    }

    /// The figures by unit.
    fn groups(&self) -> Vec<(&str, Vec<&Figure>)> {
        group_by(&self.outcome.figures, |figure| &figure.unit)
    }
}

fn largest(figures: &[&Figure]) -> f64 {
    figures.iter().map(|figure| figure.interval.median).fold(0.0, f64::max)
}

/// In SVG units.
const WIDTH: f64 = 200.0;

/// The width of the figure's bar.
fn width(figure: &Figure, figures: &[&Figure]) -> String {
    format!("{:.1}", WIDTH * figure.interval.median / largest(figures).max(f64::MIN_POSITIVE))
}

/// The time of a request over the latency of the database, with a session and with a JWT.
#[derive(Debug)]
struct CurveChart {
    session: String,
    jwt: String,
    /// The x position and the label.
    break_even: Option<(String, String)>,
    max_latency: String,
    max_time: String,
}

const HEIGHT: f64 = 100.0;

impl CurveChart {
    fn of(curve: &Curve, verdict: Option<&Verdict>) -> Self {
        let max_latency = curve.session.last().map_or(1.0, |point| point.0).max(f64::MIN_POSITIVE);
        let times = curve.session.iter().map(|point| point.1);
        let max_time = times.chain([curve.jwt]).fold(f64::MIN_POSITIVE, f64::max);
        let point = |(x, y): (f64, f64)| {
            format!("{:.1},{:.1}", WIDTH * x / max_latency, HEIGHT - HEIGHT * y / max_time)
        };
        let line =
            |points: Vec<(f64, f64)>| points.into_iter().map(point).collect::<Vec<_>>().join(" ");
        let break_even = match verdict {
            Some(Verdict::TrueIf { break_even: Some(it), .. }) => {
                Some((format!("{:.1}", WIDTH * it.value / max_latency), format!("{:.2}", it.value)))
            }
            _ => None,
        };
        Self {
            session: line(curve.session.clone()),
            jwt: line(vec![(0.0, curve.jwt), (max_latency, curve.jwt)]),
            break_even,
            max_latency: format_number(max_latency),
            max_time: format_number(max_time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chart_marks_the_break_even_point() {
        let curve = Curve { session: vec![(0.0, 0.5), (10.0, 10.0)], jwt: 1.0 };
        let verdict = Verdict::only_if("x", "y").with_break_even(0.5, "ms away");
        let chart = CurveChart::of(&curve, Some(&verdict));
        assert_eq!((&*chart.session, &*chart.jwt), ("0.0,95.0 200.0,0.0", "0.0,90.0 200.0,90.0"));
        assert_eq!(chart.break_even, Some(("10.0".to_owned(), "0.50".to_owned())));
        assert_eq!(CurveChart::of(&curve, None).break_even, None);
    }
}
