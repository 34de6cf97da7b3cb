//! The process: its signals and its log.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use latchkey_store::Db;
use latchkey_tests::{Browser, Database, Page, execute, free_port};
use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinSet;
use url::Url;

use crate::commands::binary;

pub(crate) struct Process {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Process {
    /// Starts it with pipes for its output.
    fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_at(free_port(), variables)
    }

    pub(crate) fn start_at(port: u16, variables: &[(&str, &str)]) -> Self {
        Self::logging_to(Stdio::piped(), port, variables)
    }

    fn logging_to(log: Stdio, port: u16, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let child = Command::new(binary())
            .env_clear()
            .envs([("PORT", port.to_string().as_str()), ("LOCAL_IDP", "off")])
            .envs(variables.iter().copied())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the binary runs");
        Self { child, port, folder }
    }

    fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    /// Waits only for the socket, which exists before the first response.
    pub(crate) fn listens(&mut self) {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(self.child.try_wait().expect("a child").is_none(), "it ended by itself");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        let get = async { Browser::new().get(&self.url(path)).await };
        tokio::time::timeout(Duration::from_secs(60), get).await.expect("an answer")
    }

    /// Sends this many requests through one connection.
    fn send_health_requests(&self, times: usize) {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("served");
        let mut answers = stream.try_clone().expect("the same");
        let last = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let each = last.replace("Connection: close\r\n", "");
        let asking = std::thread::spawn(move || {
            stream.write_all(each.repeat(times - 1).as_bytes()).expect("written");
            stream.write_all(last.as_bytes()).expect("written");
        });
        let mut all = String::new();
        answers.read_to_string(&mut all).expect("answers");
        asking.join().expect("no panic");
        assert_eq!(all.matches("HTTP/1.1 200 OK").count(), times);
    }

    /// Current or peak memory in MiB.
    fn memory(&self, which: &str) -> usize {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("a process");
        let line = status.lines().find(|line| line.starts_with(which)).expect("a line");
        let kibibytes = line.split_whitespace().nth(1).and_then(|number| number.parse().ok());
        kibibytes.map_or(0, |kibibytes: usize| kibibytes / 1024)
    }

