//! Reports for continuous integration: JUnit XML and SARIF 2.1.0.

use std::io::{IsTerminal as _, Write as _};

use askama::Template;
use latchkey_lab::run::VERSION;
use serde_json::json;

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Format {
    Junit,
    Sarif,
}

/// Any verdict about a claim passes or informs; reaching none is `Open` or an `Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Pass,
    Informational,
    Open,
    Fail,
    Error,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) title: String,
    pub(crate) kind: Kind,
    pub(crate) text: String,
    /// The source file with the check.
    pub(crate) file: Option<&'static str>,
}

#[derive(Debug, Template)]
#[template(path = "report-junit.xml")]
struct Junit<'a> {
    tool: &'a str,
    rows: &'a [Row],
}

impl Junit<'_> {
    fn count(&self, kind: Kind) -> usize {
        self.rows.iter().filter(|row| row.kind == kind).count()
    }
}

/// Writes to standard error, if it is a terminal.
pub(crate) fn print_progress(step: &str) {
    let mut terminal = std::io::stderr();
    if terminal.is_terminal() {
        // A failure to show the progress does not matter.
        let _ = writeln!(terminal, "{step} …");
    }
}

pub(crate) fn render(format: Format, tool: &str, rows: &[Row]) -> askama::Result<String> {
    match format {
        Format::Junit => Junit { tool, rows }.render(),
        Format::Sarif => Ok(format!("{:#}", sarif(tool, rows))),
    }
}

fn sarif(tool: &str, rows: &[Row]) -> serde_json::Value {
    let rules =
        rows.iter().map(|row| json!({ "id": row.id, "shortDescription": { "text": row.title } }));
    let results = rows.iter().map(|row| {
        let (kind, level) = match row.kind {
            Kind::Pass => ("pass", "none"),
            Kind::Informational => ("informational", "none"),
            Kind::Open => ("open", "none"),
            Kind::Fail | Kind::Error => ("fail", "error"),
        };
        let location =
            |file| json!({ "physicalLocation": { "artifactLocation": { "uri": file } } });
        json!({
            "ruleId": row.id, "kind": kind, "level": level, "message": { "text": row.text },
            "locations": row.file.map(location).into_iter().collect::<Vec<_>>(),
        })
    });
    json!({
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [{
            "tool": { "driver": {
                "name": tool, "version": VERSION, "rules": rules.collect::<Vec<_>>(),
            }},
            "results": results.collect::<Vec<_>>(),
        }],
    })
}
