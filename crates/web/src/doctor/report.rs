//! Checks, their findings, and the report as text or JSON.

use askama::Template;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::settings::{Problems, Settings};

/// The settings, with defaults for the invalid ones, and what is wrong with those.
pub(super) struct Context<'a> {
    pub(super) settings: &'a Settings,
    pub(super) problems: &'a Problems,
}

impl Context<'_> {
    /// Whether these variables are valid. A finding about the default of an invalid one
    /// would mislead.
    pub(super) fn valid(&self, variables: &[&str]) -> bool {
        !self.problems.concern(variables)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Level {
    Ok,
    Warning,
    Problem,
}

macro_rules! checks {
    ($($section:literal { $($check:ident, $subject:literal;)* })*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Check { $($($check,)*)* }

        impl Check {
            const fn section(self) -> &'static str {
                match self { $($(Self::$check => $section,)*)* }
            }

            const fn subject(self) -> &'static str {
                match self { $($(Self::$check => $subject,)*)* }
            }
        }

        const SECTIONS: &[&str] = &[$($section,)*];
    };
}

// The sections in the order of the report; each check with its default subject.
checks! {
    "Settings" {
        Settings, "settings";
        SettingInvalid, "";
        SettingDoubtful, "";
    }
    "Address" {
        PublicUrl, "PUBLIC_URL";
        PublicUrlAnswers, "PUBLIC_URL";
        Cookies, "cookies";
        Listen, "HOST";
        TrustedProxies, "TRUSTED_PROXIES";
    }
    "Providers" {
        Provider, "";
        ProviderReachable, "";
        Introspection, "OAUTH_INTROSPECTION_URL";
    }
    "Clock" {
        Clock, "clock";
        DatabaseClock, "clock";
    }
    "Database" {
        Database, "DATABASE_URL";
        Migrations, "migrations";
    }
    "Secrets" {
        AppSecret, "APP_SECRET";
        SigningKeys, "signing keys";
    }
    "JWTs" {
        JwtLife, "JWT_ACCESS_TTL";
        JwtIssuer, "JWT_ISSUER";
        JwtAlgorithm, "JWT_ALGORITHM";
    }
    "E-mail" {
        Mail, "SMTP_URL";
        MailDelivery, "SMTP_URL";
    }
}

impl Check {
    pub(super) fn problem(self, finding: impl Into<String>, fix: impl Into<String>) -> Finding {
        self.finding(Level::Problem, finding, fix)
    }

    pub(super) fn warning(self, finding: impl Into<String>, fix: impl Into<String>) -> Finding {
        self.finding(Level::Warning, finding, fix)
    }

    pub(super) fn ok(self, finding: impl Into<String>) -> Finding {
        self.finding(Level::Ok, finding, "")
    }

    /// `what_to_do` may be empty.
    pub(super) fn finding(
        self,
        level: Level,
        finding: impl Into<String>,
        what_to_do: impl Into<String>,
    ) -> Finding {
        Finding {
            check: self,
            level,
            subject: self.subject().to_owned(),
            finding: finding.into(),
            what_to_do: Some(what_to_do.into()).filter(|what| !what.is_empty()),
            facts: Vec::new(),
        }
    }
}

/// The result of a check. It must not contain secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    #[serde(rename = "code")]
    pub check: Check,
    pub level: Level,
    pub subject: String,
    pub finding: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what_to_do: Option<String>,
    #[serde(serialize_with = "members", skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<(&'static str, String)>,
}

impl Finding {
    pub(super) fn about(self, subject: &str) -> Self {
        Self { subject: subject.to_owned(), ..self }
    }

    pub(super) fn facts(mut self, facts: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.facts.extend(facts);
        self
    }

    pub(super) fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((name, value.into()));
        self
    }
}

/// "Redirect URI" in the text report is `redirect_uri` in JSON.
fn members<S: Serializer>(facts: &[(&'static str, String)], to: S) -> Result<S::Ok, S::Error> {
    let member = |name: &str| name.to_lowercase().replace([' ', '-'], "_");
    to.collect_map(facts.iter().map(|(name, value)| (member(name), value)))
}

#[derive(Clone, Debug, Default, Template)]
#[template(path = "doctor.txt", whitespace = "preserve")]
pub struct Report(Vec<Finding>);

impl Report {
    pub(super) fn new(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|one| SECTIONS.iter().position(|s| *s == one.check.section()));
        Self(findings)
    }

    pub fn findings(&self) -> &[Finding] {
        &self.0
    }

    pub fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }

    pub fn worst(&self) -> Level {
        self.0.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }

    pub fn sections(&self) -> impl Iterator<Item = (&'static str, &[Finding])> {
        let sections = self.0.chunk_by(|a, b| a.check.section() == b.check.section());
        sections.map(|findings| (findings[0].check.section(), findings))
    }

    /// In one line: "1 problem, 2 warnings".
    pub fn summary(&self) -> String {
        let counts = [Level::Problem, Level::Warning].map(|level| (self.count(level), level));
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts = counts.map(|(count, level)| match count {
            1 => format!("1 {level}"),
            count => format!("{count} {level}s"),
        });
        let counts: Vec<_> = counts.collect();
        if counts.is_empty() { "no problems".to_owned() } else { counts.join(", ") }
    }

    pub fn json(&self) -> Value {
        json!({
            "ok": self.worst() < Level::Problem,
            "problems": self.count(Level::Problem),
            "warnings": self.count(Level::Warning),
            "findings": self.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doctor_report_renders_as_text_and_json() {
        let report = Report::new(vec![
            Check::Clock.ok("The clock is right."),
            Check::SettingInvalid
                .problem("PORT is not valid.", "Set it to a port number.")
                .about("PORT")
                .fact("Redirect URI", "http://localhost:3000/x"),
        ]);
        assert_eq!(
            report.to_string(),
            "Settings\n  problem  PORT is not valid.\n\
             \x20          -> Set it to a port number.\n\
             \x20          Redirect URI: http://localhost:3000/x\n\n\
             Clock\n  ok       The clock is right.\n\n\
             1 problem."
        );
        assert_eq!(
            report.json(),
            json!({ "ok": false, "problems": 1, "warnings": 0, "findings": [
                {
                    "code": "setting_invalid", "level": "problem", "subject": "PORT",
                    "finding": "PORT is not valid.",
                    "what_to_do": "Set it to a port number.",
                    "facts": { "redirect_uri": "http://localhost:3000/x" },
                },
                {
                    "code": "clock", "level": "ok", "subject": "clock",
                    "finding": "The clock is right.",
                },
            ] })
        );
        assert_eq!(Report::default().to_string(), "No problems.");
    }
}
