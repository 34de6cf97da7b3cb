//! Reading one variable at a time, and collecting what is wrong with them.

use std::fmt;
use std::str::FromStr;

use latchkey_auth::secret::Secret;
use latchkey_domain::Span;

use super::Environment;
use super::{looks, variables};

/// One setting that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub variable: String,
    /// What is wrong with it and what to write; never its value.
    pub message: String,
}

impl Problem {
    pub fn new(variable: impl Into<String>, message: impl Into<String>) -> Self {
        Self { variable: variable.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.variable, self.message)
    }
}

/// Everything that is wrong with the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings do not make sense:")?;
        for problem in &self.0 {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl Problems {
    /// Whether one of them is about one of these variables, or about its file.
    #[must_use]
    pub fn concern(&self, variables: &[&str]) -> bool {
        self.0.iter().any(|problem| {
            let name = problem.variable.as_str();
            variables.contains(&name)
                || name.strip_suffix("_FILE").is_some_and(|name| variables.contains(&name))
        })
    }
}

/// Reads variables, and remembers what was wrong with them.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    only_looks: bool,
    problems: Vec<Problem>,
    doubts: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(environment: &'a Environment) -> Self {
        Self { environment, only_looks: false, problems: Vec::new(), doubts: Vec::new() }
    }

    /// For somebody who wants to know, and not to start: nothing is made.
    pub(super) const fn that_only_looks(environment: &'a Environment) -> Self {
        Self { environment, only_looks: true, problems: Vec::new(), doubts: Vec::new() }
    }

    /// Whether nothing may be made that is missing.
    pub(super) const fn only_looks(&self) -> bool {
        self.only_looks
    }

    pub(super) const fn environment(&self) -> &'a Environment {
        self.environment
    }

    /// Remembers a problem, and goes on.
    pub(super) fn complain(&mut self, variable: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(variable, message));
    }

    /// Remembers something that may be right, and does not look like it.
    pub(super) fn doubt(&mut self, variable: &str, message: impl Into<String>) {
        self.doubts.push(Problem::new(variable, message));
    }

    /// What a variable says. Only what the one list names can be read.
    fn get(&self, name: &str) -> Option<&'a str> {
        debug_assert!(variables::find(name).is_some(), "{name} is not in the list of variables");
        self.environment.get(name)
    }

    /// A text as it stands. Quotes and blanks around it became part of it by
    /// accident: `docker --env-file` and systemd do not take them off.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let text = self.get(name)?.to_owned();
        self.plain(name, text)
    }

    fn plain(&mut self, name: &str, text: String) -> Option<String> {
        // A PEM ends with a newline, which nobody takes off.
        let text = match text.strip_prefix("-----BEGIN ") {
            Some(_) => text.trim_end().to_owned(),
            None => text,
        };
        if text.trim() != text {
            self.complain(name, "begins or ends with a blank: take it away");
            return None;
        }
        let quoted = ['"', '\''].iter().any(|q| text.starts_with(*q) || text.ends_with(*q));
        if quoted {
            self.complain(name, "has a quote as part of its value: write it without quotes");
            return None;
        }
        if looks::is_framed(&text) {
            self.complain(name, "is a placeholder: write a value, or nothing at all");
            return None;
        }
        Some(text)
    }

    /// A secret, or the contents of the file that `<name>_FILE` names.
    pub(super) fn secret(&mut self, name: &str) -> Option<Secret> {
        let by_file = format!("{name}_FILE");
        let Some(path) = self.text(&by_file) else {
            return self.text(name).map(Secret::new);
        };
        if self.get(name).is_some() {
            self.complain(name, format!("is set, and {by_file} too: keep one of them"));
            return None;
        }
        match std::fs::read_to_string(self.environment.path(&path)) {
            // Editors end a file with a newline; a secret does not hold one.
            Ok(contents) => match contents.trim_end_matches(['\r', '\n']) {
                "" => {
                    self.complain(&by_file, "names a file that is empty");
                    None
                }
                secret => self.plain(&by_file, secret.to_owned()).map(Secret::new),
            },
            Err(error) => {
                self.complain(
                    &by_file,
                    format!("names a file that cannot be read: {}", error.kind()),
                );
                None
            }
        }
    }

    /// Whether a variable, or its file, says anything.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some() || self.environment.get(&format!("{name}_FILE")).is_some()
    }

    /// A value of a type that can be read from text.
    pub(super) fn parsed<T: FromStr>(&mut self, name: &str, what: &str) -> Option<T> {
        let parsed = self.text(name)?.parse().ok();
        if parsed.is_none() {
            self.complain(name, format!("has to be {what}"));
        }
        parsed
    }

    /// One of a few words, the first of which is the default.
    pub(super) fn one_of<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> T {
        let (_, default) = words[0];
        let Some(text) = self.text(name) else { return default };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        self.complain(name, format!("has to be {}", known.join(" or ")));
        default
    }

    /// A span of time: a whole number and `s`, `m`, `h` or `d`.
    pub(super) fn span(&mut self, name: &str, default: Span) -> Span {
        let Some(text) = self.text(name) else { return default };
        parse_span(&text).unwrap_or_else(|| {
            self.complain(
                name,
                "has to be a time like 30s, 5m, 12h or 7d, and longer than nothing",
            );
            default
        })
    }

    /// All the problems there were, and all the doubts.
    pub(super) fn finish(self) -> (Problems, Vec<Problem>) {
        (Problems(self.problems), self.doubts)
    }
}

/// A whole number above 0 and `s`, `m`, `h` or `d`.
pub(super) fn parse_span(text: &str) -> Option<Span> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u32 = number.parse().ok()?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    (number > 0).then_some(Span::seconds(number.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (text, span) in [
            ("30s", Some(Span::seconds(30))),
            ("5m", Some(Span::minutes(5))),
            ("2h", Some(Span::minutes(120))),
            ("7d", Some(Span::days(7))),
            ("0s", None),
            ("-5m", None),
            ("5", None),
            ("m", None),
            ("", None),
            ("5 m", None),
            ("5é", None),
            ("4294967295d", None),
        ] {
            assert_eq!(parse_span(text), span, "{text}");
        }
    }
}
