//! Everything that was found, for people and for programs.

use std::fmt;

use serde_json::{Value, json};

use super::finding::{Finding, Level, Section};

/// Everything that was found, in the order in which it is told.
#[derive(Clone, Debug, Default)]
pub struct Report(Vec<Finding>);

impl Report {
    pub(super) fn new(mut findings: Vec<Finding>) -> Self {
        let place =
            |finding: &Finding| Section::ALL.iter().position(|one| *one == finding.check.section());
        findings.sort_by_key(place);
        Self(findings)
    }

    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.0
    }

    /// How many there are of a level.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }

    #[must_use]
    pub fn worst(&self) -> Level {
        self.0.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }

    /// The sections in which there is something, each with its findings.
    pub fn sections(&self) -> impl Iterator<Item = (Section, Vec<&Finding>)> {
        Section::ALL.into_iter().filter_map(|section| {
            let findings: Vec<_> =
                self.0.iter().filter(|finding| finding.check.section() == section).collect();
            (!findings.is_empty()).then_some((section, findings))
        })
    }

    /// In one line: "1 problem, 2 warnings".
    #[must_use]
    pub fn summary(&self) -> String {
        let counted = |level: Level| {
            let count = self.count(level);
            let plural = if count == 1 { "" } else { "s" };
            (count > 0).then(|| format!("{count} {}{plural}", level.name()))
        };
        let counts: Vec<_> =
            [Level::Problem, Level::Warning].into_iter().filter_map(counted).collect();
        if counts.is_empty() { "everything is well".to_owned() } else { counts.join(", ") }
    }

    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "ok": self.worst() < Level::Problem,
            "problems": self.count(Level::Problem),
            "warnings": self.count(Level::Warning),
            "findings": self.0,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (section, findings) in self.sections() {
            writeln!(f, "{}", section.title())?;
            for finding in findings {
                writeln!(f, "  {:<8} {}", finding.level.name(), finding.finding)?;
                if let Some(what) = &finding.what_to_do {
                    writeln!(f, "           -> {what}")?;
                }
                for (name, value) in &finding.facts {
                    writeln!(f, "           {name}: {value}")?;
                }
            }
            writeln!(f)?;
        }
        let summary = self.summary();
        let (first, rest) = summary.split_at(summary.len().min(1));
        write!(f, "{}{rest}.", first.to_uppercase())
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Check;
    use super::*;

    #[test]
    fn a_report_reads_well_to_people_and_to_programs() {
        let report = Report::new(vec![
            Finding::ok(Check::Clock, "clock", "The clock is right."),
            Finding::problem(Check::SettingInvalid, "PORT", "PORT has to be a port number.")
                .advise("Write a port number, like 3000.")
                .fact("Redirect URI", "http://localhost:3000/x"),
        ]);
        assert_eq!(
            report.to_string(),
            "Settings\n  problem  PORT has to be a port number.\n\
             \x20          -> Write a port number, like 3000.\n\
             \x20          Redirect URI: http://localhost:3000/x\n\n\
             Clock\n  ok       The clock is right.\n\n\
             1 problem."
        );
        assert_eq!(
            report.json(),
            json!({ "ok": false, "problems": 1, "warnings": 0, "findings": [
                {
                    "code": "setting_invalid", "level": "problem", "subject": "PORT",
                    "finding": "PORT has to be a port number.",
                    "what_to_do": "Write a port number, like 3000.",
                    "facts": { "redirect_uri": "http://localhost:3000/x" },
                },
                {
                    "code": "clock", "level": "ok", "subject": "clock",
                    "finding": "The clock is right.",
                },
            ] })
        );
        assert_eq!(Report::default().to_string(), "Everything is well.");
    }
}
