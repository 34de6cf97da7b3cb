//! The list of sign-ins, and ending them.

use latchkey_domain::Span;
use latchkey_tests::{Browser, Latchkey, Page, Setup};
use serde_json::Value;

use crate::helpers::{came_in, is_in, post_with, sessions, this_one};
use latchkey_tests::accounts::{
    ApiClient, PASSWORD, cookie_value, expect_problem, sign_up, signed_in, tokens,
};
use latchkey_tests::jws;

const BOB: &str = "bob@example.test";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 \
    Version/18.0 Mobile/15E148 Safari/604.1";

/// The rows of `sign_ins`.
fn rows_of(page: &Page) -> Vec<String> {
    let (_, table) = page.body.split_once("id=\"devices\"").expect("the section");
    let (table, _) = table.split_once("</table>").expect("its end");
    table.split("<tr").skip(2).map(str::to_owned).collect()
}

/// Signs in with the password from behind a proxy.
async fn from(app: &Latchkey, address: &str, agent: &'static str, key: &str) -> Browser {
    let mut browser = Browser::with_user_agent(agent);
    let fields = [("email", BOB), ("password", PASSWORD), ("strategy", key)];
    let headers = [("x-forwarded-for", address)];
    let page = post_with(&mut browser, &app.url("/sign-in"), &fields, &headers).await;
    assert_eq!(page.see_other(), "/account", "{}", page.summary());
    browser
}

#[tokio::test]
async fn active_sign_ins_show_method_credential_and_device() {
    let app = Setup::new().set("TRUSTED_PROXIES", "127.0.0.1").with_frozen_clock().start().await;
    sign_up(&app, BOB).await;
    let mut fox = from(&app, "203.0.113.9", FIREFOX, "session").await;
    app.advance(Span::minutes(2));
    let mut phone = from(&app, "2001:db8::7", SAFARI, "jwt").await;
    let _program = tokens(&app, BOB, None).await;
    let page = fox.get(&app.url("/account")).await.expect(200);
    let rows = rows_of(&page);
    assert_eq!(rows.len(), 3, "{rows:?}");
    let find = |what: &str| rows.iter().find(|row| row.contains(what)).expect(what).clone();
    let this = find("Firefox on Linux");
    for part in ["203.0.113.9", "this device", "ession", ", Password", "first"] {
        assert!(this.contains(part), "{part}: {this}");
    }
    assert!(!this.contains("/end\""), "this one has a button of its own elsewhere");
    let other = find("Safari on iPhone");
    for part in ["2001:db8::7", "JWT", "usable until", "/end\""] {
        assert!(other.contains(part), "{part}: {other}");
    }
    assert!(!other.contains("this device"), "{other}");

    // The API returns the same to both.
    for (browser, door, key) in [(&mut fox, "password", "session"), (&mut phone, "password", "jwt")]
    {
        let all = sessions(browser, &app).await;
        assert_eq!(all.len(), 3);
        let current: Vec<_> = all.iter().filter(|one| one["current"] == true).collect();
        assert_eq!(current.len(), 1, "{all:?}");
        assert_eq!((&current[0]["door"], &current[0]["key"]), (&door.into(), &key.into()));
    }
    let mut noor = came_in(&app, "google", "noor", "session").await;
    let all = sessions(&mut noor, &app).await;
    assert_eq!(all.len(), 1, "somebody else's are listed");
    assert_eq!(all[0]["door"], "oauth:google");
}

#[tokio::test]
async fn session_ended_by_owner_is_refused_immediately() {
    let app = Latchkey::start().await;
    sign_up(&app, BOB).await;
    for key in ["session", "jwt"] {
        let mut this = signed_in(&app, BOB, key).await;
        let mut other = signed_in(&app, BOB, "session").await;
        let mut bystander = signed_in(&app, BOB, "session").await;
        let id = this_one(&mut other, &app).await;
        let url = app.url(&format!("/account/sign-ins/{id}/end"));
        assert_eq!(this.post(&url, &[]).await.see_other(), "/account?done=ended");
        for path in ["/account", "/api/v1/me"] {
            let _ = other.get(&app.url(path)).await.expect(401);
        }
        assert!(is_in(&mut this, &app).await && is_in(&mut bystander, &app).await);
        // It has already ended.
        let _ = this.post(&url, &[]).await.expect_error(404, "not_found");
    }
}

#[tokio::test]
async fn account_page_cannot_end_sign_ins_of_other_users() {
    let app = Latchkey::start().await;
    let mut noor = came_in(&app, "google", "noor", "session").await;
    let id = this_one(&mut noor, &app).await;
    sign_up(&app, BOB).await;
    let mut bob = signed_in(&app, BOB, "session").await;
    let mut nobody = Browser::new();
    for id in [&id, "nonsense", "00000000-0000-7000-8000-000000000000"] {
        let url = app.url(&format!("/account/sign-ins/{id}/end"));
        let _ = bob.post(&url, &[]).await.expect_error(404, "not_found");
        let _ = nobody.post(&url, &[]).await.expect_error(401, "sign_in_required");
    }
    let _ = bob.post(&app.url("/account/sign-ins/end-others"), &[]).await.expect(303);
    let _ = bob.post(&app.url("/account/sign-ins/end-all"), &[]).await.expect(303);
    assert!(is_in(&mut noor, &app).await);
}

