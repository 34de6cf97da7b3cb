//! Signing up with an address and a password.

use latchkey_tests::accounts;
use latchkey_tests::accounts::{PASSWORD, json_of, sign_up_client, signed_in, tokens};
use latchkey_tests::database::rows;
use latchkey_tests::{Browser, Latchkey, Page};

const ADA: &str = "ada@example.test";

async fn sign_up(app: &Latchkey, name: &str, email: &str, password: &str) -> Page {
    let fields = [("name", name), ("email", email), ("password", password)];
    Browser::new().post(&app.url("/sign-up"), &fields).await
}

/// The fields with an error.
fn complaints(page: &Page) -> Vec<&'static str> {
    let named = |field: &&str| page.body.contains(&format!("id=\"{field}-error\""));
    ["name", "email", "password"].into_iter().filter(named).collect()
}

#[tokio::test]
async fn sign_up_reports_all_errors_and_keeps_input() {
    let app = Latchkey::start().await;
    for (name, email, password, about) in [
        ("", "", "", &["name", "email", "password"][..]),
        ("Ada", "", PASSWORD, &["email"]),
        ("", ADA, PASSWORD, &["name"]),
        ("Ada", ADA, "short", &["password"]),
        ("Ada", "ada", "short", &["email", "password"]),
        (" \t ", "ada@", PASSWORD, &["name", "email"]),
        ("Ada", "@example.test", PASSWORD, &["email"]),
        ("Ada", "ada@example.test\r\nBcc: all@example.test", PASSWORD, &["email"]),
        ("Ada", "a@b@c", PASSWORD, &["email"]),
        ("Ada", "ada@localhost", PASSWORD, &["email"]),
        ("Ada", "ada@192.0.2.1", PASSWORD, &["email"]),
        ("Ada", "a..da@example.test", PASSWORD, &["email"]),
        ("Ada", "ada@-example.test", PASSWORD, &["email"]),
        ("Ada", "ada@exa_mple.test", PASSWORD, &["email"]),
    ] {
        let page =
            sign_up(&app, name, email, password).await.expect_error(422, "validation_failed");
        assert_eq!(complaints(&page), about, "{name:?} {email:?} {password:?}");
        assert_eq!(page.body.matches("aria-invalid=\"true\"").count(), about.len());
        for typed in [name, email] {
            // Input is shown again, except for line breaks.
            let typed = typed.lines().next().unwrap_or_default();
            assert!(page.body.contains(&format!("value=\"{typed}")), "{typed:?} is lost");
        }
        assert!(password.is_empty() || !page.body.contains(password), "the password is repeated");
    }
    assert_eq!(rows(&app.app.db, "users").await, 0);
}

#[tokio::test]
async fn sign_up_form_escapes_submitted_markup() {
    let app = Latchkey::start().await;
    let evil = "\"><script>alert(1)</script>";
    let page = sign_up(&app, evil, evil, "short").await.expect_error(422, "validation_failed");
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
}

#[tokio::test]
async fn common_and_guessable_passwords_are_rejected() {
    let app = Latchkey::start().await;
    for weak in [
        "password",
        "PassWord",
        "qwertyuiop",
        "iloveyou",
        "1qaz2wsx",
        "12345678",
        "aaaaaaaa",
        "        ",
        "adalovelace",
        "Lovelace99",
        "ada@example.test",
        "latchkey",
        "LatchKey2026!",
        "1234567",
        "🦀🦀🦀🦀🦀🦀🦀",
    ] {
        let page = sign_up(&app, "Ada Lovelace", ADA, weak).await;
        let page = page.expect_error(422, "validation_failed");
        assert_eq!(complaints(&page), ["password"], "{weak:?}");
    }
    let long = "ab ".repeat(100);
    let page = sign_up(&app, "Ada", ADA, &long).await.expect_error(422, "validation_failed");
    assert_eq!(complaints(&page), ["password"]);
    assert_eq!(rows(&app.app.db, "users").await, 0);
}

