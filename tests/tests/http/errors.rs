//! Error pages.

use latchkey_tests::{Browser, Issuer, Latchkey, Setup};
use latchkey_web::errors::catalogue;
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn invalid_requests_get_matching_error_pages() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let large = "next=".to_owned() + &"x".repeat(200_000);
    for (method, path, kind, body, status, code) in [
        (Method::GET, "/nothing", None, None, 404, "not_found"),
        (Method::GET, "/account/x", None, None, 404, "not_found"),
        (Method::GET, "/%00", None, None, 404, "not_found"),
        (Method::GET, "/..%2f..%2fetc/passwd", None, None, 404, "not_found"),
        (Method::GET, "/static/..%2fapp.css", None, None, 404, "not_found"),
        (Method::GET, "/errors/nothing", None, None, 404, "not_found"),
        (Method::POST, "/", None, None, 405, "method_not_allowed"),
        (Method::GET, "/sign-out", None, None, 405, "method_not_allowed"),
        (Method::DELETE, "/account", None, None, 405, "method_not_allowed"),
        (Method::TRACE, "/", None, None, 405, "method_not_allowed"),
        (Method::GET, "/account", None, None, 401, "sign_in_required"),
        (
            Method::POST,
            "/auth/google",
            Some("text/plain"),
            Some("a"),
            415,
            "unsupported_media_type",
        ),
        (
            Method::POST,
            "/auth/google",
            Some("application/json"),
            Some("{}"),
            415,
            "unsupported_media_type",
        ),
        (Method::POST, "/auth/google", Some(FORM.1), Some("next=a&next=b"), 400, "bad_request"),
        (Method::POST, "/auth/google", Some(FORM.1), Some("strategy=both"), 400, "bad_request"),
        (Method::POST, "/auth/google", Some(FORM.1), Some("next=%ff%fe"), 303, ""),
        (Method::POST, "/auth/google", Some(FORM.1), Some(large.as_str()), 413, "too_large"),
    ] {
        let headers: Vec<_> = kind.map(|kind| ("content-type", kind)).into_iter().collect();
        let body = body.map(str::to_owned);
        let page = browser.send(method, &app.url(path), &headers, body).await;
        if code.is_empty() {
            assert_eq!(page.status, status, "{}", page.request);
            continue;
        }
        let page = page.expect_error(status, code);
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8"),
            "{}",
            page.request
        );
        let entry = catalogue::by_code(code).expect("in the catalogue");
        assert!(
            page.body.contains(&format!("href=\"/errors/{code}\"")),
            "{code}: no way to the catalogue"
        );
        assert!(
            page.body.contains(&entry.title.replace('\'', "&#39;")),
            "{code}: {}",
            page.summary()
        );
        assert_eq!(page.header("allow").is_some(), status == 405, "{}", page.request);
    }
}

#[tokio::test]
async fn error_catalogue_has_a_page_for_every_code() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let index = browser.get(&app.url("/errors")).await.expect(200);
    for entry in catalogue::ALL {
        let path = format!("/errors/{}", entry.code);
        assert!(index.body.contains(&format!("href=\"{path}\"")), "{}", entry.code);
        let page = browser.get(&app.url(&path)).await.expect(200);
        assert_eq!(page.header("x-error-code"), None, "{path} is no error itself");
        let next = entry.next.split(['{', '\'', '<']).next().expect("text");
        assert!(page.body.contains(next), "{path} does not say what to do: {}", page.summary());
        assert!(page.body.contains(&entry.status.as_u16().to_string()), "{path}");
    }
}

#[tokio::test]
async fn pages_do_not_reflect_text_from_the_url() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in(&app, "google").await;
    let iss = format!("{}/google", app.idp);
    let mut url = Url::parse(&app.callback("google")).expect("a URL");
    url.query_pairs_mut()
        .append_pair("state", &latchkey_tests::oauth_flow::parameter(&authorize, "state"))
        .append_pair("iss", &iss)
        .append_pair("error", "<script>alert('one')</script>")
        .append_pair("error_description", "Call +1 555 0100 to unlock your account")
        .append_pair("error_uri", "javascript:alert('two')");
    let page = browser.follow_callback(&url).await.expect_error(502, "provider_refused");
    for planted in ["alert", "Call +1", "javascript:", "error_uri"] {
        assert!(!page.body.contains(planted), "{planted} is repeated");
    }
    for path in [
        "/errors/%3Cscript%3Ealert(1)",
        "/%3Cscript%3Ealert(1)",
        "/sign-in?next=%3Cscript%3Ealert(1)",
    ] {
        let page = browser.get(&app.url(path)).await;
        assert!(!page.body.contains("<script>alert"), "{path}");
    }
}

