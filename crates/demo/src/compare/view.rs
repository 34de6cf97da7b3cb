//! Results as the page shows them.

use latchkey_lab::evidence::{capital, written};
use latchkey_lab::experiments::Experiment;
use latchkey_lab::{Figure, Outcome, Verdict};

use super::guesses::{Guess, Guesses};
use super::results::{Comparison, Measured};

/// So many figures are shown at once; the rest is folded away.
const AT_ONCE: usize = 4;

#[derive(Debug)]
pub(crate) struct ClaimView {
    pub(crate) claim: &'static Experiment,
    /// Whether there is a result, perhaps one that waits for a guess.
    pub(crate) measured: bool,
    pub(crate) shown: Option<Shown>,
}

impl ClaimView {
    pub(crate) fn has_dials(&self) -> bool {
        self.claim.slug == "speed"
    }
}

#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) verdict: (&'static str, String),
    pub(crate) word: String,
    pub(crate) because: String,
    pub(crate) guess: Option<(&'static str, bool)>,
    pub(crate) groups: Vec<Group>,
    pub(crate) more: Vec<Group>,
    pub(crate) measured: Measured,
}

/// Figures of one unit, drawn on one scale.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) unit: String,
    /// How many samples each has, if they all have as many.
    pub(crate) n: Option<usize>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) label: String,
    pub(crate) mark: Mark,
    pub(crate) median: String,
    pub(crate) spread: Option<String>,
    pub(crate) n: usize,
}

/// A claim with its result, if it was measured and somebody has guessed or
/// would rather not.
pub(super) fn claim(
    results: &Comparison,
    claim: &'static Experiment,
    guesses: &Guesses,
) -> ClaimView {
    let measured = results.result(&claim.number);
    let is_measured = measured.is_some();
    let shown = measured.zip(guesses.about(claim.number));
    let shown = shown.map(|(measured, guess)| reveal(measured, guess));
    ClaimView { claim, measured: is_measured, shown }
}

fn reveal(measured: Measured, guess: Guess) -> Shown {
    let outcome = &measured.outcome;
    let (verdict, because) = match (&outcome.verdict, &outcome.error) {
        (Some(verdict), _) => {
            ((class(verdict), capital(&verdict.in_words())), verdict.because().to_owned())
        }
        (None, error) => {
            let why = error.clone().unwrap_or_default();
            (("verdict--none", "Not measured".to_owned()), why)
        }
    };
    let word = outcome.verdict.as_ref().map_or("not measured", Verdict::word);
    let right = outcome.verdict.as_ref().is_some_and(|verdict| guess.is_right(verdict));
    let (groups, more) = fold(groups(outcome));
    Shown {
        word: capital(word),
        verdict,
        because,
        guess: guess.said().map(|said| (said, right)),
        groups,
        more,
        measured,
    }
}

const fn class(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::True { .. } => "verdict--true",
        Verdict::TrueIf { .. } => "verdict--if",
        Verdict::False { .. } => "verdict--false",
        Verdict::Undecided { .. } => "verdict--none",
    }
}

fn groups(outcome: &Outcome) -> Vec<Group> {
    let mut units: Vec<(&str, Vec<&Figure>)> = Vec::new();
    for figure in &outcome.figures {
        match units.iter_mut().find(|(unit, _)| *unit == figure.unit) {
            Some((_, figures)) => figures.push(figure),
            None => units.push((&figure.unit, vec![figure])),
        }
    }
    units.into_iter().map(|(unit, figures)| group(unit, &figures)).collect()
}

fn group(unit: &str, figures: &[&Figure]) -> Group {
    let marks = marks(figures);
    let row = |(figure, mark): (&&Figure, Mark)| Row {
        label: figure.label.clone(),
        mark,
        median: written(figure.median),
        spread: (figure.low < figure.high)
            .then(|| format!("{} to {}", written(figure.low), written(figure.high))),
        n: figure.n,
    };
    let n = figures.first().map(|figure| figure.n);
    Group {
        unit: unit.to_owned(),
        n: n.filter(|n| figures.iter().all(|figure| figure.n == *n)),
        rows: figures.iter().zip(marks).map(row).collect(),
    }
}

/// How wide the drawing is, in its own units.
const WIDTH: f64 = 200.0;

/// Room for a dot at either end.
const EDGE: f64 = 6.0;

/// How wide the mark of a median is.
const DOT: f64 = 3.0;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    pub(crate) from: String,
    pub(crate) width: String,
    pub(crate) at: String,
}

