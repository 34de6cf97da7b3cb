//! The views of claims and results on pages.

use askama::Template;
use latchkey_lab::evidence::{Fact, capitalize, format_number, group_by, with_unit};
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

/// When a claim is true, if that depends.
pub(super) fn condition(outcome: &Outcome) -> Option<&str> {
    match &outcome.verdict {
        Some(Verdict::TrueIf { condition, .. }) => Some(condition),
        _ => None,
    }
}

/// The summary of a run: advice, a tally, two sentences, the four combinations and the claims.
#[derive(Debug, Template)]
#[template(path = "compare-board.html")]
pub(crate) struct Board<'a> {
    pub(super) outcomes: Vec<&'a Outcome>,
    pub(super) rows: Vec<Row<'a>>,
    /// How many results are hidden until the visitor guesses.
    pub(super) hidden: usize,
}

#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) url: String,
    pub(super) number: u8,
    pub(super) sentence: &'static str,
    /// The label and CSS class.
    pub(super) verdict: (&'static str, &'static str),
    pub(super) condition: Option<&'a str>,
}

impl<'a> Board<'a> {
    /// Leaves out the hidden results.
    pub(super) fn of_views(views: &'a [ClaimView]) -> Self {
        let outcomes = views.iter().filter_map(|one| Some(&one.visible_result()?.outcome));
        let row = |view: &'a ClaimView| Row {
            url: format!("/compare/{}", view.claim.slug),
            number: view.claim.number,
            sentence: view.claim.sentence,
            verdict: view.verdict_label(),
            condition: view.visible_result().and_then(|it| condition(&it.outcome)),
        };
        let is_hidden = |view: &&ClaimView| view.is_hidden && view.measured.is_some();
        Self {
            outcomes: outcomes.collect(),
            rows: views.iter().map(row).collect(),
            hidden: views.iter().filter(is_hidden).count(),
        }
    }
}

fn figure(outcomes: &[&Outcome], claim: u8, label: &str, unit: &str) -> Option<String> {
    outcomes.iter().find(|one| one.number == claim)?.figure(label, unit)
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
    let [queries, bytes, ms] = [("queries", "queries"), ("bytes up", "bytes"), ("ms", "ms")]
        .map(|(unit, said)| Some(with_unit(&measured(unit)?, said).replace(' ', "\u{a0}")));
    Some(format!("{}, {}, {}", queries?, bytes?, ms?))
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

/// The places of a credential, and the sign-in methods, in labels of facts.
const COLUMNS: [&str; 9] = [
    "localStorage",
    "session",
    "JWT",
    "refreshed JWT",
    "session cookie",
    "JWT cookie",
    "bearer header",
    "OAuth",
    "password",
];

/// Facts by credential or sign-in method, as a table; the others as a list.
#[derive(Debug, Default)]
struct Facts<'a> {
    columns: Vec<&'a str>,
    /// The name of a row, and a value for each column.
    rows: Vec<(&'a str, Vec<Option<&'a str>>)>,
    others: Vec<&'a Fact>,
}

impl<'a> Facts<'a> {
    fn of(facts: &'a [Fact]) -> Self {
        let cell = |fact: &'a Fact| {
            let split = |separator| fact.label.split_once(separator);
            let (column, row) = split(", ").or_else(|| split(": ")).or_else(|| split(" + "))?;
            COLUMNS.contains(&column).then_some((column, row))
        };
        let mut columns = Vec::new();
        for (column, _) in facts.iter().filter_map(cell) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        if columns.len() < 2 {
            return Self { others: facts.iter().collect(), ..Self::default() };
        }
        let mut rows: Vec<(&str, Vec<Option<&str>>)> = Vec::new();
        for (fact, (column, row)) in facts.iter().filter_map(|fact| Some((fact, cell(fact)?))) {
            let index = rows.iter().position(|(name, _)| *name == row).unwrap_or_else(|| {
                rows.push((row, vec![None; columns.len()]));
                rows.len() - 1
            });
            for (value, name) in rows[index].1.iter_mut().zip(&columns) {
                if *name == column {
                    *value = Some(&fact.value);
                }
            }
        }
        Self { columns, rows, others: facts.iter().filter(|fact| cell(fact).is_none()).collect() }
    }
}

fn heading(column: &str) -> String {
    if column == "localStorage" { column.to_owned() } else { capitalize(column) }
}

/// A status of an answer in words; other values unchanged.
fn said(value: &str) -> String {
    match value.as_bytes() {
        [b'2', b'0', b'0'..=b'9'] => format!("accepted ({value})"),
        [b'4', b'0'..=b'9', b'0'..=b'9', ..] if !value.contains('×') => {
            format!("refused ({value})")
        }
        _ => value.to_owned(),
    }
}

fn largest(figures: &[&Figure]) -> f64 {
    figures.iter().map(|figure| figure.interval.median).fold(0.0, f64::max)
}

/// In SVG units.
const WIDTH: f64 = 200.0;

/// The width of the figure's bar. A small one can still be seen.
fn width(figure: &Figure, figures: &[&Figure]) -> String {
    let median = figure.interval.median;
    let least = if median > 0.0 { 1.0 } else { 0.0 };
    format!("{:.1}", (WIDTH * median / largest(figures).max(f64::MIN_POSITIVE)).max(least))
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
