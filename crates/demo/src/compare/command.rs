//! `latchkey compare`

use std::io::{IsTerminal as _, Write as _};

use clap::Args;
use latchkey_lab::evidence::{capital, written};
use latchkey_lab::experiments::{self, Experiment};
use latchkey_lab::remote::Remote;
use latchkey_lab::run::Progress;
use latchkey_lab::{Figure, InstanceFactory, Options, Outcome as Measured, Report};
use url::Url;

use crate::state::LocalProvider;
use crate::throwaway;
use latchkey_web::cli::{Outcome, print};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Print JSON, with every sample.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print a Markdown table.
    #[arg(long)]
    markdown: bool,
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
    let report = latchkey_lab::run(factory.as_ref(), &Options::default(), &chosen, &tell).await;
    if arguments.json {
        print(&serde_json::to_string_pretty(&report)?)?;
    } else if arguments.markdown {
        print(&markdown(&report))?;
    } else {
        print(&table(&report))?;
    }
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

/// Tells a person at a terminal what is being done, beside what is printed.
fn tell(progress: Progress) {
    let mut terminal = std::io::stderr();
    if let Progress::Begun(claim) = progress
        && terminal.is_terminal()
    {
        // Without a terminal there is nobody to tell.
        let _ = writeln!(terminal, "{:>2}  {} …", claim.number, claim.sentence);
    }
}

/// The verdict of a claim in words, and what stands behind it.
fn verdict(claim: &Measured) -> (String, &str) {
    match (&claim.verdict, &claim.error) {
        (Some(verdict), _) => (verdict.in_words(), verdict.because()),
        (None, Some(error)) => ("not measured".to_owned(), error),
        (None, None) => ("nothing".to_owned(), ""),
    }
}

/// A table for people: a claim in a few lines.
fn table(report: &Report) -> String {
    let mut lines = vec![format!("Measured in {} s, at {}.", seconds(report), report.ground)];
    for claim in &report.claims {
        lines.push(String::new());
        lines.push(format!("{:>2}  {}", claim.number, claim.sentence));
        let (verdict, because) = verdict(claim);
        lines.push(format!("    {}", capital(&verdict)));
        lines.extend(wrapped(because, 74).into_iter().map(|line| format!("    {line}")));
        for (label, figures) in by_label(&claim.figures) {
            let figures: Vec<_> = figures.into_iter().map(figure).collect();
            let text = format!("{label}: {}", figures.join(", "));
            lines.extend(wrapped(&text, 70).into_iter().enumerate().map(|(n, line)| {
                let indent = if n == 0 { "    - " } else { "      " };
                format!("{indent}{line}")
            }));
        }
        for fact in &claim.facts {
            let text = format!("{}: {}", fact.label, fact.value);
            lines.extend(wrapped(&text, 70).into_iter().map(|line| format!("      {line}")));
        }
    }
    lines.join("\n")
}

fn by_label(figures: &[Figure]) -> Vec<(&str, Vec<&Figure>)> {
    let mut groups: Vec<(&str, Vec<&Figure>)> = Vec::new();
    for figure in figures {
        match groups.iter_mut().find(|(label, _)| *label == figure.label) {
            Some((_, group)) => group.push(figure),
            None => groups.push((&figure.label, vec![figure])),
        }
    }
    groups
}

fn figure(figure: &Figure) -> String {
    let median = written(figure.median);
    if figure.low < figure.high {
        let (low, high) = (written(figure.low), written(figure.high));
        format!("{median} {} ({low} to {high})", figure.unit)
    } else {
        format!("{median} {}", figure.unit)
    }
}

fn markdown(report: &Report) -> String {
    let mut lines = vec![
        format!("Measured in {} s, at {}.", seconds(report), report.ground),
        String::new(),
        "| # | claim | verdict | why |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    for claim in &report.claims {
        let (number, sentence, (verdict, because)) = (claim.number, claim.sentence, verdict(claim));
        lines.push(format!("| {number} | {sentence} | **{verdict}** | {because} |"));
    }
    lines.join("\n")
}

fn seconds(report: &Report) -> String {
    format!("{}.{}", report.took_ms / 1000, report.took_ms % 1000 / 100)
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
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

    #[test]
    fn claims_are_chosen_by_number() {
        assert_eq!(chosen(&[2]).map(|claims| claims.len()), Ok(1));
        assert!(chosen(&[99]).is_err());
        assert_eq!(chosen(&[]).map(|claims| claims.len()), Ok(experiments::ALL.len()));
    }
}
