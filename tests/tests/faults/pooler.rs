//! PgBouncer between the app and PostgreSQL.

use std::process::{Child, Command, Stdio};
use std::str::FromStr as _;
use std::time::Duration;

use latchkey_store::Db;
use latchkey_store::probe::probe;
use latchkey_tests::accounts::{
    ApiClient, Tokens, expect_problem, instance, sign_up_client, tokens,
};
use latchkey_tests::{Database, Latchkey};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tempfile::TempDir;
use url::Url;

use crate::{is_root, refuses_connections, report_skipped};

const PROGRAM: &str = "/usr/sbin/pgbouncer";

const EMAIL: &str = "ada@example.test";

struct Pooler {
    url: String,
    child: Child,
    _folder: TempDir,
}

impl Pooler {
    /// In front of this server, with this many connections to it.
    fn before(server: &str, mode: &str, prepared_statements: u32, connections: u32) -> Self {
        let mut url = Url::parse(server).expect("a URL");
        let (far, port) = (url.port().expect("a port"), crate::free_port());
        url.set_port(Some(port)).expect("a port");
        // Debian 12's version does not have this setting.
        let prepared_statements = if supports_prepared_statements() {
            format!("max_prepared_statements = {prepared_statements}\n")
        } else {
            String::new()
        };
        let user = if is_root() { "user = postgres\n" } else { "" };
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={far} user=postgres\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = {mode}\ndefault_pool_size = {connections}\n\
             max_client_conn = 200\n{prepared_statements}{user}"
        );
        let folder = tempfile::tempdir().expect("a folder");
        let settings = folder.path().join("pgbouncer.ini");
        std::fs::write(&settings, text).expect("a file");
        let mut child = Command::new(PROGRAM)
            .arg(&settings)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("PgBouncer");
        while refuses_connections(port) {
            assert!(child.try_wait().expect("a child").is_none(), "PgBouncer ended by itself");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { url: url.into(), child, _folder: folder }
    }

    /// An open transaction occupies a server connection.
    async fn server(&self) -> PgConnection {
        let options = PgConnectOptions::from_str(&self.url).expect("a URL");
        let mut one = options.extra_float_digits(None).connect().await.expect("a connection");
        sqlx::raw_sql("BEGIN").execute(&mut one).await.expect("a transaction");
        one
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Since 1.21, PgBouncer supports prepared statements in transaction mode.
fn supports_prepared_statements() -> bool {
    let said = Command::new(PROGRAM).arg("--version").output().expect("PgBouncer").stdout;
    let said = String::from_utf8(said).expect("text");
    let mut version = said.split(['.', ' ', '\n']).skip(1).map(|part| part.parse::<u32>());
    let (major, minor) = (version.next(), version.next());
    let (Some(Ok(major)), Some(Ok(minor))) = (major, minor) else { panic!("which is {said}?") };
    (major, minor) >= (1, 21)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and PgBouncer: tests/run"]
async fn start_and_doctor_report_unsupported_pooler() {
    let server = Database::new_postgres_url().await;
    for (connections, query, said) in [
        (8, "", "pool_mode = session"),
        (1, "", "pool_mode = session"),
        (8, "?options[search_path]=public", "unsupported startup parameter"),
    ] {
        let pooler = Pooler::before(&server, "transaction", 0, connections);
        let url = format!("{}{query}", pooler.url);
        let start = Db::open(&url).await.err().map(|error| error.to_string());
        let doctor = probe(&url).await.err().map(|error| error.to_string());
        for found in [start, doctor] {
            let is_named = found.as_ref().is_some_and(|found| found.contains(said));
            assert!(is_named, "{connections} {query}: {found:?}");
        }
    }
}

/// Waits until this many server connections have sent `LISTEN`, and nothing since.
async fn wait_until_listening(server: &str, connections: i64) {
    let mut one = PgConnection::connect(server).await.expect("a connection");
    let count = "SELECT COUNT(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND query LIKE 'LISTEN %'";
    for _ in 0..400 {
        let found: i64 = sqlx::query_scalar(count).fetch_one(&mut one).await.expect("a count");
        if found == connections {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("not everybody listens, and all could");
}

/// A sign-in that ends at one instance is soon refused at the other, and no other is.
async fn assert_revocation_reaches_other_instance(here: &Latchkey, there: &Latchkey) {
    let Tokens { access, refresh, .. } = tokens(here, EMAIL, None).await;
    let mut program = ApiClient::with(there, &access);
    for path in ["/api/v1/me", "/api/v1/contacts", "/api/v1/sessions"] {
        for app in [here, there] {
            let _ = program.at(app).get(path).await.expect(200);
        }
    }
    let _ = program.at(here).revoke(&refresh).await.expect(200);
    let mut page = program.get("/api/v1/me").await;
    for _ in 0..400 {
        if page.status != 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
        page = program.get("/api/v1/me").await;
    }
    expect_problem(&page, 401, "token_revoked");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and PgBouncer: tests/run"]
async fn revocation_reaches_all_instances_behind_pgbouncer() {
    for (mode, connections) in [("session", 40), ("transaction", 3), ("transaction", 1)] {
        if mode == "transaction" && !supports_prepared_statements() {
            report_skipped("transaction mode: PgBouncer is older than 1.21");
            continue;
        }
        let server = Database::new_postgres_url().await;
        let pooler = Pooler::before(&server, mode, 200, connections);
        let start = || instance(&pooler.url).set("JWT_REVOCATION", "watch").start();
        let (here, there) = (start().await, start().await);
        let _ = sign_up_client(&here, EMAIL).await;
        for (one, other) in [(&here, &there), (&there, &here), (&here, &there)] {
            assert_revocation_reaches_other_instance(one, other).await;
        }
        if mode == "session" {
            wait_until_listening(&server, 2).await;
        }
        // A `LISTEN` would stay on the server connection for its next client.
        drop((here.stop().await, there.stop().await));
        let mut servers = Vec::new();
        for _ in 0..connections {
            let mut one = pooler.server().await;
            let ask = sqlx::raw_sql("SELECT pg_listening_channels()");
            let left = ask.fetch_all(&mut one).await.expect("an answer");
            assert!(left.is_empty(), "{mode}: somebody listens at a server that is shared");
            servers.push(one);
        }
    }
}
