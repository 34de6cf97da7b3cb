//! Signing in with a password.

use latchkey_tests::accounts;
use latchkey_tests::accounts::{
    ApiClient, PASSWORD, cookie_value, expect_problem, sign_up, submit_password,
};
use latchkey_tests::{Browser, Database, Latchkey, Page, Setup, execute, number};
use reqwest::Method;
use serde_json::json;

const ADA: &str = "ada@example.test";

/// A page without its address and values that differ in every response.
fn without(page: &Page, email: &str) -> (u16, Vec<(String, String)>, String) {
    let varies = ["x-request-id", "server-timing", "date", "content-length"];
    let mut headers: Vec<_> = page
        .headers
        .iter()
        .filter(|(name, _)| !varies.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
        .collect();
    headers.sort();
    let id = page.header("x-request-id").expect("an id");
    (page.status, headers, page.body.replace(email, "").replace(id, ""))
}

#[tokio::test]
async fn known_and_unknown_emails_get_identical_responses() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    Browser::new().sign_in_with(&app, "google", "grace").await;
    let wrong = "not the password";
    let known =
        submit_password(&mut Browser::new(), &app, &[("email", ADA), ("password", wrong)]).await;
    let known = known.expect_error(401, "wrong_credentials");
    assert!(known.body.contains(ADA), "what was typed stays in the field");
    assert!(known.cookies().is_empty());
    for email in ["nobody@example.test", "grace@example.test", "no address", "", "a@b@c"] {
        for password in [wrong, PASSWORD] {
            let fields = [("email", email), ("password", password)];
            let page = submit_password(&mut Browser::new(), &app, &fields).await;
            assert_eq!(without(&page, email), without(&known, ADA), "{email:?}");
            assert!(!page.body.contains(password), "the password is repeated");
        }
    }
    let mut program = ApiClient::new(&app);
    let ask = |email: &str| json!({ "email": email, "password": wrong });
    let known = program.post("/api/v1/token", ask(ADA)).await;
    let body = expect_problem(&known, 401, "wrong_credentials");
    assert_eq!(body["error"], "invalid_grant");
    for email in ["nobody@example.test", "grace@example.test", "no address", ""] {
        let page = program.post("/api/v1/token", ask(email)).await;
        assert_eq!(without(&page, email), without(&known, ADA), "{email:?}");
    }
}

#[tokio::test]
async fn passwords_are_never_normalized_or_truncated() {
    let app = Latchkey::start().await;
    let long = format!("{}the end", "a long one, ".repeat(8));
    assert!(long.len() > 72);
    let composed = "caf\u{e9} au lait, s'il vous pla\u{ee}t";
    for (n, (password, others)) in [
        ("  blanks on both sides  ", vec!["blanks on both sides", "  blanks on both sides"]),
        (long.as_str(), vec![&long[..72], &long[..long.len() - 1]]),
        ("Correct Horse BATTERY", vec!["correct horse battery", "CORRECT HORSE BATTERY"]),
        ("пароль и ещё слово", vec!["ПАРОЛЬ И ЕЩЁ СЛОВО", "пароль и еще слово"]),
        ("👩\u{200d}💻🦀🦀🦀🦀🦀🦀", vec!["👩💻🦀🦀🦀🦀🦀🦀"]),
        (composed, vec!["cafe\u{301} au lait, s'il vous plai\u{302}t"]),
        ("null\0byte and more", vec!["null", "nullbyte and more"]),
        ("100% & + = ; \" ' < > \\", vec!["100% &   = ; \" ' < > \\"]),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("person{n}@example.test");
        let fields = [("name", "Somebody"), ("email", &*email), ("password", password)];
        let page = Browser::new().post(&app.url("/sign-up"), &fields).await;
        assert_eq!(page.status, 303, "{password:?}: {}", page.summary());
        let fields = [("email", &*email), ("password", password)];
        let page = submit_password(&mut Browser::new(), &app, &fields).await;
        assert_eq!(page.status, 303, "{password:?}: {}", page.summary());
        for other in others {
            let fields = [("email", &*email), ("password", other)];
            let page = submit_password(&mut Browser::new(), &app, &fields).await;
            let _ = page.expect_error(401, "wrong_credentials");
        }
    }
}

