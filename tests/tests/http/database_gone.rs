//! An unavailable database: clear errors, and recovery.

use latchkey_tests::{Browser, Database, Latchkey, Setup, execute};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

/// Asserts the behavior without a database.
async fn assert_database_unavailable(app: &Latchkey, browser: &mut Browser) {
    let _ = browser.get(&app.url("/healthz")).await.expect(200);
    let ready = browser.get(&app.url("/readyz")).await.expect(503);
    assert!(!ready.body.contains("postgres://"), "{}", ready.body);
    // A session cannot be checked, and does not count as signed out.
    for path in ["/account", "/"] {
        let page = browser.get(&app.url(path)).await;
        let page = page.expect_error(503, "database_unavailable");
        assert!(page.cookies().is_empty(), "{path} takes the session away");
    }
    // Requests without a session are not affected.
    let mut visitor = Browser::new();
    for path in ["/", "/sign-in", "/errors"] {
        let _ = visitor.get(&app.url(path)).await.expect(200);
    }
    // Nobody can sign in.
    let authorize = visitor.start_sign_in(app, "google").await;
    let callback = visitor.consent(&authorize, "grace").await;
    let _ = visitor.follow_callback(&callback).await.expect_error(503, "database_unavailable");
    assert_eq!(visitor.session(app), None);
}

#[tokio::test]
async fn closed_sqlite_returns_database_unavailable() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "google", "ada").await;
    let _ = browser.get(&app.url("/readyz")).await.expect(200);
    app.app.db.close().await;
    assert_database_unavailable(&app, &mut browser).await;
}

#[tokio::test]
async fn missing_table_returns_internal_error() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "google", "ada").await;
    execute(&app.app.db, "ALTER TABLE identities RENAME TO elsewhere").await;
    let page = browser.get(&app.url("/account")).await.expect_error(500, "internal_error");
    assert!(!page.body.contains("elsewhere") && !page.body.contains("SELECT"), "{}", page.body);
    let _ = browser.get(&app.url("/")).await.expect(200);
}

#[tokio::test]
async fn missing_migrations_fail_readiness() {
    let app = Latchkey::start().await;
    execute(&app.app.db, "DELETE FROM _latchkey_migrations").await;
    let _ = Browser::new().get(&app.url("/readyz")).await.expect(503);
}

/// A proxy in front of PostgreSQL that can be cut.
struct Line {
    server: (String, u16),
    port: u16,
    open: tokio::task::JoinHandle<()>,
}

impl Line {
    async fn to(server: &Url) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let host = server.host_str().expect("a host").to_owned();
        let server = (host, server.port().expect("a port"));
        let open = tokio::spawn(Self::carry(listener, server.clone()));
        Self { server, port, open }
    }

    async fn carry(listener: TcpListener, server: (String, u16)) {
        // Aborting this task closes every connection.
        let mut calls = JoinSet::new();
        while let Ok((mut near, _)) = listener.accept().await {
            let server = server.clone();
            calls.spawn(async move {
                let mut far = TcpStream::connect(server).await.expect("PostgreSQL");
                // Broken connections are the point.
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    }

    async fn cut(&mut self) {
        self.open.abort();
        // When the task ends, the port is free again.
        let _ = (&mut self.open).await;
    }

    async fn mend(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("the port");
        self.open = tokio::spawn(Self::carry(listener, self.server.clone()));
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn postgres_connections_recover_after_an_outage() {
    let mut url = Url::parse(&Database::new_postgres_url().await).expect("a URL");
    let mut line = Line::to(&url).await;
    url.set_port(Some(line.port)).expect("a port");
    let app = Setup::new().set("DATABASE_URL", url).start().await;
    let mut browser = Browser::new();
    let ada = browser.sign_in_with(&app, "google", "ada").await;

    line.cut().await;
    assert_database_unavailable(&app, &mut browser).await;

    line.mend().await;
    // The next user of each broken connection notices it: at most as many requests fail as there
    // were connections.
    let mut failed = 0;
    while browser.get(&app.url("/readyz")).await.status != 200 {
        failed += 1;
        assert!(failed <= 8, "it is still not ready");
    }
    assert_eq!(browser.account(&app).await, Some(ada));
}
