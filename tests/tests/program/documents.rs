//! What the documents say about the code is there.

use std::collections::BTreeMap;
use std::path::Path;

use super::sources::{root, sources};

const ENDINGS: [&str; 10] =
    [".rs", ".mjs", ".js", ".css", ".html", ".md", ".toml", ".sql", ".py", ".sh"];

/// A path as documents write it: `crates/auth/src/oauth/flow.rs` and
/// `auth/oauth/flow.rs` are one, and so are `tests/tests/http/doors.rs` and
/// `http/doors.rs`.
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
        // `auth/src/lib.rs` and a namesake elsewhere: both are looked into.
        all.entry(path).or_insert_with(String::new).push_str(&text);
    }
    all
}

/// What is wrong with a piece of code in a document, such as
/// `auth/oauth/flow.rs authenticate`.
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

/// The pieces of code in a text, without its fenced blocks.
fn quoted(text: &str) -> Vec<&str> {
    let outside = text.split("\n```").step_by(2);
    outside.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_file_and_function_that_a_document_names_is_there() {
    let repository = repository();
    let mut documents = sources(&root().join("docs"), "md");
    documents.extend(["README.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    let mut faults = Vec::new();
    for document in documents {
        let text = std::fs::read_to_string(&document).expect("a document");
        let name = document.strip_prefix(root()).unwrap_or(Path::new("")).display().to_string();
        for quoted in quoted(&text) {
            let fault =
                fault(&repository, quoted).or_else(|| test_that_is_gone(&repository, quoted));
            faults.extend(fault.map(|fault| format!("{name}: {fault}")));
        }
    }
    assert!(faults.is_empty(), "{} times:\n{}", faults.len(), faults.join("\n"));
}

/// The lines of the blocks in this language: Rust without comments and the
/// semicolon at an end, so that they may stand in another place than there.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<Vec<&'t str>> {
    let fences = text.split("\n```").skip(1).step_by(2);
    let blocks = fences.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'));
    let line = |line: &'t str| {
        let code = line.split(if language == "rust" { "//" } else { " #" }).next();
        code.unwrap_or_default().trim().trim_end_matches(';')
    };
    blocks.map(|block| block.lines().map(line).filter(|line| !line.is_empty()).collect()).collect()
}

/// Every document that a newcomer copies from.
fn documents() -> Vec<(String, String)> {
    let mut paths = sources(&root().join("docs"), "md");
    paths.extend(["README.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    for folder in ["crates", "examples"] {
        let all = sources(&root().join(folder), "md");
        paths.extend(all.into_iter().filter(|path| path.ends_with("README.md")));
    }
    let read = |path: std::path::PathBuf| {
        (path.display().to_string(), std::fs::read_to_string(&path).expect("a document"))
    };
    paths.into_iter().map(read).collect()
}

/// An example that is compiled has the same lines in the same order.
fn is_in(code: &str, lines: &[&str]) -> bool {
    let mut code = code.lines().map(|line| line.trim().trim_end_matches(';'));
    lines.iter().all(|line| code.any(|known| known == *line))
}

#[test]
fn rust_in_a_document_stands_in_an_example() {
    let examples = sources(&root().join("examples"), "rs");
    let examples: Vec<_> =
        examples.iter().map(|path| std::fs::read_to_string(path).expect("a source")).collect();
    let mut found = 0;
    for (name, text) in documents() {
        for lines in blocks(&text, "rust") {
            found += 1;
            let known = examples.iter().any(|code| is_in(code, &lines));
            assert!(known, "{name}: no example has\n{}", lines.join("\n"));
        }
    }
    assert!(found > 0, "README shows how it is mounted");
}

/// What is wrong with a command of ours: the program has no such subcommand, the
/// workspace no such package, the repository no such script.
fn wrong_command(command: &str, said_by: &BTreeMap<&str, String>) -> Option<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let package = words.windows(2).find(|pair| pair[0] == "-p").map(|pair| pair[1]);
    match *words.first()? {
        "cargo" => {
            let name = format!("name = \"{}\"", package.unwrap_or("latchkey"));
            let is_there = sources(root(), "toml")
                .iter()
                .any(|path| std::fs::read_to_string(path).is_ok_and(|text| text.contains(&name)));
            (!is_there).then(|| format!("{command}: no package"))
        }
        "latchkey" => {
            let help = said_by.get(words.get(1)?)?;
            let options = words.iter().skip(2).filter(|word| word.starts_with("--"));
            let sub = words.get(2).filter(|word| help.contains("Commands:") && !word.is_empty());
            let unknown = options.chain(sub).find(|word| !help.contains(**word));
            unknown.map(|word| format!("{command}: no {word}"))
        }
        script if script.contains('/') && !script.contains(':') => {
            (!root().join(script).is_file()).then(|| format!("{command}: no such script"))
        }
        _ => None,
    }
}

#[test]
fn commands_in_a_document_are_there() {
    let binary = root().join("target/debug/latchkey");
    let help = |command: &str| {
        let asked = std::process::Command::new(&binary).args([command, "--help"]).output();
        let asked = asked.expect("tests/run builds it");
        assert!(asked.status.success(), "latchkey {command} --help");
        String::from_utf8_lossy(&asked.stdout).into_owned()
    };
    let mut said_by = BTreeMap::new();
    let mut found = 0;
    let documents = documents();
    for (name, text) in &documents {
        for command in blocks(text, "sh").into_iter().flatten() {
            found += 1;
            let mut words = command.split_whitespace();
            if let (Some("latchkey"), Some(sub)) = (words.next(), words.next()) {
                said_by.entry(sub).or_insert_with(|| help(sub));
            }
            let wrong = wrong_command(command, &said_by);
            assert_eq!(wrong, None, "{name}");
        }
    }
    assert!(found > 10, "{found} commands");
    let wrong = |command| wrong_command(command, &said_by).is_some();
    assert!(wrong("cargo run -p nobody") && wrong("deploy/nothing") && wrong("latchkey user go"));
}

/// A name with four words or more is a test's.
fn test_that_is_gone(repository: &BTreeMap<String, String>, quoted: &str) -> Option<String> {
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
fn what_is_not_there_is_noticed() {
    let file = ("auth/oauth/flow.rs".to_owned(), "pub fn authenticate() {}".to_owned());
    let repository = BTreeMap::from([file]);
    let judged = |quoted| fault(&repository, quoted);
    assert_eq!(judged("crates/auth/src/oauth/flow.rs"), None);
    assert_eq!(judged("flow.rs authenticate"), None);
    assert_eq!(judged("cargo run"), None);
    assert_eq!(judged("low.rs").as_deref(), Some("no file low.rs"));
    assert_eq!(judged("oauth/flow.rs begin").as_deref(), Some("no begin in oauth/flow.rs"));
    let gone = test_that_is_gone(&repository, "a_test_that_is_gone");
    assert_eq!(gone.as_deref(), Some("no test a_test_that_is_gone"));
}
