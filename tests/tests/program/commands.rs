//! The command line, through the real binary.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use latchkey_tests::accounts::{
    ApiClient, PASSWORD, expect_problem, json_of, sign_up, signed_in, submit_password, tokens,
};
use latchkey_tests::{Browser, Latchkey, Setup};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The result of a command.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    /// Its output. Panics if it failed or wrote to standard error.
    #[track_caller]
    fn well(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{self:?}");
        self.out
    }

    /// Its error: one sentence, and nothing on standard output.
    #[track_caller]
    fn refused(self) -> String {
        assert!(self.code.is_some_and(|code| code != 0), "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        assert!(!self.err.contains("panicked"), "{self:?}");
        self.err
    }
}

/// A working folder for Latchkey.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn run(&self, arguments: &[&str], input: &str, variables: &[(&str, &str)]) -> Ended {
        let mut child = Command::new(binary())
            .args(arguments)
            .env_clear()
            .envs(variables.iter().copied())
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut stdin = child.stdin.take().expect("its input");
        // A command that does not read closes it.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let (out, err) = (text(output.stdout), text(output.stderr));
        Ended { code: output.status.code(), out, err }
    }

    fn latchkey(&self, arguments: &[&str]) -> Ended {
        self.run(arguments, "", &[])
    }

    fn add(&self, arguments: &[&str], password: &str) -> Ended {
        let arguments: Vec<_> = ["user", "add"].iter().chain(arguments).copied().collect();
        self.run(&arguments, &format!("{password}\n"), &[])
    }
}

/// The binary is beside the folder of the tests; `tests/run` builds it.
pub(crate) fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("this very test");
    let binary = test.ancestors().nth(2).expect("a folder").join("latchkey");
    assert!(binary.exists(), "{} is not there: cargo build first", binary.display());
    binary
}

#[test]
fn user_command_adds_and_lists_users_with_roles() {
    let folder = Folder::new();
    assert_eq!(folder.latchkey(&["user", "list"]).well(), "");
    let ada = folder.add(&["Ada@Example.test", "--name", "Ada", "--role", "admin"], PASSWORD);
    let ada = ada.well().trim().to_owned();
    let grace = folder.add(&["grace@example.test"], PASSWORD).well().trim().to_owned();
    let listed = folder.latchkey(&["user", "list"]).well();
    let expected = format!(
        "{ada}\tada@example.test\tadmin\tAda\n{grace}\tgrace@example.test\t-\tgrace@example.test\n"
    );
    assert_eq!(listed, expected);
    let changed = folder.latchkey(&["user", "role", "GRACE@example.test", "editor"]).well();
    assert!(changed.contains("editor") && changed.contains(&grace), "{changed}");
    let changed = folder.latchkey(&["user", "role", &ada, "admin", "--remove"]).well();
    assert!(!changed.contains("admin"), "{changed}");
    let listed = folder.latchkey(&["user", "list"]).well();
    assert!(!listed.contains("admin") && listed.contains("editor"), "{listed}");
    assert!(!listed.contains(PASSWORD) && !listed.contains("argon2"), "{listed}");
}

#[test]
fn failed_commands_print_a_reason_and_exit_nonzero() {
    let folder = Folder::new();
    folder.add(&["ada@example.test"], PASSWORD).well();
    for (what, ended) in [
        ("there already", folder.add(&["ADA@example.test"], PASSWORD)),
        ("no address", folder.add(&["ada"], PASSWORD)),
        ("too short", folder.add(&["eve@example.test"], "short")),
        ("too common", folder.add(&["eve@example.test"], "iloveyou")),
        ("no password", folder.add(&["eve@example.test"], "")),
        ("no role", folder.add(&["eve@example.test", "--role", "Not A Role"], PASSWORD)),
        ("nobody", folder.latchkey(&["user", "role", "nobody@example.test", "admin"])),
        ("nobody either", folder.latchkey(&["user", "role", "x", "admin"])),
        ("no role", folder.latchkey(&["user", "role", "ada@example.test", "ADMIN"])),
        ("no command", folder.latchkey(&["dance"])),
        ("no subcommand", folder.latchkey(&["keys"])),
    ] {
        let said = ended.refused();
        assert!(said.trim().len() > 10, "{what}: {said:?}");
        for secret in [PASSWORD, "iloveyou"] {
            assert!(!said.contains(secret), "{what}: the password is repeated: {said}");
        }
    }
    let secret = "a-secret-nobody-should-ever-read";
    let wrong =
        [("APP_SECRET", secret), ("PUBLIC_URL", "http://example.com"), ("JWT_ALGORITHM", "x")];
    let said = folder.run(&["user", "list"], "", &wrong).refused();
    for name in ["PUBLIC_URL", "JWT_ALGORITHM"] {
        assert!(said.contains(name), "all problems at once: {said}");
    }
    assert!(!said.contains(secret), "{said}");
}

