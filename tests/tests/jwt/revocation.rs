//! `JWT_REVOCATION`: whether a JWT ends early.

use latchkey_domain::{Email, Span};
use latchkey_store::accounts::reset_password;
use latchkey_store::email_tokens::{self, Purpose, Recipient};
use latchkey_tests::accounts;
use latchkey_tests::jws;
use std::time::Duration;

use latchkey_tests::accounts::{
    ApiClient, Tokens, cookie_value, expect_problem, instance, json_of, past_expiry, queries,
    sign_up_client, signed_in,
};
use latchkey_tests::{Browser, Database, Latchkey, Page, Setup};

/// Ways to end a sign-in.
const WAYS: [&str; 4] =
    ["revoke the access token", "revoke the refresh token", "end it", "sign out"];

/// Ends the sign-in of this token.
async fn end(app: &Latchkey, way: &str, browser: &mut Browser, tokens: &Tokens) {
    let mut program = ApiClient::with(app, &tokens.access);
    let page: Page = match way {
        "revoke the access token" => program.revoke(&tokens.access).await,
        "revoke the refresh token" => program.revoke(&tokens.refresh).await,
        "end it" => {
            let sid = jws::decode(&tokens.access).1["sid"].as_str().expect("a sid").to_owned();
            program.delete(&format!("/api/v1/sessions/{sid}")).await
        }
        _ => browser.post(&app.url("/sign-out"), &[]).await,
    };
    assert!(page.status < 400, "{way}: {}", page.summary());
}

/// A browser with a JWT, and the JWT.
async fn browser_with_jwt(app: &Latchkey) -> (Browser, Tokens) {
    let browser = signed_in(app, "ada@example.test", "jwt").await;
    let access = cookie_value(&browser, "latchkey_token").expect("a token");
    let refresh = cookie_value(&browser, "latchkey_refresh").expect("a refresh token");
    (browser, Tokens { access, refresh, scope: String::new() })
}

async fn watch_mode_revokes_jwt_on_all_instances(url: &str) {
    let setup = || instance(url).set("JWT_REVOCATION", "watch");
    let here = setup().start().await;
    let there = setup().start().await;
    let (mut bystander, _) = sign_up_client(&here, "ada@example.test").await;
    for way in WAYS {
        let (mut browser, tokens) = browser_with_jwt(&here).await;
        let mut at_there = ApiClient::with(&there, &tokens.access);
        let mut at_here = at_there.at(&here);
        for program in [&mut at_here, &mut at_there] {
            let page = program.get("/api/v1/me").await;
            assert_eq!((page.status, queries(&page)), (200, 0), "{way}");
        }
        end(&here, way, &mut browser, &tokens).await;
        // Immediately in the same process.
        let page = at_here.get("/api/v1/me").await;
        expect_problem(&page, 401, "token_revoked");
        assert_eq!(queries(&page), 0, "{way}");
        let challenge = page.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
        is_revoked_soon(&mut at_there).await;
        assert_eq!(bystander.get("/api/v1/me").await.status, 200, "{way}: somebody else's");
    }
    // A reset of the password, in the store.
    let (mut bob, _) = sign_up_client(&here, "bob@example.test").await;
    let mut at_there = bob.at(&there);
    assert_eq!(at_there.get("/api/v1/me").await.status, 200);
    let me: serde_json::Value = json_of(&bob.get("/api/v1/me").await);
    let user_id = me["id"].as_str().and_then(|id| id.parse().ok()).expect("an ID");
    let (db, now) = (&here.app.db, here.app.clock.now());
    let email = Email::parse("bob@example.test").expect("an address");
    let recipient = Recipient { user_id, email };
    let until = now.plus(Span::minutes(30));
    email_tokens::insert(db, "t", Purpose::Reset, &recipient, until).await.expect("sent");
    let reset = reset_password(db, "t", "a hash", now).await.expect("an answer");
    assert!(reset.is_some_and(|reset| !reset.ended.is_empty()));
    is_revoked_soon(&mut at_there).await;
}

