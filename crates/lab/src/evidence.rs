//! What an experiment collects: samples and observations.

use serde::{Deserialize, Serialize};

use crate::agent::Answer;
use crate::stats::{self, Interval};
use crate::verdict::Unclear;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    pub label: String,
    /// For example `ms`, `bytes` or `queries`.
    pub unit: String,
    pub values: Vec<f64>,
}

/// An observation that is not a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub label: String,
    pub value: String,
}

/// The only input of a verdict.
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

    /// The samples of a series; empty if there is none.
    pub fn values(&self, label: &str, unit: &str) -> &[f64] {
        let found = self.series.iter().find(|one| one.label == label && one.unit == unit);
        found.map_or(&[], |series| &series.values)
    }

    pub fn median(&self, label: &str, unit: &str) -> Option<f64> {
        stats::median(self.values(label, unit))
    }

    /// Adds the status of an answer and its error code.
    pub fn add_answer(&mut self, label: impl Into<String>, answer: &Answer) {
        self.add_fact(label, answer.summary());
    }

    /// A fact without which there is no verdict.
    pub fn required_fact(&self, label: &str) -> Result<&str, Unclear> {
        self.fact(label).ok_or_else(|| Unclear(format!("Not tried: {label}.")))
    }

    /// Whether a request was accepted (2xx), or refused with one of these codes. Any other answer
    /// (429, 503, another refusal) is inconclusive.
    pub fn accepted(&self, label: &str, refusals: &[&str]) -> Result<bool, Unclear> {
        match self.required_fact(label)? {
            fact if fact.starts_with('2') => Ok(true),
            fact if refusals.contains(&fact) => Ok(false),
            fact => Err(Unclear(format!("Inconclusive: {label}: {fact}."))),
        }
    }

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
        let figures = self.series.iter().map(|Series { label, unit, values }| {
            let interval = stats::interval(values)?;
            Some(Figure { label: label.clone(), unit: unit.clone(), n: values.len(), interval })
        });
        figures.flatten().collect()
    }

    /// The number of samples and facts.
    pub fn n(&self) -> usize {
        self.series.iter().map(|series| series.values.len()).sum::<usize>() + self.facts.len()
    }
}

/// Groups items by name, in order of first appearance.
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

/// "1 query", "2 queries", "0.4 ms".
pub fn with_unit(number: &str, unit: &str) -> String {
    let (noun, rest) = unit.split_at(unit.find(' ').unwrap_or(unit.len()));
    let one = match noun.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => noun.strip_suffix('s').filter(|it| it.len() > 1).unwrap_or(noun).to_owned(),
    };
    format!("{number} {}{rest}", if number == "1" { &one } else { noun })
}

/// About three significant digits, and commas between thousands.
pub fn format_number(value: f64) -> String {
    let text = match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size < 0.1 => return format!("{value:.3}"),
        _ => return format!("{value:.2}"),
    };
    if text.contains('.') || text.len() < 5 {
        return text;
    }
    let mut reversed = String::new();
    for (index, digit) in text.chars().rev().enumerate() {
        if index > 0 && index % 3 == 0 && digit != '-' {
            reversed.push(',');
        }
        reversed.push(digit);
    }
    reversed.chars().rev().collect()
}
