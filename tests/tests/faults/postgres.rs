//! PostgreSQL that stops responding, or becomes read-only.

use std::time::Duration;

use latchkey_tests::accounts::{ApiClient, instance, sign_up, sign_up_client, tokens};
use latchkey_tests::{Browser, Database};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

use crate::{ask_for_tokens, is_ready, try_again};

const EMAIL: &str = "ada@example.test";

/// At most this many requests may get a dead connection: the size of the pool.
const CONNECTIONS: usize = 8;

/// Which connections are blackholed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carries {
    All,
    /// Connections made before this number was set are held open forever, silently.
    CallsSince(usize),
    Nothing,
}

/// A proxy in front of PostgreSQL that can stop forwarding.
struct Line {
    url: String,
    carries: watch::Sender<(Carries, usize)>,
}

impl Line {
    async fn to(server: &str) -> Self {
        let mut url = Url::parse(server).expect("a URL");
        let far = (url.host_str().expect("a host").to_owned(), url.port().expect("a port"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        url.set_port(Some(listener.local_addr().expect("an address").port())).expect("a port");
        let carries = watch::Sender::new((Carries::All, 0));
        let calls = carries.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let mut call = 0;
                calls.send_modify(|(_, count)| {
                    *count += 1;
                    call = *count;
                });
                let far = TcpStream::connect(far.clone()).await.expect("PostgreSQL");
                let ((from_near, to_near), (from_far, to_far)) =
                    (near.into_split(), far.into_split());
                tokio::spawn(carry(call, calls.subscribe(), from_near, to_far));
                tokio::spawn(carry(call, calls.subscribe(), from_far, to_near));
            }
        });
        Self { url: url.into(), carries }
    }

    fn set(&self, carries: Carries) {
        self.carries.send_modify(|(old, _)| *old = carries);
    }

    /// Blackholes all existing connections; new ones work.
    fn lose_connections(&self) {
        self.carries.send_modify(|(old, count)| *old = Carries::CallsSince(*count));
    }
}

