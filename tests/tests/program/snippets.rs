//! Everything that a reader copies from the documents works: blocks are run or compiled, and
//! commands, settings, links and pages exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use latchkey_tests::app::STRONG_SECRET;
use latchkey_tests::{Browser, Latchkey};
use latchkey_web::settings::{Capabilities, Environment, Settings, variables};

use super::commands::binary;
use super::sources::{root, sources};

/// Every document that readers copy from, with its text.
fn documents() -> Vec<(PathBuf, String)> {
    let mut paths = sources(&root().join("docs"), "md");
    paths.extend(["README.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    for folder in ["crates", "examples"] {
        let all = sources(&root().join(folder), "md");
        paths.extend(all.into_iter().filter(|path| path.ends_with("README.md")));
    }
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a document");
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

/// The code blocks of a text, with their language.
fn blocks(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'))
}

/// Inline code in a text, without its blocks, line by line.
fn pieces(text: &str) -> Vec<Vec<String>> {
    let outside = text.split("\n```").step_by(2).collect::<String>();
    let mut rows = vec![Vec::new()];
    for (at, part) in outside.split('`').enumerate() {
        if at % 2 == 1 {
            rows.last_mut().expect("a row").push(part.replace('\n', " "));
        } else if part.contains('\n') {
            rows.push(Vec::new());
        }
    }
    rows
}

#[test]
fn rust_snippets_in_documents_match_an_example() {
    let examples = sources(&root().join("examples"), "rs");
    let read = |path| std::fs::read_to_string(path).expect("a source");
    let examples: Vec<String> = examples.iter().map(read).collect();
    // Without comments, and without the semicolon if the expression continues in the example.
    let code = |line: &str| {
        let line = line.split("//").next().unwrap_or_default();
        line.trim().trim_end_matches(';').to_owned()
    };
    let mut found = 0;
    for (name, text) in documents() {
        for (_, block) in blocks(&text).filter(|(language, _)| *language == "rust") {
            found += 1;
            let is_known = examples.iter().any(|example| {
                let mut example = example.lines().map(code);
                let mut lines = block.lines().map(code).filter(|line| !line.is_empty());
                lines.all(|line| example.any(|known| known == line))
            });
            assert!(is_known, "{}: no example has\n{block}", name.display());
        }
    }
    assert!(found > 0, "README shows how it is mounted");
}

/// Expands a synopsis like `a [--b N] c\|d` into its commands.
fn meant_by(synopsis: &str) -> Vec<String> {
    let mut commands = vec![String::new()];
    for word in synopsis.replace(['[', ']'], "").split_whitespace() {
        let word = match word {
            "N" => "1",
            "<role>" => "editor",
            "<id>" | "0190…" => "01a22400-0000-7000-8000-000000000000",
            _ => word,
        };
        let choices: Vec<&str> = word.split('|').map(|word| word.trim_end_matches('\\')).collect();
        let one = |command: &String| {
            choices.iter().map(|choice| format!("{command} {choice}")).collect::<Vec<_>>()
        };
        commands = commands.iter().flat_map(one).collect();
    }
    commands
}

const FOLDERS: [&str; 7] = [".ci", "crates", "deploy", "docs", "examples", "templates", "tests"];

/// What is wrong with a command, without running it.
fn fault(command: &str) -> Option<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let run = |program: &Path, arguments: &[&str]| {
        let ended = Command::new(program).args(arguments).current_dir(root()).output();
        let Output { status, stderr, .. } = ended.expect("it runs");
        (!status.success()).then(|| format!("{command}: {}", String::from_utf8_lossy(&stderr)))
    };
    // clap parses arguments before it prints help.
    let ours = |arguments: &[&str]| run(&binary(), &[arguments, &["--help"]].concat());
    match *words.first()? {
        "latchkey" => ours(&words[1..]),
        "cargo" if words.get(1).is_some_and(|word| ["run", "build", "test"].contains(word)) => {
            let mut words = words[2..].split(|word| *word == "--");
            let options = words.next().unwrap_or_default();
            let chosen = |at: usize| {
                let before = at.checked_sub(1).and_then(|at| options.get(at));
                let takes_one = ["-p", "--features"];
                takes_one.contains(&options[at])
                    || before.is_some_and(|before| takes_one.contains(before))
                    || ["--workspace", "--no-default-features"].contains(&options[at])
            };
            let chosen = (0..options.len()).filter(|at| chosen(*at)).map(|at| options[at]);
            let tree = ["tree", "--offline", "--locked", "--depth", "0"];
            let tree = tree.into_iter().chain(chosen).collect::<Vec<_>>();
            run(Path::new(env!("CARGO")), &tree).or_else(|| ours(words.next()?))
        }
        path => {
            let (folder, rest) = path.split_once('/')?;
            // A name with an extension is a file, which `documents` checks.
            let is_ours = FOLDERS.contains(&folder)
                && rest.chars().all(|c| c.is_ascii_alphanumeric() || "_-/".contains(c));
            (is_ours && !root().join(path).exists()).then(|| format!("{path}: nothing is there"))
        }
    }
}

#[test]
fn commands_and_paths_in_documents_exist() {
    let mut commands = BTreeMap::new();
    for (name, text) in documents() {
        for (language, block) in blocks(&text) {
            let is_checked = ["", "sh", "rust", "dotenv", "toml"].contains(&language);
            assert!(is_checked, "{}: nobody looks at {language}", name.display());
            if let ("toml", Some((package, rest))) = (language, block.split_once(" = {")) {
                let path = rest.split('"').nth(1).and_then(|path| path.strip_prefix("../"));
                let path = path.and_then(|path| path.split_once('/')).expect("a clone beside it").1;
                assert!(
                    root().join(path).join("Cargo.toml").exists(),
                    "{}: {path}",
                    name.display()
                );
                let features = rest.split_once("features = [").expect("features").1;
                let features = features.split('"').skip(1).step_by(2).collect::<Vec<_>>().join(",");
                let build =
                    format!("cargo build -p {package} --no-default-features --features {features}");
                commands.insert(build, name.clone());
            }
        }
        let typed = blocks(&text).filter(|(language, _)| *language == "sh");
        let typed = typed.flat_map(|(_, block)| {
            block.lines().map(|line| line.split(" #").next().unwrap_or_default().to_owned())
        });
        for synopsis in typed.chain(pieces(&text).into_iter().flatten()) {
            let each = meant_by(&synopsis).into_iter();
            commands.extend(each.map(|command| (command, name.clone())));
        }
    }
    let faults: Vec<_> = commands
        .iter()
        .filter_map(|(command, name)| Some(format!("{}: {}", name.display(), fault(command)?)))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for wrong in [
        "cargo run -p nobody",
        "deploy/nothing",
        "latchkey user go",
        "latchkey audit --limit no",
        "cargo build -p latchkey --features nothing",
        "cargo run -- users",
    ] {
        assert!(fault(wrong).is_some(), "{wrong}");
    }
    assert_eq!(meant_by("a [--b N] c\\|d"), [" a --b 1 c", " a --b 1 d"]);
}

/// `tests/run`, `tests/rename` and `faults/operations.rs` run these; nothing here runs Docker's.
const NOT_RUN: [&str; 4] = ["cargo", "deploy/rename", "pg_dump", "cp"];

#[tokio::test]
async fn shell_snippets_in_documents_succeed() {
    let app = Latchkey::start().await;
    let mut run = 0;
    for (name, text) in documents() {
        for (_, block) in blocks(&text).filter(|(language, _)| *language == "sh") {
            let first = block.split_whitespace().next().unwrap_or_default();
            if NOT_RUN.contains(&first) {
                continue;
            }
            let folder = tempfile::tempdir().expect("a folder");
            let block = block
                .replace("localhost:3000", &format!("localhost:{}", app.address.port()))
                .replace("TOKEN=…", "TOKEN=$(of_answer access_token)")
                .replace("REFRESH=…", "REFRESH=$(of_answer refresh_token)")
                .replace("0190…", "$ID");
            let programs = binary().parent().expect("a folder").display().to_string();
            let script = format!(
                r#"set -euo pipefail
                PATH={programs}:$PATH
                curl() {{ command curl -sS --fail-with-body "$@" | tee answer; }}
                of_answer() {{ grep -o "\"$1\":\"[^\"]*" answer | cut -d'"' -f4; }}
                ID=$(echo three quiet blue keys | latchkey user add ada@example.com)
                {block}"#,
            );
            let mut typed = Command::new("bash");
            typed.args(["-c", &script]).current_dir(folder.path());
            let ended = tokio::task::spawn_blocking(move || typed.output()).await;
            let ended = ended.expect("a thread").expect("bash");
            let said = [ended.stdout, ended.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert!(ended.status.success(), "{}: {block}\n{said}", name.display());
            run += 1;
        }
    }
    assert!(run > 2, "{run} blocks");
}

/// What is wrong with settings shown together; `…` and `<…>` are placeholders.
fn wrong_settings(shown: &[String]) -> Option<String> {
    let mut all = BTreeMap::from([("APP_SECRET".to_owned(), STRONG_SECRET.to_owned())]);
    for setting in shown {
        let (name, value) = setting.split_once('=').unwrap_or_default();
        let value =
            value.split('<').map(|part| part.split_once('>').map_or(part, |(_, rest)| rest));
        let value = value.collect::<Vec<_>>().join("x").replace('…', "x");
        let name = name.replace("<NAME>", "ACME");
        if variables::find(&name).is_none() {
            return Some(format!("{name} is no setting"));
        }
        if let Some((issuer, _)) = name.strip_prefix("OIDC_").and_then(|rest| rest.split_once('_'))
        {
            for (rest, needed) in
                [("ISSUER", "https://acme.test"), ("CLIENT_ID", "x"), ("CLIENT_SECRET", "y")]
            {
                let name = format!("OIDC_{issuer}_{rest}");
                all.entry(name).or_insert_with(|| needed.to_owned());
            }
        }
        // The file is the reader's.
        if !name.ends_with("_FILE") {
            all.insert(name, value);
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let environment = Environment::new(all, folder.path());
    let problems = Settings::load(&environment, Capabilities::ALL).err()?;
    Some(problems.to_string())
}

/// The setting that inline code shows, or whose value it may be.
fn setting(piece: &str) -> Option<String> {
    for (starts, name) in
        [("smtp://", "SMTP_URL"), ("postgres://", "DATABASE_URL"), ("sqlite://", "DATABASE_URL")]
    {
        if piece.starts_with(starts) {
            return Some(format!("{name}={piece}"));
        }
    }
    let (name, value) = piece.split_once('=')?;
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "_<>".contains(c);
    let is_setting = name.contains('_') || name == "DEMO" || name == "TRACES";
    (is_setting && name.chars().all(is_name) && !value.contains('|')).then(|| piece.to_owned())
}

#[test]
fn compose_file_matches_env_example_and_settings() {
    let read = |name: &str| std::fs::read_to_string(root().join("deploy").join(name));
    let (compose, example) = (read("compose.yaml").expect("it"), read("compose.env.example"));
    let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
    let used = compose.split("${").skip(1).filter_map(|rest| rest.split(|c| !is_name(c)).next());
    let example = example.expect("its example");
    let lines = example.lines().filter(|line| !line.starts_with('#'));
    let named = lines.filter_map(|line| Some(line.split_once('=')?.0));
    assert_eq!(used.collect::<BTreeSet<_>>(), named.collect());
    let app = compose.split("environment:").nth(1).and_then(|rest| rest.split("depends_on").next());
    let set =
        app.expect("the app's").lines().filter_map(|line| Some(line.trim().split_once(": ")?.0));
    let set: Vec<_> = set.filter(|name| !name.starts_with('#')).collect();
    assert!(set.len() > 5 && set.iter().all(|name| variables::find(name).is_some()), "{set:?}");
}

#[test]
fn settings_in_documents_are_valid() {
    let mut found = 0;
    for (name, text) in documents() {
        let shown = blocks(&text).filter(|(language, _)| *language == "dotenv");
        let shown = shown.map(|(_, block)| block.lines().map(str::to_owned).collect());
        for row in shown.chain(pieces(&text)) {
            let settings: Vec<_> = row.iter().filter_map(|piece| setting(piece)).collect();
            found += settings.len();
            let wrong = wrong_settings(&settings);
            assert_eq!(wrong, None, "{}: {settings:?}", name.display());
        }
    }
    assert!(found > 30, "{found} settings");
    for wrong in ["SESSION_TTL=soon", "OIDC_ACME_TOKEN=x", "SMTP_URL=smtp://mail"] {
        assert!(wrong_settings(&[wrong.to_owned()]).is_some(), "{wrong}");
    }
}

/// The anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().trim().to_lowercase().replace(' ', "-")
}

#[tokio::test]
async fn links_and_pages_in_documents_resolve() {
    let mut pages = BTreeSet::new();
    for (name, text) in documents() {
        let is_for_newcomers = name.ends_with("README.md") || name.ends_with("tour.md");
        let is_page = |piece: &String| {
            is_for_newcomers && piece.starts_with('/') && !piece.contains(['{', ' '])
        };
        pages.extend(pieces(&text).into_iter().flatten().filter(is_page));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let folder = name.parent().expect("a folder");
            let file = if path.is_empty() { name.clone() } else { folder.join(path) };
            assert!(file.exists(), "{}: {link}", name.display());
            if !fragment.is_empty() {
                let text = std::fs::read_to_string(&file).expect("a document");
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                let is_there = headings.any(|one| anchor(one.trim_matches('#')) == fragment);
                assert!(is_there, "{}: {link}", name.display());
            }
        }
    }
    // Served on a separate address.
    pages.remove("/metrics");
    assert!(pages.len() > 10, "{pages:?}");
    let app = Latchkey::start().await;
    for path in pages {
        let page = Browser::new().get(&app.url(&path)).await;
        assert!([200, 303, 401].contains(&page.status), "{path}: {}", page.summary());
    }
}
