//! The examples: one uses everything in a few lines, one only the public keys.

use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use latchkey_tests::accounts::{sign_up, tokens};
use latchkey_tests::{Browser, Latchkey, free_port};
use reqwest::Method;
use url::Url;

use super::sources::root;

/// The example's lines of code, without comments and empty lines.
fn lines(file: &str) -> usize {
    let text = std::fs::read_to_string(root().join("examples/minimal/src").join(file));
    let text = text.expect("a source file");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.filter(|line| !line.starts_with("//")).count()
}

#[test]
fn github_sign_in_takes_at_most_thirty_lines() {
    let (bare, minimal) = (lines("bin/bare.rs"), lines("main.rs"));
    assert!(bare > 5 && minimal > bare, "{bare} and {minimal}");
    assert!(minimal - bare <= 30, "{} lines more than the bare application", minimal - bare);
}

/// A program that is stopped when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn start(example: &str, folder: &Path, port: u16, how: impl FnOnce(&mut Command)) -> Running {
    let binary = root().join("target/debug").join(example);
    assert!(binary.exists(), "tests/run builds {}", binary.display());
    let mut command = Command::new(binary);
    command.env_clear().current_dir(folder);
    how(&mut command);
    let running = Running(command.spawn().expect("the program runs"));
    let mut tries = 0;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        tries += 1;
        assert!(tries < 600, "{example} does not listen");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    running
}

#[tokio::test]
#[ignore = "needs the examples, which tests/run builds"]
async fn minimal_example_signs_in_with_the_local_provider() {
    let folder = tempfile::tempdir().expect("a folder");
    let (port, idp) = (free_port(), free_port());
    let _running = start("minimal", folder.path(), port, |command| {
        command.env("PORT", port.to_string()).env("LOCAL_IDP_PORT", idp.to_string());
    })
    .await;
    let url = |path: &str| format!("http://localhost:{port}{path}");
    let mut browser = Browser::new();
    let home = browser.get(&url("/")).await.expect(200);
    assert!(home.body.contains("Hello, stranger"), "{}", home.body);

    // Its layers apply to the library's routes and to its own.
    let foreign = [("sec-fetch-site", "cross-site")];
    for path in ["/auth/github", "/sign-out", "/"] {
        let page = browser.send(Method::POST, &url(path), &foreign, None).await;
        assert_eq!(page.header("x-error-code"), Some("cross_site_request"), "{path}");
    }

    let page = browser.post(&url("/auth/github"), &[("next", "/")]).await;
    let authorize = Url::parse(&page.see_other()).expect("a URL");
    assert_eq!(authorize.port(), Some(idp));
    let consent = browser.get(authorize.as_str()).await.expect(200);
    assert!(consent.body.contains("Minimal"), "{}", consent.summary());
    let callback = browser.decide(&authorize, &[("decision", "allow"), ("person", "ada")]).await;
    assert_eq!(browser.follow_callback(&callback).await.see_other(), "/");
    let home = browser.get(&url("/")).await.expect(200);
    assert!(home.body.contains("Hello, Ada Lovelace"), "{}", home.body);
    // A reload leads to the same place as the sign-in.
    assert_eq!(browser.follow_callback(&callback).await.see_other(), "/");

    assert_eq!(browser.post(&url("/sign-out"), &[]).await.see_other(), "/");
    // A code works once: the replay guard is included.
    let page = browser.follow_callback(&callback).await;
    assert!((400..500).contains(&page.status), "{}", page.summary());
    let home = browser.get(&url("/")).await.expect(200);
    assert!(home.body.contains("Hello, stranger"), "{}", home.body);
    // A new account, with the same response as for an existing one.
    let ada = [
        ("name", "Ada"),
        ("email", "ada@example.test"),
        ("password", "three blue keys"),
        ("next", "/"),
    ];
    for _ in 0..2 {
        assert_eq!(browser.post(&url("/sign-up"), &ada).await.see_other(), "/");
    }
    let page = browser.post(&url("/sign-up"), &[("email", "ada")]).await;
    let page = page.expect_error(422, "validation_failed");
    assert!(page.body.contains("Enter your name."), "{}", page.body);
    assert_eq!(browser.post(&url("/sign-in"), &ada[1..]).await.see_other(), "/");
    let home = browser.get(&url("/")).await.expect(200);
    assert!(home.body.contains("Hello, Ada<"), "{}", home.body);
    // Nothing of the demo, and the public keys for other services.
    assert_eq!(browser.get(&url("/compare")).await.status, 404);
    let keys = browser.get(&url("/.well-known/jwks.json")).await.expect(200);
    assert!(keys.body.contains("\"kid\""), "{}", keys.body);
}

#[tokio::test]
#[ignore = "needs the examples, which tests/run builds"]
async fn example_api_verifies_tokens_with_published_keys_only() {
    let app = Latchkey::start().await;
    sign_up(&app, "ada@example.test").await;
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let _running = start("api-only", folder.path(), port, |command| {
        let audience = format!("{}/api", app.origin);
        command.args([&app.origin, &audience, &format!("127.0.0.1:{port}")]);
    })
    .await;
    let hello = format!("http://127.0.0.1:{port}/hello");
    let mut program = Browser::new();
    let all = tokens(&app, "ada@example.test", None).await.access;
    let (start, signature) = all.rsplit_once('.').expect("a JWT");
    let forged = format!("{start}.{}", signature.chars().rev().collect::<String>());
    for (token, status, says) in [
        (Some(all.as_str()), 200, None),
        (None, 401, Some("Bearer")),
        (Some(&forged), 401, Some("Bearer error=\"invalid_token\"")),
        (Some("nonsense"), 401, Some("Bearer error=\"invalid_token\"")),
    ] {
        let bearer = token.map(|token| ("authorization", format!("Bearer {token}")));
        let headers: Vec<_> = bearer.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let page = program.send(Method::GET, &hello, &headers, None).await;
        assert_eq!((page.status, page.header("www-authenticate")), (status, says));
        assert_eq!(page.body.contains("\"sub\""), status == 200);
    }
    // A token for another scope is refused.
    let narrow = tokens(&app, "ada@example.test", Some("contacts:read")).await;
    let bearer = format!("Bearer {}", narrow.access);
    let page = program.send(Method::GET, &hello, &[("authorization", &bearer)], None).await;
    assert_eq!(page.status, 403, "{}", page.summary());
}
