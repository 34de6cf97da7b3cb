//! Errors in settings at start.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use latchkey_tests::app::built_with;
use latchkey_web::settings::{Environment, Settings};

/// Invalid settings, with a part of each value that must not be shown.
const NONSENSE: [(&str, &str); 7] = [
    ("PUBLIC_URL", "http://shown.example.com"),
    ("DATABASE_URL", "mysql://root:shown@db"),
    ("GITHUB_CLIENT_SECRET", "'shown'"),
    ("GOOGLE_CLIENT_ID", "shown"),
    ("APP_SECRET_FILE", "/nowhere/shown"),
    ("SESSION_TTL", "shown"),
    ("OIDC_ACME_ISSUER", "http://shown.test"),
];

/// Names that must be mentioned.
const NAMED: [&str; 7] = [
    "PUBLIC_URL",
    "DATABASE_URL",
    "GITHUB_CLIENT_ID",
    "GOOGLE_CLIENT_SECRET",
    "APP_SECRET_FILE",
    "SESSION_TTL",
    "OIDC_ACME_ISSUER",
];

#[test]
fn all_invalid_settings_are_reported_without_values() {
    let folder = tempfile::tempdir().expect("a folder");
    let environment = Environment::new(NONSENSE, folder.path());
    let problems = Settings::load(&environment, built_with()).expect_err("problems");
    let named: Vec<_> = problems.0.iter().map(|problem| problem.variable.as_str()).collect();
    for name in NAMED {
        assert!(named.contains(&name), "{name} is not among {named:?}");
    }
    assert!(!problems.to_string().contains("shown"), "{problems}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository").to_owned()
}

#[test]
fn env_example_loads_with_default_settings() {
    let example = root().join(".env.example");
    assert!(example.exists(), "there is no .env.example");
    // A copy, so that the app creates its files outside the repository.
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join(".env");
    std::fs::copy(example, &copy).expect("a copy");
    let environment = Environment::from_file(&copy);
    let settings = Settings::load(&environment, built_with()).expect("settings that make sense");
    let nothing = Environment::new::<&str, &str>([], folder.path());
    let defaults = Settings::load(&nothing, built_with()).expect("settings that make sense");
    // Every setting, without the values of secrets.
    assert_eq!(format!("{settings:#?}"), format!("{defaults:#?}"));
}

#[test]
fn env_example_mentions_the_main_settings() {
    let example = std::fs::read_to_string(root().join(".env.example")).expect("a file");
    for name in [
        "PUBLIC_URL",
        "HOST",
        "PORT",
        "DATABASE_URL",
        "APP_SECRET",
        "SESSION_IDLE_TTL",
        "SESSION_TTL",
        "JWT_ACCESS_TTL",
        "JWT_REFRESH_TTL",
        "JWT_ALGORITHM",
        "JWT_PRIVATE_KEY",
        "JWT_ISSUER",
        "JWT_AUDIENCE",
        "JWT_REVOCATION",
        "GOOGLE_CLIENT_ID",
        "GOOGLE_CLIENT_SECRET",
        "GITHUB_CLIENT_ID",
        "GITHUB_CLIENT_SECRET",
        "GITHUB_URL",
        "GITHUB_API_URL",
        "FACEBOOK_CLIENT_ID",
        "FACEBOOK_CLIENT_SECRET",
        "OIDC_ACME_ISSUER",
        "LOCAL_IDP",
        "LOCAL_IDP_PORT",
        "TRUSTED_PROXIES",
        "RUST_LOG",
    ] {
        let is_there = example.lines().any(|line| {
            line.trim_start_matches('#').split_once('=').is_some_and(|(left, _)| left == name)
        });
        assert!(is_there, "{name} is not in .env.example");
    }
}

/// The built binary, two folders above this test.
fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let folder = test.parent().and_then(Path::parent).expect("target/debug");
    folder.join(format!("latchkey{}", std::env::consts::EXE_SUFFIX))
}

/// Runs the binary in an empty folder with an empty environment.
fn start(variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    Command::new(binary())
        .current_dir(folder.path())
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .expect("the binary: cargo build -p latchkey")
}

#[test]
#[ignore = "needs the built binary: tests/run"]
fn binary_lists_all_invalid_settings_at_startup() {
    let output = start(&NONSENSE);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for name in NAMED {
        assert!(said.contains(name), "{name}: {said}");
    }
    assert!(!said.contains("shown"), "{said}");
}

#[test]
#[ignore = "needs the built binary: tests/run"]
fn binary_reports_the_port_in_use() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = start(&[("PORT", &port), ("LOCAL_IDP", "off")]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&port) && said.contains("PORT"), "{said}");
}
