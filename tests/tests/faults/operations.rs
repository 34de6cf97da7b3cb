//! Moving to another database, and restoring a backup: users stay signed in.

use std::process::Command;

use latchkey_store::probe::{Probe, probe};
use latchkey_store::transfer::{self, TableCopy};
use latchkey_store::{Db, users};
use latchkey_tests::accounts::{ApiClient, Tokens, instance, sign_up_client, signed_in};
use latchkey_tests::{Browser, Database, Latchkey};
use serde_json::json;
use url::Url;

const EMAIL: &str = "ada@example.test";

/// A signed-in user with data in every table.
struct Person {
    browser: Browser,
    /// In development, cookie names contain it.
    port: u16,
    program: ApiClient,
    tokens: Tokens,
}

impl Person {
    async fn at(app: &Latchkey) -> Self {
        let (mut program, tokens) = sign_up_client(app, EMAIL).await;
        let contact = json!({ "name": "Grace „née“ Hopper 🙂", "email": null });
        assert_eq!(program.post("/api/v1/contacts", contact).await.status, 201);
        let browser = signed_in(app, EMAIL, "session").await;
        Self { browser, port: app.address.port(), program, tokens }
    }

    async fn assert_signed_in(mut self, app: &Latchkey) {
        self.browser.jar.move_port(self.port, app.address.port());
        let _ = self.browser.get(&app.url("/account")).await.expect(200);
        let mut program = self.program.at(app);
        let contacts = program.get("/api/v1/contacts").await.expect(200);
        assert!(contacts.body.contains("Hopper"), "{}", contacts.body);
        assert_eq!(program.refresh(&self.tokens.refresh).await.status, 200);
    }
}

async fn open(url: &str) -> Db {
    let Ok(Probe::Database(db)) = probe(url).await else { panic!("no database") };
    db
}

async fn copy(from: &str, to: &str) -> Vec<TableCopy> {
    Db::open(to).await.expect("its tables").close().await;
    let mut tables = Vec::new();
    let (from, to) = (open(from).await, open(to).await);
    transfer::copy(&from, &to, |moved| tables.push(moved.clone())).await.expect("copied");
    from.close().await;
    to.close().await;
    tables
}

async fn moves(from: String, to: String) {
    let app = instance(&from).start().await;
    let person = Person::at(&app).await;
    drop(app.stop().await);
    let moved = copy(&from, &to).await;
    for table in &moved {
        assert_eq!(table.from, table.to, "{}", table.table);
    }
    for (name, rows) in [("users", 1), ("sign_ins", 2), ("refresh_tokens", 1), ("passwords", 1)] {
        let found = moved.iter().find(|one| one.table == name).map(|one| one.to.rows);
        assert_eq!(found, Some(rows), "{name}");
    }
    let app = instance(&to).start().await;
    person.assert_signed_in(&app).await;
}

fn sqlite(folder: &tempfile::TempDir) -> String {
    format!("sqlite://{}/one.db", folder.path().display())
}

#[tokio::test]
async fn sqlite_database_moves_to_another_file() {
    let (here, there) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
    moves(sqlite(&here), sqlite(&there)).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn sqlite_database_moves_to_postgres() {
    let here = tempfile::tempdir().expect("a folder");
    moves(sqlite(&here), Database::new_postgres_url().await).await;
}

/// A table of a hundred thousand rows is one slow statement.
#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn database_move_may_exceed_the_request_timeout() {
    let here = Database::sqlite().await;
    let there = Database::postgres().await;
    let app = instance(&here.url).start().await;
    sign_up_client(&app, EMAIL).await;
    for statement in [
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(6); RETURN NULL; END $$",
        "CREATE TRIGGER slow BEFORE INSERT ON users FOR EACH STATEMENT EXECUTE FUNCTION slow()",
    ] {
        there.execute(statement).await;
    }
    let moved = copy(&here.url, &there.url).await;
    assert!(moved.iter().all(|table| table.from == table.to), "{moved:?}");
    assert_eq!(there.rows("users").await, 1);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn postgres_database_moves_to_sqlite() {
    let there = tempfile::tempdir().expect("a folder");
    moves(Database::new_postgres_url().await, sqlite(&there)).await;
}

#[tokio::test]
async fn interrupted_move_resumes_and_reports_differences() {
    let here = Database::sqlite().await;
    let there = Database::sqlite().await;
    let app = instance(&here.url).start().await;
    for person in 0..3 {
        sign_up_client(&app, &format!("person-{person}@example.test")).await;
    }
    copy(&here.url, &there.url).await;
    // Half of it is there.
    there.execute("DELETE FROM refresh_tokens").await;
    there.execute("DELETE FROM contacts").await;
    let again = copy(&here.url, &there.url).await;
    assert!(again.iter().all(|table| table.from == table.to), "{again:?}");
    // The new database was already used.
    there.execute("UPDATE users SET name = 'Eve' WHERE email LIKE 'person-1%'").await;
    let again = copy(&here.url, &there.url).await;
    let differing: Vec<_> = again.iter().filter(|table| table.from != table.to).collect();
    assert!(matches!(differing[..], [one] if one.table == "users"), "{differing:?}");
    assert_eq!(users::page(&here.db, None, 9).await.expect("people").len(), 3);
}

fn postgres_tool(name: &str, arguments: &[&str]) {
    let mut folders: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL, as Debian installs it")
        .map(|folder| folder.expect("a folder").path())
        .collect();
    folders.sort();
    let newest = folders.last().expect("a version").join("bin").join(name);
    let output = Command::new(newest).args(arguments).output().expect(name);
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/run"]
async fn restored_postgres_dump_keeps_users_signed_in() {
    let server = Database::new_postgres_url().await;
    let app = instance(&server).start().await;
    let person = Person::at(&app).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("latchkey.dump").display().to_string();
    postgres_tool("pg_dump", &["--format=custom", &format!("--file={file}"), &server]);
    let mut restored = Url::parse(&server).expect("a URL");
    let name = format!("{}_restored", restored.path().trim_start_matches('/'));
    postgres_tool("createdb", &[&format!("--maintenance-db={server}"), &name]);
    restored.set_path(&name);
    postgres_tool("pg_restore", &["--no-owner", &format!("--dbname={restored}"), &file]);
    drop(app.stop().await);
    let app = instance(restored.as_str()).start().await;
    person.assert_signed_in(&app).await;
}
