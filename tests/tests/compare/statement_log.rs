//! `Server-Timing` counts the queries that the database logs.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use latchkey_tests::accounts::{ApiClient, Tokens, instance, queries, sign_up, signed_in, tokens};
use latchkey_tests::{Browser, Latchkey, Page, free_port};
use tempfile::TempDir;

/// A PostgreSQL server for this test that logs every statement.
struct Server {
    child: Child,
    folder: TempDir,
    url: String,
}

/// The newest installed PostgreSQL.
fn bin() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL: see tests/run");
    let mut found: Vec<_> = versions.map(|one| one.expect("a folder").path().join("bin")).collect();
    found.sort();
    found.pop().expect("a version")
}

/// PostgreSQL refuses to run as root, so root uses the `postgres` user.
fn as_postgres(program: &Path) -> Command {
    let id = Command::new("id").arg("-u").output().expect("id");
    if id.stdout.trim_ascii() == b"0" {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        make_world_writable(path);
        let data = path.join("data");
        let made = as_postgres(&bin().join("initdb"))
            .arg("--pgdata")
            .arg(&data)
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"])
            .output()
            .expect("initdb");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let log = File::create(path.join("log")).expect("a log");
        let child = as_postgres(&bin().join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories=", "-c", "fsync=off"])
            .args(["-c", "log_statement=all", "-c", "log_line_prefix=", "-c", "autovacuum=off"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("postgres");
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let server = Self { child, folder, url };
        for _ in 0..200 {
            if server.log().contains("ready to accept connections") {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("PostgreSQL did not start: {}", server.log());
    }

    fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.path().join("log")).expect("a log");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// All statements so far, in order, each on one line.
    fn statements(&self) -> Vec<String> {
        let log = self.log();
        let statements = log.split("LOG:  ").filter_map(|entry| {
            let text = entry
                .strip_prefix("statement: ")
                .or_else(|| entry.strip_prefix("execute ")?.split_once(": ").map(|(_, sql)| sql))?;
            // Parameters are logged on separate lines.
            let text = text.split("\nDETAIL:").next().unwrap_or(text);
            Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
        });
        statements.collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid"));
        if let Some(pid) = pid.ok().and_then(|text| text.lines().next().map(str::to_owned)) {
            // SIGINT is PostgreSQL's fast shutdown.
            let _ = Command::new("kill").args(["-INT", &pid]).status();
        }
        let _ = self.child.wait();
    }
}

fn make_world_writable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(path, mode).expect("a folder of ours");
}

/// Statements of the app's background tasks.
async fn background(server: &Server) -> BTreeSet<String> {
    let before = server.statements().len();
    // The slowest task runs every 15 seconds. Wait for two rounds, because one may be late on a
    // busy machine.
    tokio::time::sleep(Duration::from_secs(32)).await;
    server.statements().into_iter().skip(before).collect()
}

/// The statements logged during a request.
async fn logged<F: Future<Output = Page>>(
    server: &Server,
    by_itself: &BTreeSet<String>,
    asked: F,
) -> (Page, Vec<String>) {
    let before = server.statements().len();
    let page = asked.await;
    // Another process writes the log, a moment later.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let new = server.statements().into_iter().skip(before);
    (page, new.filter(|statement| !by_itself.contains(statement)).collect())
}

#[tokio::test]
#[ignore = "needs PostgreSQL: see tests/run"]
async fn query_counts_match_the_postgres_log() {
    let server = Server::start().await;
    // The trace of a sign-in is stored in the background after the response, and is not counted.
    let app: Latchkey = instance(&server.url).set("TRACES", "off").start().await;
    let email = "ada@example.test";
    sign_up(&app, email).await;
    let mut session = signed_in(&app, email, "session").await;
    let mut jwt = signed_in(&app, email, "jwt").await;
    let Tokens { access, mut refresh, .. } = tokens(&app, email, None).await;
    let mut program = ApiClient::with(&app, &access);
    let me = app.url("/api/v1/me");
    // Each connection prepares a statement at its first use, and a session records its last use.
    for _ in 0..3 {
        let _ = session.get(&me).await.expect(200);
    }
    let by_itself = background(&server).await;
    assert!(by_itself.iter().all(|sql| !sql.contains("session_hash")), "{by_itself:?}");

    let mut compared = Vec::new();
    for _ in 0..5 {
        compared.push(("session", logged(&server, &by_itself, session.get(&me)).await));
        compared.push(("JWT", logged(&server, &by_itself, jwt.get(&me)).await));
        compared.push(("bearer", logged(&server, &by_itself, program.get("/api/v1/me")).await));
        let contacts = logged(&server, &by_itself, program.get("/api/v1/contacts")).await;
        compared.push(("contacts", contacts));
        let refreshed = logged(&server, &by_itself, program.refresh(&refresh)).await;
        refresh = Tokens::of(&refreshed.0).refresh;
        compared.push(("refresh", refreshed));
        let account = app.url("/account");
        compared.push(("account", logged(&server, &by_itself, session.get(&account)).await));
        let sign_in = app.url("/sign-in");
        let fields = [
            ("email", email),
            ("password", latchkey_tests::accounts::PASSWORD),
            ("strategy", "session"),
        ];
        let mut newcomer = Browser::new();
        let came_in = logged(&server, &by_itself, newcomer.post(&sign_in, &fields)).await;
        compared.push(("sign-in", came_in));
    }
    for (what, (page, statements)) in &compared {
        let counted = usize::try_from(queries(page)).expect("a count");
        // What opens a connection of the pool is not counted; on a busy machine one may open here.
        let sent =
            statements.iter().filter(|one| !one.starts_with("SET statement_timeout")).count();
        assert_eq!(counted, sent, "{what}: {statements:#?}");
    }
    let of = |wanted| compared.iter().find(|(what, _)| *what == wanted).expect("one").1.1.len();
    assert_eq!((of("session"), of("JWT"), of("bearer")), (1, 0, 0));
    assert!(of("sign-in") > 1 && of("refresh") > 1, "more than one is counted as well");
    let _ = app.stop().await;
}
