//! `latchkey compare`

use std::io::{IsTerminal as _, Write as _};

use clap::Args;
use latchkey_lab::claims::{self, Claim};
use latchkey_lab::remote::Remote;
use latchkey_lab::run::Progress;
use latchkey_lab::{Ground, Options, Outcome as Measured, Report};
use url::Url;

use super::{Outcome, print};
use crate::ground::OwnGround;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print it for programs, with every sample.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print it for a document.
    #[arg(long)]
    markdown: bool,
    /// Measure this claim alone; may be given several times.
    #[arg(long = "claim", value_name = "NUMBER")]
    claims: Vec<u8>,
    /// Measure at an instance that runs already, as far as that can be done. It
    /// makes accounts there: use one that is yours.
    #[arg(long)]
    url: Option<Url>,
    /// Where the local provider of that instance is, if it has one.
    #[arg(long, requires = "url")]
    provider: Option<Url>,
}

/// Measures, prints, and ends with an error when something could not be measured.
pub(super) async fn run(arguments: Arguments) -> Outcome {
    let chosen = chosen(&arguments.claims)?;
    let ground: Box<dyn Ground> = match &arguments.url {
        Some(url) => Box::new(Remote::new(url, arguments.provider.clone())?),
        None => Box::new(OwnGround::new()?),
    };
    let report = latchkey_lab::run(ground.as_ref(), &Options::default(), &chosen, &tell).await;
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

fn chosen(numbers: &[u8]) -> Result<Vec<&'static Claim>, String> {
    if numbers.is_empty() {
        return Ok(claims::ALL.iter().collect());
    }
    let one = |number: &u8| claims::by_number(*number).ok_or(format!("there is no claim {number}"));
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

/// The verdict of a claim, in words.
fn verdict(claim: &Measured) -> String {
    match (&claim.verdict, &claim.error) {
        (Some(verdict), _) => verdict.in_words(),
        (None, Some(_)) => "not measured".to_owned(),
        (None, None) => "nothing".to_owned(),
    }
}

/// What stands behind the verdict.
fn because(claim: &Measured) -> &str {
    match (&claim.verdict, &claim.error) {
        (Some(verdict), _) => verdict.because(),
        (None, error) => error.as_deref().unwrap_or_default(),
    }
}

/// A table for people: a claim in a few lines.
fn table(report: &Report) -> String {
    let mut lines = vec![format!("Measured in {} s, at {}.", seconds(report), report.ground)];
    for claim in &report.claims {
        lines.push(String::new());
        lines.push(format!("{:>2}  {}", claim.number, claim.sentence));
        lines.push(format!("    {}", capital(&verdict(claim))));
        lines.extend(wrapped(because(claim), 74).into_iter().map(|line| format!("    {line}")));
        let width = claim.figures.iter().map(|figure| figure.label.chars().count()).max();
        for figure in &claim.figures {
            let label = format!("{:<width$}", figure.label, width = width.unwrap_or(0));
            let value = format!("{} {}", number(figure.median), figure.unit);
            let spread = match figure.low.total_cmp(&figure.high) {
                std::cmp::Ordering::Equal => String::new(),
                _ => format!("  [{} to {}]", number(figure.low), number(figure.high)),
            };
            lines.push(format!("      {label}  {value:>14}{spread}  n={}", figure.n));
        }
        for fact in &claim.facts {
            lines.push(format!("      {}: {}", fact.label, fact.value));
        }
    }
    lines.join("\n")
}

/// A table for a document.
fn markdown(report: &Report) -> String {
    let mut lines = vec![
        format!("Measured in {} s, at {}.", seconds(report), report.ground),
        String::new(),
        "| # | claim | verdict | why |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    for claim in &report.claims {
        let (sentence, verdict) = (claim.sentence, verdict(claim));
        lines.push(format!(
            "| {} | {sentence} | **{verdict}** | {} |",
            claim.number,
            because(claim)
        ));
    }
    lines.join("\n")
}

fn seconds(report: &Report) -> String {
    format!("{}.{}", report.took_ms / 1000, report.took_ms % 1000 / 100)
}

/// Three digits that count, and whole numbers as they are.
fn number(value: f64) -> String {
    match value.abs() {
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A text with a capital letter in front.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// A text in lines of at most so many letters.
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
    fn numbers_have_the_digits_that_count() {
        for (value, said) in
            [(0.0, "0"), (1.0, "1"), (0.1234, "0.12"), (12.345, "12.3"), (1234.5, "1234")]
        {
            assert_eq!(number(value), said);
        }
    }

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
    }

    #[test]
    fn claims_are_chosen_by_number() {
        assert_eq!(chosen(&[2]).map(|claims| claims.len()), Ok(1));
        assert!(chosen(&[99]).is_err());
        assert_eq!(chosen(&[]).map(|claims| claims.len()), Ok(claims::ALL.len()));
    }
}
