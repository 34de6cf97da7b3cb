//! What a session and a JWT cost, measured in one run beside a bare axum.
//!
//! `latchkey-benchmark LATCHKEY PEERS [quick] [WORD…]`; with words, only targets
//! whose names hold one of them. `tests/bench` builds and starts what it needs.

mod http;
mod million;
mod server;
mod sign_ins;
mod turn;

use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use http::{Connection, HOST, Request};
use server::{Server, free_port, run};
use turn::{CONNECTIONS, Turn, turn};

const EMAIL: &str = "ada@bench.example.com";
const PASSWORD: &str = "a long enough password for a benchmark";
const COOKIE: &str = "__Host-latchkey_session";

/// The amount of measuring.
struct Plan {
    rounds: usize,
    turn: Duration,
    starts: usize,
    storm: Duration,
    /// The wait before memory is measured again.
    calm: Duration,
    is_quick: bool,
    only: Vec<String>,
}

impl Plan {
    fn of(words: Vec<String>) -> Self {
        let (quick, only): (Vec<_>, Vec<_>) = words.into_iter().partition(|word| word == "quick");
        let seconds = Duration::from_secs;
        if quick.is_empty() {
            let turn = Duration::from_millis(500);
            let (storm, calm) = (seconds(10), seconds(30));
            return Self { rounds: 15, turn, starts: 20, storm, calm, is_quick: false, only };
        }
        let turn = Duration::from_millis(200);
        Self {
            rounds: 5,
            turn,
            starts: 5,
            storm: seconds(4),
            calm: seconds(0),
            is_quick: true,
            only,
        }
    }

    fn includes(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| name.contains(word.as_str()))
    }
}

/// The programs, and a folder for their databases.
struct Bench {
    latchkey: PathBuf,
    peers: PathBuf,
    folder: tempfile::TempDir,
    secret: String,
    postgres: Option<String>,
}

impl Bench {
    fn sqlite(&self, name: &str) -> String {
        format!("sqlite://{}", self.folder.path().join(name).display())
    }

    /// An empty database on the server, if there is one.
    async fn postgres(&self, name: &str) -> Result<Option<String>> {
        use sqlx::{Connection as _, Executor as _};
        let Some(server) = &self.postgres else { return Ok(None) };
        let mut one = sqlx::PgConnection::connect(server).await.map_err(Error::other)?;
        one.execute(format!("CREATE DATABASE {name}").as_str()).await.map_err(Error::other)?;
        let (server, _) = server.rsplit_once('/').unwrap_or((server, ""));
        Ok(Some(format!("{server}/{name}")))
    }

    /// Production settings.
    fn settings(&self, command: &mut Command, database: &str) {
        command
            .current_dir(self.folder.path())
            .env("PUBLIC_URL", format!("https://{HOST}"))
            .env("HOST", "127.0.0.1")
            .env("APP_SECRET", &self.secret)
            .env("DATABASE_URL", database)
            // Requests claim many addresses, to stay below the limits.
            .env("TRUSTED_PROXIES", "127.0.0.1")
            // A run takes longer than the default lifetime.
            .env("JWT_ACCESS_TTL", "1h");
    }

    async fn start(&self, database: &str, more: &[(&str, &str)]) -> Result<Rc<Server>> {
        let set = |command: &mut Command, port: u16| {
            self.settings(command, database);
            command.env("PORT", port.to_string()).envs(more.iter().copied());
        };
        Server::start(&self.latchkey, set, "/healthz").await.map(Rc::new)
    }

    /// A development instance with the local provider.
    async fn start_in_development(&self) -> Result<(Server, u16)> {
        let provider = free_port()?;
        let database = self.sqlite("development.db");
        let set = |command: &mut Command, port: u16| {
            self.settings(command, &database);
            command
                .env("PUBLIC_URL", format!("http://localhost:{port}"))
                .env("PORT", port.to_string())
                .env("LOCAL_IDP_PORT", provider.to_string());
        };
        Ok((Server::start(&self.latchkey, set, "/healthz").await?, provider))
    }

