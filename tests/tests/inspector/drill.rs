//! The storage drill over HTTP: its pages and its decoy API. tests/browser runs its scripts.

use latchkey_domain::Span;
use latchkey_tests::accounts::{json_of, sign_up, signed_in};
use latchkey_tests::{Browser, Latchkey, Page, Setup};
use reqwest::Method;

/// The value of an attribute or a text between two marks.
#[track_caller]
fn between<'p>(page: &'p Page, before: &str, after: &str) -> &'p str {
    let (_, rest) = page.body.split_once(before).unwrap_or_else(|| panic!("{}", page.summary()));
    rest.split_once(after).expect("an end").0
}

async fn begin(app: &Latchkey) -> (Browser, String) {
    let mut browser = Browser::new();
    let page = browser.post(&app.url("/drill/start"), &[]).await;
    assert_eq!(page.see_other(), "/drill#attack");
    for (name, http_only) in
        [("latchkey_drill", true), ("latchkey_drill_open", false), ("latchkey_drill_token", true)]
    {
        let cookies = page.cookies();
        let cookie = cookies.iter().find(|cookie| cookie.name == app.cookie(name));
        let cookie = cookie.expect("a cookie");
        assert_eq!(cookie.attribute("path"), Some("/drill"), "{name}");
        assert_eq!(cookie.attribute("httponly").is_some(), http_only, "{name}");
    }
    let room = browser.get(&app.url("/drill/room")).await.expect(200);
    let number = between(&room, "data-drill=\"", "\"").to_owned();
    (browser, number)
}

async fn token(browser: &mut Browser, app: &Latchkey) -> String {
    let page = browser.post(&app.url("/drill/token"), &[]).await.expect(200);
    json_of(&page)["token"].as_str().expect("a token").to_owned()
}

async fn me_with(app: &Latchkey, header: (&str, &str)) -> Page {
    Browser::new().send(Method::GET, &app.url("/drill/me"), &[header], None).await
}

#[tokio::test]
async fn sign_out_invalidates_cookie_but_not_bearer_token() {
    let app = Setup::new().with_frozen_clock().start().await;
    let (mut dora, number) = begin(&app).await;
    let token = token(&mut dora, &app).await;
    let bearer = format!("Bearer {token}");
    let name = app.cookie("latchkey_drill_open");
    let open = dora.jar.get("localhost", &name).expect("a cookie").to_owned();
    let cookies = format!("{name}={open}");

    // What the comment would send, and what the thief makes of it.
    let mut thief = Browser::new();
    let loot = [("drill", number.as_str()), ("local_storage", &token), ("cookies", &cookies)];
    let _ = thief.post(&app.url("/drill/thief"), &loot).await.expect(204);
    for (what, status) in [("token", "200"), ("cookies", "200")] {
        let _ = dora.post(&app.url("/drill/use"), &[("what", what)]).await.see_other();
        let page = dora.get(&app.url("/drill")).await.expect(200);
        assert!(page.body.contains(&format!("data-label=\"Status\"><span>{status}")), "{what}");
    }
    assert_eq!(me_with(&app, ("authorization", &bearer)).await.status, 200);
    assert_eq!(me_with(&app, ("cookie", &cookies)).await.status, 200);

    let _ = dora.post(&app.url("/drill/sign-out"), &[]).await.see_other();
    assert_eq!(me_with(&app, ("authorization", &bearer)).await.status, 200, "it lives on");
    assert_eq!(me_with(&app, ("cookie", &cookies)).await.status, 401);
    app.advance(Span::minutes(5));
    assert_eq!(me_with(&app, ("authorization", &bearer)).await.status, 401, "it has expired");
}

#[tokio::test]
async fn http_only_cookie_authorizes_same_origin_requests() {
    let app = Latchkey::start().await;
    let (mut dora, _) = begin(&app).await;
    let me = dora.get(&app.url("/drill/me")).await.expect(200);
    assert_eq!(json_of(&me)["known_by"], "the HttpOnly cookie");
    let change = [("email", "mallory@thief.example")];
    let _ = dora.post(&app.url("/drill/me"), &change).await.expect(204);
    let page = dora.get(&app.url("/drill")).await.expect(200);
    assert!(page.body.contains("changed by the ride"), "{}", page.summary());
    let _ = Browser::new().post(&app.url("/drill/me"), &change).await.expect(401);
    // Another site cannot: the cookie is not what protects from that.
    let cross = [("sec-fetch-site", "cross-site")];
    let page = dora.send(Method::POST, &app.url("/drill/me"), &cross, None).await;
    let _ = page.expect_error(403, "cross_site_request");
}

