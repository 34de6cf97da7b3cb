//! What an experiment yields: raw samples and observations.

use serde::{Deserialize, Serialize};

use crate::agent::Answer;
use crate::stats::{self, Interval};
use crate::verdict::Unclear;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    pub label: String,
    /// What is counted: `ms`, `bytes`, `queries`.
    pub unit: String,
    pub values: Vec<f64>,
}

/// An observation that is not a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub label: String,
    pub value: String,
}

/// Everything that a verdict is reached from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub series: Vec<Series>,
    pub facts: Vec<Fact>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    pub label: String,
    pub unit: String,
    pub n: usize,
    #[serde(flatten)]
    pub interval: Interval,
}

impl Evidence {
    /// Adds a sample to a series, which begins with its first one.
    pub fn add_sample(&mut self, label: &str, unit: &str, value: f64) {
        match self.series.iter_mut().find(|one| one.label == label && one.unit == unit) {
            Some(series) => series.values.push(value),
            None => self.series.push(Series {
                label: label.to_owned(),
                unit: unit.to_owned(),
                values: vec![value],
            }),
        }
    }

    pub fn add_fact(&mut self, label: impl Into<String>, value: impl Into<String>) {
        self.facts.push(Fact { label: label.into(), value: value.into() });
    }

    /// The samples of a variant in one unit; none when there is no such series.
    pub fn values(&self, label: &str, unit: &str) -> &[f64] {
        let found = self.series.iter().find(|one| one.label == label && one.unit == unit);
        found.map_or(&[], |series| &series.values)
    }

    pub fn median(&self, label: &str, unit: &str) -> Option<f64> {
        stats::median(self.values(label, unit))
    }

    /// The status of an answer, and its error's code.
    pub fn add_answer(&mut self, label: impl Into<String>, answer: &Answer) {
        self.add_fact(label, answer.summary());
    }

    /// What was found under a label. Nothing is reached from what was not tried.
    pub fn required_fact(&self, label: &str) -> Result<&str, Unclear> {
        self.fact(label).ok_or_else(|| Unclear(format!("Not tried: {label}.")))
    }

    /// Whether the door was opened (2xx), or refused for one of these reasons. Any other answer
    /// (429, 503, another refusal) says nothing about it.
    pub fn accepted(&self, label: &str, refusals: &[&str]) -> Result<bool, Unclear> {
        match self.required_fact(label)? {
            said if said.starts_with('2') => Ok(true),
            said if refusals.contains(&said) => Ok(false),
            said => Err(Unclear(format!("Says nothing: {label} was answered with {said}."))),
        }
    }

    /// The samples of a variant, of which there has to be one.
    pub fn required_samples(&self, label: &str, unit: &str) -> Result<&[f64], Unclear> {
        match self.values(label, unit) {
            [] => Err(Unclear(format!("Not measured: {label}, {unit}."))),
            values => Ok(values),
        }
    }

    pub fn required_median(&self, label: &str, unit: &str) -> Result<f64, Unclear> {
        Ok(stats::median(self.required_samples(label, unit)?).unwrap_or_default())
    }

    pub fn fact(&self, label: &str) -> Option<&str> {
        self.facts.iter().find(|fact| fact.label == label).map(|fact| fact.value.as_str())
    }

    pub fn figures(&self) -> Vec<Figure> {
        self.series.iter().filter_map(Figure::of).collect()
    }

    /// How many samples there are: each number, and each answer.
    pub fn n(&self) -> usize {
        self.series.iter().map(|series| series.values.len()).sum::<usize>() + self.facts.len()
    }
}

impl Figure {
    pub fn of(series: &Series) -> Option<Self> {
        let Series { label, unit, values } = series.clone();
        Some(Self { label, unit, n: values.len(), interval: stats::interval(&values)? })
    }
}

/// In groups of one name each, in the order in which they come.
pub fn group_by<T>(all: &[T], name: impl Fn(&T) -> &str) -> Vec<(&str, Vec<&T>)> {
    let mut groups: Vec<(&str, Vec<&T>)> = Vec::new();
    for one in all {
        match groups.iter_mut().find(|(known, _)| *known == name(one)) {
            Some((_, group)) => group.push(one),
            None => groups.push((name(one), vec![one])),
        }
    }
    groups
}

pub fn capitalize(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// A number for people: three digits, and thousands with commas.
pub fn format_number(value: f64) -> String {
    let text = match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => return format!("{value:.2}"),
    };
    if text.contains('.') || text.len() < 5 {
        return text;
    }
    let mut grouped: Vec<char> = Vec::new();
    for (place, digit) in text.chars().rev().enumerate() {
        if place > 0 && place % 3 == 0 && digit != '-' {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped.into_iter().rev().collect()
}
