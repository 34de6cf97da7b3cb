//! All sign-ins in one list, with either credential, and ending each from any other.

use latchkey_domain::Span;
use latchkey_tests::accounts::{
    ApiClient, cookie_value, expect_problem, json_of, past_expiry, sign_up, sign_up_client,
    signed_in, tokens,
};
use latchkey_tests::{Browser, Latchkey, Page, Setup};
use reqwest::Method;
use serde_json::Value;

const ADA: &str = "ada@example.test";
const PATH: &str = "/api/v1/sessions";

fn items(page: &Page) -> Vec<Value> {
    assert_eq!(page.status, 200, "{}", page.summary());
    json_of(page)["items"].as_array().expect("items").clone()
}

async fn end(browser: &mut Browser, app: &Latchkey, id: &Value) -> Page {
    let url = app.url(&format!("{PATH}/{}", id.as_str().expect("an id")));
    browser.send(Method::DELETE, &url, &[("sec-fetch-site", "same-origin")], None).await
}

#[tokio::test]
async fn session_list_describes_sign_ins_without_secrets() {
    let app = Setup::new().with_frozen_clock().start().await;
    let (mut program, _) = sign_up_client(&app, ADA).await;
    app.advance(Span::seconds(1));
    let mut session = signed_in(&app, ADA, "session").await;
    app.advance(Span::seconds(1));
    let mut jwt = signed_in(&app, ADA, "jwt").await;
    let url = app.url(PATH);
    let lists = [session.get(&url).await, jwt.get(&url).await, program.get(PATH).await];
    for (n, page) in lists.iter().enumerate() {
        let list = items(page);
        assert_eq!(list.len(), 3);
        assert_eq!(list.iter().filter(|one| one["current"] == true).count(), 1, "{n}");
        for one in &list {
            assert_eq!(one["door"], "password");
            assert_eq!(one["address"], "127.0.0.1");
            assert!(one["user_agent"].as_str().is_some_and(|name| name.contains("a test")));
            for time in ["created_at", "last_seen_at", "expires_at"] {
                assert!(one[time].as_str().is_some_and(|time| time.ends_with('Z')), "{one}");
            }
        }
        let keys: Vec<_> = list.iter().map(|one| one["key"].as_str().expect("a key")).collect();
        assert_eq!(keys, ["jwt", "session", "jwt"], "the one used last first");
        for (browser, name) in
            [(&session, "latchkey_session"), (&jwt, "latchkey_token"), (&jwt, "latchkey_refresh")]
        {
            let secret = cookie_value(browser, name).expect("a cookie");
            assert!(!page.body.contains(&secret), "{name} is in the list");
        }
    }
    let current = |page| items(page).into_iter().find(|one| one["current"] == true).unwrap();
    let of: Vec<_> = lists.iter().map(|page| current(page)["id"].clone()).collect();
    assert!(of[0] != of[1] && of[1] != of[2] && of[0] != of[2], "{of:?}");
}

#[tokio::test]
async fn session_ended_via_api_is_refused_immediately() {
    let app = Latchkey::start().await;
    sign_up(&app, ADA).await;
    for ender in ["session", "jwt"] {
        let mut victim = signed_in(&app, ADA, "session").await;
        let id = items(&victim.get(&app.url(PATH)).await)
            .into_iter()
            .find(|one| one["current"] == true)
            .expect("its own")["id"]
            .clone();
        let mut other = signed_in(&app, ADA, ender).await;
        assert_eq!(end(&mut other, &app, &id).await.status, 204, "{ender}");
        expect_problem(&victim.get(&app.url("/api/v1/me")).await, 401, "token_missing");
        assert_eq!(victim.account(&app).await, None, "{ender}");
        expect_problem(&end(&mut other, &app, &id).await, 404, "not_found");
        assert!(other.account(&app).await.is_some(), "{ender}: its own lives");
    }
}

#[tokio::test]
async fn ended_jwt_sign_in_cannot_be_refreshed() {
    let app = Setup::new().with_frozen_clock().start().await;
    sign_up(&app, ADA).await;
    let mut browser = signed_in(&app, ADA, "jwt").await;
    let pair = tokens(&app, ADA, None).await;
    let mut program = ApiClient::with(&app, &pair.access);
    let url = app.url(PATH);
    for page in [browser.get(&url).await, program.get(PATH).await] {
        let own = items(&page).into_iter().find(|one| one["current"] == true).expect("its own");
        let mut other = signed_in(&app, ADA, "session").await;
        assert_eq!(end(&mut other, &app, &own["id"]).await.status, 204);
    }
    expect_problem(&program.refresh(&pair.refresh).await, 400, "refresh_token_ended");
    app.advance(past_expiry());
    assert_eq!(browser.account(&app).await, None);
    assert_eq!(cookie_value(&browser, "latchkey_refresh"), None);
}

#[tokio::test]
async fn api_cannot_end_sign_in_of_another_user() {
    let app = Latchkey::start().await;
    let (mut ada, _) = sign_up_client(&app, ADA).await;
    let (mut eve, _) = sign_up_client(&app, "eve@example.test").await;
    let own = items(&ada.get(PATH).await);
    assert_eq!(own.len(), 1);
    let path = format!("{PATH}/{}", own[0]["id"].as_str().expect("an id"));
    expect_problem(&eve.delete(&path).await, 404, "not_found");
    expect_problem(&ApiClient::new(&app).delete(&path).await, 401, "token_missing");
    assert_eq!(items(&ada.get(PATH).await), own);
    for wrong in ["x", "%00", "../me"] {
        let page = eve.delete(&format!("{PATH}/{wrong}")).await;
        assert!((400..500).contains(&page.status), "{wrong}: {}", page.status);
    }
}

#[tokio::test]
async fn expired_and_signed_out_sessions_are_not_listed() {
    let app = Setup::new()
        .set("SESSION_IDLE_TTL", "10m")
        .set("SESSION_TTL", "1h")
        .set("JWT_REFRESH_TTL", "30m")
        .with_frozen_clock()
        .start()
        .await;
    sign_up(&app, ADA).await;
    let mut gone = signed_in(&app, ADA, "session").await;
    let _idle = signed_in(&app, ADA, "session").await;
    let _jwt = signed_in(&app, ADA, "jwt").await;
    let mut asks = signed_in(&app, ADA, "session").await;
    gone.post(&app.url("/sign-out"), &[]).await;
    assert_eq!(items(&asks.get(&app.url(PATH)).await).len(), 3);
    app.advance(Span::minutes(11));
    let mut asks = signed_in(&app, ADA, "session").await;
    assert_eq!(items(&asks.get(&app.url(PATH)).await).len(), 2, "the idle ones are gone");
    app.advance(Span::minutes(20));
    let mut asks = signed_in(&app, ADA, "session").await;
    assert_eq!(items(&asks.get(&app.url(PATH)).await).len(), 1, "and the family has ended");
}
