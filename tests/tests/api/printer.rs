//! The whole flow with another app: the local provider's Calendar Printer discovers our API, gets
//! the user's consent, prints their calendar, and is refused once the user revokes it.

use latchkey_tests::accounts::{ApiClient, expect_problem, json_of};
use latchkey_tests::{Browser, Latchkey, Page};
use reqwest::Method;
use url::Url;

async fn connect(browser: &mut Browser, app: &Latchkey, person: &str) -> Page {
    let printer = format!("{}/calendar-printer", app.idp);
    let page = browser.post(&format!("{printer}/connect"), &[]).await;
    let authorize = Url::parse(&page.see_other()).expect("a whole URL");
    let callback = browser.consent(&authorize, person).await;
    let page = browser.follow_callback(&callback).await;
    assert_eq!(page.see_other(), "/calendar-printer/printout", "{}", page.summary());
    printout(browser, app).await
}

async fn printout(browser: &mut Browser, app: &Latchkey) -> Page {
    browser.get(&format!("{}/calendar-printer/printout", app.idp)).await
}

async fn section(browser: &mut Browser, app: &Latchkey) -> String {
    let page = browser.get(&app.url("/connections")).await.expect(200);
    let (_, rest) = page.body.split_once("id=\"apps\"").expect("the section");
    rest.split("</section>").next().expect("its end").to_owned()
}

#[tokio::test]
async fn calendar_printer_works_until_access_is_revoked() {
    let app = Latchkey::start().await;
    let mut ada = Browser::new();
    ada.sign_in_with(&app, "google", "ada").await;
    let events = json_of(&ada.get(&app.url("/api/v1/calendar/events")).await.expect(200));
    let title = events["items"][0]["title"].as_str().expect("a title").to_owned();
    assert!(section(&mut ada, &app).await.contains("None."));

    let page = connect(&mut ada, &app, "ada").await.expect(200);
    assert!(page.body.contains(&title), "{}", page.summary());
    // It requested the calendar, and gets nothing else.
    assert!(page.body.contains("insufficient_scope"), "{}", page.summary());

    let found = section(&mut ada, &app).await;
    assert!(found.contains("Calendar Printer") && found.contains("Read your calendar"), "{found}");
    let (_, id) = found.split_once("name=\"id\" value=\"").expect("a button");
    let id = id.split('"').next().expect("an id").to_owned();
    let page = ada.post(&app.url("/connections/apps/end"), &[("id", &id)]).await;
    assert_eq!(page.see_other(), "/connections?done=ended#apps", "{}", page.summary());
    let page = printout(&mut ada, &app).await;
    assert_eq!(page.status, 401, "{}", page.summary());
    assert!(!page.body.contains(&title), "{}", page.summary());
    assert!(section(&mut ada, &app).await.contains("None."));
    assert!(ada.account(&app).await.is_some(), "her own sign-in lives on");
}

#[tokio::test]
async fn calendar_printer_fails_for_user_without_account() {
    let app = Latchkey::start().await;
    let mut grace = Browser::new();
    let page = connect(&mut grace, &app, "grace").await;
    assert_eq!(page.status, 403, "{}", page.summary());
    assert_eq!(latchkey_tests::database::rows(&app.app.db, "users").await, 0);
}

#[tokio::test]
async fn token_not_issued_by_local_provider_is_inactive() {
    let app = Latchkey::start().await;
    for token in ["opaque", "..", "x.y.z", "ya29.made-up"] {
        expect_problem(
            &ApiClient::with(&app, token).get("/api/v1/me").await,
            401,
            "token_inactive",
        );
    }
}

#[tokio::test]
async fn local_provider_answers_foreign_host_header_with_421() {
    let app = Latchkey::start().await;
    for path in ["/", "/calendar-printer"] {
        let url = format!("{}{path}", app.idp);
        let foreign = [("host", "rebound.evil.test")];
        let page = Browser::new().send(Method::GET, &url, &foreign, None).await;
        assert_eq!(page.status, 421, "{path}: {}", page.summary());
    }
}
