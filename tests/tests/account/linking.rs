//! Linking identities to accounts: only by choice, never by e-mail address.

use latchkey_domain::Span;
use latchkey_tests::database::rows;
use latchkey_tests::oauth_flow::parameter;
use latchkey_tests::{Browser, Issuer, Latchkey, Setup, texts};
use tokio::task::JoinSet;

use crate::helpers::{
    ADA, came_in, code_for, come_in, id_of, link, linked, prove, proved, start_linking,
};
use latchkey_tests::accounts::{sign_up, signed_in};

#[tokio::test]
async fn linked_identity_signs_in_to_same_account() {
    for key in ["session", "jwt"] {
        let app = Latchkey::start().await;
        let mut ada = came_in(&app, "google", "ada", key).await;
        let id = id_of(&mut ada, &app).await;
        let before = ada.session(&app);
        for provider in ["github", "facebook"] {
            let page = link(&mut ada, &app, provider, "ada").await;
            assert_eq!(page.see_other(), "/account?done=linked", "{provider}");
            let page = ada.get(&app.url("/account?done=linked")).await.expect(200);
            assert!(
                page.body.contains("Linked. You can now sign in with it."),
                "{}",
                page.summary()
            );
        }
        // Linking is not a sign-in: the browser keeps its credential.
        assert_eq!(ada.session(&app), before);
        assert_eq!(linked(&mut ada, &app).await.len(), 3);
        for provider in ["google", "github", "facebook"] {
            let mut elsewhere = came_in(&app, provider, "ada", key).await;
            assert_eq!(id_of(&mut elsewhere, &app).await, id, "{provider}");
        }
        assert_eq!(rows(&app.app.db, "users").await, 1);
    }
}

#[tokio::test]
async fn password_account_can_link_and_use_a_provider() {
    let app = Latchkey::start().await;
    sign_up(&app, "grace@home.test").await;
    let mut grace = signed_in(&app, "grace@home.test", "jwt").await;
    let id = id_of(&mut grace, &app).await;
    assert_eq!(link(&mut grace, &app, "github", "grace").await.see_other(), "/account?done=linked");
    assert_eq!(id_of(&mut came_in(&app, "github", "grace", "jwt").await, &app).await, id);
}

#[tokio::test]
async fn generic_oidc_issuer_can_be_linked() {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut noor = came_in(&app, "google", "noor", "session").await;
    let id = id_of(&mut noor, &app).await;
    let authorize = start_linking(&mut noor, &app, "acme").await;
    let page = noor.follow_callback(&issuer.approve(&authorize)).await;
    assert_eq!(page.see_other(), "/account?done=linked");
    let mut again = Browser::new();
    let authorize = again.start_sign_in(&app, "acme").await;
    assert_eq!(again.follow_callback(&issuer.approve(&authorize)).await.see_other(), "/account");
    assert_eq!(id_of(&mut again, &app).await, id);
}

#[tokio::test]
async fn identity_of_another_account_cannot_be_linked() {
    let app = Latchkey::start().await;
    let mut noor = came_in(&app, "github", "noor", "session").await;
    let noors = id_of(&mut noor, &app).await;
    for key in ["session", "jwt"] {
        let mut ada = came_in(&app, "google", "ada", key).await;
        let adas = id_of(&mut ada, &app).await;
        let page = link(&mut ada, &app, "github", "noor").await.expect_error(409, "identity_taken");
        assert!(!page.body.contains(&noors), "it says whose it is");
        assert_eq!(id_of(&mut ada, &app).await, adas, "she stays who she is");
        assert_eq!(linked(&mut ada, &app).await.len(), 1);
    }
    assert_eq!(id_of(&mut came_in(&app, "github", "noor", "session").await, &app).await, noors);
}

#[tokio::test]
async fn relinking_an_identity_succeeds_and_is_audited_once() {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    for _ in 0..2 {
        let page = link(&mut ada, &app, "github", "ada").await;
        assert_eq!(page.see_other(), "/account?done=linked");
    }
    assert_eq!(linked(&mut ada, &app).await.len(), 2);
    let events = "SELECT detail FROM audit_events WHERE kind = 'linked'";
    assert_eq!(texts(&app.app.db, events).await, ["github"]);
}

