//! One host name for this machine: redirects before any cookie is set.

use latchkey_tests::{Browser, Latchkey, Setup};
use reqwest::Method;

/// Requests a page under this host name.
async fn under(app: &Latchkey, host: &str, path: &str) -> latchkey_tests::Page {
    let url = format!("http://{}{path}", app.address);
    let headers = [("host", host), ("sec-fetch-site", "none")];
    Browser::new().send(Method::GET, &url, &headers, None).await
}

#[tokio::test]
async fn loopback_hosts_redirect_to_public_url() {
    let app = Latchkey::start().await;
    let port = app.address.port();
    for name in
        ["127.0.0.1", "[::1]", "127.0.0.2", "0.0.0.0", "[::]", "www.localhost", "localhost."]
    {
        for path in [
            "/",
            "/sign-in?next=%2Faccount",
            "/account",
            "/auth/google/callback?state=x",
            "/nothing",
        ] {
            let page = under(&app, &format!("{name}:{port}"), path).await;
            assert_eq!(page.status, 307, "{name}{path}: {}", page.summary());
            assert_eq!(page.header("location"), Some(app.url(path).as_str()), "{name}{path}");
            assert!(page.cookies().is_empty(), "{name}{path}: {:?}", page.cookies());
        }
    }
    // It is not an open redirect.
    for path in ["//evil.test/", "/%2f%2fevil.test", "/\\evil.test"] {
        let page = under(&app, &format!("127.0.0.1:{port}"), path).await;
        let to = page.header("location").unwrap_or_default();
        assert!(to.is_empty() || to.starts_with(&format!("{}/", app.origin)), "{path}: {to}");
    }
}

#[tokio::test]
async fn api_and_health_checks_accept_any_loopback_host() {
    let app = Latchkey::start().await;
    let port = app.address.port();
    for name in ["127.0.0.1", "[::1]"] {
        let host = format!("{name}:{port}");
        for (path, status) in [
            ("/healthz", 200),
            ("/readyz", 200),
            ("/api/v1/me", 401),
            ("/openapi.json", 200),
            ("/.well-known/jwks.json", 200),
            ("/static/app.css", 200),
        ] {
            assert_eq!(under(&app, &host, path).await.status, status, "{host}{path}");
        }
    }
}

#[tokio::test]
async fn dns_rebinding_hosts_are_rejected_in_development() {
    let app = Latchkey::start().await;
    let port = app.address.port();
    for host in [
        "evil.test".to_owned(),
        format!("evil.test:{port}"),
        format!("127.0.0.1.evil.test:{port}"),
        format!("192.168.1.7:{port}"),
    ] {
        for path in [
            "/",
            "/sign-in",
            "/nothing",
            "/account",
            "/outbox",
            "/healthz",
            "/readyz",
            "/api/v1/me",
            "/api/v1/nothing",
            "/openapi.json",
            "/static/app.css",
            "/.well-known/jwks.json",
            "/auth/google/callback?state=x",
        ] {
            let page = under(&app, &host, path).await.expect_error(421, "unknown_host");
            assert!(!page.body.contains("evil.test"), "{host}{path} is believed");
            assert_eq!(page.header("location"), None, "{host}{path}");
        }
        let headers = [("host", &*host), ("sec-fetch-site", "same-origin")];
        for path in ["/sign-in", "/auth/google", "/api/v1/token"] {
            let url = format!("http://{}{path}", app.address);
            let page = Browser::new().send(Method::POST, &url, &headers, None).await;
            let _ = page.expect_error(421, "unknown_host");
        }
    }
}

#[tokio::test]
async fn missing_or_duplicate_host_header_is_rejected() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (local, public) = (Latchkey::start().await, Setup::public().start().await);
    let idp = local.idp.trim_start_matches("http://").parse().expect("an address");
    let own = format!("Host: localhost:{}\r\n", local.address.port());
    let ours = "Host: app.example.com\r\n";
    for (address, version, hosts, status) in [
        (local.address, "1.1", String::new(), "400"),
        (local.address, "1.0", String::new(), "400"),
        (local.address, "1.1", own.repeat(2), "400"),
        (local.address, "1.1", format!("{own}Host: evil.test\r\n"), "400"),
        (local.address, "1.1", own.clone(), "200"),
        (idp, "1.1", String::new(), "400"),
        (idp, "1.1", format!("Host: {idp}\r\n").repeat(2), "400"),
        (public.address, "1.1", String::new(), "400"),
        (public.address, "1.1", ours.repeat(2), "400"),
        (public.address, "1.1", ours.to_owned(), "200"),
        // HAProxy's default for its health checks.
        (public.address, "1.0", String::new(), "200"),
    ] {
        let path = if address == idp { "/" } else { "/healthz" };
        let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
        let sent = format!("GET {path} HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n");
        stream.write_all(sent.as_bytes()).await.expect("to be heard");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        let answer = String::from_utf8_lossy(&answer);
        assert_eq!(answer.split(' ').nth(1), Some(status), "{sent:?}: {answer:.200}");
    }
}