#[tokio::test]
async fn sign_up_does_not_reveal_existing_accounts() {
    let app = Latchkey::start().await;
    let new = sign_up(&app, "Ada", ADA, PASSWORD).await;
    let again = sign_up(&app, "Mallory", ADA, "another password of mine").await;
    assert_eq!((new.status, again.status), (303, 303));
    assert_eq!(new.body, again.body);
    let without_id = |page: &Page| {
        let mut headers = page.headers.clone();
        for name in ["x-request-id", "server-timing", "date"] {
            headers.remove(name);
        }
        headers
    };
    assert_eq!(without_id(&new), without_id(&again));
    assert!(new.cookies().is_empty() && again.cookies().is_empty(), "nobody is signed in by it");
    // The account is unchanged: its password, its name, and there is one.
    assert_eq!(rows(&app.app.db, "users").await, 1);
    let mut browser = signed_in(&app, ADA, "jwt").await;
    assert_eq!(browser.account(&app).await.expect("an account").name, "Ada");
    let fields = [("email", ADA), ("password", "another password of mine")];
    let page = accounts::submit_password(&mut Browser::new(), &app, &fields).await;
    let _ = page.expect_error(401, "wrong_credentials");
}

#[tokio::test]
async fn email_case_and_width_variants_share_one_account() {
    let app = Latchkey::start().await;
    let (mut program, _) = sign_up_client(&app, "Ada.Lovelace@Example.TEST").await;
    let me = json_of(&program.get("/api/v1/me").await);
    assert_eq!(me["email"], "ada.lovelace@example.test");
    assert_eq!(me["email_verified"], false, "nobody has proved it");
    for typed in [
        "ada.lovelace@example.test",
        "ADA.LOVELACE@EXAMPLE.TEST",
        "  ada.lovelace@example.test ",
        "\tada.lovelace@example.test\n",
        "ａｄａ.lovelace@example.test",
        "Ada.Lovelace＠example.test",
    ] {
        let tokens = tokens(&app, typed, None).await;
        program.token = Some(tokens.access);
        assert_eq!(json_of(&program.get("/api/v1/me").await), me, "{typed:?}");
        let page = sign_up(&app, "Mallory", typed, PASSWORD).await;
        assert_eq!(page.status, 303, "{typed:?}");
    }
    assert_eq!(rows(&app.app.db, "users").await, 1);
}

#[tokio::test]
async fn display_names_keep_unicode_without_invisible_characters() {
    let app = Latchkey::start().await;
    for (n, (typed, shown)) in [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada \t Lovelace ", "Ada Lovelace"),
        ("李小龍", "李小龍"),
        ("O'Brien & <b>", "O'Brien & <b>"),
        ("Ada\0\u{202e}", "Ada"),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("person{n}@example.test");
        assert_eq!(sign_up(&app, typed, &email, PASSWORD).await.status, 303, "{typed:?}");
        let tokens = tokens(&app, &email, None).await;
        let mut program = accounts::ApiClient::with(&app, &tokens.access);
        assert_eq!(json_of(&program.get("/api/v1/me").await)["name"], shown);
    }
}

#[tokio::test]
async fn sign_up_keeps_only_local_next_paths() {
    let app = Latchkey::start().await;
    for (n, (next, kept)) in [
        ("/account?a=b", "%2Faccount%3Fa%3Db"),
        ("https://evil.test/", "%2Faccount"),
        ("//evil.test/", "%2Faccount"),
        ("/\\evil.test", "%2Faccount"),
        ("javascript:alert(1)", "%2Faccount"),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("person{n}@example.test");
        let fields = [("name", "Ada"), ("email", &*email), ("password", PASSWORD), ("next", next)];
        let page = Browser::new().post(&app.url("/sign-up"), &fields).await;
        assert_eq!(page.see_other(), format!("/sign-in?welcome=1&next={kept}"), "{next}");
    }
}

#[tokio::test]
async fn new_account_has_sample_contacts_and_events() {
    let app = Latchkey::start().await;
    let (mut program, _) = sign_up_client(&app, ADA).await;
    for path in ["/api/v1/contacts", "/api/v1/calendar/events"] {
        let list = json_of(&program.get(path).await);
        assert!(list["items"].as_array().is_some_and(|items| items.len() >= 2), "{path}: {list}");
    }
}