#[tokio::test]
async fn end_others_keeps_the_current_sign_in() {
    for key in ["session", "jwt"] {
        let app = Latchkey::start().await;
        sign_up(&app, BOB).await;
        let mut this = signed_in(&app, BOB, key).await;
        let mut others = Vec::new();
        for _ in 0..3 {
            others.push(signed_in(&app, BOB, "session").await);
        }
        let program = tokens(&app, BOB, None).await;
        let page = this.post(&app.url("/account/sign-ins/end-others"), &[]).await;
        assert_eq!(page.see_other(), "/account?done=ended");
        for other in &mut others {
            assert!(!is_in(other, &app).await);
        }
        expect_problem(
            &ApiClient::new(&app).refresh(&program.refresh).await,
            400,
            "refresh_token_ended",
        );
        assert_eq!(sessions(&mut this, &app).await.len(), 1);
        assert!(is_in(&mut this, &app).await);
    }
}

#[tokio::test]
async fn end_all_includes_the_current_sign_in() {
    for key in ["session", "jwt"] {
        let app = Latchkey::start().await;
        sign_up(&app, BOB).await;
        let mut this = signed_in(&app, BOB, key).await;
        let mut other = signed_in(&app, BOB, "session").await;
        let kept = this.clone();
        let page = this.post(&app.url("/account/sign-ins/end-all"), &[]).await;
        assert_eq!(page.see_other(), "/");
        assert!(!is_in(&mut this, &app).await && !is_in(&mut other, &app).await);
        assert_eq!(cookie_value(&this, "latchkey_token"), None, "the cookies are taken away");
        // A stolen copy stops working when its token expires.
        let mut copied = kept;
        if key == "jwt" {
            copied.jar.set("localhost", &app.cookie("latchkey_token"), "expired");
        }
        assert!(!is_in(&mut copied, &app).await);
        assert_eq!(sessions(&mut signed_in(&app, BOB, "session").await, &app).await.len(), 1);
    }
}

/// What the page says about an ended JWT is true.
#[tokio::test]
async fn revoked_jwt_countdown_matches_real_expiry() {
    let app = Setup::new().with_frozen_clock().start().await;
    sign_up(&app, BOB).await;
    let mut this = signed_in(&app, BOB, "session").await;
    let first = tokens(&app, BOB, None).await;
    // It was refreshed since: the newest token counts.
    app.advance(Span::minutes(3));
    let page = ApiClient::new(&app).refresh(&first.refresh).await;
    let newest = latchkey_tests::accounts::Tokens::of(&page);
    let claims = jws::decode(&newest.access).1;
    app.advance(Span::minutes(1));
    let sid = claims["sid"].as_str().expect("a sid");
    let url = app.url(&format!("/account/sign-ins/{sid}/end"));
    let _ = this.post(&url, &[]).await.expect(303);
    expect_problem(
        &ApiClient::new(&app).refresh(&newest.refresh).await,
        400,
        "refresh_token_ended",
    );

    let page = this.get(&app.url("/account")).await.expect(200);
    let rows = rows_of(&page);
    let row = rows.iter().find(|row| row.contains(">revoked<")).expect("it is shown");
    assert!(row.contains("usable until"), "{row}");
    assert!(!row.contains("/end\""), "what has ended cannot be ended again: {row}");
    let (_, until) = row.split_once("countdown-to\" datetime=\"").expect("a time");
    let (until, _) = until.split_once('"').expect("its end");
    let exp = latchkey_domain::Timestamp::from_seconds(claims["exp"].as_i64().expect("exp"));
    // It ends to the second, including leeway.
    let leeway = (0..=60).find(|seconds| exp.plus(Span::seconds(*seconds)).rfc3339() == until);
    let leeway = leeway.expect("the page names another time than the token");

    let mut copied = ApiClient::with(&app, &newest.access);
    app.advance(Span::seconds(4 * 60 + leeway - 1));
    assert_eq!(copied.get("/api/v1/me").await.status, 200, "it lives as long as the page says");
    app.advance(Span::seconds(2));
    let page = copied.get("/api/v1/me").await;
    assert_eq!(page.status, 401, "a second after what the page says, it is still believed");
    let page = this.get(&app.url("/account")).await.expect(200);
    assert!(!page.body.contains(">revoked<"), "what is over is still shown");
}

#[tokio::test]
async fn watch_mode_refuses_ended_jwts_immediately() {
    let app = Setup::new().set("JWT_REVOCATION", "watch").start().await;
    sign_up(&app, BOB).await;
    let mut this = signed_in(&app, BOB, "session").await;
    let program = tokens(&app, BOB, None).await;
    let _ = this.post(&app.url("/account/sign-ins/end-others"), &[]).await.expect(303);
    expect_problem(
        &ApiClient::with(&app, &program.access).get("/api/v1/me").await,
        401,
        "token_revoked",
    );
    let page = this.get(&app.url("/account")).await.expect(200);
    assert!(!page.body.contains(">revoked<"), "{}", page.summary());
}

#[tokio::test]
async fn expired_sign_ins_are_not_listed() {
    let app = Setup::new().with_frozen_clock().start().await;
    sign_up(&app, BOB).await;
    let _idle = signed_in(&app, BOB, "session").await;
    let _program = tokens(&app, BOB, None).await;
    app.advance(Span::days(8));
    let mut this = signed_in(&app, BOB, "session").await;
    let keys = |all: &[Value]| -> Vec<String> {
        all.iter().map(|one| one["key"].as_str().expect("a key").to_owned()).collect()
    };
    // The session was idle for a week; the refresh token is valid for three more.
    let mut listed = keys(&sessions(&mut this, &app).await);
    listed.sort();
    assert_eq!(listed, ["jwt", "session"]);
    app.advance(Span::days(23));
    let mut this = signed_in(&app, BOB, "session").await;
    assert_eq!(keys(&sessions(&mut this, &app).await), ["session"]);
}