async fn carry(
    call: usize,
    mut carries: watch::Receiver<(Carries, usize)>,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
) {
    let mut bytes = vec![0; 16_384];
    loop {
        let read = from.read(&mut bytes).await.unwrap_or(0);
        let is_carried = carries.wait_for(|(what, _)| match what {
            Carries::All => true,
            Carries::CallsSince(before) => call > *before,
            Carries::Nothing => false,
        });
        if is_carried.await.is_err() || read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

/// Retries until it succeeds: each failure uses up a dead connection.
async fn wait_until_recovered(app: &latchkey_tests::Latchkey) {
    let mut failed = 0;
    while ask_for_tokens(app, EMAIL, 1).await[0].status != 200 {
        failed += 1;
        assert!(failed <= CONNECTIONS, "it is still not well");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/run"]
async fn unresponsive_postgres_returns_503_and_recovers() {
    let server = Database::new_postgres_url().await;
    let line = Line::to(&server).await;
    let app = instance(&line.url).set("DATABASE_TIMEOUT", "2s").start().await;
    let (mut program, _) = sign_up_client(&app, EMAIL).await;

    line.set(Carries::Nothing);
    // More than there are connections.
    ask_for_tokens(&app, EMAIL, 2 * CONNECTIONS).await.iter().for_each(try_again);
    assert!(!is_ready(&app).await);
    assert_eq!(program.get("/api/v1/me").await.status, 200, "a JWT needs no database");
    line.set(Carries::All);
    wait_until_recovered(&app).await;
    assert!(is_ready(&app).await);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/run"]
async fn lost_connections_are_replaced_and_revocations_arrive() {
    let server = Database::new_postgres_url().await;
    let line = Line::to(&server).await;
    let watching =
        |url: &str| instance(url).set("DATABASE_TIMEOUT", "2s").set("JWT_REVOCATION", "watch");
    let (here, there) = (watching(&line.url).start().await, watching(&server).start().await);
    let (mut program, _) = sign_up_client(&here, EMAIL).await;
    let mut other = program.at(&there);
    // Every connection of the pool was used.
    ask_for_tokens(&here, EMAIL, 2 * CONNECTIONS).await;

    line.lose_connections();
    wait_until_recovered(&here).await;
    // Changes by other processes are noticed again.
    let sessions = latchkey_tests::accounts::json_of(&other.get("/api/v1/sessions").await);
    let this =
        sessions["items"].as_array().expect("a list").iter().find(|one| one["current"] == true);
    let id = this.expect("this one")["id"].as_str().expect("an id").to_owned();
    assert_eq!(other.delete(&format!("/api/v1/sessions/{id}")).await.status, 204);
    for _ in 0..120 {
        if program.get("/api/v1/me").await.status == 401 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("a token that was revoked elsewhere is still taken");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/run"]
async fn multi_host_url_fails_over_to_responding_server() {
    let server = Database::new_postgres_url().await;
    let (one, other) = (Line::to(&server).await, Line::to(&server).await);
    let port = |line: &Line| Url::parse(&line.url).expect("a URL").port().expect("a port");
    let near = format!("127.0.0.1:{}", port(&one));
    let both = one.url.replace(&near, &format!("{near},127.0.0.1:{}", port(&other)));
    let watching = |url: &str| {
        instance(url).set("DATABASE_TIMEOUT", "2s").set("SESSION_CACHE", "watch").start()
    };
    let app = watching(&both).await;
    sign_up(&app, EMAIL).await;
    for (dead, alive) in [(&one, &other), (&other, &one)] {
        alive.set(Carries::All);
        dead.set(Carries::Nothing);
        wait_until_recovered(&app).await;
        assert!(is_ready(&app).await);
    }
    // A start while the first server does not respond, too.
    one.set(Carries::Nothing);
    other.set(Carries::All);
    let later = watching(&both).await;
    ask_for_tokens(&later, EMAIL, 1).await.iter().for_each(|answer| assert_eq!(answer.status, 200));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/run"]
async fn statements_blocked_by_a_lock_are_cancelled() {
    let server = Database::new_postgres_url().await;
    let app = instance(&server).set("DATABASE_TIMEOUT", "1s").start().await;
    sign_up(&app, EMAIL).await;
    let mut locking = PgConnection::connect(&server).await.expect("a connection");
    let mut tx = locking.begin().await.expect("a transaction");
    tx.execute("LOCK TABLE sign_ins").await.expect("a lock");
    for _ in 0..3 {
        ask_for_tokens(&app, EMAIL, CONNECTIONS).await.iter().for_each(try_again);
    }
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&mut *tx).await.expect("a count");
    assert!(waiting <= 16, "{waiting} statements wait, and nobody for them");
    tx.rollback().await.expect("rolled back");
    wait_until_recovered(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/run"]
async fn app_is_not_ready_until_postgres_is_writable() {
    let server = Database::new_postgres_url().await;
    let app = instance(&server).start().await;
    sign_up(&app, EMAIL).await;
    let name = Url::parse(&server).expect("a URL").path().trim_start_matches('/').to_owned();
    let mut admin = PgConnection::connect(&server).await.expect("a connection");
    let hang_up = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let alter = |what: &str| AssertSqlSafe(format!("ALTER DATABASE {name} {what}"));

    admin.execute(alter("SET default_transaction_read_only = on")).await.expect("altered");
    admin.execute(hang_up).await.expect("hung up");
    // At most as many requests as there were connections get a dead one; then the standby refuses
    // writes.
    for _ in 0..=CONNECTIONS {
        ask_for_tokens(&app, EMAIL, 1).await.iter().for_each(try_again);
    }
    assert!(!is_ready(&app).await);
    admin.execute(alter("RESET default_transaction_read_only")).await.expect("altered");
    // Nothing disconnects the app: it leaves the standby by itself.
    wait_until_recovered(&app).await;
    assert!(is_ready(&app).await);
    let pair = tokens(&app, EMAIL, None).await;
    assert_eq!(ApiClient::with(&app, &pair.access).get("/api/v1/me").await.status, 200);
    let _ = Browser::new().get(&app.url("/sign-in")).await.expect(200);
}