#[test]
fn keys_command_lists_and_rotates_without_printing_keys() {
    let folder = Folder::new();
    let before = folder.latchkey(&["keys", "list"]).well();
    let first: Vec<_> = before.trim().split('\t').collect();
    assert!(matches!(first[..], [_, "EdDSA", "signs"]), "{before:?}");
    let rotated = folder.latchkey(&["keys", "rotate"]).well();
    let new = rotated.split('\t').next().expect("a kid").to_owned();
    let after = folder.latchkey(&["keys", "list"]).well();
    assert_eq!(after.lines().count(), 2, "{after}");
    assert!(after.contains(first[0]) && after.contains(&new) && new != first[0], "{after}");
    let es256 = [("JWT_ALGORITHM", "ES256")];
    let after = folder.run(&["keys", "list"], "", &es256).well();
    assert!(after.lines().any(|line| line.contains("\tES256\t")), "{after}");
    for secret in ["PRIVATE", "\"d\"", "-----"] {
        assert!(!after.contains(secret) && !rotated.contains(secret), "{secret}: {after}");
    }
    let secret = std::fs::read_dir(folder.0.path().join("data")).expect("data");
    for file in secret.map(|file| file.expect("a file").path()) {
        if let Ok(text) = std::fs::read_to_string(&file) {
            assert!(!after.contains(text.trim()), "{} is printed", file.display());
        }
    }
}

#[test]
fn openapi_command_prints_json_without_settings() {
    let folder = Folder::new();
    let printed = folder.latchkey(&["openapi"]).well();
    let document: Value = serde_json::from_str(&printed).expect("JSON");
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    assert!(document["paths"]["/api/v1/me"]["get"].is_object());
    assert!(!folder.0.path().join("data").exists(), "nothing is made on the way");
}

/// Every command and option of the reference is in the help, and every command of the help in
/// the reference.
#[test]
fn help_and_reference_list_the_same_commands() {
    let folder = Folder::new();
    let version = folder.latchkey(&["--version"]).well();
    assert_eq!(version, format!("latchkey {}\n", env!("CARGO_PKG_VERSION")));
    let reference = include_str!("../../../docs/reference.md");
    let section = reference.split("\n## ").find(|section| section.starts_with("Command line"));
    let mut documented = BTreeSet::new();
    for quoted in section.expect("a section").split('`').skip(1).step_by(2) {
        let Some(command) = quoted.strip_prefix("latchkey ") else { continue };
        // `user show\|block <id>`: two subcommands.
        let words = command.split(' ').take_while(|word| word.starts_with(char::is_alphabetic));
        let words: Vec<_> = words.collect();
        let (last, group) = words.split_last().expect("a command");
        for name in last.split("\\|") {
            let path = [group, &[name]].concat();
            if !cfg!(feature = "demo") && ["compare", "lab"].contains(&name) {
                continue;
            }
            let help = folder.latchkey(&[&path[..], &["--help"]].concat()).well();
            for option in command.split(['[', ']', ' ']).filter(|word| word.starts_with("--")) {
                assert!(help.contains(option), "{path:?} {option}: {help}");
            }
            documented.insert(path.join(" "));
        }
    }
    let mut offered = BTreeSet::new();
    for group in ["", "user", "keys"] {
        let path: Vec<_> = group.split_whitespace().chain(["--help"]).collect();
        let help = folder.latchkey(&path).well();
        let (_, commands) = help.split_once("Commands:\n").expect("a list");
        for line in commands.lines().take_while(|line| !line.is_empty()) {
            // A long description continues on an indented line.
            let name = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '));
            let name = name.and_then(|rest| rest.split(' ').next()).unwrap_or("help");
            if !["help", "user", "keys"].contains(&name) {
                offered.insert(format!("{group} {name}").trim().to_owned());
            }
        }
    }
    assert_eq!(documented, offered);
}

