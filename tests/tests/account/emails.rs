//! E-mails for verification and password reset.

use latchkey_domain::Span;
use latchkey_store::hash::sha256_hex;
use latchkey_tests::database::{dump, execute, rows};
use latchkey_tests::{Browser, Latchkey, Page, Setup, texts};

use crate::helpers::{
    ADA, CHANGED, EXISTS, OTHER_PASSWORD, RESET, VERIFY, came_in, come_in, email_to, emails,
    emails_about, forgot, id_by_password, id_of, is_in, link, linked, opens, proved, reset,
};
use latchkey_tests::accounts::{
    ApiClient, PASSWORD, expect_problem, json_of, sign_up, signed_in, tokens,
};

const BOB: &str = "bob@example.test";

async fn is_verified(browser: &mut Browser, app: &Latchkey) -> bool {
    let me = browser.get(&app.url("/api/v1/me")).await.expect(200);
    json_of(&me)["email_verified"] == true
}

fn token_of(link: &str) -> &str {
    link.rsplit('/').next().expect("a token")
}

#[tokio::test]
async fn verification_link_works_once_for_signed_in_owner() {
    let app = Latchkey::start().await;
    sign_up(&app, BOB).await;
    let email = email_to(&app, BOB, VERIFY).await;
    assert!(email.link.starts_with(&app.url("/verify/")), "{}", email.link);
    assert!(email.text.contains(&email.link));
    assert!(token_of(&email.link).len() >= 43, "fewer than 256 bits");
    let mut bob = signed_in(&app, BOB, "session").await;
    assert!(!is_verified(&mut bob, &app).await);
    // Only the user of the account can verify: another user may have entered the reader's address.
    let mut stranger = Browser::new();
    let _ = stranger.get(&email.link).await.expect_error(401, "sign_in_required");
    let _ = stranger.post(&email.link, &[]).await.expect_error(401, "sign_in_required");
    let mut noor = came_in(&app, "google", "noor", "session").await;
    let _ = noor.get(&email.link).await.expect_error(410, "link_spent");
    let _ = noor.post(&email.link, &[]).await.expect_error(410, "link_spent");
    // Opening the page does not use the link.
    for _ in 0..3 {
        let page = bob.get(&email.link).await.expect(200);
        assert!(page.body.contains(BOB), "{}", page.summary());
        assert_eq!(page.header("cache-control"), Some("no-store"));
    }
    assert!(!is_verified(&mut bob, &app).await);
    assert_eq!(bob.post(&email.link, &[]).await.see_other(), "/account?done=verified");
    assert!(is_verified(&mut bob, &app).await);
    let _ = bob.post(&email.link, &[]).await.expect_error(410, "link_spent");
    let _ = bob.get(&email.link).await.expect_error(410, "link_spent");
}

/// The page that the e-mail links to is consistent with either credential: a password gives a JWT
/// by default.
#[tokio::test]
async fn account_page_shows_verified_email_immediately() {
    for key in ["session", "jwt"] {
        let app = Latchkey::start().await;
        sign_up(&app, BOB).await;
        let link = email_to(&app, BOB, VERIFY).await.link;
        let mut bob = signed_in(&app, BOB, key).await;
        let to = bob.post(&link, &[]).await.see_other();
        let page = bob.get(&app.url(&to)).await.expect(200);
        assert!(page.body.contains("E-mail address verified."), "{}", page.summary());
        assert!(!page.body.contains("not verified"), "{key}: it says both: {}", page.summary());
    }
}

#[tokio::test]
async fn verification_link_expires_after_one_day() {
    for (hours, works) in [(23, true), (25, false)] {
        let app = Setup::new().with_frozen_clock().start().await;
        sign_up(&app, BOB).await;
        let link = email_to(&app, BOB, VERIFY).await.link;
        app.advance(Span::minutes(hours * 60));
        let page = signed_in(&app, BOB, "session").await.post(&link, &[]).await;
        if works {
            let _ = page.expect(303);
        } else {
            let _ = page.expect_error(410, "link_spent");
        }
    }
}

#[tokio::test]
async fn verification_email_can_be_resent_until_verified() {
    let app = Latchkey::start().await;
    sign_up(&app, BOB).await;
    let first = email_to(&app, BOB, VERIFY).await.link;
    let mut bob = signed_in(&app, BOB, "session").await;
    let page = bob.post(&app.url("/account/verify-email"), &[]).await;
    assert_eq!(page.see_other(), "/account?done=email");
    assert_eq!(emails_about(&app, BOB, VERIFY).await, 2);
    let second = email_to(&app, BOB, VERIFY).await.link;
    assert_ne!(first, second);
    let _ = bob.post(&second, &[]).await.expect(303);
    assert_eq!(bob.post(&app.url("/account/verify-email"), &[]).await.see_other(), "/account");
    assert_eq!(emails_about(&app, BOB, VERIFY).await, 2);
    let nobody = Browser::new().post(&app.url("/account/verify-email"), &[]).await;
    let _ = nobody.expect_error(401, "sign_in_required");
}