#[tokio::test]
async fn authorization_error_codes_map_to_error_pages() {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    for (error, status, code) in [
        ("access_denied", 400, "provider_declined"),
        ("login_required", 400, "provider_declined"),
        ("interaction_required", 400, "provider_declined"),
        ("consent_required", 400, "provider_declined"),
        ("server_error", 502, "provider_refused"),
        ("temporarily_unavailable", 502, "provider_refused"),
        ("invalid_scope", 502, "provider_refused"),
        ("unauthorized_client", 502, "provider_refused"),
        ("made_up", 502, "provider_refused"),
    ] {
        let mut browser = Browser::new();
        let authorize = browser.start_sign_in(&app, "acme").await;
        let back =
            issuer.authorization_response(&authorize, &[("error", error), ("iss", &issuer.url)]);
        let page = browser.follow_callback(&back).await.expect_error(status, code);
        assert!(page.body.contains("action=\"/auth/acme\""), "{error}: no way to try again");
        let passed_on = code == "provider_refused" && error != "made_up";
        assert_eq!(page.body.contains(error), passed_on, "{error}");
        assert_eq!(browser.account(&app).await, None);
    }
}

#[tokio::test]
async fn user_names_and_provider_labels_are_escaped() {
    let issuer = Issuer::start().await;
    let label = "A<b>c\u{e9} & Söhne";
    let app = Setup::new().with_issuer(&issuer).set("OIDC_ACME_LABEL", label).start().await;
    issuer.userinfo(|profile| {
        profile["name"] = "<img src=x onerror=alert(1)> \u{202e}evil".into();
        profile["picture"] = "javascript:alert(1)".into();
    });
    let mut browser = Browser::new();
    let page = browser.get(&app.url("/sign-in")).await.expect(200);
    assert!(
        !page.body.contains("<b>c") && page.body.contains("&#60;b&#62;c"),
        "{}",
        page.summary()
    );
    let authorize = browser.start_sign_in(&app, "acme").await;
    let _ = browser.follow_callback(&issuer.approve(&authorize)).await.expect(303);
    for path in ["/", "/account"] {
        let page = browser.get(&app.url(path)).await.expect(200);
        assert!(!page.body.contains("<img"), "{path}");
        assert!(!page.body.contains("javascript:"), "{path}");
        assert!(!page.body.contains('\u{202e}'), "{path} is turned around");
    }
}

#[tokio::test]
async fn oversized_or_malformed_request_heads_are_rejected() {
    let app = Latchkey::start().await;
    let huge =
        format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Huge: {}\r\n\r\n", "x".repeat(70_000));
    for (sent, statuses) in [
        (huge.as_str(), &["431"][..]),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03\r\n\r\n", &["400"]),
        ("GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", &["400", "505"]),
        ("GET /\u{0} HTTP/1.1\r\nHost: localhost\r\n\r\n", &["400"]),
        // RFC 9112 §6.1, §6.3: HTTP/1.0 has no chunks, `chunked` comes last, one length only.
        ("POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", &["400"]),
        (
            "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
            &["400"],
        ),
        (
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            &["400"],
        ),
    ] {
        let mut stream = TcpStream::connect(app.address).await.expect("a connection");
        // The server may close the connection before it has read everything.
        let _ = stream.write_all(sent.as_bytes()).await;
        let mut answer = [0; 64];
        let read = stream.read(&mut answer).await.expect("an answer");
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
        assert!(statuses.contains(&status.as_str()), "{sent:.60}: {answer:?}");
    }
    let _ = Browser::new().get(&app.url("/healthz")).await.expect(200);
}

/// Request smuggling (RFC 9112 §6.1): hyper ignores `Content-Length` next to chunks, and closes the
/// connection, so what follows is never read as another request.
#[tokio::test]
async fn request_with_two_body_lengths_ends_the_connection() {
    let app = Latchkey::start().await;
    let (length, chunked) = ("Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n");
    for (first, second, answered) in
        [(length, chunked, 1), (chunked, length, 1), (chunked, "X-One-Length: yes\r\n", 2)]
    {
        let start = "POST /sign-out HTTP/1.1\r\nHost: localhost\r\n";
        let next = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let sent = format!("{start}{first}{second}\r\n0\r\n\r\n{next}");
        let mut stream = TcpStream::connect(app.address).await.expect("a connection");
        stream.write_all(sent.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer, and its end");
        assert!(answer.starts_with("HTTP/1.1 303 "), "{first}{second}{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), answered, "{first}{second}{answer}");
    }
}
