//! Removing sign-in methods, but never the last one.

use latchkey_tests::database::rows;
use latchkey_tests::{Browser, Database, Latchkey, Setup, texts};

use crate::helpers::{
    ADA, OTHER_PASSWORD, came_in, come_in, id_of, link, linked, opens, set_password, unlink,
};
use latchkey_tests::accounts::{PASSWORD, sign_up, signed_in};

#[tokio::test]
async fn unlinked_identity_no_longer_signs_in_to_account() {
    for key in ["session", "jwt"] {
        let app = Latchkey::start().await;
        let mut noor = came_in(&app, "google", "noor", key).await;
        let id = id_of(&mut noor, &app).await;
        let _ = link(&mut noor, &app, "github", "noor").await.expect(303);
        let page = unlink(&mut noor, &app, "google").await;
        assert_eq!(page.see_other(), "/account?done=unlinked");
        assert_eq!(linked(&mut noor, &app).await.len(), 1);
        assert_ne!(id_of(&mut came_in(&app, "google", "noor", key).await, &app).await, id);
        assert_eq!(id_of(&mut came_in(&app, "github", "noor", key).await, &app).await, id);
    }
}

#[tokio::test]
async fn unlinked_identity_cannot_sign_in_again_by_email() {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    let _ = link(&mut ada, &app, "github", "ada").await.expect(303);
    let _ = unlink(&mut ada, &app, "google").await.expect(303);
    let page = come_in(&mut Browser::new(), &app, "google", "ada", "session").await;
    let _ = page.expect_error(409, "email_taken");
}

#[tokio::test]
async fn last_sign_in_method_cannot_be_removed() {
    for key in ["session", "jwt"] {
        let app = Latchkey::start().await;
        let mut ada = came_in(&app, "google", "ada", key).await;
        let page = unlink(&mut ada, &app, "google").await.expect_error(409, "last_way_in");
        assert!(page.body.contains("href=\"/account\""), "no way back");
        assert_eq!(linked(&mut ada, &app).await.len(), 1);
        came_in(&app, "google", "ada", key).await;
        // With a password it is no longer the last one.
        let page = set_password(&mut ada, &app, "", OTHER_PASSWORD).await;
        assert_eq!(page.see_other(), "/account?done=password");
        let _ = unlink(&mut ada, &app, "google").await.expect(303);
        assert!(linked(&mut ada, &app).await.is_empty());
        assert!(opens(&app, ADA, OTHER_PASSWORD).await);
    }
}

#[tokio::test]
async fn password_can_be_removed_when_another_method_exists() {
    let app = Latchkey::start().await;
    sign_up(&app, "bob@example.test").await;
    let mut bob = signed_in(&app, "bob@example.test", "session").await;
    let url = app.url("/account/unlink");
    let page = bob.post(&url, &[("way", "password")]).await;
    let _ = page.expect_error(409, "last_way_in");
    assert!(opens(&app, "bob@example.test", PASSWORD).await);
    let _ = link(&mut bob, &app, "github", "octo").await.expect(303);
    let page = bob.post(&url, &[("way", "password")]).await;
    assert_eq!(page.see_other(), "/account?done=unlinked");
    assert!(!opens(&app, "bob@example.test", PASSWORD).await);
    let _ = unlink(&mut bob, &app, "github").await.expect_error(409, "last_way_in");
    came_in(&app, "github", "octo", "session").await;
    // Now there is none.
    let _ = link(&mut bob, &app, "google", "octo").await.expect(303);
    let _ = bob.post(&url, &[("way", "password")]).await.expect_error(404, "not_found");
}

/// Other form fields do not get into the audit trail.
#[tokio::test]
async fn extra_unlink_fields_do_not_reach_audit_trail() {
    let app = Latchkey::start().await;
    let mut noor = came_in(&app, "google", "noor", "session").await;
    let _ = link(&mut noor, &app, "github", "noor").await.expect(303);
    let (issuer, subject) = linked(&mut noor, &app).await.remove(0);
    let fields = [("issuer", &*issuer), ("subject", &*subject), ("way", "planted by a form")];
    let page = noor.post(&app.url("/account/unlink"), &fields).await;
    assert_eq!(page.see_other(), "/account?done=unlinked");
    let recorded = "SELECT detail FROM audit_events WHERE kind = 'unlinked'";
    assert_eq!(texts(&app.app.db, recorded).await, [issuer]);
    let planted = "SELECT detail FROM audit_events WHERE detail LIKE '%planted%'";
    assert!(texts(&app.app.db, planted).await.is_empty(), "the form wrote into the trail");
}

#[tokio::test]
async fn identity_of_another_account_cannot_be_unlinked() {
    let app = Latchkey::start().await;
    let mut noor = came_in(&app, "google", "noor", "session").await;
    let (issuer, subject) = linked(&mut noor, &app).await.remove(0);
    sign_up(&app, "eve@example.test").await;
    let mut eve = signed_in(&app, "eve@example.test", "session").await;
    let _ = link(&mut eve, &app, "github", "octo").await.expect(303);
    for (issuer, subject) in [(&*issuer, &*subject), ("", ""), ("x", "' OR 1=1"), (&*issuer, "\0")]
    {
        let fields = [("issuer", issuer), ("subject", subject)];
        let page = eve.post(&app.url("/account/unlink"), &fields).await;
        assert!(matches!(page.status, 400 | 404), "{}", page.summary());
    }
    let nobody = Browser::new().post(&app.url("/account/unlink"), &[]).await;
    let _ = nobody.expect_error(401, "sign_in_required");
    assert_eq!(rows(&app.app.db, "identities").await, 2);
    assert!(opens(&app, "eve@example.test", PASSWORD).await);
}

/// Removes the last two sign-in methods concurrently, repeatedly.
async fn concurrent_unlinks_keep_one_sign_in_method(app: &Latchkey) {
    for (index, person) in ["ada", "noor", "octo", "long"].into_iter().enumerate() {
        let mut one = came_in(app, "google", person, "session").await;
        let _ = link(&mut one, app, "facebook", person).await.expect(303);
        let mut two = came_in(app, "facebook", person, "jwt").await;
        let ways = linked(&mut one, app).await;
        assert_eq!(ways.len(), 2);
        let url = app.url("/account/unlink");
        let fields = |n: usize| [("issuer", &*ways[n].0), ("subject", &*ways[n].1)];
        let (first, second) = (fields(0), fields(1));
        let (a, b) = tokio::join!(one.post(&url, &first), two.post(&url, &second));
        let mut outcomes = [a.status, b.status];
        outcomes.sort_unstable();
        assert_eq!(outcomes, [303, 409], "{person}: {} / {}", a.summary(), b.summary());
        assert_eq!(rows(&app.app.db, "identities").await, i64::try_from(index).expect("few") + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_unlinks_keep_one_sign_in_method_on_sqlite() {
    concurrent_unlinks_keep_one_sign_in_method(&Latchkey::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/run"]
async fn concurrent_unlinks_keep_one_sign_in_method_on_postgres() {
    let url = Database::new_postgres_url().await;
    concurrent_unlinks_keep_one_sign_in_method(
        &Setup::new().set("DATABASE_URL", url).start().await,
    )
    .await;
}