#[tokio::test]
async fn email_link_tokens_are_not_stored_in_plaintext() {
    let app = Latchkey::start().await;
    sign_up(&app, BOB).await;
    let _ = forgot(&app, BOB).await;
    let links = [email_to(&app, BOB, VERIFY).await.link, email_to(&app, BOB, RESET).await.link];
    let hashes = texts(&app.app.db, "SELECT hash FROM email_tokens ORDER BY hash").await;
    let mut expected = links.each_ref().map(|link| sha256_hex(token_of(link)));
    expected.sort();
    assert_eq!(hashes, expected);
    let all = dump(&app.app.db).await;
    for link in &links {
        for (table, text) in &all {
            assert!(!text.contains(token_of(link)), "a link stands in {table}");
        }
    }
}

#[tokio::test]
async fn verification_and_reset_links_are_not_interchangeable() {
    let app = Latchkey::start().await;
    sign_up(&app, BOB).await;
    let _ = forgot(&app, BOB).await;
    let verify = email_to(&app, BOB, VERIFY).await.link;
    let choose = email_to(&app, BOB, RESET).await.link;
    let crossed = [verify.replace("/verify/", "/reset/"), choose.replace("/reset/", "/verify/")];
    let mut bob = signed_in(&app, BOB, "session").await;
    for link in crossed {
        let _ = bob.get(&link).await.expect_error(410, "link_spent");
        let page = bob.post(&link, &[("password", OTHER_PASSWORD)]).await;
        let _ = page.expect_error(410, "link_spent");
    }
    for made_up in ["", "x", "%00", &"a".repeat(5000), "..%2f..%2fetc", "' OR 1=1--"] {
        for page in ["verify", "reset"] {
            let page = bob.get(&app.url(&format!("/{page}/{made_up}"))).await;
            assert!(
                matches!(page.status, 308 | 404 | 410 | 414),
                "{made_up:.20}: {}",
                page.summary()
            );
        }
    }
    assert!(opens(&app, BOB, PASSWORD).await);
}