    pub(crate) fn signal(&mut self, signal: &str) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
        self.child.wait().expect("it ends")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has usually ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn signal_before_first_response_shuts_down_cleanly() {
    for signal in ["-TERM", "-INT"] {
        let mut process = Process::start(&[]);
        process.listens();
        let status = process.signal(signal);
        assert_eq!((status.code(), status.signal()), (Some(0), None), "{signal}");
    }
}

#[tokio::test]
async fn requests_are_served_after_log_reader_exits() {
    // Every request writes a line.
    let mut process = Process::start(&[("RUST_LOG", "debug")]);
    process.listens();
    drop((process.child.stdout.take(), process.child.stderr.take()));
    for _ in 0..20 {
        let _ = process.get("/sign-in").await.expect(200);
    }
    assert_eq!(process.signal("-TERM").code(), Some(0));
}

/// Two hundred concurrent hashes would need four gigabytes.
#[tokio::test(flavor = "multi_thread")]
async fn password_hashing_memory_is_bounded_and_released() {
    let mut process = Process::start(&[]);
    process.listens();
    let url = process.url("/sign-in");
    let submit_password = |n: usize| {
        let url = url.clone();
        async move {
            let email = format!("person{n}@example.test");
            let fields = [("email", email.as_str()), ("password", "not the password")];
            Browser::new().post(&url, &fields).await.status
        }
    };
    assert_eq!(submit_password(0).await, 401);
    let before = process.memory("VmRSS");
    let storm: JoinSet<_> = (1..=200).map(submit_password).collect();
    let answers = storm.join_all().await;
    assert!(answers.iter().all(|status| [401, 503].contains(status)), "{answers:?}");
    // Each core hashes in 19 MiB, and one more for users who signed in before.
    let cores = std::thread::available_parallelism().expect("a number").get();
    let most = before + 64 + 19 * (cores + 1);
    let peak = process.memory("VmHWM");
    assert!(peak < most, "{peak} MiB, from {before}");
    for _ in 0..120 {
        if process.memory("VmRSS") < before + 48 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("{} MiB are kept, from {before}", process.memory("VmRSS"));
}

#[tokio::test]
async fn invalid_forwarded_address_is_logged_once() {
    let mut process = Process::start(&[("TRUSTED_PROXIES", "127.0.0.1, ::1")]);
    process.listens();
    for hop in ["unknown", "_hidden", "a.proxy.internal"] {
        let form = "application/x-www-form-urlencoded";
        let headers =
            [("x-forwarded-for", hop), ("sec-fetch-site", "same-origin"), ("content-type", form)];
        let url = process.url("/sign-in");
        let fields = "email=ada@example.test&password=wrong".to_owned();
        let page = Browser::new().send(Method::POST, &url, &headers, Some(fields)).await;
        assert!(page.status < 500, "{}", page.summary());
    }
    let mut stderr = process.child.stderr.take().expect("its log");
    process.signal("-TERM");
    let mut log = String::new();
    stderr.read_to_string(&mut log).expect("text");
    assert_eq!(log.matches("writes no valid address").count(), 1, "{log}");
}

/// `latchkey openapi | head`
#[test]
fn closed_output_pipe_is_not_an_error() {
    let mut command = Command::new(binary());
    command.env_clear().arg("openapi").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && log.is_empty(), "{}: {log}", output.status);
}

#[test]
fn invalid_log_filter_is_reported_in_the_log() {
    let mut process = Process::start(&[("RUST_LOG", "latchkey=verbose")]);
    process.listens();
    let mut stderr = process.child.stderr.take().expect("its log");
    process.signal("-TERM");
    let mut log = String::new();
    stderr.read_to_string(&mut log).expect("text");
    assert!(
        log.contains("RUST_LOG is not a log filter") && log.contains("Latchkey is at"),
        "{log}"
    );
}

#[tokio::test]
async fn requests_are_served_when_log_disk_is_full() {
    let full = || std::fs::File::options().write(true).open("/dev/full").expect("a device");
    let variables = [("RUST_LOG", "debug")];
    let mut process = Process::logging_to(full().into(), free_port(), &variables);
    process.listens();
    for _ in 0..20 {
        let _ = process.get("/sign-in").await.expect(200);
    }
    assert_eq!(process.signal("-TERM").code(), Some(0));
}

/// A container without `ca-certificates`: everything without TLS works.
#[tokio::test]
async fn local_sign_in_works_without_ca_certificates() {
    let idp = free_port().to_string();
    let mut process = Process::start(&[
        ("LOCAL_IDP", "auto"),
        ("LOCAL_IDP_PORT", &idp),
        ("SSL_CERT_FILE", "/nowhere"),
        ("SSL_CERT_DIR", "/nowhere"),
    ]);
    process.listens();
    let mut browser = Browser::new();
    let page = browser.post(&process.url("/auth/google"), &[]).await;
    let authorize = Url::parse(&page.see_other()).expect("a URL");
    assert_eq!(authorize.origin().ascii_serialization(), format!("http://127.0.0.1:{idp}"));
    let callback = browser.consent(&authorize, "ada").await;
    assert_eq!(browser.follow_callback(&callback).await.see_other(), "/account");
    assert_eq!(browser.get(&process.url("/account")).await.account().name, "Ada Lovelace");
    assert_eq!(process.signal("-TERM").code(), Some(0));
}

/// `latchkey 2>&1 | sleep 60`: the pipe is full after 64 KiB.
#[tokio::test]
async fn requests_are_served_when_log_pipe_is_full() {
    let metrics = format!("127.0.0.1:{}", free_port());
    let mut process = Process::start(&[("RUST_LOG", "debug"), ("METRICS_ADDR", &metrics)]);
    process.listens();
    // Until lines are lost, which a metric shows.
    let lost = "latchkey_log_lines_lost_total";
    assert!(include_str!("../../../deploy/alerts.yml").contains(&format!("rate({lost}[5m])")));
    let is_told = async || {
        let page = Browser::new().get(&format!("http://{metrics}/metrics")).await.expect(200);
        page.body.lines().any(|line| line.strip_prefix(lost).is_some_and(|count| count != " 0"))
    };
    let _ = process.get("/sign-in").await.expect(200);
    assert!(!is_told().await);
    process.send_health_requests(12_000);
    assert!(is_told().await, "no line is lost, or nobody is told");
    let _ = process.get("/sign-in").await.expect(200);
    assert_eq!(process.signal("-TERM").code(), Some(0));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn startup_and_doctor_report_database_clock_skew() {
    let url = Database::new_postgres_url().await;
    let start = || {
        let mut process = Process::start(&[("DATABASE_URL", &url)]);
        process.listens();
        let mut stderr = process.child.stderr.take().expect("its log");
        let doctor = Command::new(binary())
            .env_clear()
            .envs([("DATABASE_URL", url.as_str()), ("LOCAL_IDP", "off"), ("PORT", "0")])
            .arg("doctor")
            .current_dir(process.folder.path())
            .output()
            .expect("it runs");
        process.signal("-TERM");
        let mut log = String::new();
        stderr.read_to_string(&mut log).expect("text");
        (log, String::from_utf8(doctor.stdout).expect("text"))
    };
    let (log, doctor) = start();
    assert!(!log.contains("clock"), "{log}");
    assert!(doctor.contains("The clock agrees with the database's."), "{doctor}");
    // From our side, the server's clock is ahead.
    let database = Db::open(&url).await.expect("a database");
    let name = url.rsplit('/').next().expect("a name");
    for statement in [
        "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS \
         $$ SELECT pg_catalog.clock_timestamp() + interval '10 seconds' $$",
        &format!("ALTER DATABASE {name} SET search_path = public, pg_catalog"),
    ] {
        execute(&database, statement).await;
    }
    let (log, doctor) = start();
    for said in [&log, &doctor] {
        assert!(said.contains("The clock is 10 seconds behind the database's."), "{said}");
    }
}

#[tokio::test]
async fn log_lines_are_json_without_personal_data() {
    let mut process = Process::start(&[("LOG_FORMAT", "json")]);
    process.listens();
    let mut browser = Browser::with_user_agent("Mozilla/5.0 Firefox/128.0 of-ada");
    let fields = [("name", "Ada Lovelace"), ("email", "ada@example.test")];
    let with = |password| [&fields[..], &[("password", password)]].concat();
    for (path, password) in [
        ("/sign-up", "a password of hers"),
        ("/sign-in", "another one"),
        ("/sign-in", "a password of hers"),
    ] {
        let _ = browser.post(&process.url(path), &with(password)).await;
    }
    let _ = browser.get(&process.url("/account")).await.expect(200);
    let _ = browser.post(&process.url("/forgot"), &fields).await.expect(200);
    let _ = browser.post(&process.url("/sign-out"), &[]).await;
    let mut stderr = process.child.stderr.take().expect("its log");
    process.signal("-TERM");
    let mut log = String::new();
    stderr.read_to_string(&mut log).expect("text");
    let mut messages = Vec::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).expect(line);
        let message = line["message"].as_str().expect("a message").to_owned();
        assert!(line["audit"] != "signed_in" || line["request"]["id"].is_string(), "{line}");
        messages.push(message);
    }
    assert!(messages.iter().any(|message| message == "audit"), "{messages:?}");
    for personal in ["ada", "Lovelace", "example.test", "127.0.0.1\"", "of hers", "another one"] {
        assert!(!log.contains(personal), "{personal}: {log}");
    }
}
