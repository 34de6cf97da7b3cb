//! The audit trail: users see their own events, administrators all of them.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use latchkey_domain::Span;
use latchkey_domain::audit::Kind;
use latchkey_tests::{Browser, Database, Latchkey, Setup, texts};

use crate::helpers::{
    OTHER_PASSWORD, RESET, VERIFY, came_in, delete, email_to, forgot, id_of, link, reset,
    set_password, this_one, unlink,
};
use latchkey_tests::accounts::{ApiClient, PASSWORD, expect_problem, sign_up, signed_in, tokens};

const BOB: &str = "bob@example.test";

/// All events: kind, actor, time, address and account, oldest first.
async fn trail(app: &Latchkey) -> Vec<[String; 5]> {
    let statement = "SELECT kind || '|' || actor || '|' || at || '|' || COALESCE(address, '-') \
        || '|' || COALESCE(user_id, '-') FROM audit_events ORDER BY id";
    let read = |row: String| {
        let parts: Vec<_> = row.split('|').map(str::to_owned).collect();
        parts.try_into().expect("five parts")
    };
    texts(&app.app.db, statement).await.into_iter().map(read).collect()
}

/// Asserts the last event: this kind, by the user, now, from this address, about this account.
#[track_caller]
fn assert_last(trail: &[[String; 5]], app: &Latchkey, kind: &str, actor: &str, user: &str) {
    let now = app.clock.now().as_millis().to_string();
    let last = trail.iter().rev().find(|event| event[0] == kind);
    let expected = [kind, actor, &now, "127.0.0.1", user].map(str::to_owned);
    assert_eq!(last, Some(&expected), "{trail:#?}");
}

async fn every_account_event_is_audited(app: &Latchkey) {
    let mut seen = BTreeSet::new();
    let mut check = async |kind: &'static str, actor: &str, user: &str| {
        assert_last(&trail(app).await, app, kind, actor, user);
        app.advance(Span::seconds(1));
        seen.insert(kind);
    };
    sign_up(app, BOB).await;
    let bob_id = texts(&app.app.db, "SELECT id FROM users").await.remove(0);
    check("signed_up", "person", &bob_id).await;
    let mut bob = signed_in(app, BOB, "session").await;
    check("signed_in", "person", &bob_id).await;
    let fields = [("email", BOB), ("password", "not the password")];
    let _ = Browser::new().post(&app.url("/sign-in"), &fields).await.expect(401);
    check("sign_in_failed", "nobody", &bob_id).await;
    let unknown = [("email", "nobody@example.test"), ("password", "not the password")];
    let _ = Browser::new().post(&app.url("/sign-in"), &unknown).await.expect(401);
    check("sign_in_failed", "nobody", "-").await;
    let _ = bob.post(&email_to(app, BOB, VERIFY).await.link, &[]).await.expect(303);
    check("email_verified", "person", &bob_id).await;
    let _ = link(&mut bob, app, "github", "octo").await.expect(303);
    check("linked", "person", &bob_id).await;
    let _ = unlink(&mut bob, app, "github").await.expect(303);
    check("unlinked", "person", &bob_id).await;
    let _ = set_password(&mut bob, app, PASSWORD, OTHER_PASSWORD).await.expect(303);
    check("password_changed", "person", &bob_id).await;
    let _ = bob.post(&app.url("/sign-out"), &[]).await.expect(303);
    check("sign_in_ended", "person", &bob_id).await;
    let _ = forgot(app, BOB).await.expect(200);
    let choose = email_to(app, BOB, RESET).await.link;
    check("reset_requested", "nobody", &bob_id).await;
    let _ = reset(&choose, PASSWORD).await.expect(303);
    check("password_reset", "person", &bob_id).await;
    let mut bob = signed_in(app, BOB, "jwt").await;
    check("signed_in", "person", &bob_id).await;
    let _ = delete(&mut bob, app).await.expect(303);
    let all = trail(app).await;
    let last = all.iter().find(|event| event[0] == "account_deleted").expect("it is kept");
    assert_eq!((last[1].as_str(), last[3].as_str(), last[4].as_str()), ("person", "-", "-"));
    seen.insert("account_deleted");

    // Kinds that are tested elsewhere, and what their tests assert. A new kind needs a test, too.
    let (here, commands) = (include_str!("trail.rs"), include_str!("../program/commands.rs"));
    let ending = include_str!("../connections/ending.rs");
    for (kind, source, assertion) in [
        ("refresh_reused", here, "&app, \"refresh_reused\", "),
        ("roles_changed", here, "find(\"roles_changed\")"),
        ("keys_rotated", here, "find(\"keys_rotated\")"),
        ("connected", ending, "kind IN ('connected', "),
        ("disconnected", ending, ", 'disconnected')"),
        ("reconnect_needed", include_str!("../connections/refresh.rs"), "= 'reconnect_needed'"),
        ("access_ended", include_str!("../api/connected_apps.rs"), Kind::AccessEnded.phrase()),
        ("blocked", commands, "for kind in [\"blocked\", "),
        ("unblocked", commands, "\"unblocked\", "),
    ] {
        assert!(source.contains(assertion), "the test of {kind} is gone");
        assert!(seen.insert(kind), "{kind} is tested above");
    }
    let every: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(seen, every, "a kind that no test writes");
}

