//! "Which one should I use?" over HTTP.

use latchkey_tests::{Browser, Latchkey};

const ALL: &str =
    "passwords=both&callers=others&ending=at-once&services=one&database=here&delegation=yes";

#[tokio::test]
async fn complete_query_shows_the_recommendation() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let asked = browser.get(&app.url("/choose")).await.expect(200);
    assert_eq!(asked.body.matches("<fieldset").count(), 6);
    assert!(!asked.body.contains("id=\"answer\""));

    let answered = browser.get(&app.url(&format!("/choose?{ALL}"))).await.expect(200);
    for said in [
        "<strong>Both</strong>",
        "<strong>A server session</strong>",
        "<strong>An opaque token, introspected</strong>",
        "<strong>Connections</strong>",
        "DATABASE_URL=sqlite://data/latchkey.db",
        "/compare/7",
        "session::load(sessions, cookie)",
        "issuer.delegation(token",
        "OAUTH_INTROSPECTION_CACHE=0",
    ] {
        assert!(answered.body.contains(said), "{said}: {}", answered.summary());
    }
    assert_eq!(answered.body.matches(" checked").count(), 6, "the answers are still chosen");
    let reasons = answered.body.matches("href=\"/compare/").count();
    let (_, why) = answered.body.split_once("id=\"why\"").expect("reasons");
    let (why, _) = why.split_once("</section>").expect("their end");
    assert_eq!(why.matches("<li>").count(), reasons, "a sentence leads nowhere");
}

#[tokio::test]
async fn invalid_query_shows_no_recommendation() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    for (query, is_incomplete) in [
        ("passwords=both".to_owned(), true),
        (ALL.replace("at-once", "%3Cscript%3Ealert(1)"), true),
        (ALL.replace("both", ""), true),
        ("something=else".to_owned(), false),
    ] {
        let page = browser.get(&app.url(&format!("/choose?{query}"))).await.expect(200);
        assert!(!page.body.contains("id=\"answer\""), "{query}");
        assert_eq!(page.body.contains("answer all six"), is_incomplete, "{query}");
        assert!(!page.body.contains("<script>alert"), "{query}");
    }
}
