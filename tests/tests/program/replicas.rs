//! Three instances behind HAProxy with one PostgreSQL.

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use latchkey_store::Db;
use latchkey_tests::{Browser, Database, free_port, number};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::process::Process;

const PEOPLE: usize = 4;

/// All requests come from one address, which has 300 attempts, and then two a second.
const RENEW_EVERY: Duration = Duration::from_millis(300);

struct Site {
    origin: String,
    /// HAProxy's status page.
    thinks: String,
    ports: Vec<u16>,
    database: String,
    instances: Vec<Process>,
    proxy: Child,
    _folder: TempDir,
}

impl Site {
    async fn start() -> Self {
        let database = Database::new_postgres_url().await;
        let ports: Vec<u16> = (0..3).map(|_| free_port()).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let (proxy, front, stats) = start_haproxy(folder.path(), &ports).await;
        let mut site = Self {
            origin: format!("http://localhost:{front}"),
            thinks: format!("http://127.0.0.1:{stats}/;csv"),
            ports,
            database,
            instances: Vec::new(),
            proxy,
            _folder: folder,
        };
        for n in 0..3 {
            let instance = site.instance(n);
            site.instances.push(instance);
        }
        for n in 0..3 {
            site.until_ready(n).await;
        }
        site
    }

    fn instance(&self, n: usize) -> Process {
        Process::start_at(
            self.ports[n],
            &[
                ("PUBLIC_URL", &self.origin),
                ("DATABASE_URL", &self.database),
                ("APP_SECRET", "one-secret-for-all-instances-of-it"),
                ("TRUSTED_PROXIES", "127.0.0.1"),
                ("JWT_REVOCATION", "watch"),
                ("RUST_LOG", "warn"),
            ],
        )
    }

