//! Providers that do not finish a response: the call times out, and other requests continue.

use std::sync::Arc;
use std::time::Duration;

use latchkey_auth::http::{Error, Outbound};
use latchkey_tests::Browser;
use latchkey_tests::issuer::{Answer, DISCOVERY, JWKS, TOKEN, USERINFO};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use url::Url;

use crate::{acme, refused, sign_in};

/// Far more than the eight seconds that a call may take, because CI machines are slow.
const FOR_EVER: Duration = Duration::from_secs(60);

/// Concurrently, so that the test takes as long as one of them.
#[tokio::test(flavor = "multi_thread")]
async fn slow_provider_response_times_out() {
    let mut cases = JoinSet::new();
    for path in [DISCOVERY, TOKEN, JWKS, USERINFO] {
        for answer in [Answer::Silence, Answer::Drip, Answer::DripHead] {
            cases.spawn(async move {
                let (app, issuer) = acme().await;
                let what = format!("{answer:?} at {path}");
                issuer.respond_with(path, answer);
                let mut browser = Browser::new();
                let tried = async {
                    if path == DISCOVERY {
                        browser.post(&app.url("/auth/acme"), &[]).await
                    } else {
                        sign_in(&app, &issuer, &mut browser).await
                    }
                };
                let page = tokio::time::timeout(FOR_EVER, tried).await.expect(&what);
                refused(&page, &what, 504, "provider_timeout");
                assert_eq!(browser.account(&app).await, None, "{what}");
                issuer.reset();
                let page = sign_in(&app, &issuer, &mut browser).await;
                assert_eq!(page.status, 303, "after {what}: {}", page.summary());
            });
        }
    }
    cases.join_all().await;
}

/// The clock stands still once the request has arrived: only the client's timeout advances it.
#[tokio::test]
async fn outbound_call_takes_at_most_ten_seconds() {
    for response in ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let url = Url::parse(&url).expect("a URL");
        let call =
            tokio::spawn(async move { Outbound::new(None, "Latchkey").get(&url, None).await });
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let _ = stream.read_u8().await.expect("a request");
        stream.write_all(response.as_bytes()).await.expect("sent");
        tokio::time::pause();
        let started_at = Instant::now();
        let result = call.await.expect("no panic");
        assert!(matches!(result, Err(Error::Timeout)), "{response:?}: {result:?}");
        assert!(started_at.elapsed() <= Duration::from_secs(10), "{response:?}");
        tokio::time::resume();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hanging_discovery_does_not_block_other_sign_ins() {
    let (app, issuer) = acme().await;
    let (app, issuer) = (Arc::new(app), Arc::new(issuer));
    issuer.respond_with(DISCOVERY, Answer::Silence);
    let mut waiting = JoinSet::new();
    for _ in 0..20 {
        let app = Arc::clone(&app);
        waiting.spawn(async move { Browser::new().post(&app.url("/auth/acme"), &[]).await.status });
    }
    // While they wait, another user signs in with another provider.
    while issuer.requests(DISCOVERY).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let _ = Browser::new().get(&app.url("/healthz")).await.expect(200);
    Browser::new().sign_in_with(&app, "google", "ada").await;
    assert!(waiting.try_join_next().is_none(), "nobody was waiting");
    waiting.abort_all();
}