    /// Adds the person whose sign-ins are measured. Says their id.
    fn add_user(&self, database: &str) -> Result<String> {
        let set = |command: &mut Command| {
            self.settings(command, database);
            command.args(["user", "add", EMAIL, "--name", "Ada"]);
        };
        run(&self.latchkey, set, PASSWORD).map(|id| id.trim().to_owned())
    }

    async fn peer(&self, what: &str, more: Option<&str>) -> Result<Rc<Server>> {
        let set = |command: &mut Command, port: u16| {
            command.arg(what).arg(port.to_string()).args(more);
        };
        Server::start(&self.peers, set, "/").await.map(Rc::new)
    }
}

/// One row of the table.
struct Target {
    name: &'static str,
    server: Rc<Server>,
    requests: Rc<[Vec<u8>]>,
    all: Turn,
    /// Relative to the turns of bare axum before and after.
    ratios: Vec<f64>,
}

impl Target {
    fn new(name: &'static str, server: &Rc<Server>, requests: Vec<Vec<u8>>) -> Self {
        let (server, requests) = (Rc::clone(server), requests.into());
        Self { name, server, requests, all: Turn::default(), ratios: Vec::new() }
    }

    /// Opens new connections: those of the last turn may have timed out.
    async fn turn(&mut self, takes: Duration) -> Result<f64> {
        let mut clients = Vec::new();
        for n in 0..CONNECTIONS {
            // Each starts with another request, if there are several.
            let first = n * self.requests.len() / CONNECTIONS;
            clients.push((Connection::open(self.server.port).await?, first));
        }
        let requests = Rc::clone(&self.requests);
        let act = async move |connection: &mut Connection, at: &mut usize| {
            *at = (*at + 1) % requests.len();
            connection.exchange(&requests[*at]).await.map(drop)
        };
        let turn = turn(&self.server, clients, takes, act).await?;
        let per_second = turn.per_second();
        self.all.add(turn);
        Ok(per_second)
    }

    fn row(&mut self) -> String {
        self.ratios.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let last = self.ratios.len().saturating_sub(1) as f64;
            self.ratios.get((last * part).round() as usize).copied().unwrap_or(1.0)
        };
        let spread = format!("{:.2} to {:.2}", at(0.1), at(0.9));
        format!(
            "| {} | {:.2} | {spread} | {:.0} | {:.1} | {:.2} | {:.2} |",
            self.name,
            at(0.5),
            self.all.per_second(),
            self.all.cpu_micros_per_request(),
            self.all.latency(0.5),
            self.all.latency(0.99),
        )
    }
}

/// Each turn of a target is between two turns of bare axum.
async fn interleave(plan: &Plan, bare: &mut Target, targets: &mut [Target]) -> Result<()> {
    bare.turn(plan.turn).await?;
    bare.all = Turn::default();
    for target in targets.iter_mut() {
        target.turn(plan.turn).await?;
        target.all = Turn::default();
    }
    let mut before = bare.turn(plan.turn).await?;
    for _ in 0..plan.rounds {
        for target in targets.iter_mut() {
            let own = target.turn(plan.turn).await?;
            let after = bare.turn(plan.turn).await?;
            target.ratios.push(own * 2.0 / (before + after));
            before = after;
        }
    }
    Ok(())
}

/// Signs in, and returns the session cookie.
async fn sign_in(server: &Server) -> Result<String> {
    let form = format!("email={EMAIL}&password={}&strategy=session", PASSWORD.replace(' ', "+"));
    let mut connection = Connection::open(server.port).await?;
    let response = connection.exchange(&Request::form("/sign-in", &form).bytes()).await?;
    response.cookie(COOKIE).map(str::to_owned)
}

async fn token(server: &Server) -> Result<String> {
    let mut connection = Connection::open(server.port).await?;
    let response = connection.exchange(&sign_ins::password(0).bytes()).await?.json()?;
    Ok(format!("Bearer {}", response["access_token"].as_str().unwrap_or_default()))
}

const ME: &str = "/api/v1/me";