/// A running server and the command line share one database.
#[tokio::test]
async fn command_line_changes_apply_to_running_server() {
    let folder = Folder::new();
    let database = format!("sqlite://{}/one.db", folder.0.path().display());
    let secret = "one-secret-for-all-instances-of-it";
    let variables = [("DATABASE_URL", database.as_str()), ("APP_SECRET", secret)];
    let app = Setup::new().set("DATABASE_URL", &database).set("APP_SECRET", secret).start().await;
    let password = format!("{PASSWORD}\n");
    let add = ["user", "add", "ada@example.test", "--name", "Ada", "--role", "admin"];
    let id = folder.run(&add, &password, &variables).well();
    let mut program = ApiClient::with(&app, &tokens(&app, "ada@example.test", None).await.access);
    let me = json_of(&program.get("/api/v1/me").await);
    assert_eq!((&me["id"], &me["name"]), (&id.trim().into(), &"Ada".into()));
    assert_eq!(me["email_verified"], true);
    assert_eq!(program.get("/api/v1/admin/users").await.status, 200);
    let fields = [("email", "ada@example.test"), ("password", PASSWORD)];
    assert_eq!(submit_password(&mut Browser::new(), &app, &fields).await.status, 303);
    // A new key is published before it signs, and signatures of the old one stay valid.
    let rotated = folder.run(&["keys", "rotate"], "", &variables).well();
    let kid = rotated.split('\t').next().expect("a kid");
    let mut published = false;
    for _ in 0..200 {
        published = program.get("/.well-known/jwks.json").await.body.contains(kid);
        if published {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert!(published, "the server has not heard of {kid}");
    assert_eq!(program.get("/api/v1/me").await.status, 200);
}

/// Every claim in one run: recomputing the verdicts from the JSON gives the printed ones. Its
/// duration depends on the machine.
#[cfg(feature = "demo")]
#[test]
fn compare_verdicts_can_be_recomputed_from_json() {
    let folder = Folder::new();
    let ended = folder.latchkey(&["compare", "--json"]);
    let report: Value = serde_json::from_str(&ended.out).expect("JSON");
    let claims = report["claims"].as_array().expect("claims");
    assert_eq!(claims.len(), latchkey_lab::experiments::ALL.len());
    let mut missing = 0;
    for claim in claims {
        if let Some(error) = claim["error"].as_str() {
            // A slow machine measures less. Everything can be measured here, though.
            let wrong = ["no instance could be started", "this cannot be measured here"];
            assert!(!wrong.iter().any(|start| error.starts_with(start)), "{claim}");
            assert!(claim["verdict"].is_null(), "{claim}");
            missing += 1;
            continue;
        }
        let again = latchkey_lab::verdict_of(claim).expect("a verdict");
        assert_eq!(serde_json::to_value(again).expect("JSON"), claim["verdict"], "{claim}");
    }
    // The figures that `/choose` cites exist.
    let reasons = include_str!("../../../templates/choose-reasons.html");
    for cited in reasons.split("call reason(").skip(1) {
        let parts: Vec<_> = cited.split('"').collect();
        let number: u64 = parts[0].trim_end_matches(", ").parse().expect("a number");
        let claim = claims.iter().find(|claim| claim["number"] == number);
        let figures = claim.expect("a claim")["figures"].as_array().filter(|all| !all.is_empty());
        let is_measured = |all: &Vec<Value>| {
            all.iter().any(|it| it["label"] == parts[1] && it["unit"] == parts[3])
        };
        assert!(parts[1].is_empty() || figures.is_none_or(is_measured), "{cited}");
    }
    assert!(missing < claims.len(), "{}", ended.err);
    assert_eq!(ended.code == Some(0), missing == 0, "{}", ended.err);
}

/// The number of attacks that succeed without their check. It may rise.
#[cfg(feature = "demo")]
const PROVEN: usize = 99;

/// The number of attacks that succeed against the tutorial.
#[cfg(feature = "demo")]
const FALLS: usize = 70;

/// Without a server, settings or files: it starts the instances that it attacks.
#[cfg(feature = "demo")]
#[test]
fn lab_attacks_are_refused_without_any_setup() {
    let folder = Folder::new();
    let ran = folder.latchkey(&["lab", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let rows: Vec<Value> = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(rows.len(), latchkey_lab::attacks::all().count());
    for row in &rows {
        // Timing is not reliable everywhere: then only that is reported.
        let is_timed = row["id"].as_str().is_some_and(|id| id.starts_with("timing_"));
        let may = row["verdict"] == "undecided" && is_timed;
        assert!(row["verdict"] == "refused" || may, "{row}");
    }
    let (proven, unproven): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row["proven"] == true);
    assert!(proven.len() >= PROVEN, "{unproven:#?}");
    // Without a patched copy, a control shows that the same request succeeds without the attack.
    for row in unproven.iter().filter(|row| row["without_check"].is_null()) {
        assert_ne!(row["controls"], 0, "{row}");
    }
    let falls = rows.iter().filter(|row| row["tutorial"] == "falls").count();
    assert!(falls >= FALLS, "the tutorial falls to {falls}");
    let tally = format!("{} of {} attacks are proven", proven.len(), rows.len());
    assert!(ran.err.starts_with(&tally), "{}", ran.err);
    assert!(ran.err.trim_end().ends_with(&format!("falls to {falls}.")), "{}", ran.err);
    assert_eq!(std::fs::read_dir(folder.0.path()).expect("a folder").count(), 0);
}

/// Without a server, settings or files: it starts the instances that it measures.
#[cfg(feature = "demo")]
#[test]
fn compare_needs_no_setup_and_leaves_no_files() {
    let folder = Folder::new();
    let json = folder.latchkey(&["compare", "--claim", "2", "--json"]).well();
    let report: Value = serde_json::from_str(&json).expect("JSON");
    let claim = &report["claims"][0];
    assert_eq!((&claim["number"], &claim["verdict"]["kind"]), (&2.into(), &"true_if".into()));
    assert!(claim["series"][0]["values"].as_array().is_some_and(|all| all.len() >= 20), "{claim}");
    let table = folder.latchkey(&["compare", "--claim", "2"]).well();
    assert!(
        table.contains("With a JWT no database query is needed\n    True if the token itself"),
        "{table}"
    );
    let markdown = folder.latchkey(&["compare", "--claim", "2", "--markdown"]).well();
    assert!(
        markdown.contains("| 2 | With a JWT no database query is needed | **true if the token")
    );
    // A static site that loads nothing else, and the report for continuous integration.
    let site = tempfile::tempdir().expect("a folder");
    let path = site.path().to_str().expect("a name");
    let arguments = ["compare", "--claim", "9", "--publish", path, "--report"];
    let junit = folder.latchkey(&[&arguments[..], &["junit"]].concat()).well();
    assert!(
        junit.contains("<testcase classname=\"granular\"") && !junit.contains("<error"),
        "{junit}"
    );
    let sarif = folder.latchkey(&[&arguments[..], &["sarif"]].concat()).well();
    let sarif: Value = serde_json::from_str(&sarif).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][0]["kind"], "pass");
    for (file, holds) in [
        ("index.html", "granular.html"),
        ("granular.html", "ClaimReview"),
        ("run.json", "\"version\""),
        ("app.css", "--paper"),
    ] {
        let text = std::fs::read_to_string(site.path().join(file)).expect(file);
        assert!(text.contains(holds), "{file}: {text}");
        assert!(!file.ends_with(".html") || !text.contains("src="), "{file}");
    }
    for (arguments, said) in [
        (&["compare", "--claim", "99"][..], "there is no claim 99"),
        (&["lab", "--attack", "nothing"], "there is no attack nothing"),
        (&["compare", "--url", "http://example.com"], "https, or http on this machine"),
    ] {
        let error = folder.latchkey(arguments).refused();
        assert!(error.contains(said), "{error}");
    }
    assert_eq!(std::fs::read_dir(folder.0.path()).expect("a folder").count(), 0);
}

/// The report for continuous integration, parsed as there: for attacks, and for claims measured at
/// a running instance.
#[cfg(feature = "demo")]
#[tokio::test(flavor = "multi_thread")]
async fn sarif_and_junit_reports_are_parseable() {
    let app = Latchkey::start().await;
    let lab = ["lab", "--attack", "csrf_sign_out", "--attack", "jwt_none"];
    let at = ["compare", "--url", &app.origin, "--claim", "5", "--claim", "11"];
    // The fifth needs the database stopped, which is impossible from outside.
    for (arguments, ids, kinds) in [
        (&lab[..], ["csrf_sign_out", "jwt_none"], ["pass", "pass"]),
        (&at[..], ["without-database", "tampering"], ["fail", "pass"]),
    ] {
        let folder = Folder::new();
        let code = Some(i32::from(kinds.contains(&"fail")));
        let report = |format| {
            let ran = folder.latchkey(&[arguments, &["--report", format]].concat());
            assert_eq!(ran.code, code, "{ran:?}");
            ran.out
        };
        let sarif: Value = serde_json::from_str(&report("sarif")).expect("JSON");
        assert_eq!(sarif["version"], "2.1.0");
        assert!(sarif["$schema"].as_str().is_some_and(|url| url.contains("sarif-2.1.0.json")));
        // SARIF requires the driver's name (3.19.8), and a text in every message (3.11.2).
        let driver = &sarif["runs"][0]["tool"]["driver"];
        assert_eq!(driver["name"], format!("latchkey {}", arguments[0]));
        assert_eq!(sarif["runs"][0]["results"].as_array().map(Vec::len), Some(ids.len()));
        assert_eq!(driver["rules"].as_array().map(Vec::len), Some(ids.len()));
        for (place, id) in ids.iter().enumerate() {
            let result = &sarif["runs"][0]["results"][place];
            assert_eq!(
                (&result["ruleId"], &driver["rules"][place]["id"]),
                (&json!(id), &json!(id))
            );
            assert_eq!(result["kind"], kinds[place], "{result}");
            assert_eq!(result["level"] == "error", kinds[place] == "fail", "{result}");
            assert!(result["message"]["text"].as_str().is_some_and(|text| text.len() > 5));
        }
        let junit = report("junit");
        let junit = roxmltree::Document::parse(&junit).expect("XML");
        let suite = junit.root_element();
        assert!(suite.has_tag_name("testsuite"));
        assert_eq!(suite.attribute("name"), driver["name"].as_str());
        for none in ["failures", "skipped"] {
            assert_eq!(suite.attribute(none), Some("0"));
        }
        let wrong = kinds.iter().filter(|kind| **kind == "fail").count();
        assert_eq!(suite.attribute("tests"), Some("2"));
        assert_eq!(suite.attribute("errors"), Some(&*wrong.to_string()));
        let cases: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
        assert_eq!(cases.len(), ids.len());
        for ((case, id), kind) in cases.into_iter().zip(ids).zip(kinds) {
            assert_eq!(case.attribute("classname"), Some(id));
            assert!(case.attribute("name").is_some_and(|name| name.len() > 5), "{id}");
            let said = case.first_element_child().expect("what came of it").tag_name().name();
            assert_eq!(said, if kind == "fail" { "error" } else { "system-out" }, "{id}");
        }
    }
}

/// A user who signs up first with an address does not get what was meant for its owner.
#[tokio::test]
async fn user_commands_refuse_unverified_email_addresses() {
    let folder = Folder::new();
    let database = format!("sqlite://{}/one.db", folder.0.path().display());
    let secret = "one-secret-for-all-instances-of-it";
    let variables = [("DATABASE_URL", database.as_str()), ("APP_SECRET", secret)];
    let app = Setup::new().set("DATABASE_URL", &database).set("APP_SECRET", secret).start().await;
    sign_up(&app, "boss@example.test").await;
    for command in [
        &["user", "role", "boss@example.test", "admin"][..],
        &["user", "block", "boss@example.test"],
        &["user", "delete", "boss@example.test"],
        &["audit", "--user", "boss@example.test"],
    ] {
        folder.run(command, "", &variables).refused();
    }
    let said =
        folder.run(&["user", "role", "boss@example.test", "admin"], "", &variables).refused();
    let listed = folder.run(&["user", "list"], "", &variables).well();
    let (id, _) = listed.split_once('\t').expect("an ID");
    assert!(said.contains(id) && said.contains("not verified"), "{said}");
    assert!(!listed.contains("admin"), "{listed}");
    // The ID is unambiguous.
    let changed = folder.run(&["user", "role", id, "admin"], "", &variables).well();
    assert!(changed.contains("admin") && changed.contains("boss@example.test"), "{changed}");
}

#[tokio::test]
async fn blocked_account_cannot_sign_in_until_unblocked() {
    let folder = Folder::new();
    let database = format!("sqlite://{}/one.db", folder.0.path().display());
    let secret = "one-secret-for-all-instances-of-it";
    let variables = [("DATABASE_URL", database.as_str()), ("APP_SECRET", secret)];
    let run = |arguments: &[&str]| folder.run(arguments, "", &variables).well();
    let app = Setup::new().set("DATABASE_URL", &database).set("APP_SECRET", secret).start().await;
    sign_up(&app, "ada@example.test").await;
    let listed = run(&["user", "list"]);
    let (id, _) = listed.split_once('\t').expect("an ID");
    let mut browser = signed_in(&app, "ada@example.test", "session").await;
    let pair = tokens(&app, "ada@example.test", None).await;
    let mut program = ApiClient::with(&app, &pair.access);
    let shown = run(&["user", "show", id]);
    for part in ["ada@example.test", "password\t", "sign-in\t", "event\t"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }

    run(&["user", "block", id]);
    assert!(run(&["user", "show", id]).contains("blocked\t"));
    assert_ne!(browser.get(&app.url("/account")).await.status, 200);
    assert_eq!(program.refresh(&pair.refresh).await.status, 400);
    for _ in 0..200 {
        if program.get("/api/v1/me").await.status == 401 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    expect_problem(&program.get("/api/v1/me").await, 401, "token_revoked");
    for strategy in ["session", "jwt"] {
        let fields =
            [("email", "ada@example.test"), ("password", PASSWORD), ("strategy", strategy)];
        let page = submit_password(&mut Browser::new(), &app, &fields).await;
        let _ = page.expect_error(403, "account_blocked");
    }
    let body = serde_json::json!({ "email": "ada@example.test", "password": PASSWORD });
    let page = ApiClient::new(&app).post("/api/v1/token", body).await;
    expect_problem(&page, 403, "account_blocked");

    run(&["user", "unblock", id]);
    let mut browser = signed_in(&app, "ada@example.test", "session").await;
    run(&["user", "sign-out", id]);
    assert_ne!(browser.get(&app.url("/account")).await.status, 200);
    signed_in(&app, "ada@example.test", "session").await;
    let trail = run(&["audit", "--user", id]);
    for kind in ["blocked", "unblocked", "sign_in_ended"] {
        assert!(trail.contains(&format!("\t{kind}\t{id}\toperator\t")), "{kind}: {trail}");
    }
    run(&["user", "delete", id]);
    assert_eq!(run(&["user", "list"]), "");
    assert!(run(&["audit", "--limit", "1"]).contains("account_deleted"));
}

#[test]
fn migrate_command_copies_and_compares_databases() {
    let folder = Folder::new();
    folder.add(&["ada@example.test"], PASSWORD).well();
    let copy = ["migrate", "--from", "sqlite://data/latchkey.db", "--to", "sqlite://copy/one.db"];
    let said = folder.latchkey(&copy).well();
    assert!(said.contains("users\t1 rows") && said.contains("hold the same"), "{said}");
    assert_eq!(folder.latchkey(&copy).well(), said, "it can be run again");
    let listed = folder.latchkey(&["user", "list"]).well();
    let variables = [("DATABASE_URL", "sqlite://copy/one.db")];
    assert_eq!(folder.run(&["user", "list"], "", &variables).well(), listed);
    for (from, to) in [
        ("sqlite://data/latchkey.db", "sqlite://data/latchkey.db"),
        ("sqlite://not-there.db", "sqlite://copy/two.db"),
    ] {
        folder.latchkey(&["migrate", "--from", from, "--to", to]).refused();
    }
}