#[tokio::test]
async fn two_tabs_can_link_different_providers_at_once() {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    let mut tabs = Vec::new();
    for provider in ["github", "facebook"] {
        let authorize = start_linking(&mut ada, &app, provider).await;
        tabs.push(ada.consent(&authorize, "ada").await);
    }
    for callback in tabs.iter().rev() {
        assert_eq!(ada.follow_callback(callback).await.see_other(), "/account?done=linked");
    }
    assert_eq!(linked(&mut ada, &app).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_link_the_same_identity_once() {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    let mut tabs = Vec::new();
    for _ in 0..2 {
        let authorize = start_linking(&mut ada, &app, "github").await;
        tabs.push(ada.consent(&authorize, "ada").await);
    }
    let (mut one, mut two) = (ada.clone(), ada.clone());
    let (one, two) = tokio::join!(one.follow_callback(&tabs[0]), two.follow_callback(&tabs[1]));
    for page in [one, two] {
        assert_eq!(page.see_other(), "/account?done=linked", "{}", page.summary());
    }
    assert_eq!(linked(&mut ada, &app).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_links_of_one_identity_have_one_winner() {
    let app = Latchkey::start().await;
    let mut all = JoinSet::new();
    for (provider, person) in [("google", "ada"), ("google", "grace"), ("facebook", "noor")] {
        let mut browser = came_in(&app, provider, person, "session").await;
        let authorize = start_linking(&mut browser, &app, "github").await;
        let callback = browser.consent(&authorize, "octo").await;
        all.spawn(async move { browser.follow_callback(&callback).await });
    }
    let mut outcomes: Vec<_> = all.join_all().await.into_iter().map(|page| page.status).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, [303, 409, 409]);
    assert_eq!(rows(&app.app.db, "identities").await, 4);
}

#[tokio::test]
async fn link_attempt_is_bound_to_the_user() {
    let app = Latchkey::start().await;
    for key in ["session", "jwt"] {
        let mut browser = came_in(&app, "google", "ada", key).await;
        let authorize = start_linking(&mut browser, &app, "github").await;
        let callback = browser.consent(&authorize, "octo").await;
        // Meanwhile another user signs in with the same browser …
        assert_eq!(
            come_in(&mut browser, &app, "google", "noor", key).await.see_other(),
            "/account"
        );
        let noor = id_of(&mut browser, &app).await;
        let _ = browser.follow_callback(&callback).await.expect_error(400, "link_lost");
        assert_eq!(id_of(&mut browser, &app).await, noor);
        assert_eq!(linked(&mut browser, &app).await.len(), 1);
        // … or signs out.
        let mut browser = came_in(&app, "google", "ada", key).await;
        let authorize = start_linking(&mut browser, &app, "github").await;
        let callback = browser.consent(&authorize, "octo").await;
        let _ = browser.post(&app.url("/sign-out"), &[]).await.expect(303);
        let _ = browser.follow_callback(&callback).await.expect_error(400, "link_lost");
        assert!(browser.account(&app).await.is_none(), "it signed somebody in");
    }
    let gone = "SELECT subject FROM identities WHERE provider = 'github'";
    assert!(texts(&app.app.db, gone).await.is_empty(), "it was linked");
}

#[tokio::test]
async fn linking_requires_sign_in_and_a_known_provider() {
    let app = Latchkey::start().await;
    let mut nobody = Browser::new();
    let _ = nobody
        .post(&app.url("/account/link/google"), &[])
        .await
        .expect_error(401, "sign_in_required");
    let mut ada = came_in(&app, "google", "ada", "session").await;
    let _ =
        ada.post(&app.url("/account/link/nope"), &[]).await.expect_error(404, "unknown_provider");
    let page = ada
        .send(
            reqwest::Method::POST,
            &app.url("/account/link/github"),
            &[("sec-fetch-site", "cross-site")],
            None,
        )
        .await;
    let _ = page.expect_error(403, "cross_site_request");
    // A link cannot start linking: GET is not allowed.
    let _ = ada.get(&app.url("/account/link/github")).await.expect_error(405, "method_not_allowed");
}

/// Ada signed up with Google; the same verified address exists at GitHub.
async fn conflict(app: &Latchkey, browser: &mut Browser) {
    let page = come_in(browser, app, "github", "twin", "session").await;
    let page = page.expect_error(409, "email_taken");
    assert!(page.body.contains("/sign-in?next=%2Faccount%2Flink"), "{}", page.summary());
    for secret in [ADA, "Ada Lovelace"] {
        assert!(!page.body.contains(secret), "{secret} is told to a stranger");
    }
    let cookie = page.cookie("latchkey_pending_link");
    assert_eq!(cookie.attributes, ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax"]);
    assert!(browser.account(app).await.is_none(), "somebody came in");
}

#[tokio::test]
async fn pending_link_completes_after_sign_in_and_confirmation() {
    let app = Latchkey::start().await;
    let id = id_of(&mut came_in(&app, "google", "ada", "session").await, &app).await;
    let mut browser = Browser::new();
    conflict(&app, &mut browser).await;
    // It waits for a sign-in.
    let page = browser.get(&app.url("/account/link")).await.expect_error(401, "sign_in_required");
    assert!(page.body.contains("/sign-in?next=%2Faccount%2Flink"), "{}", page.summary());
    let authorize = browser.start_sign_in_with(&app, "google", &[("next", "/account/link")]).await;
    let callback = browser.consent(&authorize, "ada").await;
    assert_eq!(browser.follow_callback(&callback).await.see_other(), "/account/link");
    let page = browser.get(&app.url("/account/link")).await.expect(200);
    assert!(page.body.contains("Link GitHub to your account?"), "{}", page.summary());
    // Viewing the page does not link.
    assert_eq!(linked(&mut browser, &app).await.len(), 1);
    let page = browser.post(&app.url("/account/link"), &[]).await;
    assert_eq!(page.see_other(), "/account?done=linked");
    assert!(page.cookie("latchkey_pending_link").is_removal());
    assert_eq!(id_of(&mut came_in(&app, "github", "twin", "jwt").await, &app).await, id);
    let _ = browser.post(&app.url("/account/link"), &[]).await.expect_error(400, "link_lost");
}

#[tokio::test]
async fn verified_password_account_conflicts_with_provider_email() {
    for key in ["session", "jwt"] {
        let app = Latchkey::start().await;
        proved(&app, ADA).await;
        let mut browser = Browser::new();
        let page = come_in(&mut browser, &app, "google", "ada", key).await;
        let _ = page.expect_error(409, "email_taken");
        let fields = [
            ("email", ADA),
            ("password", latchkey_tests::accounts::PASSWORD),
            ("strategy", key),
            ("next", "/account/link"),
        ];
        let page = browser.post(&app.url("/sign-in"), &fields).await;
        assert_eq!(page.see_other(), "/account/link");
        let id = id_of(&mut browser, &app).await;
        let _ = browser.get(&app.url("/account/link")).await.expect(200);
        let page = browser.post(&app.url("/account/link"), &[]).await;
        assert_eq!(page.see_other(), "/account?done=linked");
        assert_eq!(id_of(&mut came_in(&app, "google", "ada", key).await, &app).await, id);
    }
}

#[tokio::test]
async fn pending_link_expires_after_ten_minutes() {
    for (minutes, waits) in [(10, true), (11, false)] {
        let app = Setup::new().with_frozen_clock().start().await;
        came_in(&app, "google", "ada", "session").await;
        let mut browser = Browser::new();
        conflict(&app, &mut browser).await;
        app.advance(Span::minutes(minutes));
        assert_eq!(
            come_in(&mut browser, &app, "google", "ada", "session").await.see_other(),
            "/account"
        );
        let code = code_for(&mut browser, &app, ADA).await;
        let _ = prove(&mut browser, &app, &code).await.expect(303);
        let page = browser.get(&app.url("/account/link")).await;
        let linked = browser.post(&app.url("/account/link"), &[]).await;
        if waits {
            let _ = page.expect(200);
            assert_eq!(linked.see_other(), "/account?done=linked");
        } else {
            let _ = page.expect_error(400, "link_lost");
            let _ = linked.expect_error(400, "link_lost");
        }
    }
}

#[tokio::test]
async fn only_verified_email_owner_can_finish_pending_link() {
    let app = Latchkey::start().await;
    came_in(&app, "google", "ada", "session").await;
    let mut browser = Browser::new();
    conflict(&app, &mut browser).await;
    // Noor has no address, Octavia another one, Grace an unverified one.
    for person in ["noor", "octo", "grace"] {
        let page = come_in(&mut browser, &app, "google", person, "session").await;
        assert_eq!(page.see_other(), "/account");
        let _ = browser.get(&app.url("/account/link")).await.expect_error(400, "link_lost");
        let _ = browser.post(&app.url("/account/link"), &[]).await.expect_error(400, "link_lost");
        assert_eq!(linked(&mut browser, &app).await.len(), 1, "{person}");
    }
    // Nor a user who only entered the address and never verified it.
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    came_in(&app, "google", "ada", "session").await;
    let mut browser = Browser::new();
    conflict(&app, &mut browser).await;
    let mut eve = signed_in(&app, ADA, "session").await;
    let waiting =
        browser.jar.get("localhost", &app.cookie("latchkey_pending_link")).expect("a cookie");
    eve.jar.set("localhost", &app.cookie("latchkey_pending_link"), waiting);
    let _ = eve.get(&app.url("/account/link")).await.expect_error(400, "link_lost");
    let _ = eve.post(&app.url("/account/link"), &[]).await.expect_error(400, "link_lost");
    assert!(linked(&mut eve, &app).await.is_empty());
}

#[tokio::test]
async fn forged_pending_link_cookie_is_refused() {
    let app = Latchkey::start().await;
    let other = Latchkey::start().await;
    came_in(&other, "google", "ada", "session").await;
    let mut elsewhere = Browser::new();
    conflict(&other, &mut elsewhere).await;
    let foreign = elsewhere
        .jar
        .get("localhost", &other.cookie("latchkey_pending_link"))
        .expect("it")
        .to_owned();
    let mut ada = came_in(&app, "google", "ada", "session").await;
    for planted in ["", "junk", "a.b.c", &"x".repeat(5000), &foreign, &foreign[1..]] {
        ada.jar.set("localhost", &app.cookie("latchkey_pending_link"), planted);
        let _ = ada.get(&app.url("/account/link")).await.expect_error(400, "link_lost");
        let _ = ada.post(&app.url("/account/link"), &[]).await.expect_error(400, "link_lost");
    }
}

#[tokio::test]
async fn unverified_provider_email_does_not_reveal_accounts() {
    let app = Latchkey::start().await;
    proved(&app, "grace@example.test").await;
    let existing = crate::helpers::id_by_password(&app, "grace@example.test").await;
    // At Google, Grace's address is not verified: she gets her own account.
    let mut grace = Browser::new();
    let page = come_in(&mut grace, &app, "google", "grace", "session").await;
    assert_eq!(page.see_other(), "/account");
    assert_eq!(grace.jar.get("localhost", &app.cookie("latchkey_pending_link")), None);
    assert_ne!(id_of(&mut grace, &app).await, existing);
    // The same headers as for an address without an account.
    let other = Latchkey::start().await;
    let mut fresh = Browser::new();
    let same = come_in(&mut fresh, &other, "google", "grace", "session").await;
    let names = |page: &latchkey_tests::Page| {
        let mut names: Vec<_> = page.headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    };
    assert_eq!(names(&page), names(&same));
}

#[tokio::test]
async fn link_attempt_uses_pkce_and_browser_binding() {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    let authorize = start_linking(&mut ada, &app, "github").await;
    assert_eq!(parameter(&authorize, "code_challenge_method"), "S256");
    let callback = ada.consent(&authorize, "octo").await;
    // A signed-in victim who is sent the attacker's callback.
    let mut victim = Browser::with_user_agent("Another/1.0");
    assert_eq!(
        come_in(&mut victim, &app, "google", "noor", "session").await.see_other(),
        "/account"
    );
    let _ = victim.follow_callback(&callback).await.expect_error(400, "attempt_other_browser");
    assert_eq!(linked(&mut victim, &app).await.len(), 1);
    // Only the browser that started it can continue, any number of times.
    for _ in 0..2 {
        assert_eq!(ada.follow_callback(&callback).await.see_other(), "/account?done=linked");
        let _ = victim.follow_callback(&callback).await.expect_error(400, "attempt_other_browser");
    }
    assert_eq!(linked(&mut ada, &app).await.len(), 2);
    let _ = ada.post(&app.url("/sign-out"), &[]).await.expect(303);
    let _ = ada.follow_callback(&callback).await.expect_error(400, "attempt_used");
}