fn with_cookie(path: &str, cookie: &str) -> Vec<Vec<u8>> {
    vec![Request::get(path).header("Cookie", cookie).bytes()]
}

fn with_token(token: &str) -> Vec<Vec<u8>> {
    vec![Request::get(ME).header("Authorization", token).bytes()]
}

/// Measures requests that only read.
async fn reads(bench: &Bench, plan: &Plan) -> Result<()> {
    let hello = bench.peer("hello", None).await?;
    let layers = bench.peer("layers", None).await?;
    let file = bench.folder.path().join("axum-login.db");
    let axum_login = bench.peer("axum-login", file.to_str()).await?;
    let file = bench.folder.path().join("sqlx.db");
    let statement = bench.peer("sqlx", file.to_str()).await?;
    let database = bench.sqlite("reads.db");
    let user = bench.add_user(&database)?;
    let introspection = bench.peer("introspection", Some(&user)).await?;
    let url = format!("http://127.0.0.1:{}/introspect", introspection.port);
    let asked = [
        ("OAUTH_INTROSPECTION_URL", url.as_str()),
        ("OAUTH_INTROSPECTION_CLIENT_ID", "api"),
        ("OAUTH_INTROSPECTION_CLIENT_SECRET", &bench.secret),
    ];
    let plain = bench.start(&database, &asked).await?;
    let cached = bench.start(&database, &[("SESSION_CACHE", "watch")]).await?;
    let session = sign_in(&plain).await?;
    let jwt = token(&plain).await?;

    let get = |path| vec![Request::get(path).bytes()];
    let mut connection = Connection::open(axum_login.port).await?;
    let login = connection.exchange(&Request::form("/login", "username=ada").bytes()).await?;
    let theirs = login.cookie("id=")?.to_owned();

    let mut bare = Target::new("bare axum, hello", &hello, get("/"));
    let mut rows = vec![
        ("axum, with a trace and six headers", &layers, get("/")),
        ("axum-login, session (SQLite)", &axum_login, with_cookie("/me", &theirs)),
        ("axum and sqlx, one joined statement (SQLite)", &statement, get("/me")),
        ("health", &plain, get("/healthz")),
        ("home, nobody signed in", &plain, get("/")),
        ("JWT, EdDSA", &plain, with_token(&jwt)),
        ("session, SQLite", &plain, with_cookie(ME, &session)),
        ("session, SQLite, `SESSION_CACHE=watch`", &cached, with_cookie(ME, &session)),
        ("opaque token, introspected", &plain, with_token("Bearer another-apps-token")),
        ("home, signed in (SQLite)", &plain, with_cookie("/", &session)),
        ("account page (SQLite)", &plain, with_cookie("/account", &session)),
    ];
    let hmac = bench.sqlite("hmac.db");
    bench.add_user(&hmac)?;
    let hmac = bench.start(&hmac, &[("JWT_ALGORITHM", "HS256")]).await?;
    rows.insert(6, ("JWT, HS256", &hmac, with_token(&token(&hmac).await?)));
    let mut over_there = Vec::new();
    if let Some(database) = bench.postgres("reads").await? {
        bench.add_user(&database)?;
        let plain = bench.start(&database, &[]).await?;
        let cached = bench.start(&database, &[("SESSION_CACHE", "watch")]).await?;
        let session = sign_in(&plain).await?;
        let requests = with_cookie(ME, &session);
        over_there.push(("session, PostgreSQL", plain, requests.clone()));
        over_there.push(("session, PostgreSQL, `SESSION_CACHE=watch`", cached, requests));
    }
    if let Some(database) = bench.postgres("sqlx").await? {
        let statement = bench.peer("sqlx", Some(&database)).await?;
        let name = "axum and sqlx, one joined statement (PostgreSQL)";
        over_there.push((name, statement, get("/me")));
    }
    for (name, server, requests) in over_there.iter() {
        rows.push((name, server, requests.clone()));
    }
    let mut targets = Vec::new();
    for (name, server, requests) in rows {
        if plan.includes(name) {
            targets.push(Target::new(name, server, requests));
        }
    }
    interleave(plan, &mut bare, &mut targets).await?;
    println!("| | of bare axum | spread | requests/s | CPU µs | p50 ms | p99 ms |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    println!("{}", bare.row());
    for target in &mut targets {
        println!("{}", target.row());
    }
    println!();
    Ok(())
}

/// From the start of the process to its first response, with an existing database.
async fn start_time(bench: &Bench, plan: &Plan, database: &str) -> Result<f64> {
    bench.add_user(database)?;
    let mut times = Vec::new();
    for _ in 0..plan.starts {
        times.push(bench.start(database, &[]).await?.answered_after.as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

async fn weight(bench: &Bench, plan: &Plan) -> Result<()> {
    println!("| | |\n|---|--:|");
    println!("| the binary, stripped | {:.1} MB |", megabytes(&bench.latchkey)?);
    let time = start_time(bench, plan, &bench.sqlite("start.db")).await?;
    println!("| first answer, existing SQLite database | {time:.1} ms |");
    if let Some(database) = bench.postgres("start").await? {
        let time = start_time(bench, plan, &database).await?;
        println!("| first answer, existing PostgreSQL database | {time:.1} ms |");
    }
    let database = bench.sqlite("memory.db");
    bench.add_user(&database)?;
    let server = bench.start(&database, &[]).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (memory, own) = server.memory();
    println!("| memory, idle (without the program's file) | {memory:.1} MB ({own:.1}) |");
    // At another instance, because hashing a password needs memory.
    let session = sign_in(&*bench.start(&database, &[]).await?).await?;
    let requests = with_cookie(ME, &session);
    let mut load = Target::new("load", &server, requests);
    load.turn(plan.storm).await?;
    println!("| memory, under load without passwords | {:.1} MB |", server.memory().0);
    let storm = sign_ins::storm(&server, plan.storm).await?;
    let seconds = plan.storm.as_secs();
    println!("| password sign-ins | {:.0} per second |", storm.per_second);
    println!("| peak memory during {seconds} s of them | {:.1} MB |", storm.memory);
    if !plan.calm.is_zero() {
        tokio::time::sleep(plan.calm).await;
        let seconds = plan.calm.as_secs();
        println!("| memory, {seconds} s later | {:.1} MB |", server.memory().0);
    }
    Ok(())
}

fn megabytes(file: &Path) -> Result<f64> {
    Ok(std::fs::metadata(file)?.len() as f64 / 1_000_000.0)
}

async fn measure(bench: &Bench, plan: &Plan) -> Result<()> {
    reads(bench, plan).await?;
    if plan.includes("weight") {
        weight(bench, plan).await?;
        let (development, provider) = bench.start_in_development().await?;
        let mut done = sign_ins::oauth(&development, provider, plan.storm).await?;
        println!("| OAuth sign-ins at the local provider | {} |", sign_ins::words(&mut done));
        let mut places = vec![("SQLite", bench.sqlite("refresh.db"))];
        places.extend(bench.postgres("refresh").await?.map(|url| ("PostgreSQL", url)));
        for (name, database) in places {
            bench.add_user(&database)?;
            let server = bench.start(&database, &[]).await?;
            let mut done = sign_ins::refreshes(&server, plan.storm).await?;
            println!("| refreshes, {name} | {} |", sign_ins::words(&mut done));
        }
    }
    println!();
    if !plan.is_quick && plan.includes("million") {
        million::compare(bench, plan).await?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let (Some(latchkey), Some(peers)) = (words.next(), words.next()) else {
        return Err(Error::other("latchkey-benchmark LATCHKEY PEERS [quick] [WORD…]"));
    };
    let plan = Plan::of(words.collect());
    let mut secret = [0; 48];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut secret)?;
    let bench = Bench {
        latchkey: std::path::absolute(latchkey)?,
        peers: std::path::absolute(peers)?,
        folder: tempfile::tempdir()?,
        secret: base64::prelude::BASE64_STANDARD.encode(secret),
        postgres: std::env::var("LATCHKEY_TEST_POSTGRES_URL").ok(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    runtime.block_on(local.run_until(measure(&bench, &plan)))
}