/// In another process, never with a query in a request. How soon is measured in
/// `stopwatch/agreement.rs`; this waits longer than it should take on a slow machine, and less
/// than until the next poll without a notification.
async fn is_revoked_soon(at_there: &mut ApiClient) {
    let mut page = at_there.get("/api/v1/me").await;
    for _ in 0..200 {
        assert_eq!(queries(&page), 0);
        if page.status != 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
        page = at_there.get("/api/v1/me").await;
    }
    expect_problem(&page, 401, "token_revoked");
}

#[tokio::test]
async fn watch_mode_revokes_jwt_on_all_instances_on_sqlite() {
    let database = Database::sqlite().await;
    watch_mode_revokes_jwt_on_all_instances(&database.url).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn watch_mode_revokes_jwt_on_all_instances_on_postgres() {
    watch_mode_revokes_jwt_on_all_instances(&Database::new_postgres_url().await).await;
}

#[tokio::test]
async fn watch_mode_remembers_revocations_after_restart() {
    let setup = |setup: Setup| {
        setup.set("JWT_REVOCATION", "watch").set("JWT_ISSUER", "http://localhost:3000").start()
    };
    let app = setup(Setup::new().set("JWT_AUDIENCE", "http://localhost:3000/api")).await;
    let (mut program, tokens) = sign_up_client(&app, "ada@example.test").await;
    let _ = program.revoke(&tokens.refresh).await.expect(200);
    let folder = app.stop().await;
    let again = Setup::in_folder(folder).set("JWT_AUDIENCE", "http://localhost:3000/api");
    let app = setup(again).await;
    expect_problem(&program.at(&app).get("/api/v1/me").await, 401, "token_revoked");
}

#[tokio::test]
async fn expiry_mode_accepts_signed_out_jwt_until_expiry() {
    for way in WAYS {
        let app = Setup::new().with_frozen_clock().start().await;
        accounts::sign_up(&app, "ada@example.test").await;
        let (mut browser, tokens) = browser_with_jwt(&app).await;
        end(&app, way, &mut browser, &tokens).await;
        let mut copied = ApiClient::with(&app, &tokens.access);
        let page = copied.get("/api/v1/me").await;
        assert_eq!((page.status, queries(&page)), (200, 0), "{way}: it was copied before");
        expect_problem(&copied.refresh(&tokens.refresh).await, 400, "refresh_token_ended");
        app.advance(past_expiry());
        expect_problem(&copied.get("/api/v1/me").await, 401, "token_expired");
    }
}

#[tokio::test]
async fn watch_mode_signs_out_browser_with_revoked_jwt() {
    let app = Setup::new().set("JWT_REVOCATION", "watch").start().await;
    accounts::sign_up(&app, "ada@example.test").await;
    let (mut browser, tokens) = browser_with_jwt(&app).await;
    let mut copy = browser.clone();
    end(&app, "sign out", &mut browser, &tokens).await;
    let page = copy.get(&app.url("/account")).await;
    assert_eq!(page.header("x-error-code"), Some("sign_in_required"), "{}", page.summary());
    assert_eq!(cookie_value(&copy, "latchkey_token"), None, "there is nothing left to renew");
}

/// Clocks do not matter: one process is minutes ahead of the other.
#[tokio::test]
async fn watch_mode_tolerates_clock_skew() {
    let database = Database::sqlite().await;
    let setup = || instance(&database.url).set("JWT_REVOCATION", "watch").with_frozen_clock();
    let (behind, ahead) = (setup().start().await, setup().start().await);
    ahead.advance(Span::minutes(2));
    let pairs = [(&behind, &ahead), (&ahead, &behind), (&behind, &ahead)];
    for (n, (here, there)) in pairs.into_iter().enumerate() {
        let email = format!("{n}@example.test");
        let _ = sign_up_client(here, &email).await;
        let tokens = latchkey_tests::accounts::tokens(&behind, &email, None).await;
        let mut program = ApiClient::with(there, &tokens.access);
        assert_eq!(program.get("/api/v1/me").await.status, 200);
        let _ = program.at(here).revoke(&tokens.refresh).await.expect(200);
        let mut page = program.get("/api/v1/me").await;
        for _ in 0..400 {
            if page.status != 200 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
            page = program.get("/api/v1/me").await;
        }
        expect_problem(&page, 401, "token_revoked");
    }
}
