//! Irreversible actions need recent authentication and an active sign-in.

use latchkey_domain::Span;
use latchkey_tests::database::rows;
use latchkey_tests::{Browser, Latchkey, Page, Setup};
use reqwest::Method;

use crate::helpers::{
    ADA, OTHER_PASSWORD, came_in, code_for, come_in, email_to, forgot, id_of, is_in, link, linked,
    prove, reset, set_password, start_linking, this_one,
};
use latchkey_tests::accounts::{PASSWORD, sign_up, signed_in, tokens};

/// The irreversible actions.
const ACTIONS: [&str; 6] = ["link", "finish a link", "unlink", "password", "end all", "delete"];

async fn act(app: &Latchkey, browser: &mut Browser, action: &str) -> Page {
    match action {
        "link" => browser.post(&app.url("/account/link/facebook"), &[]).await,
        "finish a link" => browser.post(&app.url("/account/link"), &[]).await,
        "unlink" => crate::helpers::unlink(browser, app, "github").await,
        "password" => set_password(browser, app, "", OTHER_PASSWORD).await,
        "end all" => browser.post(&app.url("/account/sign-ins/end-all"), &[]).await,
        _ => crate::helpers::delete(browser, app).await,
    }
}

/// Ada, signed in with Google, with GitHub linked.
async fn ada(app: &Latchkey, key: &str) -> Browser {
    let mut ada = came_in(app, "google", "ada", key).await;
    let _ = link(&mut ada, app, "github", "ada").await.expect(303);
    ada
}

#[tokio::test]
async fn irreversible_actions_require_recent_authentication() {
    for key in ["session", "jwt"] {
        for action in ACTIONS {
            let app = Setup::new().with_frozen_clock().start().await;
            let mut ada = ada(&app, key).await;
            app.advance(Span::minutes(11));
            // This refreshes the access token, which is not a new authentication.
            let page = act(&app, &mut ada, action).await;
            let page = page.expect_error(403, "fresh_proof_required");
            assert!(page.body.contains("/sign-in?again=1"), "{action}: {}", page.summary());
            assert_eq!(linked(&mut ada, &app).await.len(), 2, "{key}: {action}");
            assert_eq!(rows(&app.app.db, "users").await, 1);
            assert_eq!(rows(&app.app.db, "passwords").await, 0);

            // Signed-in users see the page to authenticate again.
            let page = ada.get(&app.url("/sign-in?again=1&next=%2Faccount")).await.expect(200);
            assert!(page.body.contains("action=\"/auth/google\""), "{}", page.summary());
            let code = code_for(&mut ada, &app, ADA).await;
            let _ = prove(&mut ada, &app, &code).await.expect(303);
            app.advance(Span::seconds(10 * 60 - 1));
            let page = act(&app, &mut ada, action).await;
            if action == "finish a link" {
                // There is no pending identity, but authentication is not what is missing.
                let _ = page.expect_error(400, "link_lost");
            } else {
                assert_eq!(page.status, 303, "{key}: {action}: {}", page.summary());
            }
        }
    }
}

#[tokio::test]
async fn reversible_actions_need_no_recent_authentication() {
    for key in ["session", "jwt"] {
        let app = Setup::new().with_frozen_clock().start().await;
        let mut ada = ada(&app, key).await;
        let mut other = came_in(&app, "google", "ada", "session").await;
        let other_id = this_one(&mut other, &app).await;
        app.advance(Span::minutes(30));
        let _ = ada.get(&app.url("/account")).await.expect(200);
        let url = app.url(&format!("/account/sign-ins/{other_id}/end"));
        assert_eq!(ada.post(&url, &[]).await.see_other(), "/account?done=ended");
        let page = ada.post(&app.url("/account/sign-ins/end-others"), &[]).await;
        assert_eq!(page.see_other(), "/account?done=ended");
        assert!(!is_in(&mut other, &app).await);
    }
}

#[tokio::test]
async fn current_password_counts_as_recent_authentication() {
    let app = Setup::new().with_frozen_clock().start().await;
    sign_up(&app, "bob@example.test").await;
    let mut bob = signed_in(&app, "bob@example.test", "jwt").await;
    app.advance(Span::minutes(30));
    let page = set_password(&mut bob, &app, PASSWORD, OTHER_PASSWORD).await;
    assert_eq!(page.see_other(), "/account?done=password");
}

