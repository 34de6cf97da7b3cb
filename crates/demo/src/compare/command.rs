//! `latchkey compare`

use std::path::PathBuf;

use askama::Template;
use clap::Args;
use latchkey_domain::Clock;
use latchkey_lab::evidence::{capitalize, format_number, group_by};
use latchkey_lab::experiments::{self, Experiment};
use latchkey_lab::remote::Remote;
use latchkey_lab::run::{Progress, Tally};
use latchkey_lab::stats::Interval;
use latchkey_lab::{Figure, InstanceFactory, Options, Report, Verdict};
use url::Url;

use super::publish;
use crate::report::{self, Format, Kind};
use crate::state::LocalProvider;
use crate::throwaway;
use latchkey_web::cli::{Outcome, print};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Print JSON, with every sample.
    #[arg(long, conflicts_with_all = ["markdown", "report"])]
    json: bool,
    /// Print a Markdown table.
    #[arg(long, conflicts_with = "report")]
    markdown: bool,
    /// Print what continuous integration reads.
    #[arg(long, value_enum)]
    report: Option<Format>,
    /// Also write a site of files, which can be shown to others.
    #[arg(long, value_name = "DIR")]
    publish: Option<PathBuf>,
    /// Measure only this claim; may be repeated.
    #[arg(long = "claim", value_name = "NUMBER")]
    claims: Vec<u8>,
    /// Measure a running instance, as far as possible. This creates accounts
    /// there: only use your own.
    #[arg(long)]
    url: Option<Url>,
    /// That instance’s local provider, if it has one.
    #[arg(long, requires = "url")]
    provider: Option<Url>,
}

/// Measures, prints, and ends with an error when something could not be measured.
pub(crate) async fn run(arguments: Arguments, local_provider: Option<LocalProvider>) -> Outcome {
    let chosen = chosen(&arguments.claims)?;
    let factory: Box<dyn InstanceFactory> = match &arguments.url {
        Some(url) => Box::new(Remote::new(url, arguments.provider.clone())?),
        None => throwaway::instances(local_provider)?,
    };
    let tell = |progress| {
        if let Progress::Started(claim) = progress {
            report::tell(&format!("{:>2}  {}", claim.number, claim.sentence));
        }
    };
    let report = latchkey_lab::run(factory.as_ref(), &Options::default(), &chosen, &tell).await;
    if let Some(folder) = &arguments.publish {
        publish::write(&report, &Clock::System.now().rfc3339(), folder)?;
    }
    print(&match (arguments.report, arguments.json, arguments.markdown) {
        (Some(format), ..) => {
            let rows: Vec<_> = report.claims.iter().map(row).collect();
            report::render(format, "latchkey compare", &rows)?
        }
        (_, true, _) => serde_json::to_string_pretty(&report)?,
        (_, _, true) => Markdown { report: &report }.render()?,
        _ => table(&report),
    })?;
    let missing = report.claims.iter().filter(|claim| claim.error.is_some()).count();
    match missing {
        0 => Ok(()),
        1 => Err("one claim could not be measured".into()),
        n => Err(format!("{n} claims could not be measured").into()),
    }
}

fn chosen(numbers: &[u8]) -> Result<Vec<&'static Experiment>, String> {
    if numbers.is_empty() {
        return Ok(experiments::ALL.iter().collect());
    }
    let one =
        |number: &u8| experiments::by_number(*number).ok_or(format!("there is no claim {number}"));
    numbers.iter().map(one).collect()
}

/// A table for people: a claim in a few lines.
fn table(report: &Report) -> String {
    let mut lines = vec![format!("Measured in {} s, at {}.", seconds(report), report.ground)];
    let mut add = |first: &str, text: &str| {
        let width = 78 - first.chars().count();
        let rest = " ".repeat(first.chars().count());
        for (n, line) in wrapped(text, width).into_iter().enumerate() {
            lines.push(format!("{}{line}", if n == 0 { first } else { &rest }));
        }
    };
    for claim in &report.claims {
        add("", "");
        add(&format!("{:>2}  ", claim.number), claim.sentence);
        add("    ", &capitalize(&claim.in_words()));
        add("    ", claim.because());
        for (label, figures) in group_by(&claim.figures, |figure| &figure.label) {
            let figures: Vec<_> = figures.into_iter().map(figure).collect();
            add("    - ", &format!("{label}: {}", figures.join(", ")));
        }
        for fact in &claim.facts {
            add("      ", &format!("{}: {}", fact.label, fact.value));
        }
    }
    lines.push(format!("\n{}", Tally::of(&report.claims.iter().collect::<Vec<_>>())));
    lines.join("\n")
}

fn figure(figure: &Figure) -> String {
    let Interval { median, low, high, .. } = figure.interval;
    let median = format_number(median);
    if low < high {
        let (low, high) = (format_number(low), format_number(high));
        format!("{median} {} ({low} to {high})", figure.unit)
    } else {
        format!("{median} {}", figure.unit)
    }
}

#[derive(Debug, Template)]
#[template(path = "compare.md")]
struct Markdown<'a> {
    report: &'a Report,
}

fn seconds(report: &Report) -> String {
    format!("{}.{}", report.took_ms / 1000, report.took_ms % 1000 / 100)
}

fn row(claim: &latchkey_lab::Outcome) -> report::Row {
    let kind = match claim.verdict {
        None => Kind::Error,
        Some(Verdict::Undecided { .. }) => Kind::Open,
        Some(Verdict::False { .. }) => Kind::Informational,
        Some(_) => Kind::Pass,
    };
    report::Row {
        id: claim.slug,
        title: claim.sentence.to_owned(),
        kind,
        text: format!("{}. {}", capitalize(&claim.in_words()), claim.because()),
        file: None,
    }
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
    }
}
