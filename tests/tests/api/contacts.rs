//! Contacts: created, read, updated and deleted by their owner only.

use latchkey_domain::Span;
use latchkey_tests::accounts::{ApiClient, expect_problem, json_of, sign_up_client};
use latchkey_tests::{Latchkey, Setup};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/api/v1/contacts";

fn id_of(contact: &Value) -> String {
    contact["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn contact_can_be_created_read_replaced_and_deleted() {
    let app = Setup::new().with_frozen_clock().start().await;
    let (mut ada, _) = sign_up_client(&app, "ada@example.test").await;
    let wish = json!({ "name": " Grace Hopper ", "email": "Grace@Example.test", "phone": "+1 2" });
    let page = ada.post(PATH, wish).await.expect(201);
    let made = json_of(&page);
    let at = format!("{PATH}/{}", id_of(&made));
    assert_eq!(page.header("location"), Some(at.as_str()));
    assert_eq!(page.header("content-type"), Some("application/json"));
    for (name, value) in
        [("name", "Grace Hopper"), ("email", "grace@example.test"), ("phone", "+1 2")]
    {
        assert_eq!(made[name], value, "{name}");
    }
    assert_eq!(made["created_at"], made["updated_at"]);
    assert_eq!(json_of(&ada.get(&at).await.expect(200)), made);

    app.advance(Span::seconds(60));
    let page = ada.put(&at, json!({ "name": "Grace" })).await.expect(200);
    let changed = json_of(&page);
    let rest = [&changed["id"], &changed["name"], &changed["email"], &changed["phone"]];
    assert_eq!(rest, [&made["id"], &json!("Grace"), &Value::Null, &Value::Null], "replaced whole");
    assert_eq!(changed["created_at"], made["created_at"]);
    assert_ne!(changed["updated_at"], made["updated_at"]);
    assert_eq!(json_of(&ada.get(&at).await.expect(200)), changed);

    let page = ada.delete(&at).await.expect(204);
    assert_eq!(page.body, "");
    for method in [Method::GET, Method::DELETE] {
        expect_problem(&ada.call(method, &at, None).await, 404, "not_found");
    }
    expect_problem(&ada.put(&at, json!({ "name": "Grace" })).await, 404, "not_found");
}

#[tokio::test]
async fn invalid_contact_returns_errors_by_field() {
    let app = Latchkey::start().await;
    let (mut ada, _) = sign_up_client(&app, "ada@example.test").await;
    let list = json_of(&ada.get(PATH).await);
    let at = format!("{PATH}/{}", id_of(&list["items"][0]));
    let long = "x".repeat(201);
    for (wish, fields) in [
        (json!({ "name": "" }), vec!["name"]),
        (json!({ "name": " \t " }), vec!["name"]),
        (json!({ "name": long }), vec!["name"]),
        (json!({ "name": "a\u{0}b" }), vec!["name"]),
        (json!({ "name": "Ada", "email": "ada" }), vec!["email"]),
        (json!({ "name": "Ada", "phone": "call me" }), vec!["phone"]),
        (json!({ "name": "Ada", "phone": "1".repeat(41) }), vec!["phone"]),
        (json!({ "name": "", "email": "@", "phone": "+" }), vec!["name", "email", "phone"]),
    ] {
        for (method, path) in [(Method::POST, PATH), (Method::PUT, at.as_str())] {
            let page = ada.call(method, path, Some(wish.clone())).await;
            let said = expect_problem(&page, 422, "validation_failed");
            let errors = said["errors"].as_array().expect("errors");
            let named: Vec<_> = errors.iter().map(|one| one["field"].as_str().unwrap()).collect();
            assert_eq!(named, fields, "{wish}");
            assert!(errors.iter().all(|e| e["message"].as_str().is_some_and(|m| m.len() > 5)));
        }
    }
    for body in [json!({}), json!({ "name": 1 }), json!({ "name": null }), json!([]), json!("x")] {
        expect_problem(&ada.post(PATH, body).await, 400, "bad_request");
    }
    assert_eq!(json_of(&ada.get(PATH).await), list, "nothing has changed");
}

#[tokio::test]
async fn contact_of_another_user_is_not_found() {
    let app = Latchkey::start().await;
    let (mut ada, _) = sign_up_client(&app, "ada@example.test").await;
    let (mut eve, _) = sign_up_client(&app, "eve@example.test").await;
    let list = json_of(&ada.get(PATH).await);
    for contact in list["items"].as_array().expect("items") {
        let at = format!("{PATH}/{}", id_of(contact));
        let nowhere = format!("{PATH}/{}", id_of(contact).replace(['a', 'b', 'c'], "d"));
        let mine = json!({ "name": "mine" });
        for (method, body) in
            [(Method::GET, None), (Method::PUT, Some(mine)), (Method::DELETE, None)]
        {
            let of_ada = eve.call(method.clone(), &at, body.clone()).await;
            let mut of_ada = expect_problem(&of_ada, 404, "not_found");
            let of_nobody = eve.call(method, &nowhere, body).await;
            let mut of_nobody = expect_problem(&of_nobody, 404, "not_found");
            for said in [&mut of_ada, &mut of_nobody] {
                said["trace_id"] = Value::Null;
            }
            assert_eq!(of_ada, of_nobody, "one can tell that it is there");
        }
    }
    assert_eq!(json_of(&ada.get(PATH).await), list);
    let eves = json_of(&eve.get(PATH).await);
    let shared = eves["items"].as_array().expect("items").iter().any(|one| {
        list["items"].as_array().expect("items").iter().any(|other| one["id"] == other["id"])
    });
    assert!(!shared, "lists are apart too");
    // Another user's cursor does not work either.
    let cursor = id_of(&list["items"][0]);
    let page = eve.get(&format!("{PATH}?cursor={cursor}")).await.expect(200);
    assert!(!page.body.contains(&id_of(&list["items"][1])));
}

#[tokio::test]
async fn malformed_contact_id_is_not_found() {
    let app = Latchkey::start().await;
    let (mut ada, _) = sign_up_client(&app, "ada@example.test").await;
    let list = json_of(&ada.get(PATH).await);
    let id = id_of(&list["items"][0]);
    for wrong in [
        "1",
        "' OR 1=1",
        "..%2f..",
        "%00",
        "%ff",
        &id.to_uppercase(),
        &id.replace('-', ""),
        &format!("{id}%20"),
    ] {
        let page = ada.get(&format!("{PATH}/{wrong}")).await;
        expect_problem(&page, 404, "not_found");
    }
}

#[tokio::test]
async fn contact_pagination_returns_every_item_once() {
    let app = Latchkey::start().await;
    let (mut ada, _) = sign_up_client(&app, "ada@example.test").await;
    let first = json_of(&ada.get(PATH).await)["items"].as_array().expect("items").len();
    let mut made = Vec::new();
    for n in 0..30 {
        let page = ada.post(PATH, json!({ "name": format!("Person {n}") })).await.expect(201);
        made.push(id_of(&json_of(&page)));
    }
    let all = first + made.len();
    for limit in [1, 7, all - 1, all, all + 1, 100] {
        let seen = walk(&mut ada, PATH, limit).await;
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!((seen.len(), once.len()), (all, all), "limit {limit}");
        assert!(made.iter().all(|id| seen.contains(id)), "limit {limit}");
    }
    let default = json_of(&ada.get(PATH).await);
    assert_eq!(default["items"].as_array().map(Vec::len), Some(20));
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=x",
        "limit=1&limit=2",
        "cursor=x",
        "cursor=",
        "limit=99999999999",
    ] {
        expect_problem(&ada.get(&format!("{PATH}?{query}")).await, 400, "bad_request");
    }
}

async fn walk(program: &mut ApiClient, path: &str, limit: usize) -> Vec<String> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = program.get(&format!("{path}?limit={limit}{cursor}")).await.expect(200);
        let list = json_of(&page);
        let items = list["items"].as_array().expect("items");
        assert!(items.len() <= limit);
        seen.extend(items.iter().map(id_of));
        match list["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return seen,
        }
    }
}

#[tokio::test]
async fn calendar_events_are_paginated_per_user() {
    let app = Latchkey::start().await;
    let (mut ada, _) = sign_up_client(&app, "ada@example.test").await;
    let (mut eve, _) = sign_up_client(&app, "eve@example.test").await;
    let path = "/api/v1/calendar/events";
    let whole = walk(&mut ada, path, 100).await;
    assert_eq!(walk(&mut ada, path, 1).await, whole);
    let eves = walk(&mut eve, path, 100).await;
    assert!(whole.len() > 1 && eves.iter().all(|id| !whole.contains(id)));
}
