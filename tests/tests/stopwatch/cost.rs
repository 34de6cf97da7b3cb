//! The cost of a wrong choice, on `/compare`: every cell names its source.

use latchkey_tests::{Browser, Setup};

#[tokio::test]
async fn compare_page_costs_reflect_instance_settings() {
    let setup = Setup::new().set("JWT_ACCESS_TTL", "2m").set("SESSION_IDLE_TTL", "3h");
    let expiry = setup.start().await;
    let watch = Setup::new().set("JWT_REVOCATION", "watch").set("SESSION_CACHE", "watch");
    let watch = watch.start().await;
    let page = Browser::new().get(&expiry.url("/compare")).await;
    for said in ["2 minutes after it was issued, plus 5 seconds", "unused for 3 hours"] {
        assert!(page.body.contains(said), "{said}: {}", page.summary());
    }
    assert!(page.body.contains("Not at all: nothing checks for revocation"));
    assert!(page.body.contains("refused at the next request"));
    let page = Browser::new().get(&watch.url("/compare")).await;
    assert!(page.body.contains("every process refuses it within a second"));
    assert!(page.body.contains("<code>SESSION_CACHE</code>: watch"));
}

#[tokio::test]
async fn every_cost_cell_cites_a_valid_source() {
    let app = Setup::new().start().await;
    let mut browser = Browser::new();
    let page = browser.get(&app.url("/compare")).await;
    let (_, cost) = page.body.split_once(r#"id="cost""#).expect("the table");
    let cells = cost.matches(r#"<td role="cell""#).count();
    assert_eq!(cells, 5 * 3, "five things, three questions each");
    let links: Vec<_> = cost
        .split(r#"<td role="cell""#)
        .skip(1)
        .filter_map(|cell| cell.split_once("</td>")?.0.split_once(r#"href=""#)?.1.split('"').next())
        .collect();
    let settings = cost.split("</table>").next().expect("the table").matches("<code>").count();
    assert_eq!(links.len() + settings, cells, "every cell stands on something");
    for link in links {
        match link.strip_prefix('#') {
            Some(id) => assert!(page.body.contains(&format!(r#"id="{id}""#)), "{link}"),
            None => assert_ne!(browser.get(&app.url(link)).await.status, 404, "{link}"),
        }
    }
}