/// All of them on one scale, which begins at nothing: a difference looks as
/// large as it is.
fn marks(figures: &[&Figure]) -> Vec<Mark> {
    let largest = figures.iter().map(|figure| figure.high).fold(0.0, f64::max);
    let place = |value: f64| {
        let part = if largest > 0.0 { (value / largest).clamp(0.0, 1.0) } else { 0.0 };
        EDGE + part * (WIDTH - 2.0 * EDGE)
    };
    let one = |figure: &&Figure| {
        let (from, to) = (place(figure.low), place(figure.high));
        Mark {
            from: format!("{from:.1}"),
            width: format!("{:.1}", to - from),
            at: format!("{:.1}", place(figure.median) - DOT / 2.0),
        }
    };
    figures.iter().map(one).collect()
}

/// The first group at any rate, others as long as there is room.
fn fold(groups: Vec<Group>) -> (Vec<Group>, Vec<Group>) {
    let mut so_far = 0;
    let (mut shown, mut folded) = (Vec::new(), Vec::new());
    for group in groups {
        so_far += group.rows.len();
        let fits = shown.is_empty() || folded.is_empty() && so_far <= AT_ONCE;
        if fits { shown.push(group) } else { folded.push(group) }
    }
    (shown, folded)
}

/// One way in, with one thing to carry, in the table of all of them.
#[derive(Debug)]
pub(crate) struct Combination {
    pub(crate) name: String,
    pub(crate) cells: Vec<Cell>,
}

#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) column: &'static str,
    pub(crate) claim: u8,
    pub(crate) value: Option<String>,
    pub(crate) hidden: bool,
}

/// What the columns show: the claim, the unit and the title.
const COLUMNS: [(u8, &str, &str); 6] = [
    (1, "exchanges", "Exchanges to sign in"),
    (1, "ms", "Time to sign in, ms"),
    (2, "queries", "Queries per request"),
    (2, "calls to the provider", "Calls to a provider"),
    (2, "bytes up", "Bytes per request"),
    (2, "ms", "Time per request, ms"),
];

/// The combinations that were measured, each with its figures.
pub(super) fn combinations(results: &Comparison, guesses: &Guesses) -> Vec<Combination> {
    let figures = |claim: u8| {
        results.result(&claim).map(|measured| measured.outcome.figures).unwrap_or_default()
    };
    let of = [(1, figures(1)), (2, figures(2))];
    let mut names: Vec<String> = Vec::new();
    for figure in of.iter().flat_map(|(_, figures)| figures) {
        if !names.contains(&figure.label) {
            names.push(figure.label.clone());
        }
    }
    let cell = |name: &str, (claim, unit, column): (u8, &str, &'static str)| {
        let mut all = of.iter().filter(|(one, _)| *one == claim).flat_map(|(_, all)| all);
        let figure = all.find(|figure| figure.label == name && figure.unit == unit);
        Cell {
            column,
            claim,
            value: figure.map(|figure| written(figure.median)),
            hidden: guesses.about(claim).is_none(),
        }
    };
    let combination = |name: String| Combination {
        cells: COLUMNS.into_iter().map(|column| cell(&name, column)).collect(),
        name,
    };
    names.into_iter().map(combination).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_lab::Series;

    fn sized(size: usize) -> Group {
        let row = || Row {
            label: String::new(),
            mark: Mark { from: String::new(), width: String::new(), at: String::new() },
            median: String::new(),
            spread: None,
            n: 1,
        };
        Group { unit: String::new(), n: None, rows: (0..size).map(|_| row()).collect() }
    }

    #[test]
    fn the_first_group_is_never_folded_away() {
        for (sizes, shown) in [(&[2, 2, 4, 4][..], 2), (&[16, 1], 1), (&[4, 9, 1], 1), (&[], 0)] {
            let (open, folded) = fold(sizes.iter().map(|size| sized(*size)).collect());
            assert_eq!((open.len(), folded.len()), (shown, sizes.len() - shown), "{sizes:?}");
        }
    }

    fn figure(values: &[f64]) -> Figure {
        let series = Series { label: "a".into(), unit: "ms".into(), values: values.to_vec() };
        Figure::of(&series).unwrap()
    }

    #[test]
    fn the_scale_begins_at_nothing_and_ends_at_the_largest() {
        let (small, large) = (figure(&[5.0]), figure(&[8.0, 9.0, 10.0]));
        let drawn = marks(&[&small, &large]);
        assert_eq!((drawn[0].at.as_str(), drawn[0].width.as_str()), ("98.5", "0.0"));
        assert_eq!((drawn[1].from.as_str(), drawn[1].at.as_str()), ("156.4", "173.7"));
        let nothing = figure(&[0.0]);
        assert_eq!(marks(&[&nothing])[0].at, "4.5");
    }
}
