//! Where settings come from: the process's environment, then `.env`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::problem::{Problem, Problems};

/// The variables that are set, and the folder that relative paths start from.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    folder: PathBuf,
    /// What could not be read. [`super::Settings`] report it.
    pub problems: Problems,
}

impl Environment {
    /// The process's environment and, for what it leaves out, `.env` in the working folder.
    pub fn from_process() -> Self {
        let folder = std::env::current_dir().unwrap_or_default();
        let mut environment = Self::from_file(&folder.join(".env"));
        environment.folder = folder;
        for (name, value) in std::env::vars_os() {
            // Ours are UTF-8.
            if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) {
                environment.variables.insert(name, value);
            }
        }
        environment
    }

    /// With a value for a variable that is not set.
    #[must_use]
    pub fn with_default(mut self, name: &str, value: &str) -> Self {
        if self.get(name).is_none() {
            self.variables.insert(name.to_owned(), value.to_owned());
        }
        self
    }

    pub fn new<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
        folder: impl Into<PathBuf>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        let variables = variables.collect();
        Self { variables, folder: folder.into(), problems: Problems::default() }
    }

    /// Lines of `NAME=value`, each value taken as it is.
    #[doc(hidden)]
    pub fn from_lines(lines: &str, folder: impl Into<PathBuf>) -> Self {
        Self::new(lines.lines().filter_map(|line| line.split_once('=')), folder)
    }

    /// The variables of a `.env` file, if it exists, as far as it can be read.
    pub fn from_file(path: &Path) -> Self {
        const FIX: &str =
            "Write NAME=value, with single quotes around a value that contains blanks or #.";
        let mut problems = Problems::default();
        let mut error = |message: String, fix| {
            problems.0.push(Problem::with_fix(".env", message, fix));
        };
        let text = match std::fs::read(path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(drop),
            Err(failed) if failed.kind() == ErrorKind::NotFound => Ok(String::new()),
            Err(failed) if failed.kind() == ErrorKind::IsADirectory => Err(()),
            Err(_) => {
                error("cannot be read".to_owned(), "Check its permissions.");
                Ok(String::new())
            }
        };
        let mut variables = BTreeMap::new();
        match text {
            Ok(text) => {
                let text = with_plain_dollars(text.strip_prefix('\u{feff}').unwrap_or(&text));
                for (index, line) in dotenvy::from_read_iter(text.as_bytes()).enumerate() {
                    // dotenvy's message quotes the line, which may contain a secret.
                    match line {
                        Ok((name, value)) => drop(variables.insert(name, value)),
                        Err(_) => error(format!("is not valid at entry {}", index + 1), FIX),
                    }
                }
            }
            Err(()) => error("is not a text file".to_owned(), "Save it as UTF-8."),
        }
        let folder = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
        Self { variables, folder, problems }
    }

    pub fn rust_log(&self) -> Option<&str> {
        self.get("RUST_LOG")
    }

    /// The value of a variable; an empty one is not set.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The names of all variables that are set.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.as_str())
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }
}

/// Puts a backslash before each `$` that dotenvy would replace by a variable: a
/// secret may contain one, and would lose what follows it without a word.
fn with_plain_dollars(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let (mut quote, mut is_comment, mut is_escaped) = (None, false, false);
    let mut previous = '\n';
    for c in text.chars() {
        match c {
            '\n' if quote.is_none() => is_comment = false,
            _ if is_comment || is_escaped => {}
            '#' if quote.is_none() && previous.is_whitespace() => is_comment = true,
            '\'' | '"' if quote.is_none() => quote = Some(c),
            '\'' | '"' if quote == Some(c) => quote = None,
            '$' if quote != Some('\'') => plain.push('\\'),
            _ => {}
        }
        is_escaped = c == '\\' && !is_escaped && !is_comment && quote != Some('\'');
        previous = c;
        plain.push(c);
    }
    plain
}
