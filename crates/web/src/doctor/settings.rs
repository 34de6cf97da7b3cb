//! The settings themselves: those that make no sense, and those that may not.

use super::finding::{Check, Finding};
use crate::settings::{Problem, Problems, variables};

/// What has to be mended before the app starts.
pub(super) fn problems(problems: &Problems) -> Vec<Finding> {
    if problems.0.is_empty() {
        return vec![Finding::ok(Check::Settings, "settings", "Every setting makes sense.")];
    }
    problems
        .0
        .iter()
        .map(|problem| {
            let (finding, what) = sentences(problem);
            Finding::problem(Check::SettingInvalid, &problem.variable, finding).advise(what)
        })
        .collect()
}

/// What may be right, and does not look like it.
pub(super) fn doubts(doubts: &[Problem]) -> Vec<Finding> {
    doubts
        .iter()
        .map(|doubt| {
            let (finding, what) = sentences(doubt);
            Finding::warning(Check::SettingDoubtful, &doubt.variable, finding).advise(what)
        })
        .collect()
}

/// What is wrong, and what to do about it. Many a complaint says the second
/// behind its colon; what the others leave open stands in the list of variables.
fn sentences(problem: &Problem) -> (String, String) {
    const VERBS: [&str; 9] =
        ["write ", "set ", "take ", "keep ", "leave ", "choose ", "swap ", "use ", "let "];
    let whole = problem.to_string();
    match problem.message.split_once(": ") {
        Some((wrong, what)) if VERBS.iter().any(|verb| what.starts_with(verb)) => {
            (format!("{} {wrong}.", problem.variable), sentence(what))
        }
        _ => {
            let write = variables::find(&problem.variable).map_or("another value", |one| one.write);
            let is_file = problem.variable.ends_with("_FILE");
            let what = if is_file {
                format!("Let the file hold {write}, and nothing else.")
            } else {
                format!("Write {write}.")
            };
            (format!("{whole}."), what)
        }
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_become_two_sentences() {
        for (variable, message, wrong, what) in [
            (
                "APP_SECRET",
                "is a placeholder: write what `openssl rand -base64 48` prints",
                "APP_SECRET is a placeholder.",
                "Write what `openssl rand -base64 48` prints.",
            ),
            (
                "PORT",
                "has to be a port number between 0 and 65535",
                "PORT has to be a port number between 0 and 65535.",
                "Write a port number, like 3000.",
            ),
            (
                "GOOGLE_CLIENT_SECRET_FILE",
                "names a file that cannot be read: entity not found",
                "GOOGLE_CLIENT_SECRET_FILE names a file that cannot be read: entity not found.",
                "Let the file hold the client secret, as the provider shows it, and nothing else.",
            ),
        ] {
            let sentences = sentences(&Problem::new(variable, message));
            assert_eq!(sentences, (wrong.to_owned(), what.to_owned()));
        }
    }
}
