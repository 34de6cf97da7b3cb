//! Results as continuous integration reads them: JUnit's XML, or SARIF 2.1.0.

use std::io::{IsTerminal as _, Write as _};

use askama::Template;
use latchkey_lab::run::VERSION;
use serde_json::json;

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Format {
    Junit,
    Sarif,
}

/// How something came out. A verdict is no failure, whatever it is: not reaching one is.
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
    /// The file that it is about.
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

/// Tells a person at a terminal what is being done, beside what is printed.
pub(crate) fn tell(what: &str) {
    let mut terminal = std::io::stderr();
    if terminal.is_terminal() {
        // Without a terminal there is nobody to tell.
        let _ = writeln!(terminal, "{what} …");
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
        let at = |file| json!({ "physicalLocation": { "artifactLocation": { "uri": file } } });
        json!({
            "ruleId": row.id, "kind": kind, "level": level, "message": { "text": row.text },
            "locations": row.file.map(at).into_iter().collect::<Vec<_>>(),
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
