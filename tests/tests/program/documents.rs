//! Code that the documents name exists.

use std::collections::BTreeMap;
use std::path::Path;

use super::sources::{root, sources};

const ENDINGS: [&str; 10] =
    [".rs", ".mjs", ".js", ".css", ".html", ".md", ".toml", ".sql", ".py", ".sh"];

/// Documents may shorten paths: `crates/auth/src/oauth/flow.rs` and `auth/oauth/flow.rs` are the
/// same, and so are `tests/tests/http/doors.rs` and `http/doors.rs`.
fn short(path: &str) -> String {
    let parts = path.split('/').filter(|part| !["crates", "src", "tests", ""].contains(part));
    parts.collect::<Vec<_>>().join("/")
}

/// Every text file of the repository, by its short path.
fn repository() -> BTreeMap<String, String> {
    let files = sources(root(), "").into_iter().filter_map(|path| {
        let text = std::fs::read_to_string(&path).ok()?;
        Some((short(&path.strip_prefix(root()).ok()?.to_string_lossy()), text))
    });
    let mut all = BTreeMap::new();
    for (path, text) in files {
        // Several files may have this short path: all are searched.
        all.entry(path).or_insert_with(String::new).push_str(&text);
    }
    all
}

/// What is wrong with inline code such as `auth/oauth/flow.rs authenticate`.
fn fault(repository: &BTreeMap<String, String>, quoted: &str) -> Option<String> {
    let (path, names) = quoted.split_once(' ').unwrap_or((quoted, ""));
    let is_path = ENDINGS.iter().any(|ending| path.ends_with(ending))
        && path.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    if !is_path || path.starts_with('.') {
        return None;
    }
    let wanted = short(path);
    let ends_so = |known: &str| known == wanted || known.ends_with(&format!("/{wanted}"));
    let texts: Vec<_> = repository.iter().filter(|(known, _)| ends_so(known)).collect();
    if texts.is_empty() {
        return Some(format!("no file {path}"));
    }
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let missing = names.split(|c| !is_name(c)).filter(|name| !name.is_empty()).find(|name| {
        !texts.iter().any(|(_, text)| text.split(|c| !is_name(c)).any(|word| word == *name))
    });
    missing.map(|name| format!("no {name} in {path}"))
}

/// Inline code in a text, without its fenced blocks.
fn quoted(text: &str) -> Vec<&str> {
    let outside = text.split("\n```").step_by(2);
    outside.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn files_and_functions_named_in_documents_exist() {
    let repository = repository();
    let mut documents = sources(&root().join("docs"), "md");
    documents.extend(["README.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    let (mut faults, mut files, mut tests) = (Vec::new(), 0, 0);
    for document in documents {
        let text = std::fs::read_to_string(&document).expect("a document");
        let name = document.strip_prefix(root()).unwrap_or(Path::new("")).display().to_string();
        for quoted in quoted(&text) {
            files += usize::from(ENDINGS.iter().any(|ending| quoted.contains(ending)));
            tests += usize::from(quoted.matches('_').count() >= 3);
            let fault =
                fault(&repository, quoted).or_else(|| find_missing_test(&repository, quoted));
            faults.extend(fault.map(|fault| format!("{name}: {fault}")));
        }
    }
    assert!(files > 200 && tests > 200, "{files} files and {tests} tests were found");
    assert!(faults.is_empty(), "{} times:\n{}", faults.len(), faults.join("\n"));
}

/// A name of four words or more is a test's.
fn find_missing_test(repository: &BTreeMap<String, String>, quoted: &str) -> Option<String> {
    let is_name = quoted.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !is_name || quoted.matches('_').count() < 3 {
        return None;
    }
    let definition = format!("fn {quoted}(");
    let is_there = repository.iter().any(|(path, text)| {
        path.ends_with(".rs")
            && (text.contains(&definition) || text.contains(&format!("{quoted},")))
    });
    (!is_there).then(|| format!("no test {quoted}"))
}

#[test]
fn missing_files_and_functions_are_detected() {
    let file = ("auth/oauth/flow.rs".to_owned(), "pub fn authenticate() {}".to_owned());
    let repository = BTreeMap::from([file]);
    let judged = |quoted| fault(&repository, quoted);
    assert_eq!(judged("crates/auth/src/oauth/flow.rs"), None);
    assert_eq!(judged("flow.rs authenticate"), None);
    assert_eq!(judged("cargo run"), None);
    assert_eq!(judged("low.rs").as_deref(), Some("no file low.rs"));
    assert_eq!(judged("oauth/flow.rs begin").as_deref(), Some("no begin in oauth/flow.rs"));
    let gone = find_missing_test(&repository, "a_test_that_is_gone");
    assert_eq!(gone.as_deref(), Some("no test a_test_that_is_gone"));
}
