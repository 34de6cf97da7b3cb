//! `latchkey doctor`: a broken environment for each file in `fixtures/doctor`, and a broken server.
//!
//! The second line of a fixture is the expected result: `# expect: problem GOOGLE_CLIENT_ID`. Every
//! secret in it contains `s3cr3t`, which must not be printed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use latchkey_domain::Clock;
use latchkey_tests::app::built_with;
use latchkey_tests::issuer::{Answer, DISCOVERY};
use latchkey_tests::{Browser, Database, Issuer, Latchkey, Setup};
use latchkey_web::doctor::{Check, Finding, Level, Report, examine};
use latchkey_web::settings::{Environment, Settings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::commands::binary;

/// A broken environment with the expected results.
struct Fixture {
    name: String,
    level: Level,
    subjects: Vec<String>,
    folder: TempDir,
}

impl Fixture {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a fixture");
        let expected = text.lines().find_map(|line| line.strip_prefix("# expect: "));
        let (level, subjects) = expected.and_then(|line| line.split_once(' ')).expect("# expect:");
        let level = if level == "problem" { Level::Problem } else { Level::Warning };
        let subjects = subjects.split(", ").map(str::to_owned).collect();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        Self { name, level, subjects, folder: folder_with(&text) }
    }

    async fn examine(&self) -> Report {
        let environment = Environment::from_file(&self.folder.path().join(".env"));
        examine(&environment, built_with(), &Clock::System).await
    }
}

/// A folder with this `.env`.
fn folder_with(env: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, contents) in [("notes.txt", "no database: s3cr3t\n"), ("empty.txt", "\n")] {
        std::fs::write(folder.path().join(name), contents).expect("a file");
    }
    let mut env = env.replace("@FOLDER@", &folder.path().display().to_string());
    // Other servers on the default ports do not matter.
    for name in ["PORT", "LOCAL_IDP_PORT"] {
        if !env.lines().any(|line| line.starts_with(&format!("{name}="))) {
            env.push_str(&format!("\n{name}=0\n"));
        }
    }
    std::fs::write(folder.path().join(".env"), env).expect("a file");
    folder
}

/// Runs the command in this folder, with an empty environment.
fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    let command = command.arg("doctor").args(arguments).env_clear().current_dir(folder.path());
    command.output().expect("a program that runs")
}

fn fixtures() -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/doctor");
    let files = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    paths.iter().map(|path| Fixture::read(path)).collect()
}

fn of(report: &Report, level: Level) -> Vec<&str> {
    let found = report.findings().iter().filter(|one| one.level == level);
    found.map(|one| one.subject.as_str()).collect()
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

#[tokio::test]
async fn doctor_reports_every_broken_environment() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 25, "{}", fixtures.len());
    for fixture in fixtures {
        let report = fixture.examine().await;
        let expected: Vec<&str> = fixture.subjects.iter().map(String::as_str).collect();
        let found = of(&report, fixture.level);
        assert_eq!(sorted(found), sorted(expected), "{}:\n{report}", fixture.name);
        assert_eq!(report.worst(), fixture.level, "{}:\n{report}", fixture.name);
        for said in [report.to_string(), report.json().to_string()] {
            assert!(!said.contains("s3cr3t"), "{}:\n{said}", fixture.name);
        }
        let told: Vec<_> = report.findings().iter().filter(|one| one.level > Level::Ok).collect();
        assert!(told.iter().all(|one| one.what_to_do.is_some()), "{}:\n{report}", fixture.name);
    }
}

#[test]
fn doctor_exits_1_on_problems_without_showing_secrets() {
    for Fixture { name, level, subjects, folder } in fixtures() {
        let output = run(&folder, &["--json"]);
        let printed =
            String::from_utf8_lossy(&[&*output.stdout, &output.stderr].concat()).into_owned();
        let is_problem = level == Level::Problem;
        assert_eq!(output.status.code(), Some(i32::from(is_problem)), "{name}: {printed}");
        assert!(!printed.contains("s3cr3t"), "{name}: {printed}");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(report["ok"], !is_problem, "{name}");
        let findings = report["findings"].as_array().expect("findings");
        for subject in subjects {
            let mut of_it = findings.iter().filter(|one| one["subject"] == *subject);
            assert!(of_it.any(|one| one["level"] == *level.to_string()), "{name}: {subject}");
        }
    }
}

