//! Deleting an account removes all personal data.

use latchkey_tests::database::dump;
use latchkey_tests::database::rows;
use latchkey_tests::{Browser, Database, Latchkey, Setup, texts, until};
use serde_json::json;

use crate::helpers::{
    RESET, came_in, delete, email_to, forgot, id_of, is_in, link, opens, post_with, proved,
    sessions,
};
use latchkey_tests::accounts::{
    ApiClient, PASSWORD, cookie_value, expect_problem, instance, sign_up, signed_in, tokens,
};

/// Personal values that occur nowhere else.
const MAILBOX: &str = "persephone@underworld.test";
const ADDRESS: &str = "203.0.113.77";
const AGENT: &str = "Pomegranate/7.0";
const CONTACT: &str = "Demeter of Eleusis";

async fn account_deletion_removes_personal_data(url: Option<String>) {
    let setup = Setup::new().set("TRUSTED_PROXIES", "127.0.0.1");
    let setup = match url {
        Some(url) => setup.set("DATABASE_URL", url),
        None => setup,
    };
    let app = setup.start().await;
    let db = &app.app.db;
    sign_up(&app, "bystander@example.test").await;
    let mut bystander = signed_in(&app, "bystander@example.test", "session").await;
    let _ = link(&mut bystander, &app, "google", "grace").await.expect(303);
    let before = dump(db).await;

    // Creates rows in every table.
    proved(&app, MAILBOX).await;
    let mut browser = Browser::with_user_agent(AGENT);
    let fields = [("email", MAILBOX), ("password", PASSWORD), ("strategy", "session")];
    let from = [("x-forwarded-for", ADDRESS)];
    let _ = post_with(&mut browser, &app.url("/sign-in"), &fields, &from).await.expect(303);
    let wrong = [("email", MAILBOX), ("password", "not the password")];
    let _ = post_with(&mut Browser::new(), &app.url("/sign-in"), &wrong, &from).await.expect(401);
    let _ = link(&mut browser, &app, "github", "octo").await.expect(303);
    let _ = link(&mut browser, &app, "google", "noor").await.expect(303);
    let program = tokens(&app, MAILBOX, None).await;
    let mut at_api = ApiClient::with(&app, &program.access);
    let _ = at_api.post("/api/v1/contacts", json!({ "name": CONTACT })).await.expect(201);
    let _ = forgot(&app, MAILBOX).await;
    let _ = email_to(&app, MAILBOX, RESET).await;
    let id = id_of(&mut browser, &app).await;
    let sign_ins: Vec<_> = sessions(&mut browser, &app)
        .await
        .iter()
        .map(|one| one["id"].as_str().expect("an id").to_owned())
        .collect();
    let mut needles =
        vec![MAILBOX.to_owned(), ADDRESS.to_owned(), AGENT.to_owned(), CONTACT.to_owned(), id];
    needles.extend(
        ["9007199254740993", "100000000000000000003", "Octavia", "octavia", "Noor"]
            .map(String::from),
    );
    // The test looks in the right places: each value is in the database now.
    let traces = dump(db).await;
    for needle in needles.iter().filter(|n| !["Octavia", "octavia"].contains(&n.as_str())) {
        assert!(traces.iter().any(|(_, text)| text.contains(needle)), "{needle} was never there");
    }

    // The wrong word deletes nothing.
    for typed in ["", "yes", "DELETE", "delete my account"] {
        let page = browser.post(&app.url("/account/delete"), &[("confirm", typed)]).await;
        let _ = page.expect_error(422, "not_confirmed");
    }
    let page = delete(&mut browser, &app).await;
    assert_eq!(page.see_other(), "/");
    app.background_writes_done().await;

    let after = dump(db).await;
    for (table, text) in &after {
        for needle in &needles {
            assert!(!text.contains(needle.as_str()), "{needle} is still in {table}");
        }
        for sign_in in sign_ins.iter().filter(|_| table != "revocations") {
            assert!(!text.contains(sign_in.as_str()), "a sign-in is still in {table}");
        }
    }
    // The audit trail is kept, but anonymous.
    let anonymous = "SELECT kind FROM audit_events WHERE user_id IS NULL AND address IS NULL";
    let kept = texts(db, anonymous).await;
    for kind in ["signed_up", "signed_in", "sign_in_failed", "linked", "account_deleted"] {
        assert!(kept.iter().any(|kept| kept == kind), "{kind}: {kept:?}");
    }
    // Other accounts have lost nothing.
    for (table, text) in &before {
        let (_, now) = after.iter().find(|(name, _)| name == table).expect("the table");
        for line in
            text.lines().filter(|_| !["audit_events", "signing_keys"].contains(&table.as_str()))
        {
            // last_seen_at may have changed.
            let key: String = line.chars().take(50).collect();
            assert!(now.contains(&key), "{table}: {line}");
        }
    }
    assert!(is_in(&mut bystander, &app).await);
    // Neither sign-in method works, and both can be used for a new account.
    assert!(!opens(&app, MAILBOX, PASSWORD).await);
    assert!(!is_in(&mut browser, &app).await);
    came_in(&app, "github", "octo", "session").await;
    sign_up(&app, MAILBOX).await;
    assert!(opens(&app, MAILBOX, PASSWORD).await);
}

