//! SQLite with a full disk, or without its file.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use latchkey_store::Db;
use latchkey_tests::accounts::{sign_up, signed_in};
use latchkey_tests::{Browser, Latchkey, Setup};
use sqlx::{AssertSqlSafe, Executor as _};

use crate::{ask_for_tokens, is_ready, report_skipped, try_again};

const EMAIL: &str = "ada@example.test";

/// Requests tokens until one fails because of the full disk. There are no other errors.
async fn request_tokens_until_disk_is_full(app: &Latchkey) {
    for _ in 0..100 {
        let pages = ask_for_tokens(app, EMAIL, 16).await;
        pages.iter().filter(|page| page.status != 200).for_each(try_again);
        if pages.iter().any(|page| page.status == 503) {
            return;
        }
    }
    panic!("there is always room");
}

async fn assert_sign_in_works_and_app_is_ready(app: &Latchkey) {
    for page in ask_for_tokens(app, EMAIL, 24).await {
        assert_eq!(page.status, 200, "{}: {}", page.request, page.summary());
    }
    signed_in(app, EMAIL, "session").await;
    assert!(is_ready(app).await);
}

/// SQLite's own limit: the same code as a full disk, on every open connection.
async fn limit_pages(app: &Latchkey, pages: i64) {
    let Db::Sqlite(pool) = &app.app.db else { panic!("SQLite") };
    let mut all = Vec::new();
    for _ in 0..pool.status().max_size {
        let mut one = pool.get().await.expect("a connection");
        let limit = AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        one.execute(limit).await.expect("a limit");
        all.push(one);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_recovers_after_sqlite_full_error() {
    let app = Latchkey::start().await;
    sign_up(&app, EMAIL).await;
    // A limit below the current size means the current size.
    limit_pages(&app, 1).await;
    request_tokens_until_disk_is_full(&app).await;
    limit_pages(&app, 1_000_000).await;
    assert_sign_in_works_and_app_is_ready(&app).await;
}

/// A small file system.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn at(folder: &'a Path) -> Option<Self> {
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(folder)
            .status()
            .expect("mount");
        mount.success().then_some(Self(folder))
    }

    fn fill(&self) {
        let mut filler = std::fs::File::create(self.0.join("filler")).expect("a file");
        for size in [65_536, 512, 1] {
            while filler.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.join("filler")).expect("removed");
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.0).status();
        assert!(unmounted.expect("umount").success());
    }
}

/// The log may have space for a page or two.
async fn says_so(app: &Latchkey, disk: &Mounted<'_>) -> bool {
    for _ in 0..3000 {
        if !is_ready(app).await {
            return true;
        }
        disk.fill();
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "mounts a file system: tests/run, as root"]
async fn full_disk_returns_503_until_space_is_freed() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(disk) = Mounted::at(folder.path()) else {
        report_skipped("full_disk_returns_503_until_space_is_freed: only root can mount");
        return;
    };
    let database = format!("sqlite://{}/latchkey.db", folder.path().display());
    let app = Setup::new().set("DATABASE_URL", database).start().await;
    sign_up(&app, EMAIL).await;
    let mut browser = signed_in(&app, EMAIL, "session").await;
    for _ in 0..2 {
        disk.fill();
        request_tokens_until_disk_is_full(&app).await;
        assert!(says_so(&app, &disk).await, "it takes no sign-in, and calls itself ready");
        // Requests that need no space still work.
        let _ = browser.get(&app.url("/account")).await.expect(200);
        disk.make_room();
        assert_sign_in_works_and_app_is_ready(&app).await;
    }
    drop(app.stop().await);
}

#[tokio::test]
async fn missing_sqlite_file_blocks_writes_until_restored() {
    let app = Latchkey::start().await;
    sign_up(&app, EMAIL).await;
    let mut browser = signed_in(&app, EMAIL, "session").await;
    assert!(is_ready(&app).await);
    let (file, aside) = (app.file("latchkey.db"), app.file("aside.db"));
    std::fs::rename(&file, &aside).expect("renamed");
    assert!(!is_ready(&app).await);
    ask_for_tokens(&app, EMAIL, 3).await.iter().for_each(try_again);
    let fields =
        [("name", "Grace"), ("email", "grace@example.test"), ("password", "a long enough one")];
    let page = Browser::new().post(&app.url("/sign-up"), &fields).await;
    let _ = page.expect_error(503, "database_unavailable");
    assert!(!file.exists(), "an empty one was made in its place");
    std::fs::rename(&aside, &file).expect("renamed");
    let _ = browser.get(&app.url("/account")).await.expect(200);
    assert_sign_in_works_and_app_is_ready(&app).await;
}