#[tokio::test]
async fn sign_in_uses_jwt_cookies_unless_session_requested() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    for (strategy, cookies) in [
        (None, vec!["latchkey_refresh", "latchkey_token"]),
        (Some("jwt"), vec!["latchkey_refresh", "latchkey_token"]),
        (Some("session"), vec!["latchkey_session"]),
    ] {
        let mut browser = Browser::new();
        let mut fields = vec![("email", ADA), ("password", PASSWORD)];
        fields.extend(strategy.map(|strategy| ("strategy", strategy)));
        assert_eq!(submit_password(&mut browser, &app, &fields).await.see_other(), "/account");
        let mut names: Vec<_> =
            browser.jar.all("localhost").map(|(name, _)| accounts::without_port(name)).collect();
        names.sort_unstable();
        assert_eq!(names, cookies, "{strategy:?}");
    }
    for strategy in ["JWT", "cookie", "session jwt"] {
        let fields = [("email", ADA), ("password", PASSWORD), ("strategy", strategy)];
        let page = submit_password(&mut Browser::new(), &app, &fields).await;
        let _ = page.expect_error(400, "bad_request");
    }
}

#[tokio::test]
async fn sign_in_redirects_only_to_local_next_paths() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    for (next, to) in [
        ("/docs", "/docs"),
        ("/account?a=b#c", "/account?a=b#c"),
        ("https://evil.test/", "/account"),
        ("//evil.test", "/account"),
        ("/\\evil.test", "/account"),
        ("/\t/evil.test", "/account"),
        ("javascript:alert(1)", "/account"),
        ("http://localhost@evil.test/", "/account"),
        ("", "/account"),
    ] {
        let fields = [("email", ADA), ("password", PASSWORD), ("next", next)];
        let page = submit_password(&mut Browser::new(), &app, &fields).await;
        assert_eq!(page.see_other(), to, "{next:?}");
        // A wrong password keeps `next`, and cannot redirect elsewhere.
        let fields = [("email", ADA), ("password", "wrong"), ("next", next)];
        let page = submit_password(&mut Browser::new(), &app, &fields).await;
        assert!(!page.body.contains("evil.test"), "{next:?}");
        let field = format!(r#"<input type="hidden" name="next" value="{to}">"#);
        assert!(page.body.contains(&field), "{next:?}: {field}");
    }
}

#[tokio::test]
async fn cross_site_auth_form_posts_return_403() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    let mut browser = accounts::signed_in(&app, ADA, "session").await;
    let before = cookie_value(&browser, "latchkey_session");
    let form = ("content-type", "application/x-www-form-urlencoded");
    for forged in [
        vec![form, ("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")],
        vec![form, ("sec-fetch-site", "same-site"), ("origin", "http://localhost:1")],
        vec![form, ("origin", "https://evil.test")],
        vec![form, ("origin", "null")],
    ] {
        for path in ["/sign-in", "/sign-up", "/sign-out", "/api/v1/contacts", "/api/v1/token"] {
            let url = app.url(path);
            let body = format!("email={ADA}&password={PASSWORD}&name=Ada");
            let page = browser.send(Method::POST, &url, &forged, Some(body)).await;
            assert_eq!(page.status, 403, "{path} {forged:?}");
            assert_eq!(page.header("x-error-code"), Some("cross_site_request"), "{path}");
            assert!(page.cookies().is_empty(), "{path}");
        }
    }
    assert_eq!(cookie_value(&browser, "latchkey_session"), before);
    assert!(browser.account(&app).await.is_some());
}