#[tokio::test]
async fn absolute_form_target_overrides_host_header() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let app = Latchkey::start().await;
    let mut stream = tokio::net::TcpStream::connect(app.address).await.expect("a connection");
    let host = format!("localhost:{}", app.address.port());
    let sent = format!(
        "GET http://evil.test/healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(sent.as_bytes()).await.expect("to be heard");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 421"), "{answer:.200}");
}

#[tokio::test]
async fn public_site_redirects_alias_hosts_to_public_url() {
    let public = Setup::public().start().await;
    let port = public.address.port();
    for host in ["www.app.example.com", "WWW.App.Example.com:443", "app.example.com."] {
        for path in ["/", "/sign-in?next=%2Fdocs", "/auth/acme/callback?state=x", "//evil.test/"] {
            let page = under(&public, host, path).await.expect(307);
            assert_eq!(page.header("location"), Some(public.url(path).as_str()), "{host}{path}");
        }
        // API clients and health checks are not redirected.
        assert_eq!(under(&public, host, "/healthz").await.status, 200);
        assert_eq!(under(&public, host, "/api/v1/me").await.status, 401);
    }
    // A proxy may use any host name; a redirect would loop.
    for host in [format!("127.0.0.1:{port}"), "latchkey:3000".to_owned(), "a.internal".to_owned()] {
        let _ = under(&public, &host, "/sign-in").await.expect(200);
    }
}

#[tokio::test]
async fn cross_host_form_error_names_both_origins() {
    let (app, public) = (Latchkey::start().await, Setup::public().start().await);
    let port = app.address.port();
    let at = |name| (&app, format!("{name}:{port}"), format!("http://{name}:{port}"));
    let www = "www.app.example.com".to_owned();
    for (app, host, from) in [
        at("0.0.0.0"),
        at("127.0.0.1"),
        at("www.localhost"),
        (&public, www.clone(), format!("https://{www}")),
    ] {
        let headers = [("host", &*host), ("origin", &*from)];
        let url = format!("http://{}/auth/google", app.address);
        let page = Browser::new().send(Method::POST, &url, &headers, None).await;
        let page = page.expect_error(403, "cross_site_request");
        for address in [&from, &app.origin] {
            assert!(page.body.contains(address.as_str()), "{address}: {}", page.summary());
        }
    }
}

#[tokio::test]
async fn trailing_slash_redirects_to_canonical_path() {
    let app = Latchkey::start().await;
    for (path, to) in [
        ("/sign-in/", "/sign-in"),
        ("/sign-in/?next=%2Fdocs", "/sign-in?next=%2Fdocs"),
        ("/errors/not_found/", "/errors/not_found"),
        ("/sign-in//", "/sign-in/"),
        ("//evil.test/", "//evil.test"),
    ] {
        for method in [Method::GET, Method::POST] {
            let headers = [("sec-fetch-site", "same-origin")];
            let page =
                Browser::new().send(method, &app.url(path), &headers, None).await.expect(308);
            assert_eq!(page.header("location"), Some(app.url(to).as_str()), "{path}");
        }
    }
    for path in ["/nothing", "//"] {
        let page = Browser::new().get(&app.url(path)).await;
        assert!(matches!(page.status, 404 | 308), "{path}: {}", page.summary());
    }
}

#[tokio::test]
async fn public_url_may_use_an_ip_address() {
    let app = Latchkey::start().await;
    let port = app.address.port();
    drop(app);
    let app = Setup::new().set("PUBLIC_URL", format!("http://127.0.0.1:{port}")).start().await;
    let page = under(&app, &format!("localhost:{port}"), "/sign-in").await;
    assert_eq!(page.header("location"), Some(app.url("/sign-in").as_str()), "{}", page.summary());
    let _ = under(&app, &format!("127.0.0.1:{port}"), "/sign-in").await.expect(200);
}
