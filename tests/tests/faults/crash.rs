//! `kill -9` under load: acknowledged writes survive.
//!
//! A few rounds here; for many: `CRASH_ROUNDS=300 cargo test --test faults crash -- --ignored
//! --nocapture`.

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkey_tests::accounts::{ApiClient, PASSWORD, Tokens, expect_problem, json_of};
use latchkey_tests::{Database, free_port};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const PEOPLE: usize = 4;

/// Fewer contacts than the limit of an address book.
const KEPT: usize = 100;

/// The built program.
struct Process {
    child: Child,
    origin: String,
}

impl Process {
    async fn start(folder: &TempDir, url: &str, port: u16) -> Self {
        let here = std::env::current_exe().expect("this binary");
        let target = here.parent().and_then(|deps| deps.parent()).expect("target/debug");
        let child = Command::new(target.join("latchkey"))
            .env_clear()
            .env("DATABASE_URL", url)
            .env("APP_SECRET", latchkey_tests::app::STRONG_SECRET)
            .env("PORT", port.to_string())
            .env("HOST", "127.0.0.1")
            .env("LOCAL_IDP", "off")
            .env("RUST_LOG", "off")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .spawn()
            .expect("target/debug/latchkey: tests/run builds it");
        let process = Self { child, origin: format!("http://localhost:{port}") };
        for _ in 0..600 {
            let there = TcpStream::connect(("127.0.0.1", port)).await.is_ok();
            if there && process.program().get("/readyz").await.status == 200 {
                return process;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("it does not start");
    }

    fn program(&self) -> ApiClient {
        ApiClient::at_origin(&self.origin)
    }

    /// SIGKILL: no cleanup.
    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A failed test leaves no process behind.
        let _ = self.child.kill();
    }
}

/// The acknowledged state of one user.
#[derive(Clone, Debug, Default)]
struct Told {
    refresh: String,
    /// The number of contacts written, those kept, and those deleted.
    written: usize,
    kept: Vec<String>,
    deleted: Vec<String>,
    /// The contact whose deletion was requested last, without a response.
    deleting: Option<String>,
    /// Refresh tokens whose sign-in has ended.
    ended: Vec<String>,
}

impl Told {
    fn is_deleted(&mut self, id: String) {
        self.deleting = None;
        self.kept.retain(|one| *one != id);
        self.deleted.push(id);
    }
}

async fn new_tokens(program: &mut ApiClient, email: &str) -> Option<Tokens> {
    let body = json!({ "email": email, "password": PASSWORD });
    let page = program.post("/api/v1/token", body).await;
    (page.status == 200).then(|| Tokens::of(&page))
}

/// Writes, deletes, refreshes and ends sign-ins until the server is gone.
async fn live(mut program: ApiClient, email: String, told: Arc<Mutex<Told>>) {
    let at_first = told.lock().expect("no panic").refresh.clone();
    let mut refresh = at_first;
    for turn in 0.. {
        let page = program.refresh(&refresh).await;
        let pair = Tokens::of(&page);
        refresh.clone_from(&pair.refresh);
        told.lock().expect("no panic").refresh = pair.refresh;
        program.token = Some(pair.access);
        let page = program.post("/api/v1/contacts", json!({ "name": format!("{turn}") })).await;
        assert_eq!(page.status, 201, "{}", page.body);
        let id = json_of(&page)["id"].as_str().expect("an id").to_owned();
        let deleted = {
            let mut told = told.lock().expect("no panic");
            told.written += 1;
            told.kept.push(id.clone());
            // An address book has a limit.
            let oldest = (told.kept.len() > KEPT).then(|| told.kept[0].clone());
            told.deleting = oldest.or_else(|| (turn % 2 == 0).then_some(id));
            told.deleting.clone()
        };
        if let Some(id) = deleted {
            let page = program.delete(&format!("/api/v1/contacts/{id}")).await;
            assert_eq!(page.status, 204, "{}", page.body);
            told.lock().expect("no panic").is_deleted(id);
        }
        if turn % 4 == 3
            && let Some(other) = new_tokens(&mut program, &email).await
        {
            assert_eq!(program.revoke(&other.refresh).await.status, 200);
            told.lock().expect("no panic").ended.push(other.refresh);
        }
    }
}

async fn acknowledged_writes_survive_a_crash(url: &str) {
    #[expect(clippy::disallowed_methods, reason = "no setting of the app: for long runs by hand")]
    let rounds = std::env::var("CRASH_ROUNDS").map_or(4, |text| text.parse().expect("a number"));
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let mut process = Process::start(&folder, url, port).await;
    let mut people = Vec::new();
    for person in 0..PEOPLE {
        let email = format!("person-{person}@example.test");
        let form = format!("name=Ada&email={email}&password={}", PASSWORD.replace(' ', "+"));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", "same-origin"),
            ("origin", process.origin.as_str()),
        ];
        let mut program = process.program();
        let page = program.raw(reqwest::Method::POST, "/sign-up", &headers, Some(form)).await;
        assert_eq!(page.status, 303, "{}", page.body);
        let pair = new_tokens(&mut program, &email).await.expect("tokens");
        let told = Told { refresh: pair.refresh, ..Told::default() };
        people.push((email, Arc::new(Mutex::new(told))));
    }
    let mut acknowledged = 0;
    for round in 0..rounds {
        let mut lives = JoinSet::new();
        for (email, told) in &people {
            lives.spawn(live(process.program(), email.clone(), Arc::clone(told)));
        }
        // Long enough for requests to be in progress, and different each time.
        tokio::time::sleep(Duration::from_millis(400 + 37 * (round % 11))).await;
        process.kill();
        // Each client ends with an unanswered request, not with a wrong response.
        while let Some(ended) = lives.join_next().await {
            let why = ended.expect_err("lives end by force").into_panic();
            let why = why.downcast_ref::<String>().map_or("", String::as_str);
            assert!(why.contains("reqwest::Error"), "a wrong answer: {why}");
        }
        process = Process::start(&folder, url, port).await;
        for (email, told) in &people {
            let before = told.lock().expect("no panic").clone();
            let Told { refresh, written, kept, deleted, deleting, ended } = before;
            let mut program = process.program();
            // The last acknowledged token works, unless its unacknowledged successor replaced it
            // and the restart took longer than the grace period.
            let page = program.refresh(&refresh).await;
            let pair = if page.status == 200 {
                Tokens::of(&page)
            } else {
                expect_problem(&page, 400, "refresh_token_reused");
                new_tokens(&mut program, email).await.expect("tokens")
            };
            program.token = Some(pair.access);
            told.lock().expect("no panic").refresh = pair.refresh;
            for id in kept.iter().take(5).chain(kept.iter().skip(5).rev().take(15)) {
                let status = program.get(&format!("/api/v1/contacts/{id}")).await.status;
                let perhaps_gone = deleting.as_ref() == Some(id);
                assert!(status == 200 || perhaps_gone && status == 404, "it is lost: {status}");
                if status == 404 {
                    told.lock().expect("no panic").is_deleted(id.clone());
                }
            }
            for id in deleted.iter().rev().take(20) {
                let status = program.get(&format!("/api/v1/contacts/{id}")).await.status;
                assert_eq!(status, 404, "a deleted contact is back");
            }
            for token in ended.iter().rev().take(5) {
                let status = program.refresh(token).await.status;
                assert_eq!(status, 400, "a sign-in that was ended is back");
            }
            acknowledged = acknowledged.max(written);
        }
    }
    println!("{rounds} kills, {acknowledged} contacts acknowledged to one person: nothing is lost");
    assert!(acknowledged > 0, "nothing was under way");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the built binary: tests/run"]
async fn acknowledged_writes_survive_a_crash_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}/one.db", folder.path().display());
    acknowledged_writes_survive_a_crash(&url).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the built binary and PostgreSQL: tests/run"]
async fn acknowledged_writes_survive_a_crash_on_postgres() {
    acknowledged_writes_survive_a_crash(&Database::new_postgres_url().await).await;
}
