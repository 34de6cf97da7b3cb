//! Results as pages show them.

use askama::Template;
use latchkey_lab::evidence::{capitalize, format_number, group_by};
use latchkey_lab::experiments::{ALL, Curve, Experiment, curve};
use latchkey_lab::run::{Tally, machine};
use latchkey_lab::{Figure, Outcome, Verdict};

use super::guesses::{Guess, Guesses};
use super::results::{Comparison, Measured};

/// A claim of the list: with its result, if there is one that waits for no guess.
#[derive(Debug)]
pub(crate) struct ClaimView {
    pub(crate) claim: &'static Experiment,
    pub(crate) measured: Option<Measured>,
    guess: Option<Guess>,
    hidden: bool,
}

impl ClaimView {
    pub(super) fn of(results: &Comparison, claim: &'static Experiment, guesses: &Guesses) -> Self {
        Self {
            claim,
            measured: results.result(&claim.number),
            guess: guesses.about(claim.number),
            hidden: guesses.hides(claim.number),
        }
    }

    pub(super) fn all(results: &Comparison, guesses: &Guesses) -> Vec<Self> {
        ALL.iter().map(|claim| Self::of(results, claim, guesses)).collect()
    }

    /// What was measured of it; empty while that waits for a guess.
    pub(super) fn body(&self) -> String {
        let body = self.shown().map(|measured| {
            let Measured { outcome, ground, at } = measured;
            ClaimBody { outcome, ground, at: at.rfc3339(), guessed: self.guessed() }.to_string()
        });
        body.unwrap_or_default()
    }

    pub(crate) fn shown(&self) -> Option<&Measured> {
        self.measured.as_ref().filter(|_| !self.hidden)
    }

    /// The verdict in a word, and how it is drawn.
    pub(crate) fn word(&self) -> (&'static str, &'static str) {
        match self.shown() {
            Some(measured) => word(&measured.outcome),
            None if self.measured.is_some() => ("Guess first", ""),
            None => ("Not measured yet", ""),
        }
    }

    /// What was guessed, and whether that was right.
    pub(crate) fn guessed(&self) -> Option<(&'static str, bool)> {
        let (guess, verdict) = (self.guess?, self.shown()?.outcome.verdict.as_ref());
        Some((guess.said()?, verdict.is_some_and(|verdict| guess.is_right(verdict))))
    }
}

pub(super) const fn word(outcome: &Outcome) -> (&'static str, &'static str) {
    match outcome.verdict {
        Some(Verdict::True { .. }) => ("True", "verdict--true"),
        Some(Verdict::TrueIf { .. }) => ("It depends", "verdict--if"),
        Some(Verdict::False { .. }) => ("False", "verdict--false"),
        Some(Verdict::Undecided { .. }) => ("Undecided", "verdict--none"),
        None => ("Not measured", "verdict--none"),
    }
}

/// What a run comes to: a tally, two sentences, and every door with every key.
#[derive(Debug, Template)]
#[template(path = "compare-board.html")]
pub(crate) struct Board<'a> {
    outcomes: Vec<&'a Outcome>,
    rows: Vec<Row>,
}