#[test]
fn doctor_text_lists_redirect_uris_and_consoles() {
    let output = run(&folder_with("PUBLIC_URL=http://localhost:4000\nPORT=4000\n"), &[]);
    let text = String::from_utf8(output.stdout).expect("text");
    for provider in ["google", "github", "facebook"] {
        let said = format!("Redirect URI: http://localhost:4000/auth/{provider}/callback");
        assert!(text.contains(&said), "{text}");
    }
    for place in ["Google Cloud console", "Developer settings", "Meta for Developers"] {
        assert!(text.contains(place), "{text}");
    }
}

#[tokio::test]
async fn settings_load_unless_doctor_reports_invalid_setting() {
    for fixture in fixtures() {
        let environment = Environment::from_file(&fixture.folder.path().join(".env"));
        let report = fixture.examine().await;
        let starts = Settings::load(&environment, built_with()).is_ok();
        let refused = report.findings().iter().any(|one| one.check == Check::SettingInvalid);
        assert_eq!(starts, !refused, "{}", fixture.name);
    }
}

#[tokio::test]
async fn doctor_creates_no_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite://{}", folder.path().join("data/latchkey.db").display());
    let variables = [("DATABASE_URL", database.as_str()), ("PORT", "0"), ("LOCAL_IDP_PORT", "0")];
    let environment = Environment::new(variables, folder.path());
    let report = examine(&environment, built_with(), &Clock::System).await;
    assert_eq!(report.worst(), Level::Ok, "{report}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);

    // Nor does it change a database that exists.
    let secret = "3f7Kq9Zr1xV8bN5mT2wY6cH4jL0pD3sG";
    let app = Setup::new().set("APP_SECRET", secret).start().await;
    let folder = app.stop().await;
    let url = format!("sqlite://{}", folder.path().join("latchkey.db").display());
    let contents = || -> BTreeMap<_, _> {
        let files = std::fs::read_dir(folder.path()).expect("a folder");
        let files = files.map(|file| file.expect("a file").path()).filter(|path| path.is_file());
        files.map(|path| (path.clone(), std::fs::read(path).expect("a file"))).collect()
    };
    let before = contents();
    assert!(before.contains_key(&folder.path().join("latchkey.db")));
    let report = examine_with(&[("DATABASE_URL", &url), ("APP_SECRET", secret)]).await;
    assert_eq!(find(&report, Check::SigningKeys).level, Level::Ok, "{report}");
    assert!(before == contents(), "a file was changed: {:?}", contents().keys());
}

async fn examine_with(variables: &[(&str, &str)]) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite://{}", folder.path().join("latchkey.db").display());
    let own = [("DATABASE_URL", database.as_str()), ("PORT", "0"), ("LOCAL_IDP_PORT", "0")];
    let variables = own.into_iter().chain(variables.iter().copied());
    let environment = Environment::new(variables, folder.path());
    examine(&environment, built_with(), &Clock::System).await
}

fn find(report: &Report, check: Check) -> &Finding {
    report.findings().iter().find(|one| one.check == check).expect("a finding")
}

fn acme(issuer: &str) -> [(&str, &str); 3] {
    [
        ("OIDC_ACME_ISSUER", issuer),
        ("OIDC_ACME_CLIENT_ID", "acme"),
        ("OIDC_ACME_CLIENT_SECRET", "s3cr3t"),
    ]
}

#[tokio::test]
async fn doctor_checks_the_issuer_discovery_document() {
    let issuer = Issuer::start().await;
    let report = examine_with(&acme(&issuer.url)).await;
    assert_eq!(report.worst(), Level::Ok, "{report}");
    let and_others = [&acme(&issuer.url)[..], &[("OIDC_ACME_AUDIENCES", "project other")]].concat();
    for (report, others) in [
        (report, "none; OIDC_ACME_AUDIENCES names them"),
        (examine_with(&and_others).await, "project other"),
    ] {
        let finding = report
            .findings()
            .iter()
            .find(|one| one.check == Check::Provider && one.subject == "Acme");
        let facts = &finding.expect("Acme").facts;
        assert!(facts.contains(&("Other audiences", others.to_owned())), "{report}");
    }

    // The most common mistake: one slash.
    let report = examine_with(&acme(&format!("{}/", issuer.url))).await;
    let finding = find(&report, Check::ProviderReachable);
    assert_eq!(finding.level, Level::Problem, "{report}");
    assert!(finding.facts.contains(&("Issuer in the document", issuer.url.clone())), "{report}");

    for answer in [Answer::html(200), Answer::html(503), Answer::HangUp, Answer::raw("{}")] {
        let said = format!("{answer:?}");
        issuer.respond_with(DISCOVERY, answer);
        let report = examine_with(&acme(&issuer.url)).await;
        assert_eq!(of(&report, Level::Problem), ["Acme"], "{said}: {report}");
    }
}