#[tokio::test]
async fn signed_in_users_skip_the_sign_in_pages() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    for key in ["session", "jwt"] {
        let mut browser = accounts::signed_in(&app, ADA, key).await;
        for path in ["/sign-in?next=/docs", "/sign-up?next=/docs"] {
            let page = browser.get(&app.url(path)).await;
            assert_eq!(page.see_other(), "/docs", "{key}: {path}");
        }
    }
}

#[tokio::test]
async fn wrong_password_keeps_the_current_sign_in() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    for key in ["session", "jwt"] {
        let mut browser = accounts::signed_in(&app, ADA, key).await;
        let before = browser.account(&app).await;
        let page =
            submit_password(&mut browser, &app, &[("email", ADA), ("password", "wrong")]).await;
        let _ = page.expect_error(401, "wrong_credentials");
        assert_eq!(browser.account(&app).await, before, "{key}");
    }
}

/// Browser forms send the domain in ASCII, API clients as it was typed.
#[tokio::test]
async fn idn_email_spellings_share_one_account() {
    let app = Latchkey::start().await;
    sign_up(&app, "kai@xn--bcher-kva.test").await;
    for written in [
        "kai@bücher.test",
        "kai@xn--bcher-kva.test",
        "Kai@BÜCHER.test",
        "kai@bu\u{308}cher.test",
        "kai@bücher.test.",
        "kai@XN--Bcher-KVA.test",
    ] {
        let tokens = accounts::tokens(&app, written, None).await;
        let page = ApiClient::with(&app, &tokens.access).get("/api/v1/me").await;
        assert_eq!(accounts::json_of(&page)["email"], "kai@bücher.test", "{written}");
        let mut browser = accounts::signed_in(&app, written, "session").await;
        let page = browser.get(&app.url("/account")).await.expect(200);
        assert!(page.body.contains("kai@bücher.test") && !page.body.contains("xn--"), "{written}");
        // The address has an account: none is created.
        sign_up(&app, written).await;
    }
    assert_eq!(latchkey_tests::database::rows(&app.app.db, "users").await, 1);
}

/// Stored as typed by an earlier version, which did not normalize addresses.
async fn legacy_unicode_email_can_still_sign_in(database_url: Option<String>) {
    let setup = |setup: Setup| match &database_url {
        Some(url) => setup.set("DATABASE_URL", url),
        None => setup,
    };
    let app = setup(Setup::new()).start().await;
    for name in ["kai", "mia"] {
        sign_up(&app, &format!("{name}@bücher.test")).await;
    }
    for table in ["users", "passwords"] {
        let old = format!("UPDATE {table} SET email = REPLACE(email, 'xn--bcher-kva', 'bücher')");
        execute(&app.app.db, &old).await;
    }
    // Meanwhile another account has the same address, normalized.
    sign_up(&app, "mia@bücher.test").await;

    let app = setup(Setup::in_folder(app.stop().await)).start().await;
    for written in ["kai@bücher.test", "kai@xn--bcher-kva.test", "mia@bücher.test"] {
        let _ = accounts::signed_in(&app, written, "session").await;
    }
    // No account is created for an existing address, and nobody has two.
    sign_up(&app, "kai@xn--bcher-kva.test").await;
    for (table, who, rows) in
        [("users", "kai", 1), ("passwords", "kai", 1), ("users", "mia", 1), ("passwords", "mia", 1)]
    {
        let count =
            format!("SELECT COUNT(*) FROM {table} WHERE email = '{who}@xn--bcher-kva.test'");
        assert_eq!(number(&app.app.db, &count).await, rows, "{table} {who}");
        let all = format!("SELECT COUNT(*) FROM {table}");
        assert_eq!(number(&app.app.db, &all).await, 3, "{table}");
    }
}

#[tokio::test]
async fn legacy_unicode_email_can_still_sign_in_on_sqlite() {
    legacy_unicode_email_can_still_sign_in(None).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn legacy_unicode_email_can_still_sign_in_on_postgres() {
    let url = Database::new_postgres_url().await;
    legacy_unicode_email_can_still_sign_in(Some(url)).await;
}
