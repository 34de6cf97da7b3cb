//! Problems with settings.

use std::fmt;

use super::variables;

/// A problem with a variable. Never contains its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub variable: String,
    /// A predicate for the variable's name, like "is not valid".
    pub message: String,
    pub fix: String,
}

impl Problem {
    /// The fix is the variable's expected value.
    pub(super) fn new(variable: &str, message: impl Into<String>) -> Self {
        let expected = variables::find(variable).map_or("another value", |found| found.expected);
        let fix = if variable.ends_with("_FILE") {
            format!("The file must contain only {expected}.")
        } else {
            format!("Set it to {expected}.")
        };
        Self { variable: variable.to_owned(), message: message.into(), fix }
    }

    pub(super) fn with_fix(
        variable: &str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { variable: variable.to_owned(), message: message.into(), fix: fix.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}. {}", self.variable, self.message, self.fix)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "these settings must be corrected:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}

impl Problems {
    /// Whether there is a problem with one of these variables or its `_FILE`.
    pub fn concern(&self, variables: &[&str]) -> bool {
        self.0.iter().any(|problem| {
            let name = problem.variable.as_str();
            variables.contains(&name)
                || name.strip_suffix("_FILE").is_some_and(|name| variables.contains(&name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_problem_message_includes_the_fix() {
        for (problem, text) in [
            (
                Problem::with_fix("APP_SECRET", "is a placeholder", "Use `openssl rand`."),
                "APP_SECRET is a placeholder. Use `openssl rand`.",
            ),
            (
                Problem::new("PORT", "is not valid"),
                "PORT is not valid. Set it to a port number, like 3000.",
            ),
            (
                Problem::new("GOOGLE_CLIENT_SECRET_FILE", "names an empty file"),
                "GOOGLE_CLIENT_SECRET_FILE names an empty file. \
                 The file must contain only the client secret, as the provider shows it.",
            ),
        ] {
            assert_eq!(problem.to_string(), text);
        }
    }
}