/// Everything in a response that a stranger can see.
fn seen(page: &Page) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> = page
        .headers
        .iter()
        // An id, a time, and a measurement of this request in development.
        .filter(|(name, _)| !["x-request-id", "date", "server-timing"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
        .collect();
    headers.sort();
    (page.status, headers, page.body.clone())
}

#[tokio::test]
async fn forgot_password_response_is_identical_for_all_emails() {
    let app = Latchkey::start().await;
    proved(&app, BOB).await;
    sign_up(&app, "claimed@example.test").await;
    came_in(&app, "google", "ada", "session").await;
    let unknown = forgot(&app, "nobody@example.test").await.expect(200);
    for known in [BOB, "claimed@example.test", ADA, "no address", "", "BOB@EXAMPLE.TEST"] {
        assert_eq!(seen(&forgot(&app, known).await), seen(&unknown), "{known}");
    }
    let _ = email_to(&app, BOB, RESET).await;
    let _ = email_to(&app, ADA, RESET).await;
    assert_eq!(emails_about(&app, "nobody@example.test", RESET).await, 0);
}

#[tokio::test]
async fn wrong_password_response_does_not_reveal_accounts() {
    let app = Latchkey::start().await;
    proved(&app, BOB).await;
    came_in(&app, "google", "ada", "session").await;
    let submit_password = async |email: &str| {
        let fields = [("email", email), ("password", "not the password")];
        let page = Browser::new().post(&app.url("/sign-in"), &fields).await;
        let (status, headers, body) = seen(&page);
        (
            status,
            headers.into_iter().filter(|(n, _)| n != "content-length").collect::<Vec<_>>(),
            body.replace(email, ""),
        )
    };
    let unknown = submit_password("nobody@example.test").await;
    assert_eq!(unknown.0, 401);
    for known in [BOB, ADA] {
        assert_eq!(submit_password(known).await, unknown, "{known}");
    }
}

#[tokio::test]
async fn sign_up_response_does_not_reveal_existing_accounts() {
    let app = Latchkey::start().await;
    proved(&app, BOB).await;
    sign_up(&app, "claimed@example.test").await;
    came_in(&app, "google", "ada", "session").await;
    let accounts = rows(&app.app.db, "users").await;
    let sign_up = async |email: &str| {
        let fields = [("name", "Eve"), ("email", email), ("password", OTHER_PASSWORD)];
        Browser::new().post(&app.url("/sign-up"), &fields).await
    };
    let new = sign_up("new@example.test").await;
    for known in [BOB, "claimed@example.test", ADA, " BOB@example.TEST "] {
        assert_eq!(seen(&sign_up(known).await), seen(&new), "{known}");
    }
    assert_eq!(rows(&app.app.db, "users").await, accounts + 1);
    for known in [BOB, "claimed@example.test", ADA] {
        let email = email_to(&app, known, EXISTS).await;
        assert!(email.link.ends_with("/sign-in"), "{}", email.link);
        assert!(!email.text.contains("Eve"), "what a stranger typed is in it");
    }
    assert!(opens(&app, BOB, PASSWORD).await && !opens(&app, BOB, OTHER_PASSWORD).await);
}

#[tokio::test]
async fn password_reset_works_once_and_ends_all_sign_ins() {
    let app = Latchkey::start().await;
    proved(&app, BOB).await;
    let id = id_by_password(&app, BOB).await;
    let mut session = signed_in(&app, BOB, "session").await;
    let program = tokens(&app, BOB, None).await;
    for _ in 0..2 {
        let _ = forgot(&app, BOB).await;
    }
    assert_eq!(emails_about(&app, BOB, RESET).await, 2);
    let both: Vec<_> =
        emails(&app).into_iter().filter(|l| l.subject == RESET).map(|l| l.link).collect();
    let page = Browser::new().get(&both[0]).await.expect(200);
    assert!(page.body.contains("type=\"password\""), "{}", page.summary());
    assert!(
        page.header("referrer-policy")
            .is_some_and(|policy| policy == "same-origin" || policy == "no-referrer"),
        "the link would leak"
    );
    // Too weak: refused, and the link still works.
    let page = reset(&both[0], "password1").await.expect_error(422, "weak_password");
    assert!(page.body.contains("too common"), "{}", page.summary());
    assert_eq!(reset(&both[0], OTHER_PASSWORD).await.see_other(), "/sign-in?welcome=reset");
    let _ = email_to(&app, BOB, CHANGED).await;
    // Both links are void, and all sign-ins have ended.
    for link in &both {
        let _ = reset(link, PASSWORD).await.expect_error(410, "link_spent");
        let _ = Browser::new().get(link).await.expect_error(410, "link_spent");
    }
    assert!(!is_in(&mut session, &app).await);
    expect_problem(
        &ApiClient::new(&app).refresh(&program.refresh).await,
        400,
        "refresh_token_ended",
    );
    assert!(!opens(&app, BOB, PASSWORD).await && opens(&app, BOB, OTHER_PASSWORD).await);
    let mut bob = Browser::new();
    let fields = [("email", BOB), ("password", OTHER_PASSWORD), ("strategy", "session")];
    let _ = bob.post(&app.url("/sign-in"), &fields).await.expect(303);
    assert_eq!(id_of(&mut bob, &app).await, id);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_resets_with_one_link_set_one_password() {
    let app = Latchkey::start().await;
    sign_up(&app, BOB).await;
    let _ = forgot(&app, BOB).await;
    let link = email_to(&app, BOB, RESET).await.link;
    let (one, two) =
        tokio::join!(reset(&link, OTHER_PASSWORD), reset(&link, "a third one, of many words"));
    let mut outcomes = [one.status, two.status];
    outcomes.sort_unstable();
    assert_eq!(outcomes, [303, 410], "{} / {}", one.summary(), two.summary());
    let winner = if one.status == 303 { OTHER_PASSWORD } else { "a third one, of many words" };
    assert!(opens(&app, BOB, winner).await);
}

#[tokio::test]
async fn reset_link_expires_after_30_minutes() {
    for (minutes, works) in [(29, true), (31, false)] {
        let app = Setup::new().with_frozen_clock().start().await;
        sign_up(&app, BOB).await;
        let _ = forgot(&app, BOB).await;
        let link = email_to(&app, BOB, RESET).await.link;
        app.advance(Span::minutes(minutes));
        let page = reset(&link, OTHER_PASSWORD).await;
        if works {
            let _ = page.expect(303);
        } else {
            let _ = page.expect_error(410, "link_spent");
            assert!(opens(&app, BOB, PASSWORD).await);
        }
    }
}

#[tokio::test]
async fn password_reset_sets_first_password_for_oauth_account() {
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    let id = id_of(&mut ada, &app).await;
    let _ = forgot(&app, ADA).await;
    let link = email_to(&app, ADA, RESET).await.link;
    let _ = reset(&link, PASSWORD).await.expect(303);
    assert_eq!(id_by_password(&app, ADA).await, id);
    // Her address was verified: her identity stays.
    assert_eq!(id_of(&mut came_in(&app, "google", "ada", "session").await, &app).await, id);
}

/// Pre-hijacking: Eve creates the account, links her identity, and waits.
#[tokio::test]
async fn password_reset_removes_pre_hijacker_identity() {
    for key in ["session", "jwt"] {
        let app = Latchkey::start().await;
        sign_up(&app, ADA).await;
        let mut eve = signed_in(&app, ADA, key).await;
        let _ = link(&mut eve, &app, "github", "octo").await.expect(303);
        let account = id_of(&mut eve, &app).await;
        let _ = forgot(&app, ADA).await;
        let email = email_to(&app, ADA, RESET).await;
        let _ = reset(&email.link, OTHER_PASSWORD).await.expect(303);

        let mut ada = Browser::new();
        let fields = [("email", ADA), ("password", OTHER_PASSWORD), ("strategy", "session")];
        let _ = ada.post(&app.url("/sign-in"), &fields).await.expect(303);
        assert_eq!(id_of(&mut ada, &app).await, account);
        assert!(is_verified(&mut ada, &app).await, "the e-mail has proved the address");
        assert!(linked(&mut ada, &app).await.is_empty(), "Eve's identity is still linked");
        assert!(!opens(&app, ADA, PASSWORD).await, "Eve's password still opens it");
        let eves = id_of(&mut came_in(&app, "github", "octo", "session").await, &app).await;
        assert_ne!(eves, account, "Eve's identity still opens it");
    }
}

#[tokio::test]
async fn linked_identity_is_announced_to_a_verified_email() {
    const LINKED: &str = "A sign-in method was added";
    let app = Latchkey::start().await;
    let mut ada = came_in(&app, "google", "ada", "session").await;
    let _ = link(&mut ada, &app, "github", "ada").await.expect(303);
    assert_eq!(emails_about(&app, ADA, LINKED).await, 1);
    // Linked already.
    let _ = link(&mut ada, &app, "github", "ada").await.expect(303);
    assert_eq!(emails_about(&app, ADA, LINKED).await, 1);
    sign_up(&app, BOB).await;
    let mut bob = signed_in(&app, BOB, "session").await;
    let _ = link(&mut bob, &app, "github", "octo").await.expect(303);
    assert_eq!(emails_about(&app, BOB, LINKED).await, 0, "to an address that nobody verified");
}

/// Eve's sign-in is stored while Ada's reset removes what it was proved with: the triggers do
/// what the reset does, at the worst moment.
#[tokio::test]
async fn reset_during_a_sign_in_ends_it() {
    const REMOVED: &str = "DELETE FROM identities WHERE user_id = NEW.user_id";
    const CHANGED: &str = "UPDATE passwords SET changed_at = changed_at + 1 \
        WHERE user_id = NEW.user_id";
    for key in ["session", "jwt"] {
        for (statement, code) in [(REMOVED, "attempt_expired"), (CHANGED, "wrong_credentials")] {
            let app = Latchkey::start().await;
            sign_up(&app, BOB).await;
            let _ = came_in(&app, "github", "octo", key).await;
            let trigger =
                format!("CREATE TRIGGER reset AFTER INSERT ON sign_ins BEGIN {statement}; END");
            execute(&app.app.db, &trigger).await;
            let mut eve = Browser::new();
            let page = if statement == REMOVED {
                come_in(&mut eve, &app, "github", "octo", key).await
            } else {
                let fields = [("email", BOB), ("password", PASSWORD), ("strategy", key)];
                eve.post(&app.url("/sign-in"), &fields).await
            };
            assert_eq!(page.header("x-error-code"), Some(code), "{key}: {}", page.summary());
            assert!(!is_in(&mut eve, &app).await, "{key}: {code}");
            assert_eq!(eve.jar.get("localhost", &app.cookie("latchkey_token")), None, "{code}");
        }
    }
}

#[tokio::test]
async fn linked_identity_verifies_only_a_matching_email() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    let mut eve = signed_in(&app, ADA, "session").await;
    // Octavia's address is verified at Google, but it is not the claimed one.
    let _ = link(&mut eve, &app, "google", "octo").await.expect(303);
    assert!(!is_verified(&mut eve, &app).await);
    // The same address verifies it.
    sign_up(&app, "long.name@example.test").await;
    let mut long = signed_in(&app, "long.name@example.test", "session").await;
    let _ = link(&mut long, &app, "google", "long").await.expect(303);
    assert!(is_verified(&mut long, &app).await);
}

/// Eve has an unverified account with the address; Ada has verified it at Google. Ada's reset must
/// not fail because of Eve.
#[tokio::test]
async fn unverified_account_does_not_block_password_reset() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    let eve = id_by_password(&app, ADA).await;
    let ada = id_of(&mut came_in(&app, "google", "ada", "session").await, &app).await;
    assert_ne!(ada, eve);
    let _ = forgot(&app, ADA).await;
    let link = email_to(&app, ADA, RESET).await.link;
    let page = reset(&link, OTHER_PASSWORD).await;
    assert_eq!(page.status, 303, "{}", page.summary());
    let mut browser = Browser::new();
    let fields = [("email", ADA), ("password", OTHER_PASSWORD), ("strategy", "session")];
    let _ = browser.post(&app.url("/sign-in"), &fields).await.expect(303);
    assert_eq!(id_of(&mut browser, &app).await, ada);
    assert!(!opens(&app, ADA, PASSWORD).await, "Eve's password still opens something");
}