#[tokio::test]
async fn drill_csp_allows_only_two_known_scripts() {
    let app = Latchkey::start().await;
    let (mut dora, _) = begin(&app).await;
    let mut hashes = Vec::new();
    for (query, scripts) in [
        ("", 0),
        ("?comment=steal", 1),
        ("?comment=ride", 1),
        ("?comment=%3Cscript%3Ealert(1)%3C/script%3E", 0),
        ("?comment=steal%3Cb%3E", 0),
    ] {
        let room = dora.get(&app.url(&format!("/drill/room{query}"))).await.expect(200);
        assert_eq!(room.body.matches("<script>").count(), scripts, "{query}");
        assert!(!room.body.contains("alert(1)"), "{query}");
        let policy = room.header("content-security-policy").expect("a policy").to_owned();
        assert!(!policy.contains("unsafe"), "{policy}");
        for directive in [
            format!("connect-src {}/drill/;", app.origin),
            format!("form-action {}/drill/;", app.origin),
            "sandbox allow-forms allow-same-origin allow-scripts".to_owned(),
            "default-src 'none'".to_owned(),
        ] {
            assert!(policy.contains(&directive), "{directive}: {policy}");
        }
        assert_eq!(policy.matches("'sha256-").count(), scripts, "{policy}");
        hashes.extend(
            policy.split('\'').filter(|part| part.starts_with("sha256-")).map(str::to_owned),
        );
        // With the policy of every other page, the same comment is refused.
        let separator = if query.is_empty() { '?' } else { '&' };
        let guarded = app.url(&format!("/drill/room{query}{separator}policy=real"));
        let guarded = dora.get(&guarded).await.expect(200);
        assert_eq!(guarded.body.matches("<script>").count(), scripts, "{query}");
        let other = dora.get(&app.url("/")).await.expect(200);
        let policy = "content-security-policy";
        assert_eq!(guarded.header(policy), other.header(policy));
    }
    assert_eq!(hashes.len(), 2);
    assert_ne!(hashes[0], hashes[1]);
}

#[tokio::test]
async fn drill_credentials_give_no_access_to_real_account() {
    let app = Latchkey::start().await;
    sign_up(&app, "ada@example.test").await;
    let mut ada = signed_in(&app, "ada@example.test", "session").await;
    let account = ada.get(&app.url("/account")).await.account();
    let _ = ada.post(&app.url("/drill/start"), &[]).await.see_other();
    let drill = token(&mut ada, &app).await;
    let page = me_with(&app, ("authorization", &format!("Bearer {drill}"))).await;
    assert!(!page.body.contains(&account.name), "{}", page.body);
    let api = app.url("/api/v1/me");
    let bearer = format!("Bearer {drill}");
    let refused = Browser::new().send(Method::GET, &api, &[("authorization", &bearer)], None).await;
    // 503 where nobody answers who could be asked about opaque tokens.
    assert!([401, 503].contains(&refused.status), "{}", refused.summary());
    let page = ada.post(&app.url("/drill/end"), &[]).await;
    assert_eq!(page.see_other(), "/drill");
    assert_eq!(ada.jar.get("localhost", &app.cookie("latchkey_drill")), None);
    assert_eq!(ada.get(&app.url("/account")).await.account(), account, "still signed in");
    let gone = me_with(&app, ("authorization", &bearer)).await;
    assert_eq!(gone.status, 401, "nothing is left of it");
    let loot = [("drill", "made-up"), ("local_storage", "x")];
    let _ = ada.post(&app.url("/drill/thief"), &loot).await.expect(404);
}

#[tokio::test]
async fn hostile_drill_input_is_escaped() {
    let app = Latchkey::start().await;
    let (mut dora, number) = begin(&app).await;
    let hostile = "<img src=x onerror=alert(1)>\u{202e}\u{0}\r\nX-Evil: 1".repeat(100);
    for field in ["local_storage", "cookies", "ridden"] {
        let loot = [("drill", number.as_str()), (field, hostile.as_str())];
        let _ = dora.post(&app.url("/drill/thief"), &loot).await.expect(204);
    }
    for what in ["token", "cookies"] {
        let page = dora.post(&app.url("/drill/use"), &[("what", what)]).await;
        assert!([303, 400].contains(&page.status), "{}", page.summary());
    }
    let _ = dora.post(&app.url("/drill/use"), &[("what", "else")]).await.expect(400);
    let page = dora.get(&app.url("/drill")).await.expect(200);
    assert!(!page.body.contains("<img") && !page.body.contains('\u{202e}'));
    for field in ["loot__token", "loot__cookies", "loot__ridden"] {
        let shown = format!("{field}\">&#60;img src=x onerror=alert(1)&#62;\\u{{202e}}");
        assert!(page.body.contains(&shown), "{field}: {}", page.body);
    }
}

#[tokio::test]
async fn drill_is_disabled_outside_development() {
    let app = Setup::public().set("DEMO", "on").start().await;
    let mut browser = Browser::new().with_host(&app.origin, app.address);
    for (method, path) in [
        (Method::GET, "/drill"),
        (Method::GET, "/drill/room?comment=steal"),
        (Method::GET, "/drill/me"),
        (Method::POST, "/drill/start"),
        (Method::POST, "/drill/token"),
        (Method::POST, "/drill/sign-out"),
        (Method::POST, "/drill/end"),
    ] {
        let page = browser.send(method, &app.url(path), &[], None).await;
        let page = page.expect_error(404, "not_found");
        assert!(page.body.contains("only runs in development"), "{path}: {}", page.summary());
    }
}