#[tokio::test]
async fn reauthentication_as_another_user_switches_accounts() {
    let app = Setup::new().with_frozen_clock().start().await;
    let mut browser = ada(&app, "session").await;
    app.advance(Span::minutes(11));
    assert_eq!(
        come_in(&mut browser, &app, "google", "noor", "session").await.see_other(),
        "/account"
    );
    let _ = crate::helpers::delete(&mut browser, &app).await.expect(303);
    // Noor's account is deleted.
    came_in(&app, "google", "ada", "session").await;
    assert_eq!(rows(&app.app.db, "users").await, 1);
}

/// A JWT is valid for minutes after its sign-in has ended (`JWT_REVOCATION=expiry`). It may read,
/// but not add a sign-in method or delete the account.
#[tokio::test]
async fn ended_sign_in_cannot_do_irreversible_actions() {
    for action in ACTIONS.into_iter().filter(|action| *action != "finish a link") {
        let app = Latchkey::start().await;
        let mut owner = ada(&app, "session").await;
        let mut thief = came_in(&app, "google", "ada", "jwt").await;
        let ways = linked(&mut thief, &app).await;
        let _ = owner.post(&app.url("/account/sign-ins/end-others"), &[]).await.expect(303);
        // The thief has seen the page that act() reads.
        let page = if action == "unlink" {
            let (issuer, subject) = &ways[1];
            let fields = [("issuer", issuer.as_str()), ("subject", subject.as_str())];
            thief.post(&app.url("/account/unlink"), &fields).await
        } else {
            act(&app, &mut thief, action).await
        };
        assert!(
            matches!(page.status, 401 | 403),
            "{action}: a JWT whose sign-in was ended did it: {}",
            page.summary()
        );
        assert_eq!(rows(&app.app.db, "users").await, 1, "{action}");
        assert_eq!(linked(&mut owner, &app).await.len(), 2, "{action}");
    }
}

/// The owner of the mailbox resets the password of an account that an attacker created, and the
/// attacker tries to link an identity again.
#[tokio::test]
async fn sign_in_ended_by_reset_cannot_link_an_identity() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    let mut eve = signed_in(&app, ADA, "jwt").await;
    let waiting = start_linking(&mut eve, &app, "github").await;
    let waiting = eve.consent(&waiting, "octo").await;
    let _ = forgot(&app, ADA).await.expect(200);
    let link_ = email_to(&app, ADA, crate::helpers::RESET).await.link;
    let _ = reset(&link_, OTHER_PASSWORD).await.expect(303);
    // Neither a pending link nor a new one works.
    let page = eve.follow_callback(&waiting).await;
    let inside = rows(&app.app.db, "identities").await;
    assert_eq!(inside, 0, "Eve linked herself in after the reset: {}", page.summary());
    let page = eve.post(&app.url("/account/link/facebook"), &[]).await;
    assert!(matches!(page.status, 401 | 403), "{}", page.summary());
    let _ = crate::helpers::delete(&mut eve, &app).await;
    assert_eq!(rows(&app.app.db, "users").await, 1, "Eve deleted the account");
}

/// An API token, possibly with a narrow scope, does not open the account page.
#[tokio::test]
async fn access_token_is_refused_on_account_pages() {
    let app = Latchkey::start().await;
    sign_up(&app, "bob@example.test").await;
    let mut bob = signed_in(&app, "bob@example.test", "session").await;
    let narrow = tokens(&app, "bob@example.test", Some("calendar:read")).await;
    let bearer = format!("Bearer {}", narrow.access);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let headers = [("authorization", bearer.as_str()), form];
    for (path, body) in [
        ("/account/sign-ins/end-all", ""),
        ("/account/sign-ins/end-others", ""),
        ("/account/verify-email", ""),
        ("/account/link/google", ""),
        ("/account/delete", "confirm=delete"),
    ] {
        let body = Some(body.to_owned());
        let page = Browser::new().send(Method::POST, &app.url(path), &headers, body).await;
        assert!(
            matches!(page.status, 401 | 403),
            "{path}: a token for calendar:read did it: {}",
            page.summary()
        );
    }
    let page = Browser::new().send(Method::GET, &app.url("/account"), &headers, None).await;
    assert!(matches!(page.status, 401 | 403), "GET /account: {}", page.summary());
    assert!(is_in(&mut bob, &app).await);
    let _ = id_of(&mut bob, &app).await;
}
