//! The environment of the process, and `.env`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::problem::{Problem, Problems};

/// Environment variables, and the base folder of relative paths.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    folder: PathBuf,
    /// Problems of `.env`, which [`super::Settings`] reports.
    pub problems: Problems,
}

impl Environment {
    /// The process's environment, and `.env` in the working folder. The former wins.
    pub fn from_process() -> Self {
        let folder = std::env::current_dir().unwrap_or_default();
        let mut environment = Self::from_file(&folder.join(".env"));
        environment.folder = folder;
        for (name, value) in std::env::vars_os() {
            // Variables that are not UTF-8 are not ours.
            if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) {
                environment.variables.insert(name, value);
            }
        }
        environment
    }

    /// Sets a variable that has no value yet.
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

    /// Lines of `NAME=value`, without quoting.
    #[doc(hidden)]
    pub fn from_lines(lines: &str, folder: impl Into<PathBuf>) -> Self {
        Self::new(lines.lines().filter_map(|line| line.split_once('=')), folder)
    }

    /// The variables of a `.env` file; empty if there is none.
    pub fn from_file(path: &Path) -> Self {
        const FIX: &str =
            "Write NAME=value, with single quotes around a value that contains spaces or #.";
        let mut problems = Problems::default();
        let mut error = |message: String, fix| {
            problems.0.push(Problem::with_fix(".env", message, fix));
        };
        let text = match std::fs::read(path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(drop),
            Err(io_error) if io_error.kind() == ErrorKind::NotFound => Ok(String::new()),
            Err(io_error) if io_error.kind() == ErrorKind::IsADirectory => Err(()),
            Err(_) => {
                error("cannot be read".to_owned(), "Check its permissions.");
                Ok(String::new())
            }
        };
        let mut variables = BTreeMap::new();
        match text {
            Ok(text) => {
                let text = escape_dollars(text.strip_prefix('\u{feff}').unwrap_or(&text));
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

    /// An empty variable counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.as_str())
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }
}

/// Escapes each `$`, so that dotenvy does not substitute variables: it would silently drop a part
/// of a secret with a `$`.
fn escape_dollars(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let (mut quote, mut is_comment, mut is_escaped) = (None, false, false);
    let mut previous = '\n';
    for c in text.chars() {
        match c {
            '\n' if quote.is_none() => is_comment = false,
            _ if is_comment || is_escaped => {}
            '#' if quote.is_none() && previous.is_whitespace() => is_comment = true,
            '\'' | '"' if quote.is_none() => quote = Some(c),
            '\'' | '"' if quote == Some(c) => quote = None,
            '$' if quote != Some('\'') => escaped.push('\\'),
            _ => {}
        }
        is_escaped = c == '\\' && !is_escaped && !is_comment && quote != Some('\'');
        previous = c;
        escaped.push(c);
    }
    escaped
}
