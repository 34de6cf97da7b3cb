//! The command `latchkey compare`.

use std::path::PathBuf;

use askama::Template;
use clap::Args;
use latchkey_domain::Clock;
use latchkey_lab::evidence::{capitalize, format_number, group_by, with_unit};
use latchkey_lab::experiments::{self, Experiment};
use latchkey_lab::remote::Remote;
use latchkey_lab::run::{Progress, Tally};
use latchkey_lab::stats::Interval;
use latchkey_lab::{Figure, InstanceFactory, Options, Report, Verdict};
use url::Url;

use super::publish;
use crate::report::{self, Format, Kind};
use crate::state::LocalProvider;
use crate::throwaway::ThrowawayInstances;
use latchkey_web::cli::{Outcome, print};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Print JSON, with every sample.
    #[arg(long, conflicts_with_all = ["markdown", "report"])]
    json: bool,
    /// Print a Markdown table.
    #[arg(long, conflicts_with = "report")]
    markdown: bool,
    /// Print a report for continuous integration.
    #[arg(long, value_enum)]
    report: Option<Format>,
    /// Also write the results as static web pages.
    #[arg(long, value_name = "DIR")]
    publish: Option<PathBuf>,
    /// Measure only this claim; may be repeated.
    #[arg(long = "claim", value_name = "NUMBER")]
    claims: Vec<u8>,
    /// Measure what it can on a running instance. It creates accounts there, so
    /// only use your own.
    #[arg(long)]
    url: Option<Url>,
    /// That instance’s local provider, if it has one.
    #[arg(long, requires = "url")]
    provider: Option<Url>,
}

/// Fails if a claim could not be measured.
pub(crate) async fn run(arguments: Arguments, local_provider: Option<LocalProvider>) -> Outcome {
    let claims = find_claims(&arguments.claims)?;
    let factory: Box<dyn InstanceFactory> = match &arguments.url {
        Some(url) => Box::new(Remote::new(url, arguments.provider.clone())?),
        None => Box::new(ThrowawayInstances::new(local_provider)?),
    };
    let on_progress = |progress| {
        if let Progress::Started(claim) = progress {
            report::print_progress(&format!("{:>2}  {}", claim.number, claim.sentence));
        }
    };
    let options = Options::default();
    let report = latchkey_lab::run(factory.as_ref(), &options, &claims, &on_progress).await;
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

/// All claims if `numbers` is empty.
fn find_claims(numbers: &[u8]) -> Result<Vec<&'static Experiment>, String> {
    if numbers.is_empty() {
        return Ok(experiments::ALL.iter().collect());
    }
    let find =
        |number: &u8| experiments::by_number(*number).ok_or(format!("there is no claim {number}"));
    numbers.iter().map(find).collect()
}

/// Plain text, a few lines per claim.
fn table(report: &Report) -> String {
    let mut lines = vec![format!("Measured in {} s on {}.", seconds(report), report.ground)];
    let mut add = |prefix: &str, text: &str| {
        let indent = " ".repeat(prefix.chars().count());
        for (n, line) in wrap(text, 78 - indent.len()).into_iter().enumerate() {
            lines.push(format!("{}{line}", if n == 0 { prefix } else { &indent }));
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
    let median = with_unit(&format_number(median), &figure.unit);
    if low < high {
        format!("{median} ({} to {})", format_number(low), format_number(high))
    } else {
        median
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

fn wrap(text: &str, width: usize) -> Vec<String> {
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
    fn long_lines_wrap_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    }
}
