//! Measured processes, and their resource usage.

use std::io::{Error, Read as _, Result, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::{Connection, Request};

/// A server process, stopped when dropped.
#[derive(Debug)]
pub struct Server {
    pub port: u16,
    child: Child,
    /// From its start to its first response.
    pub answered_after: Duration,
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM, so that it closes its database.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts a program, and waits for a response to `GET` of this path.
    pub async fn start(
        program: &Path,
        set: impl FnOnce(&mut Command, u16),
        path: &str,
    ) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        set(&mut command, port);
        let start = Instant::now();
        let mut server = Self { port, child: command.spawn()?, answered_after: Duration::ZERO };
        // In development it redirects other host names.
        let request = Request::get(path).header("Host", &format!("localhost:{port}")).bytes();
        loop {
            if let Ok(mut connection) = Connection::open(port).await
                && connection.exchange(&request).await.is_ok()
            {
                server.answered_after = start.elapsed();
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(Error::other(format!("{command:?} ended: {status}")));
            }
            if start.elapsed() > Duration::from_secs(60) {
                return Err(Error::other(format!("{command:?} does not answer")));
            }
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
    }

    /// Used CPU time in microseconds, with the resolution of a tick.
    pub fn cpu_micros(&self) -> u64 {
        const MICROS_A_TICK: u64 = 10_000;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        // The process name, in parentheses, may contain spaces.
        let fields = stat.as_deref().ok().and_then(|stat| stat.rsplit_once(')'));
        let ticks = fields.map_or(0, |(_, rest)| {
            rest.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum()
        });
        ticks * MICROS_A_TICK
    }

    /// Resident memory, and the anonymous part of it, in megabytes.
    pub fn memory(&self) -> (f64, f64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let megabytes = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            kilobytes.unwrap_or(0.0) / 1024.0
        };
        (megabytes("VmRSS:"), megabytes("RssAnon:"))
    }
}

pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Runs a program with this input, and returns its output.
pub fn run(program: &Path, set: impl FnOnce(&mut Command), input: &str) -> Result<String> {
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped());
    set(&mut command);
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        writeln!(stdin, "{input}")?;
    }
    let mut said = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut said)?;
    }
    let status = child.wait()?;
    if status.success() { Ok(said) } else { Err(Error::other(format!("{command:?}: {status}"))) }
}
