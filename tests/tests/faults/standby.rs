//! Two PostgreSQL servers: the primary dies, and its standby takes over.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use latchkey_tests::accounts::{ApiClient, Tokens, instance, sign_up_client, signed_in};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use crate::{ask_for_tokens, free_port, is_ready, is_root, try_again};

const EMAIL: &str = "ada@example.test";

fn run(program: &Path, arguments: &[&str]) {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    // A started server keeps inherited file descriptors.
    let log = tempfile::tempfile().expect("a file");
    command.stdout(log.try_clone().expect("the same")).stderr(log);
    let status = command.args(arguments).status();
    let status = status.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}

/// The newest installed PostgreSQL.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL");
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.map(|entry| entry.expect("a folder").path()).max_by_key(version);
    newest.expect("a version").join("bin")
}

/// A server in a folder, stopped when dropped.
struct Server {
    folder: String,
    port: u16,
}

impl Server {
    fn primary(home: &Path) -> Self {
        let folder = home.join("primary").display().to_string();
        run(
            &programs().join("initdb"),
            &[
                "--pgdata",
                &folder,
                "--username",
                "postgres",
                "--auth",
                "trust",
                "--encoding",
                "UTF8",
                "--locale",
                "C.UTF-8",
                "--no-sync",
            ],
        );
        Self::start(folder)
    }

    fn standby(&self, home: &Path) -> Self {
        let folder = home.join("standby").display().to_string();
        let port = self.port.to_string();
        run(
            &programs().join("pg_basebackup"),
            &[
                "--host",
                "127.0.0.1",
                "--port",
                &port,
                "--username",
                "postgres",
                "--pgdata",
                &folder,
                "--write-recovery-conf",
                "--checkpoint",
                "fast",
                "--no-sync",
            ],
        );
        Self::start(folder)
    }

    fn start(folder: String) -> Self {
        let port = free_port();
        let mut options = String::new();
        for setting in [
            &format!("port={port}"),
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
        ] {
            write!(options, "-c {setting} ").expect("text");
        }
        let server = Self { folder, port };
        server.control(&["start", "--wait", "--options", &options]);
        server
    }

    fn control(&self, arguments: &[&str]) {
        let folder = ["--pgdata", self.folder.as_str()];
        run(&programs().join("pg_ctl"), &[arguments, &folder].concat());
    }

    async fn connect(&self) -> PgConnection {
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", self.port);
        PgConnection::connect(&url).await.expect("a connection")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if Path::new(&self.folder).join("postmaster.pid").exists() {
            self.control(&["stop", "--mode", "immediate"]);
        }
    }
}

/// A folder that PostgreSQL may write to.
fn home() -> TempDir {
    let home = tempfile::tempdir().expect("a folder");
    if is_root() {
        let given = Command::new("chown").arg("postgres").arg(home.path()).status();
        assert!(given.expect("chown").success());
    }
    home
}

/// Waits until the standby has caught up with the primary.
async fn wait_until_caught_up(primary: &Server, standby: &Server) {
    let (mut primary, mut standby) = (primary.connect().await, standby.connect().await);
    let written: String = sqlx::query_scalar("SELECT pg_current_wal_lsn()::text")
        .fetch_one(&mut primary)
        .await
        .expect("a place");
    let caught_up = "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn";
    for _ in 0..1200 {
        let ask = sqlx::query_scalar(caught_up).bind(&written).fetch_one(&mut standby);
        if ask.await.expect("an answer") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the standby stays behind");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/run"]
async fn app_finds_the_promoted_standby_after_failover() {
    let home = home();
    let primary = Server::primary(home.path());
    let standby = primary.standby(home.path());
    let url = format!(
        "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/postgres",
        primary.port, standby.port
    );
    let app = instance(&url).set("DATABASE_TIMEOUT", "2s").set("JWT_REVOCATION", "watch");
    let app = Arc::new(app.start().await);
    let (mut program, pair) = sign_up_client(&app, EMAIL).await;
    let mut browser = signed_in(&app, EMAIL, "session").await;
    wait_until_caught_up(&primary, &standby).await;

    // Users sign in all the time: it works, or they are told to retry.
    let stop = Arc::new(AtomicBool::new(false));
    let (here, is_over) = (Arc::clone(&app), Arc::clone(&stop));
    let always = tokio::spawn(async move {
        while !is_over.load(Ordering::SeqCst) {
            let pages = ask_for_tokens(&here, EMAIL, 1).await;
            pages.iter().filter(|page| page.status != 200).for_each(try_again);
            // An address has a limited number of attempts.
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    });
    primary.control(&["stop", "--mode", "immediate"]);
    // No server is writable.
    ask_for_tokens(&app, EMAIL, 16).await.iter().for_each(try_again);
    assert!(!is_ready(&app).await);
    assert_eq!(program.get("/api/v1/me").await.status, 200, "a JWT needs no database");
    standby.control(&["promote", "--wait"]);
    for tries in 0.. {
        let page = ask_for_tokens(&app, EMAIL, 1).await.remove(0);
        if page.status == 200 {
            break;
        }
        try_again(&page);
        assert!(tries < 60, "the new primary is not found");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stop.store(true, Ordering::SeqCst);
    always.await.expect("never anything but this");
    assert!(is_ready(&app).await);
    // The data is there: a session, and a refresh token; and it can be ended.
    let _ = browser.get(&app.url("/account")).await.expect(200);
    let Tokens { access, .. } = Tokens::of(&program.refresh(&pair.refresh).await);
    let mut program = ApiClient::with(&app, &access);
    let _ = program.get("/api/v1/contacts").await.expect(200);
    let _ = program.revoke(&access).await.expect(200);
    assert_eq!(program.get("/api/v1/me").await.status, 401);
}