#[tokio::test]
async fn account_deletion_removes_personal_data_on_sqlite() {
    account_deletion_removes_personal_data(None).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn account_deletion_removes_personal_data_on_postgres() {
    account_deletion_removes_personal_data(Some(Database::new_postgres_url().await)).await;
}

/// Refused immediately in this process, and soon in others, even with `JWT_REVOCATION=expiry`.
/// (`stopwatch/agreement.rs` measures how soon.)
async fn deleted_account_jwts_are_refused(url: &str) {
    let here = instance(url).start().await;
    let there = instance(url).start().await;
    sign_up(&here, "bystander@example.test").await;
    let bystander = tokens(&here, "bystander@example.test", None).await;
    for key in ["session", "jwt"] {
        let email = format!("{key}@example.test");
        sign_up(&here, &email).await;
        let program = tokens(&here, &email, None).await;
        // A JWT whose sign-in just ended works until the account is deleted.
        let ended = tokens(&here, &email, None).await;
        let _ = ApiClient::new(&here).revoke(&ended.refresh).await.expect(200);
        let mut lingering = ApiClient::with(&there, &ended.access);
        assert_eq!(lingering.get("/api/v1/me").await.status, 200);
        let mut browser = signed_in(&here, &email, key).await;
        let cookie = cookie_value(&browser, "latchkey_token");
        let mut at_there = ApiClient::with(&there, &program.access);
        assert_eq!(at_there.get("/api/v1/me").await.status, 200);

        let _ = delete(&mut browser, &here).await.expect(303);
        for token in cookie.iter().chain([&program.access]) {
            expect_problem(
                &ApiClient::with(&here, token).get("/api/v1/me").await,
                401,
                "token_revoked",
            );
        }
        expect_problem(
            &ApiClient::new(&here).refresh(&program.refresh).await,
            400,
            "refresh_token_unknown",
        );
        expect_problem(
            &ApiClient::new(&there).refresh(&program.refresh).await,
            400,
            "refresh_token_unknown",
        );
        until("the news", async || at_there.get("/api/v1/me").await.status != 200).await;
        expect_problem(&at_there.get("/api/v1/me").await, 401, "token_revoked");
        expect_problem(&lingering.get("/api/v1/me").await, 401, "token_revoked");
        expect_problem(&lingering.at(&here).get("/api/v1/me").await, 401, "token_revoked");
        if let Some(cookie) = &cookie {
            let mut elsewhere = Browser::new();
            elsewhere.jar.set("localhost", &there.cookie("latchkey_token"), cookie);
            let _ =
                elsewhere.get(&there.url("/account")).await.expect_error(401, "sign_in_required");
        }
        assert_eq!(ApiClient::with(&there, &bystander.access).get("/api/v1/me").await.status, 200);
        assert_eq!(rows(&here.app.db, "users").await, 1);
    }
}

#[tokio::test]
async fn deleted_account_jwts_are_refused_on_sqlite() {
    deleted_account_jwts_are_refused(&Database::sqlite().await.url).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn deleted_account_jwts_are_refused_on_postgres() {
    deleted_account_jwts_are_refused(&Database::new_postgres_url().await).await;
}

#[tokio::test]
async fn new_instance_refuses_jwts_of_deleted_account() {
    let database = Database::sqlite().await;
    let here = instance(&database.url).start().await;
    sign_up(&here, "bob@example.test").await;
    let program = tokens(&here, "bob@example.test", None).await;
    let mut bob = signed_in(&here, "bob@example.test", "session").await;
    let _ = delete(&mut bob, &here).await.expect(303);
    let there = instance(&database.url).start().await;
    expect_problem(
        &ApiClient::with(&there, &program.access).get("/api/v1/me").await,
        401,
        "token_revoked",
    );
}

#[tokio::test]
async fn account_deletion_requires_signed_in_same_site_post() {
    let app = Latchkey::start().await;
    let mut noor = came_in(&app, "google", "noor", "session").await;
    let url = app.url("/account/delete");
    let cross =
        [("sec-fetch-site", "cross-site"), ("content-type", "application/x-www-form-urlencoded")];
    let page = noor.send(reqwest::Method::POST, &url, &cross, Some("confirm=delete".into())).await;
    let _ = page.expect_error(403, "cross_site_request");
    let _ = noor.get(&url).await.expect_error(405, "method_not_allowed");
    let _ = Browser::new()
        .post(&url, &[("confirm", "delete")])
        .await
        .expect_error(401, "sign_in_required");
    assert!(is_in(&mut noor, &app).await);
}