/// The e-mail was for the unverified account; meanwhile another account has verified the address.
/// No error of ours, and nobody loses an account.
#[tokio::test]
async fn stale_email_links_do_not_affect_verified_owner() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    let _ = forgot(&app, ADA).await;
    let (choose, verify) =
        (email_to(&app, ADA, RESET).await.link, email_to(&app, ADA, VERIFY).await.link);
    let mut eve = signed_in(&app, ADA, "session").await;
    let ada = id_of(&mut came_in(&app, "google", "ada", "session").await, &app).await;
    let eves = id_of(&mut eve, &app).await;
    let _ = reset(&choose, OTHER_PASSWORD).await.expect_error(410, "link_spent");
    // Neither account has the new password; the old one still opens the unverified account only.
    assert!(!opens(&app, ADA, OTHER_PASSWORD).await);
    assert_eq!(id_by_password(&app, ADA).await, eves);
    let _ = eve.post(&verify, &[]).await.expect_error(409, "email_taken");
    assert!(!is_verified(&mut eve, &app).await);
    assert_eq!(id_of(&mut came_in(&app, "google", "ada", "session").await, &app).await, ada);
    assert_ne!(eves, ada);
}

#[tokio::test]
async fn outbox_is_available_only_in_development() {
    let app = Latchkey::start().await;
    let page = Browser::new().get(&app.url("/outbox")).await.expect(200);
    assert!(page.body.contains("No e-mails yet"), "{}", page.summary());
    sign_up(&app, BOB).await;
    let link = email_to(&app, BOB, VERIFY).await.link;
    let page = Browser::new().get(&app.url("/outbox")).await.expect(200);
    assert!(page.body.contains(VERIFY) && page.body.contains(&link), "{}", page.summary());
    assert_eq!(page.header("cache-control"), Some("no-store"));

    let public = Setup::public().start().await;
    let mut browser = Browser::new().with_host("https://app.example.com", public.address);
    let _ = browser.get(&public.url("/outbox")).await.expect_error(404, "not_found");
    // Without a mail server, nothing promises an e-mail.
    let asked = browser.get(&public.url("/forgot")).await.expect(200);
    let sent = browser.post(&public.url("/forgot"), &[("email", BOB)]).await.expect(200);
    for page in [asked, sent] {
        assert!(page.body.contains("doesn’t send e-mail"), "{}", page.summary());
        for promise in ["outbox", "you’ll get an e-mail", "name=\"email\""] {
            assert!(!page.body.contains(promise), "{promise}: {}", page.summary());
        }
    }
    let page = browser.get(&public.url("/sign-in")).await.expect(200);
    assert!(!page.body.contains("href=\"/forgot\""), "{}", page.summary());

    // With a mail server, e-mails are stored nowhere else.
    let sends = Setup::new().set("SMTP_URL", "smtp://127.0.0.1:9").start().await;
    let _ = Browser::new().get(&sends.url("/outbox")).await.expect_error(404, "not_found");
    // Nobody is told that the server is down.
    sign_up(&sends, BOB).await;
    assert!(opens(&sends, BOB, PASSWORD).await);
    let _ = forgot(&sends, BOB).await.expect(200);
}
