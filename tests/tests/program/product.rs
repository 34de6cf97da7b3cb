//! The program without optional features: only the product.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use latchkey_tests::Browser;
use latchkey_tests::accounts::PASSWORD;
use latchkey_tests::demo_absent::{DEMO_PATHS, assert_no_demo};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository").to_owned()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["-p", "latchkey", "--no-default-features", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A running program, stopped when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
#[ignore = "needs the program without its features, which tests/run builds"]
async fn product_build_contains_and_serves_no_demo() {
    let tree = cargo(&["tree", "-e", "normal", "--prefix", "none"]);
    assert!(tree.contains("latchkey-web"), "{tree}");
    for other in ["latchkey-demo", "latchkey-lab", "latchkey-idp"] {
        assert!(!tree.contains(other), "{other} is among what it depends on");
    }
    let binary = root().join("target/debug/latchkey-product");
    assert!(binary.exists(), "tests/run builds {}", binary.display());

    let folder = tempfile::tempdir().expect("a folder");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port().to_string();
    drop(free);
    let health = || {
        let asked = Command::new(&binary)
            .arg("health")
            .env_clear()
            .env("PORT", &port)
            .current_dir(folder.path())
            .output();
        asked.expect("the program runs").status.success()
    };
    assert!(!health(), "ready before it runs");
    let program = Command::new(&binary)
        .env_clear()
        .env("PORT", &port)
        .current_dir(folder.path())
        .spawn()
        .expect("the program runs");
    let _running = Running(program);
    let origin = format!("http://localhost:{port}");
    let mut tries = 0;
    while std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_err() {
        tries += 1;
        assert!(tries < 600, "it does not listen");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(health(), "not ready while it runs");

    let mut browser = Browser::new();
    for path in ["/", "/sign-in", "/sign-up", "/errors", "/docs", "/doctor"] {
        assert_no_demo(&browser.get(&format!("{origin}{path}")).await.expect(200));
    }
    for path in DEMO_PATHS {
        let page = browser.get(&format!("{origin}{path}")).await;
        assert_no_demo(&page.expect_error(404, "not_found"));
    }
    let fields = [("name", "Ada"), ("email", "ada@example.test"), ("password", PASSWORD)];
    let page = browser.post(&format!("{origin}/sign-up"), &fields).await;
    assert_eq!(page.status, 303, "{}", page.summary());
    for strategy in ["session", "jwt"] {
        let mut browser = Browser::new();
        let fields =
            [("email", "ada@example.test"), ("password", PASSWORD), ("strategy", strategy)];
        let page = browser.post(&format!("{origin}/sign-in"), &fields).await;
        assert_eq!(page.status, 303, "{strategy}: {}", page.summary());
        for path in ["/", "/account", "/connections"] {
            assert_no_demo(&browser.get(&format!("{origin}{path}")).await.expect(200));
        }
    }
}
