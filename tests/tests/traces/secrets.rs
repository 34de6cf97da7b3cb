//! No trace contains a secret, and neither does the database.

use std::collections::BTreeSet;

use latchkey_auth::oauth::attempt::{PENDING_COOKIE, USED_COOKIE};
use latchkey_tests::accounts::PASSWORD;
use latchkey_tests::{Browser, Latchkey};

use crate::proxy::Seen;
use crate::scene::{FIELDS, MEMBERS, Scene, WAYS, trace_of};

/// Every export of a trace.
const EXPORTS: [&str; 4] = ["", "/har", "/mermaid", "/curl"];

#[tokio::test]
async fn trace_exports_and_database_contain_no_secrets() {
    for (door, key) in WAYS {
        let scene = Scene::start().await;
        let mut browser = Browser::new();
        let page = scene.come_in(&mut browser, door, key).await;
        let id = trace_of(&page);
        let mut all = scene.front.seen();
        all.extend(scene.provider.seen());
        let secrets = secrets(&scene.app, &all);
        // The proxies have seen secrets: cookies, and more with OAuth.
        let at_least = if door == "password" { 3 } else { 7 };
        assert!(secrets.len() >= at_least, "{door} {key}: {secrets:?}");
        let wire = [scene.front.everything(), scene.provider.everything()].concat();
        let mut exports = Vec::new();
        for export in EXPORTS {
            let page = browser.get(&scene.app.url(&format!("/traces/{id}{export}"))).await;
            exports.push((export.to_owned(), page.expect(200).body.into_bytes()));
        }
        for name in ["latchkey.db", "latchkey.db-wal"] {
            exports
                .push((name.to_owned(), std::fs::read(scene.app.file(name)).unwrap_or_default()));
        }
        for (what, secret) in &secrets {
            assert!(holds(&wire, secret), "{door} {key}: {what} was on the wire");
            for (export, bytes) in &exports {
                assert!(!holds(bytes, secret), "{door} {key}: {export} holds {what}: {secret}");
            }
        }
        // The search finds what is there.
        assert!(exports.iter().any(|(_, bytes)| holds(bytes, &id) && holds(bytes, "redacted-")));
    }
}

fn holds(bytes: &[u8], what: &str) -> bool {
    bytes.windows(what.len()).any(|window| window == what.as_bytes())
}

/// The secrets that an attacker on the wire would see.
fn secrets(app: &Latchkey, all: &[Seen]) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let mut add = |what: &str, secret: &str| {
        // The claims of a token may be shown, its signature may not.
        let whole_or_signature = match secret.split('.').collect::<Vec<_>>()[..] {
            [header, _, signature] if header.starts_with("eyJ") => signature,
            _ => secret,
        };
        if whole_or_signature.len() >= 7 {
            found.insert((what.to_owned(), whole_or_signature.to_owned()));
        }
    };
    for seen in all {
        let (_, query) = seen.target().split_once('?').unwrap_or_default();
        let location = seen.response.header("location").unwrap_or_default();
        let (_, onward) = location.split_once('?').unwrap_or_default();
        let body = seen.request.text();
        for pair in [query, onward, &body].iter().flat_map(|form| form.split('&')) {
            if let Some((name, value)) = pair.split_once('=')
                && FIELDS.contains(&name)
            {
                add(name, value);
            }
        }
        for (name, value) in seen.request.headers.iter().chain(&seen.response.headers) {
            match name.as_str() {
                "cookie" => {
                    for (name, value) in value.split("; ").filter_map(|pair| pair.split_once('=')) {
                        add(name, value);
                        // The name contains a part of the state, of which at most six characters are shown.
                        for state in [PENDING_COOKIE, USED_COOKIE]
                            .map(|prefix| Some(name.split_once(prefix)?.1))
                        {
                            state.inspect(|state| add("seven characters of a state", &state[..7]));
                        }
                    }
                }
                "set-cookie" => {
                    let pair = value.split(';').next().expect("a pair");
                    let (name, value) = pair.split_once('=').expect("a cookie");
                    add(name, value);
                }
                "authorization" => add("credentials", value.split_once(' ').expect("a scheme").1),
                _ => {}
            }
        }
        if let Ok(json) = serde_json::from_slice::<serde_json::Value>(&seen.response.body) {
            for member in MEMBERS {
                if let Some(secret) = json[member].as_str() {
                    add(member, secret);
                }
            }
        }
    }
    for provider in &app.app.settings.providers {
        let secret = provider.client_secret.expose();
        if all.iter().any(|seen| seen.request.text().contains(secret)) {
            add("client secret", secret);
        }
    }
    if all.iter().any(|seen| seen.path() == "/sign-in") {
        add("password in a form", &PASSWORD.replace(' ', "+"));
    }
    found
}