/// A claim of the list: where it stands, its number and sentence, and the verdict.
pub(super) type Row = (String, u8, &'static str, (&'static str, &'static str));

impl<'a> Board<'a> {
    /// Of outcomes of which none is hidden.
    pub(super) const fn of(outcomes: Vec<&'a Outcome>, rows: Vec<Row>) -> Self {
        Self { outcomes, rows }
    }

    pub(super) fn at(claims: &'a [ClaimView]) -> Self {
        let outcomes = claims.iter().filter_map(|one| Some(&one.shown()?.outcome)).collect();
        let row = |ClaimView { claim, .. }: &_, word| {
            (format!("/compare/{}", claim.slug), claim.number, claim.sentence, word)
        };
        Self::of(outcomes, claims.iter().map(|one| row(one, one.word())).collect())
    }
}

/// A figure of a claim in words, if it was measured.
fn figure(outcomes: &[&Outcome], claim: u8, label: &str, unit: &str) -> Option<String> {
    outcomes.iter().find(|one| one.number == claim)?.figure(label, unit)
}

/// The queries and the bytes of a request with a key.
fn cost(outcomes: &[&Outcome], key: &str) -> Option<(String, String)> {
    let of = |unit| figure(outcomes, 2, &format!("password + {key}"), unit);
    Some((of("queries")?, of("bytes up")?))
}

/// What the way in through a door takes, by the first claim.
pub(crate) fn way_in(outcomes: &[&Outcome], door: &str) -> Option<String> {
    let of = |unit| figure(outcomes, 1, &format!("{door} + session"), unit);
    Some(format!("{} exchanges, {} ms", of("exchanges")?, of("ms")?))
}

/// What a request costs with a key from behind a door, by the second claim.
pub(crate) fn request(outcomes: &[&Outcome], door: &str, key: &str) -> Option<String> {
    let of = |unit| figure(outcomes, 2, &format!("{door} + {key}"), unit);
    let queries = match of("queries")?.as_str() {
        "1" => "1\u{a0}query".to_owned(),
        n => format!("{n}\u{a0}queries"),
    };
    Some(format!("{queries}, {}\u{a0}bytes, {}\u{a0}ms", of("bytes up")?, of("ms")?))
}

/// Everything about one claim that was measured: verdict, picture, and what it stands on.
#[derive(Debug, Template)]
#[template(path = "compare-claim-body.html")]
pub(crate) struct ClaimBody<'a> {
    pub(super) outcome: &'a Outcome,
    pub(super) ground: &'a str,
    pub(super) at: String,
    pub(super) guessed: Option<(&'static str, bool)>,
}

impl ClaimBody<'_> {
    fn curve(&self) -> Option<Drawn> {
        let verdict = self.outcome.verdict.as_ref();
        curve(&self.outcome.figures).map(|curve| Drawn::of(&curve, verdict))
    }

    /// The figures of one unit each.
    fn groups(&self) -> Vec<(&str, Vec<&Figure>)> {
        group_by(&self.outcome.figures, |figure| &figure.unit)
    }
}

fn largest(figures: &[&Figure]) -> f64 {
    figures.iter().map(|figure| figure.interval.median).fold(0.0, f64::max)
}

/// How wide a drawing is, in its own units.
const WIDTH: f64 = 200.0;

/// How wide the bar of a figure is, from nothing to the largest.
fn width(figure: &Figure, figures: &[&Figure]) -> String {
    format!("{:.1}", WIDTH * figure.interval.median / largest(figures).max(f64::MIN_POSITIVE))
}

/// Two lines over the database's distance, and where they meet.
#[derive(Debug)]
struct Drawn {
    session: String,
    jwt: String,
    even: Option<(String, String)>,
    far: String,
    slow: String,
}

const HEIGHT: f64 = 100.0;

impl Drawn {
    fn of(curve: &Curve, verdict: Option<&Verdict>) -> Self {
        let far = curve.session.last().map_or(1.0, |point| point.0).max(f64::MIN_POSITIVE);
        let times = curve.session.iter().map(|point| point.1);
        let slow = times.chain([curve.jwt]).fold(f64::MIN_POSITIVE, f64::max);
        let place = |(x, y): (f64, f64)| {
            format!("{:.1},{:.1}", WIDTH * x / far, HEIGHT - HEIGHT * y / slow)
        };
        let line =
            |points: Vec<(f64, f64)>| points.into_iter().map(place).collect::<Vec<_>>().join(" ");
        let even = match verdict {
            Some(Verdict::TrueIf { break_even: Some(even), .. }) => Some(even.value),
            _ => None,
        };
        Self {
            session: line(curve.session.clone()),
            jwt: line(vec![(0.0, curve.jwt), (far, curve.jwt)]),
            even: even.map(|x| (format!("{:.1}", WIDTH * x / far), format!("{x:.2}"))),
            far: format_number(far),
            slow: format_number(slow),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_meet_where_the_verdict_says() {
        let curve = Curve { session: vec![(0.0, 0.5), (10.0, 10.0)], jwt: 1.0 };
        let verdict = Verdict::only_if("x", "y").with_break_even(0.5, "ms away");
        let drawn = Drawn::of(&curve, Some(&verdict));
        assert_eq!((&*drawn.session, &*drawn.jwt), ("0.0,95.0 200.0,0.0", "0.0,90.0 200.0,90.0"));
        assert_eq!(drawn.even, Some(("10.0".to_owned(), "0.50".to_owned())));
        assert_eq!(Drawn::of(&curve, None).even, None);
    }
}
