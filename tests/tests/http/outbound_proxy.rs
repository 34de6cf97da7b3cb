//! Providers are called through the configured proxy, loopback never.

use latchkey_tests::{Browser, Issuer, Setup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A proxy that refuses all requests and records them.
async fn proxy() -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://user:hush@{}", listener.local_addr().expect("an address"));
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let read = stream.read(&mut head).await.unwrap_or_default();
            let _ = tell.send(String::from_utf8_lossy(&head[..read]).into_owned());
            let _ = stream.write_all(b"HTTP/1.1 502 No\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    (url, told)
}

fn acme(issuer: &str) -> Setup {
    Setup::new()
        .set("OIDC_ACME_ISSUER", issuer)
        .set("OIDC_ACME_CLIENT_ID", "id")
        .set("OIDC_ACME_CLIENT_SECRET", "hush")
}

#[tokio::test]
async fn provider_is_called_through_https_proxy() {
    let (url, mut told) = proxy().await;
    let app = acme("https://id.acme.invalid").set("HTTPS_PROXY", url).start().await;
    let page = Browser::new().post(&app.url("/auth/acme"), &[]).await;
    let _ = page.expect_error(502, "provider_unreachable");
    let asked = told.recv().await.expect("the proxy was asked");
    assert!(asked.starts_with("CONNECT id.acme.invalid:443 "), "{asked}");
    let head = asked.to_lowercase();
    assert!(head.contains("proxy-authorization: basic dxnlcjpodxno"), "user:hush: {asked}");
}

#[tokio::test]
async fn no_proxy_hosts_and_loopback_bypass_the_proxy() {
    for issuer in ["https://id.acme.invalid", "https://acme.invalid", "https://localhost:1"] {
        let (url, mut told) = proxy().await;
        let setup = acme(issuer).set("HTTPS_PROXY", url);
        let app = setup.set("NO_PROXY", "other.test, acme.invalid").start().await;
        let page = Browser::new().post(&app.url("/auth/acme"), &[]).await;
        let _ = page.expect_error(502, "provider_unreachable");
        assert!(told.try_recv().is_err(), "{issuer} was called through the proxy");
    }
    let (url, mut told) = proxy().await;
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).set("HTTPS_PROXY", url).start().await;
    let _ = Browser::new().start_sign_in(&app, "acme").await;
    assert!(told.try_recv().is_err(), "loopback was called through the proxy");
}
