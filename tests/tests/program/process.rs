//! The program as a process: its signals, and its log.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use latchkey_tests::{Browser, Page};
use serde_json::Value;
use tempfile::TempDir;

use crate::commands::binary;

pub(crate) struct Process {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Process {
    /// Starts it; what it says goes to pipes.
    fn start(variables: &[(&str, &str)]) -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        Self::start_at(port, variables)
    }

    pub(crate) fn start_at(port: u16, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let child = Command::new(binary())
            .env_clear()
            .envs([("PORT", port.to_string().as_str()), ("LOCAL_IDP", "off")])
            .envs(variables.iter().copied())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        Self { child, port, _folder: folder }
    }

    fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    /// Waits for the socket, and no longer: it is there before anything is answered.
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

    pub(crate) fn signal(&mut self, signal: &str) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
        self.child.wait().expect("it ends")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, mostly.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_signal_before_the_first_answer_is_heard() {
    for signal in ["-TERM", "-INT"] {
        let mut process = Process::start(&[]);
        process.listens();
        let status = process.signal(signal);
        assert_eq!((status.code(), status.signal()), (Some(0), None), "{signal}");
    }
}

#[tokio::test]
async fn whoever_read_the_log_is_gone_and_every_request_is_served() {
    let mut process = Process::start(&[]);
    process.listens();
    drop((process.child.stdout.take(), process.child.stderr.take()));
    for _ in 0..20 {
        let _ = process.get("/sign-in").await.expect(200);
    }
    assert_eq!(process.signal("-TERM").code(), Some(0));
}

/// `latchkey 2>&1 | sleep 60`: the pipe is full after 64 KiB.
#[tokio::test]
async fn nobody_reads_the_log_and_every_request_is_served() {
    let mut process = Process::start(&[("RUST_LOG", "trace")]);
    process.listens();
    for _ in 0..100 {
        let _ = process.get("/sign-in").await.expect(200);
    }
    assert_eq!(process.signal("-TERM").code(), Some(0));
}

#[tokio::test]
async fn each_line_of_the_log_is_json_and_tells_nothing_about_people() {
    let mut process = Process::start(&[("LOG_FORMAT", "json")]);
    process.listens();
    let mut browser = Browser::called("Mozilla/5.0 Firefox/128.0 of-ada");
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
