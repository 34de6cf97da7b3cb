//! `latchkey doctor` as a command: its exit status, its text and JSON output, and that it prints no
//! secrets.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Runs it in a temporary folder with this `.env` and an empty environment.
fn doctor(env: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, contents) in [("notes.txt", "no database: s3cr3t\n"), ("empty.txt", "\n")] {
        std::fs::write(folder.path().join(name), contents).expect("a file");
    }
    let mut env = env.replace("@FOLDER@", &folder.path().display().to_string());
    for name in ["PORT", "LOCAL_IDP_PORT"] {
        if !env.lines().any(|line| line.starts_with(&format!("{name}="))) {
            env.push_str(&format!("\n{name}=0\n"));
        }
    }
    std::fs::write(folder.path().join(".env"), env).expect("a file");
    Command::new(env!("CARGO_BIN_EXE_latchkey"))
        .arg("doctor")
        .args(arguments)
        .env_clear()
        .current_dir(folder.path())
        .output()
        .expect("a program that runs")
}

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/doctor");
    let files = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    paths
}

fn printed(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8(both).expect("text")
}

#[test]
fn doctor_exits_1_on_problems_without_showing_secrets() {
    for path in fixtures() {
        let env = std::fs::read_to_string(&path).expect("a fixture");
        let is_problem = env.contains("# expect: problem ");
        let json = doctor(&env, &["--json"]);
        let name = path.display();
        assert_eq!(json.status.code(), Some(i32::from(is_problem)), "{name}: {}", printed(&json));
        assert!(!printed(&json).contains("s3cr3t"), "{name}: {}", printed(&json));
        let report: Value = serde_json::from_slice(&json.stdout).expect("JSON");
        assert_eq!(report["ok"], !is_problem, "{name}");
        let expected = env.lines().find_map(|line| line.strip_prefix("# expect: "));
        let (level, subjects) = expected.and_then(|line| line.split_once(' ')).expect("# expect:");
        let findings = report["findings"].as_array().expect("findings");
        for subject in subjects.split(", ") {
            let named =
                findings.iter().any(|one| one["subject"] == subject && one["level"] == level);
            assert!(named, "{name}: {subject}");
        }
    }
}

#[test]
fn doctor_text_lists_redirect_uris_and_consoles() {
    let output = doctor("PUBLIC_URL=http://localhost:4000\nPORT=4000\n", &[]);
    let text = String::from_utf8(output.stdout).expect("text");
    for provider in ["google", "github", "facebook"] {
        assert!(
            text.contains(&format!("Redirect URI: http://localhost:4000/auth/{provider}/callback")),
            "{text}"
        );
    }
    for place in ["Google Cloud console", "Developer settings", "Meta for Developers"] {
        assert!(text.contains(place), "{text}");
    }
}

#[test]
fn doctor_reports_no_problems_with_defaults() {
    let output = doctor("", &[]);
    let printed = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(printed.ends_with("No problems.\n"), "{printed}");
}