    /// Waits until it is ready and HAProxy has noticed.
    async fn until_ready(&mut self, n: usize) {
        self.instances[n].listens();
        while self.instances[n].get("/readyz").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let server = format!("back,s{},", self.ports[n]);
        for _ in 0..1200 {
            let all = Browser::new().get(&self.thinks).await.expect(200).body;
            let line = all.lines().find(|line| line.starts_with(&server)).expect("the server");
            if line.split(',').any(|field| field == "UP") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("HAProxy sends nobody to instance {n}");
    }
}

/// HAProxy before instances at these ports, with the ports of its front and its statistics.
/// One that is taken in the meantime ends it: then it gets others.
async fn start_haproxy(folder: &Path, instances: &[u16]) -> (Child, u16, u16) {
    let servers: String = instances
        .iter()
        .map(|port| format!("  server s{port} 127.0.0.1:{port} check inter 200ms fall 2 rise 1\n"))
        .collect();
    let config = folder.join("haproxy.cfg");
    for _ in 0..5 {
        let (front, stats) = (free_port(), free_port());
        let text = format!(
            "defaults\n  mode http\n  timeout connect 2s\n  timeout client 60s\n  timeout server 60s\n\
             \x20 timeout http-keep-alive 30s\n  timeout check 5s\n  option redispatch\n  retries 3\n\
             frontend stats\n  bind 127.0.0.1:{stats}\n  stats enable\n  stats uri /\n\
             frontend front\n  bind 127.0.0.1:{front}\n  default_backend back\n\
             backend back\n  option forwardfor\n  balance roundrobin\n  option httpchk\n\
             \x20 http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost\n{servers}"
        );
        std::fs::write(&config, text).expect("written");
        let mut proxy = Command::new("haproxy")
            .args(["-db", "-f"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("HAProxy");
        while proxy.try_wait().expect("its status").is_none() {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, stats)).is_ok() {
                return (proxy, front, stats);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    panic!("HAProxy does not start");
}

impl Drop for Site {
    fn drop(&mut self) {
        // They may have ended already.
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
    }
}

/// An API client and its user, through HAProxy.
struct ApiClient {
    http: Client,
    origin: String,
    n: usize,
    access: String,
    refresh: String,
    answers: usize,
    lost: usize,
}

impl ApiClient {
    /// The response; `None` when the instance was killed.
    async fn call(&mut self, path: &str, body: Option<Value>) -> Option<(StatusCode, Value)> {
        let url = format!("{}/api/v1/{path}", self.origin);
        let request = match &body {
            Some(body) => self.http.post(url).json(body),
            None => self.http.get(url),
        };
        let sent = request.bearer_auth(&self.access).send().await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => return self.lose(format!("{path}: {error:?}"), 0).await,
        };
        let status = answer.status();
        let retry_after = answer.headers().get("retry-after");
        let seconds = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let body: Value = answer.json().await.unwrap_or_default();
        if matches!(status.as_u16(), 502..=504) {
            let why = format!("{path}: {status} {}", body["code"]);
            return self.lose(why, seconds.unwrap_or(0)).await;
        }
        self.answers += 1;
        Some((status, body))
    }

    /// Counts a lost response, and waits as required: hundreds of immediate retries would exceed
    /// the limits.
    #[expect(clippy::print_stdout, reason = "why is for whoever runs it by hand")]
    async fn lose<T>(&mut self, why: String, seconds: u64) -> Option<T> {
        println!("lost {why}");
        self.lost += 1;
        tokio::time::sleep(Duration::from_secs(seconds) + Duration::from_millis(200)).await;
        None
    }

    /// Uses the API until it is stopped. A wrong response fails the test; a lost one is counted and
    /// retried.
    async fn run(mut self, stop: Arc<AtomicBool>) -> (usize, usize) {
        let email = format!("person{}@example.test", self.n);
        let password = "a long enough password";
        let form = [("name", "Somebody"), ("email", &email), ("password", password)];
        // The password queue may be full.
        let sign_up = format!("{}/sign-up", self.origin);
        loop {
            match self.http.post(&sign_up).form(&form).send().await {
                Ok(answer) if answer.status().is_success() => break,
                _ => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
        let (mut round, mut renewed_at) = (0, Instant::now());
        while !stop.load(Ordering::SeqCst) {
            round += 1;
            if self.refresh.is_empty() {
                let asked = json!({ "email": email, "password": password });
                if let Some((status, body)) = self.call("token", Some(asked)).await {
                    assert_eq!(status, 200, "{body}");
                    self.keep(&body);
                }
                continue;
            }
            if let Some((status, me)) = self.call("me", None).await {
                assert_eq!((status.as_u16(), &me["email"]), (200, &json!(email)), "{me}");
            }
            let contact =
                json!({ "name": format!("Contact {round}"), "email": null, "phone": null });
            // An address book holds a thousand contacts.
            if round % 40 == 1
                && round < 10_000
                && let Some((status, body)) = self.call("contacts", Some(contact)).await
            {
                assert_eq!(status, 201, "{body}");
            }
            if renewed_at.elapsed() > RENEW_EVERY {
                renewed_at = Instant::now();
                let asked = json!({ "refresh_token": self.refresh });
                // Retried within ten seconds, the response is the same.
                if let Some((status, body)) = self.call("token/refresh", Some(asked)).await {
                    assert_eq!(status, 200, "{body}");
                    self.keep(&body);
                }
            }
        }
        (self.answers, self.lost)
    }

    fn keep(&mut self, pair: &Value) {
        let text = |name: &str| pair[name].as_str().expect("a token").to_owned();
        (self.access, self.refresh) = (text("access_token"), text("refresh_token"));
    }
}

/// Runs clients through HAProxy during `act`, and returns the number of responses and of lost ones.
#[expect(clippy::print_stdout, reason = "what was measured is for whoever runs it by hand")]
async fn under_load(site: &mut Site, act: impl AsyncFnOnce(&mut Site)) -> (usize, usize) {
    let stop = Arc::new(AtomicBool::new(false));
    let mut people = JoinSet::new();
    for n in 0..PEOPLE {
        #[expect(clippy::disallowed_methods, reason = "not outgoing HTTP of the app")]
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(60)).build();
        let program = ApiClient {
            http: http.expect("a client"),
            origin: site.origin.clone(),
            n,
            access: String::new(),
            refresh: String::new(),
            answers: 0,
            lost: 0,
        };
        people.spawn(program.run(Arc::clone(&stop)));
    }
    act(site).await;
    stop.store(true, Ordering::SeqCst);
    let all = people.join_all().await;
    let sums = all.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!("{} answers, {} lost", sums.0, sums.1);
    sums
}

async fn roll(site: &mut Site) {
    for n in 0..3 {
        assert_eq!(site.instances[n].signal("-TERM").code(), Some(0));
        site.instances[n] = site.instance(n);
        site.until_ready(n).await;
    }
}

async fn kill(site: &mut Site, times: usize, pause: Duration) {
    for n in (0..3).cycle().take(times) {
        tokio::time::sleep(pause).await;
        site.instances[n].signal("-KILL");
        site.instances[n] = site.instance(n);
        site.until_ready(n).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and HAProxy: tests/run"]
async fn rolling_restart_fails_no_requests() {
    let mut site = Site::start().await;
    let (answers, lost) = under_load(&mut site, roll).await;
    assert!(answers > 100, "{answers} answers tell nothing");
    assert_eq!(lost, 0, "of {answers}");
}

/// For longer, with a rolling restart halfway: `REPLICA_MINUTES=5 cargo test --workspace --test
/// program killed -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and HAProxy: tests/run"]
async fn killed_instances_give_no_wrong_responses() {
    #[expect(clippy::disallowed_methods, reason = "no setting of the app: for long runs by hand")]
    let minutes = std::env::var("REPLICA_MINUTES").ok();
    let minutes: Option<usize> = minutes.map(|text| text.parse().expect("a number"));
    let (kills, pause) = minutes.map_or((4, 2), |minutes| (minutes * 3, 18));
    let pause = Duration::from_secs(pause);
    let mut site = Site::start().await;
    let half = async |site: &mut Site| kill(site, kills / 2, pause).await;
    let (answers, _) = under_load(&mut site, half).await;
    assert!(answers > 100, "{answers} answers tell nothing");
    if minutes.is_some() {
        let (answers, lost) = under_load(&mut site, roll).await;
        assert_eq!(lost, 0, "of {answers} during a rolling restart");
    }
    let rest = async |site: &mut Site| kill(site, kills - kills / 2, pause).await;
    under_load(&mut site, rest).await;
    // However often it was used, a refresh token has one successor.
    let forks = "SELECT COUNT(*) FROM (SELECT r.sign_in_id FROM refresh_tokens r \
        WHERE NOT EXISTS (SELECT 1 FROM refresh_tokens s WHERE s.predecessor = r.hash) \
        GROUP BY r.sign_in_id HAVING COUNT(*) > 1) AS forked";
    let db = Db::open(&site.database).await.expect("a database");
    assert_eq!(number(&db, forks).await, 0);
}
