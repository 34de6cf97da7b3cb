//! Where settings come from: the process's environment, and `.env` behind it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::reader::{Problem, Problems};

/// The variables that the app can see, and the folder in which it works.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    folder: PathBuf,
}

impl Environment {
    /// The process's environment; what it does not say is taken from `.env` in
    /// the working folder, if there is one.
    ///
    /// # Errors
    /// When `.env` is there and cannot be read.
    pub fn of_process() -> Result<Self, Problems> {
        let (environment, problems) = Self::seen_by_process();
        if problems.0.is_empty() { Ok(environment) } else { Err(problems) }
    }

    /// The same, as far as it can be read, and what cannot.
    #[must_use]
    pub fn seen_by_process() -> (Self, Problems) {
        let folder = std::env::current_dir().unwrap_or_default();
        let (mut environment, problems) = Self::seen_in_file(&folder.join(".env"));
        environment.folder = folder;
        for (name, value) in std::env::vars_os() {
            // A variable that is no text is none of ours.
            if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) {
                environment.variables.insert(name, value);
            }
        }
        (environment, problems)
    }

    /// An environment of exactly these variables.
    pub fn of<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
        folder: impl Into<PathBuf>,
    ) -> Self {
        let variables =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, folder: folder.into() }
    }

    /// An environment of what a file in the form of `.env` says.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn with_file(path: &Path) -> Result<Self, Problems> {
        let (environment, problems) = Self::seen_in_file(path);
        if problems.0.is_empty() { Ok(environment) } else { Err(problems) }
    }

    /// The same, as far as it can be read, and what cannot.
    #[must_use]
    pub fn seen_in_file(path: &Path) -> (Self, Problems) {
        let mut problems = Problems::default();
        let mut complain = |message: String| problems.0.push(Problem::new(".env", message));
        let mut variables = BTreeMap::new();
        match dotenvy::from_path_iter(path) {
            Ok(lines) => {
                for (index, line) in lines.enumerate() {
                    match line {
                        Ok((name, value)) => {
                            variables.insert(name, value);
                        }
                        // What dotenvy says of a line quotes it, and it may hold a secret.
                        Err(dotenvy::Error::LineParse(..)) => complain(format!(
                            "cannot be understood at its entry {}: write NAME=value, \
                             and single quotes around a value with blanks, # or $ in it",
                            index + 1
                        )),
                        // A folder, or no text: it would be said again and again.
                        Err(_) => {
                            complain("is there, but is no text: write NAME=value".to_owned());
                            break;
                        }
                    }
                }
            }
            Err(error) if error.not_found() => {}
            Err(_) => complain("is there, but cannot be read: let Latchkey read it".to_owned()),
        }
        let folder = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
        (Self { variables, folder }, problems)
    }

    /// The same variables, seen from another folder.
    #[must_use]
    pub fn in_folder(self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), ..self }
    }

    /// What the log is to tell, in the words of `RUST_LOG`.
    #[must_use]
    pub fn rust_log(&self) -> Option<&str> {
        self.get("RUST_LOG")
    }

    /// What a variable says; one that is empty says nothing.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The names of all variables that say something.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.as_str())
    }

    /// A path as seen from the working folder.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }
}