#[tokio::test]
async fn every_account_event_is_audited_on_sqlite() {
    every_account_event_is_audited(&Setup::new().with_frozen_clock().start().await).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/run"]
async fn every_account_event_is_audited_on_postgres() {
    let url = Database::new_postgres_url().await;
    every_account_event_is_audited(
        &Setup::new().set("DATABASE_URL", url).with_frozen_clock().start().await,
    )
    .await;
}

#[tokio::test]
async fn refresh_token_reuse_is_audited() {
    let app = Setup::new().with_frozen_clock().start().await;
    sign_up(&app, BOB).await;
    let first = tokens(&app, BOB, None).await;
    let _ = ApiClient::new(&app).refresh(&first.refresh).await.expect(200);
    app.advance(Span::seconds(11));
    expect_problem(
        &ApiClient::new(&app).refresh(&first.refresh).await,
        400,
        "refresh_token_reused",
    );
    let user = texts(&app.app.db, "SELECT id FROM users").await.remove(0);
    assert_last(&trail(&app).await, &app, "refresh_reused", "nobody", &user);
}

#[tokio::test]
async fn first_provider_sign_in_is_audited_as_sign_up() {
    let app = Setup::new().with_frozen_clock().start().await;
    let mut noor = came_in(&app, "google", "noor", "session").await;
    let id = id_of(&mut noor, &app).await;
    assert_last(&trail(&app).await, &app, "signed_in", "person", &id);
    assert_last(&trail(&app).await, &app, "signed_up", "person", &id);
}

#[tokio::test]
async fn ended_sign_ins_are_audited_for_every_endpoint() {
    let app = Setup::new().with_frozen_clock().start().await;
    sign_up(&app, BOB).await;
    let id = texts(&app.app.db, "SELECT id FROM users").await.remove(0);
    for way in ["the list", "the API", "revoke", "all others"] {
        app.advance(Span::minutes(1));
        let mut this = signed_in(&app, BOB, "session").await;
        let mut other = signed_in(&app, BOB, "session").await;
        let other_id = this_one(&mut other, &app).await;
        let program = tokens(&app, BOB, None).await;
        match way {
            "the list" => {
                let url = app.url(&format!("/account/sign-ins/{other_id}/end"));
                let _ = this.post(&url, &[]).await.expect(303);
            }
            "the API" => {
                let mut program = ApiClient::with(&app, &program.access);
                let _ = program.delete(&format!("/api/v1/sessions/{other_id}")).await.expect(204);
            }
            "revoke" => {
                let _ = ApiClient::new(&app).revoke(&program.refresh).await.expect(200);
            }
            _ => {
                let _ = this.post(&app.url("/account/sign-ins/end-others"), &[]).await.expect(303);
            }
        }
        let now = app.clock.now().as_millis().to_string();
        let written = trail(&app).await;
        let ended = written.iter().filter(|e| e[0] == "sign_in_ended" && e[2] == now && e[4] == id);
        assert!(ended.count() > 0, "{way}: {written:#?}");
    }
}

#[tokio::test]
async fn users_see_own_audit_events_admins_see_all() {
    let app = Setup::new().with_frozen_clock().start().await;
    sign_up(&app, BOB).await;
    for key in ["session", "jwt"] {
        let mut bob = signed_in(&app, BOB, key).await;
        let _ = link(&mut bob, &app, "github", "octo").await.expect(303);
        let page = bob.get(&app.url("/account")).await.expect(200);
        let (_, activity) = page.body.split_once("id=\"activity\"").expect("the section");
        for said in [Kind::SignedUp, Kind::SignedIn, Kind::Linked] {
            assert!(activity.contains(said.phrase()), "{}: {}", said.phrase(), page.summary());
        }
        let sentence = if key == "session" { "(server session)" } else { "(JWT)" };
        let sentence = format!("Signed in with a password {sentence}<small>from 127.0.0.1</small>");
        assert!(activity.contains(&sentence), "{activity}");
        assert!(!page.body.contains("href=\"/audit\""), "a door that is closed to him");
        let _ = bob.get(&app.url("/audit")).await.expect_error(403, "role_required");
        let _ = unlink(&mut bob, &app, "github").await.expect(303);
    }
    let _ = Browser::new().get(&app.url("/audit")).await.expect_error(401, "sign_in_required");

    let mut noor = came_in(&app, "google", "noor", "session").await;
    let page = noor.get(&app.url("/account")).await.expect(200);
    let (_, activity) = page.body.split_once("id=\"activity\"").expect("the section");
    assert!(!activity.contains(Kind::Linked.phrase()), "somebody else's are shown: {activity}");

    for key in ["session", "jwt"] {
        let mut admin = came_in(&app, "google", "alan", key).await;
        let page = admin.get(&app.url("/account")).await.expect(200);
        assert!(page.body.contains("href=\"/audit\""), "{}", page.summary());
        let page = admin.get(&app.url("/audit")).await.expect(200);
        let noors = id_of(&mut noor, &app).await;
        assert!(page.body.contains(&noors) && page.body.contains(Kind::Linked.phrase()));
        assert_eq!(page.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn audit_trail_pages_include_every_event() {
    let app = Latchkey::start().await;
    sign_up(&app, BOB).await;
    let mut admin = came_in(&app, "google", "alan", "session").await;
    for n in 0..60 {
        let fields = [("email", &*format!("nobody{n}@example.test")), ("password", "wrong")];
        let _ = Browser::new().post(&app.url("/sign-in"), &fields).await.expect(401);
    }
    let mut url = app.url("/audit");
    let mut rows = 0;
    for _ in 0..5 {
        let page = admin.get(&url).await.expect(200);
        rows += page.body.matches("data-label=\"Account\"").count();
        let Some((_, rest)) = page.body.split_once("href=\"/audit?before=") else { break };
        let (before, _) = rest.split_once('"').expect("its end");
        url = app.url(&format!("/audit?before={before}"));
    }
    assert_eq!(rows, trail(&app).await.len());
    for junk in ["x", "'%20OR%201=1", "%00"] {
        let page = admin.get(&app.url(&format!("/audit?before={junk}"))).await;
        let _ = page.expect_error(400, "bad_request");
    }
}

/// Runs the command line in the folder of this app.
fn latchkey(database: &str, arguments: &[&str]) -> String {
    let here = std::env::current_exe().expect("this binary");
    let folder = here.parent().and_then(|deps| deps.parent()).expect("target/debug");
    let output = Command::new(folder.join("latchkey"))
        .args(arguments)
        .env_clear()
        .env("DATABASE_URL", database)
        .env("APP_SECRET", latchkey_tests::app::STRONG_SECRET)
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null())
        .output()
        .expect("target/debug/latchkey: tests/run builds it");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the built binary: tests/run"]
async fn operator_commands_are_audited_as_operator() {
    let database = Database::sqlite().await;
    let app = Setup::new()
        .set("DATABASE_URL", &database.url)
        .set("APP_SECRET", latchkey_tests::app::STRONG_SECRET)
        .start()
        .await;
    sign_up(&app, BOB).await;
    let id = texts(&app.app.db, "SELECT id FROM users").await.remove(0);
    let (url, bob) = (database.url.clone(), id.clone());
    tokio::task::spawn_blocking(move || {
        latchkey(&url, &["user", "role", &bob, "admin"]);
        latchkey(&url, &["keys", "rotate"]);
    })
    .await
    .expect("no panic");
    let written = trail(&app).await;
    let find = |kind: &str| written.iter().find(|event| event[0] == kind).expect(kind).clone();
    let roles = find("roles_changed");
    assert_eq!((roles[1].as_str(), roles[4].as_str()), ("operator", id.as_str()));
    let keys = find("keys_rotated");
    assert_eq!((keys[1].as_str(), keys[4].as_str()), ("operator", "-"));
    tokio::time::sleep(Duration::from_millis(10)).await;
    let mut bob = signed_in(&app, BOB, "session").await;
    let page = bob.get(&app.url("/audit")).await.expect(200);
    assert!(page.body.contains("the operator"), "{}", page.summary());
}
