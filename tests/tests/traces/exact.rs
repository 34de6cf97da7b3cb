//! Traces match the bytes on the wire.

use latchkey_tests::Browser;
use serde_json::Value;

use crate::proxy::{Message, Seen};
use crate::scene::{FIELDS, MEMBERS, Scene, WAYS, entries, trace_of};

/// Headers whose value may be redacted.
const WITH_SECRETS: [&str; 5] = ["cookie", "set-cookie", "authorization", "location", "referer"];

#[tokio::test]
async fn traces_match_traffic_captured_by_a_proxy() {
    for (door, key) in WAYS {
        let scene = Scene::start().await;
        let mut browser = Browser::new();
        let page = scene.come_in(&mut browser, door, key).await;
        let id = trace_of(&page);
        let mut proxied: Vec<(String, Seen)> = Vec::new();
        for seen in scene.front.seen() {
            let begins = seen.path().starts_with("/auth/") || seen.path() == "/sign-in";
            if begins && (seen.method() == "POST" || seen.path().ends_with("/callback")) {
                proxied.push((scene.app.origin.clone(), seen));
            }
        }
        for seen in scene.provider.seen() {
            proxied.push((format!("http://127.0.0.1:{}", scene.provider.port), seen));
        }
        let entries = entries(&scene.app, &mut browser, &id).await;
        let asked: Vec<_> = entries.iter().map(|entry| &entry["request"]["url"]).collect();
        assert_eq!(entries.len(), proxied.len(), "{door} {key}: {asked:?}");
        for entry in &entries {
            let at = proxied.iter().position(|(origin, seen)| is_about(entry, origin, seen));
            let at = at.unwrap_or_else(|| panic!("{door} {key}: nobody saw {}", entry["request"]));
            let (origin, seen) = proxied.remove(at);
            agrees(entry, &origin, &seen);
        }
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("{name}: {value}"))
}

fn is_about(entry: &Value, origin: &str, seen: &Seen) -> bool {
    let request = &entry["request"];
    let path = text(request, "url").split('?').next().expect("a path").to_owned();
    text(request, "method") == seen.method() && path == format!("{origin}{}", seen.path())
}

#[track_caller]
fn agrees(entry: &Value, origin: &str, seen: &Seen) {
    let (request, response) = (&entry["request"], &entry["response"]);
    let url = format!("{origin}{}", seen.target());
    let what = format!("{} {url}", seen.method());
    // URLs have the same length, and differ only in parameter values.
    assert_same_but_secrets(text(request, "url"), &url, &what);
    let line = &seen.response.line;
    let expected =
        format!("{} {} {}", "HTTP/1.1", response["status"], text(response, "statusText"));
    assert_eq!(*line, expected, "{what}");
    message_agrees(request, &seen.request, &what);
    message_agrees(response, &seen.response, &what);
    // The target is the one in the message.
    if let Some(location) = seen.response.header("location") {
        assert_eq!(text(response, "redirectURL").len(), location.len(), "{what}");
    }
    assert_eq!(response["content"]["size"], seen.response.body.len(), "{what}");
    // Client and server are right.
    let by_app = seen.request.header("user-agent").is_some_and(|ua| ua.starts_with("Latchkey/"));
    let latchkey = &entry["_latchkey"];
    assert_eq!(latchkey["from"], if by_app { "app" } else { "browser" }, "{what}");
    assert_eq!(latchkey["channel"], if by_app { "back" } else { "front" }, "{what}");
    assert_ne!(latchkey["step"], "other", "{what}");
}

#[track_caller]
fn message_agrees(recorded: &Value, seen: &Message, what: &str) {
    assert_eq!(recorded["headersSize"], seen.head, "{what}: {seen:?} {recorded}");
    assert_eq!(recorded["bodySize"], seen.body.len(), "{what}");
    let mut headers: Vec<(&str, &str)> = recorded["headers"]
        .as_array()
        .expect("headers")
        .iter()
        .map(|header| (text(header, "name"), text(header, "value")))
        .collect();
    assert_eq!(headers.len(), seen.headers.len(), "{what}: {:?} {headers:?}", seen.headers);
    for (name, value) in &seen.headers {
        let same = |(n, v): &(&str, &str)| n == name && v.len() == value.len();
        let exact = headers.iter().position(|(n, v)| n == name && v == value);
        let at = exact.or_else(|| headers.iter().position(same));
        let at = at.unwrap_or_else(|| panic!("{what}: {name}: {value} is not in {headers:?}"));
        let (_, recorded) = headers.remove(at);
        if WITH_SECRETS.contains(&name.as_str()) {
            assert_eq!(recorded.len(), value.len(), "{what}: {name}");
        } else {
            assert_eq!(recorded, value, "{what}: {name}");
        }
    }
    // A stored body has the length of the original.
    let kept = [&recorded["postData"]["text"], &recorded["content"]["text"]];
    for kept in kept.into_iter().filter_map(Value::as_str).filter(|kept| !kept.is_empty()) {
        assert_same_but_secrets(kept, &seen.text(), what);
    }
}

/// The same length, and the same text except for secret parameters and members.
#[track_caller]
fn assert_same_but_secrets(recorded: &str, seen: &str, what: &str) {
    assert_eq!(recorded.len(), seen.len(), "{what}:\n{recorded}\n{seen}");
    if let Ok(seen) = serde_json::from_str::<Value>(seen) {
        let recorded: Value = serde_json::from_str(recorded).expect("JSON");
        return assert_same_members(&recorded, &seen, what);
    }
    let part = |c: char| c == '&' || c == '?';
    for (ours, theirs) in recorded.split(part).zip(seen.split(part)) {
        let (name, value) = theirs.split_once('=').unwrap_or((theirs, ""));
        let is_secret = FIELDS.contains(&name) && !value.is_empty();
        assert_eq!(ours == theirs, !is_secret, "{what}: {ours} stands for {theirs}");
    }
}

#[track_caller]
fn assert_same_members(recorded: &Value, seen: &Value, what: &str) {
    let Some(members) = seen.as_object() else { return assert_eq!(recorded, seen, "{what}") };
    for (name, value) in members {
        let is_secret = MEMBERS.contains(&name.as_str());
        assert_eq!(recorded[name] == *value, !is_secret, "{what}: {name}: {recorded}");
    }
}
