//! Results as pages show them.

use askama::Template;
use latchkey_lab::evidence::{capital, grouped, written};
use latchkey_lab::experiments::{ALL, Curve, Experiment, curve};
use latchkey_lab::run::{Tally, conclusion};
use latchkey_lab::{Figure, Outcome, Verdict};

use super::guesses::{Guess, Guesses};
use super::results::{Comparison, Measured};

/// A claim of the list: with its result, if there is one that waits for no guess.
#[derive(Debug)]
pub(crate) struct ClaimView {
    pub(crate) claim: &'static Experiment,
    pub(crate) measured: Option<Measured>,
    pub(crate) guess: Option<Guess>,
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
            let (outcome, at) = (&measured.outcome, measured.at.rfc3339());
            ClaimBody::of(outcome, &measured.ground, at, self.guessed()).to_string()
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
pub(crate) struct Board {
    tally: Tally,
    conclusion: Vec<String>,
    doors: Vec<Door>,
    rows: Vec<ListRow>,
}

/// A claim in the list.
#[derive(Debug)]
pub(crate) struct ListRow {
    pub(super) href: String,
    pub(super) number: u8,
    pub(super) sentence: &'static str,
    pub(super) word: (&'static str, &'static str),
}

impl Board {
    /// Of outcomes of which none is hidden.
    pub(super) fn of(outcomes: &[&Outcome], rows: Vec<ListRow>) -> Self {
        let tally = Tally::of(outcomes);
        Self { tally, conclusion: conclusion(outcomes), doors: doors(outcomes), rows }
    }

    pub(super) fn at(claims: &[ClaimView]) -> Self {
        let outcomes: Vec<_> =
            claims.iter().filter_map(|one| Some(&one.shown()?.outcome)).collect();
        let row = |one: &ClaimView| ListRow {
            href: format!("/compare/{}", one.claim.slug),
            number: one.claim.number,
            sentence: one.claim.sentence,
            word: one.word(),
        };
        Self::of(&outcomes, claims.iter().map(row).collect())
    }
}

/// One way in, and what it leads to with either key.
#[derive(Debug)]
struct Door {
    name: &'static str,
    way_in: String,
    keys: [String; 2],
}

/// As far as the first two claims were measured.
fn doors(outcomes: &[&Outcome]) -> Vec<Door> {
    let of = |claim: u8, label: &str, unit: &str| {
        let outcome = outcomes.iter().find(|one| one.number == claim)?;
        let figure = outcome.figures.iter().find(|one| one.label == label && one.unit == unit)?;
        Some(written(figure.median))
    };
    let key = |door: &str, key: &str| {
        let label = format!("{door} + {key}");
        let per_request = |unit| of(2, &label, unit);
        Some(format!(
            "{}, {} bytes, {} ms",
            match per_request("queries")?.as_str() {
                "1" => "1 query".to_owned(),
                n => format!("{n} queries"),
            },
            per_request("bytes up")?,
            per_request("ms")?
        ))
    };
    let door = |(name, title, how)| {
        let label = format!("{name} + session");
        let way_in = of(1, &label, "exchanges").zip(of(1, &label, "ms"));
        let way_in = way_in.map(|(exchanges, ms)| format!("{exchanges} exchanges, {ms} ms {how}"));
        let keys = [key(name, "session")?, key(name, "JWT")?];
        Some(Door { name: title, way_in: way_in.unwrap_or_default(), keys })
    };
    // A provider hashes a password too; the local one compares it as it stands.
    let both = [
        ("OAuth", "OAuth", "without the provider’s hashing; its used-up attempt cookie goes along"),
        ("password", "Password", "with Argon2id"),
    ];
    both.into_iter().filter_map(door).collect()
}

/// Everything about one claim that was measured: verdict, picture, and what it stands on.
#[derive(Debug, Template)]
#[template(path = "compare-claim-body.html")]
pub(crate) struct ClaimBody<'a> {
    outcome: &'a Outcome,
    word: (&'static str, &'static str),
    heading: String,
    because: &'a str,
    guessed: Option<(&'static str, bool)>,
    curve: Option<Drawn>,
    groups: Vec<Group>,
    ground: &'a str,
    at: String,
    machine: String,
}

impl<'a> ClaimBody<'a> {
    pub(super) fn of(
        outcome: &'a Outcome,
        ground: &'a str,
        at: String,
        guessed: Option<(&'static str, bool)>,
    ) -> Self {
        let verdict = outcome.verdict.as_ref();
        Self {
            word: word(outcome),
            heading: capital(&outcome.in_words()),
            because: outcome.because(),
            guessed,
            curve: curve(&outcome.figures).map(|curve| Drawn::of(&curve, verdict)),
            groups: groups(outcome),
            ground,
            at,
            machine: latchkey_lab::run::machine(),
            outcome,
        }
    }
}

/// Figures of one unit, as bars from nothing to the largest.
#[derive(Debug)]
struct Group {
    unit: String,
    largest: String,
    bars: Vec<Bar>,
}

#[derive(Debug)]
struct Bar {
    label: String,
    width: String,
    median: String,
    spread: Option<String>,
    n: usize,
}

/// How wide a drawing is, in its own units.
const WIDTH: f64 = 200.0;

fn groups(outcome: &Outcome) -> Vec<Group> {
    let group = |(unit, figures): (&str, Vec<&Figure>)| {
        let largest = figures.iter().map(|figure| figure.median).fold(0.0, f64::max);
        let bar = |figure: &&Figure| Bar {
            label: figure.label.clone(),
            width: format!("{:.1}", WIDTH * figure.median / largest.max(f64::MIN_POSITIVE)),
            median: written(figure.median),
            spread: (figure.low < figure.high)
                .then(|| format!("{} to {}", written(figure.low), written(figure.high))),
            n: figure.n,
        };
        let bars = figures.iter().map(bar).collect();
        Group { unit: unit.to_owned(), largest: written(largest), bars }
    };
    grouped(&outcome.figures, |figure| &figure.unit).into_iter().map(group).collect()
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
            far: written(far),
            slow: written(slow),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_meet_where_the_verdict_says() {
        let curve = Curve { session: vec![(0.0, 0.5), (10.0, 10.0)], jwt: 1.0 };
        let verdict = Verdict::only_if("x", "y").from(0.5, "ms away");
        let drawn = Drawn::of(&curve, Some(&verdict));
        assert_eq!((&*drawn.session, &*drawn.jwt), ("0.0,95.0 200.0,0.0", "0.0,90.0 200.0,90.0"));
        assert_eq!(drawn.even, Some(("10.0".to_owned(), "0.50".to_owned())));
        assert_eq!(Drawn::of(&curve, None).even, None);
    }
}