/// A GitHub Enterprise whose clock is this many seconds ahead.
async fn start_server_with_clock_ahead(seconds: i64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let at = u64::try_from(Clock::System.now().as_seconds() + seconds).expect("a time");
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(at);
            let date = httpdate::fmt_http_date(at);
            let answer = format!(
                "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn doctor_reports_clock_skew() {
    for (seconds, level) in
        [(0, Level::Ok), (45, Level::Warning), (-45, Level::Warning), (3600, Level::Problem)]
    {
        let url = start_server_with_clock_ahead(seconds).await;
        let report = examine_with(&[
            ("GITHUB_URL", &url),
            ("GITHUB_API_URL", &url),
            ("GITHUB_CLIENT_ID", "Ov23liAbCdEfGhIjKlMn"),
            ("GITHUB_CLIENT_SECRET", "s3cr3t"),
        ])
        .await;
        assert_eq!(find(&report, Check::Clock).level, level, "{seconds}: {report}");
    }
}

#[tokio::test]
async fn doctor_reports_occupied_port() {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    drop(tokio::spawn(async move { while taken.accept().await.is_ok() {} }));
    let report = examine_with(&[("LOCAL_IDP_PORT", &port)]).await;
    assert_eq!(of(&report, Level::Problem), ["LOCAL_IDP_PORT"], "{report}");
}

#[tokio::test]
async fn doctor_reports_undecryptable_signing_keys() {
    let secret = "s3cr3t-3f7Kq9Zr1xV8bN5mT2wY6cH4jL0pD3sG";
    let app = Setup::new().set("APP_SECRET", secret).start().await;
    let url = format!("sqlite://{}", app.file("latchkey.db").display());
    let _folder = app.stop().await;
    let both = format!("s3cr3t-of-tomorrow-8bN5mT2wY6cH4,{secret}");
    for (secret, level) in [
        (secret, Level::Ok),
        ("s3cr3t-of-tomorrow-8bN5mT2wY6cH4", Level::Problem),
        (both.as_str(), Level::Ok),
    ] {
        let report = examine_with(&[("APP_SECRET", secret), ("DATABASE_URL", &url)]).await;
        assert_eq!(find(&report, Check::Migrations).level, Level::Ok, "{report}");
        assert_eq!(find(&report, Check::SigningKeys).level, level, "{report}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn doctor_checks_a_postgres_database() {
    let url = Database::new_postgres_url().await;
    let report = examine_with(&[("DATABASE_URL", &url)]).await;
    let pending = &find(&report, Check::Migrations).finding;
    assert!(pending.ends_with("will run at the next start."), "{report}");

    let _app = Setup::new().set("DATABASE_URL", &url).start().await;
    let report = examine_with(&[("DATABASE_URL", &url)]).await;
    let done = &find(&report, Check::Migrations).finding;
    assert!(done.ends_with("have been run."), "{report}");

    let report = examine_with(&[("DATABASE_URL", &format!("{url}_s3cr3t"))]).await;
    let finding = find(&report, Check::Database);
    assert_eq!(finding.level, Level::Problem, "{report}");
    assert!(finding.finding.contains("has no database of that name"), "{report}");
}

#[tokio::test]
async fn doctor_page_shows_findings_in_development() {
    let app = Latchkey::start().await;
    let page = Browser::new().get(&app.url("/doctor")).await.expect(200);
    for said in [
        "The local provider simulates Google.",
        &app.callback("google"),
        &app.callback("facebook"),
        "https://github.com/settings/developers",
        &format!("Latchkey answers at {}.", app.origin),
        "migrations have been run",
        "APP_SECRET decrypts the keys that sign JWTs.",
    ] {
        assert!(page.body.contains(said), "{said}");
    }
}

#[tokio::test]
async fn doctor_page_is_not_found_outside_development() {
    let app = Setup::public().start().await;
    let mut browser = Browser::new().with_host("https://app.example.com", app.address);
    let page = browser.get("https://app.example.com/doctor").await.expect(404);
    assert_eq!(page.header("x-error-code"), Some("not_found"));
}
