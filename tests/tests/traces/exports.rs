//! Exports of a trace, and its pages.

use std::process::{Command, Stdio};

use latchkey_tests::accounts::{PASSWORD, sign_up};
use latchkey_tests::{Browser, Issuer, Latchkey, Setup};

use crate::scene::{Scene, WAYS, entries, trace_of};

async fn come_in(app: &Latchkey, browser: &mut Browser) -> String {
    let to = browser.start_sign_in(app, "google").await;
    let back = browser.consent(&to, "ada").await;
    trace_of(&browser.follow_callback(&back).await)
}

async fn export(app: &Latchkey, browser: &mut Browser, id: &str, which: &str) -> String {
    browser.get(&app.url(&format!("/traces/{id}/{which}"))).await.expect(200).body
}

fn bash(arguments: &[&str]) -> (bool, String) {
    let mut bash = Command::new("bash");
    let output = bash.args(arguments).stdin(Stdio::null()).output().expect("bash");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_export_is_a_runnable_script() {
    for (door, key) in WAYS {
        let scene = Scene::start().await;
        let mut browser = Browser::new();
        let id = trace_of(&scene.come_in(&mut browser, door, key).await);
        let script = export(&scene.app, &mut browser, &id, "curl").await;
        let file = scene.app.file("trace.sh");
        std::fs::write(&file, &script).expect("a file");
        let path = file.to_str().expect("text");
        assert_eq!(bash(&["-n", path]), (true, String::new()), "{script}");
        // All of them run to the end; without a secret, the server refuses.
        let (ran, said) = bash(&[path]);
        assert!(ran, "{door} {key}: {said}");
        let commands = script.matches("\ncurl ").count();
        assert_eq!(said.matches("HTTP/1.1 ").count(), commands, "{door} {key}: {said}");
        if door != "google" {
            continue;
        }
        assert!(said.contains("HTTP/1.1 400 Bad Request"), "a code without a code: {said}");
        // Commands without a secret run unchanged.
        let commands: Vec<_> = script.split("\n\n").collect();
        let discovery = commands.iter().find(|one| one.contains("openid-configuration"));
        let (ran, said) = bash(&["-c", discovery.expect("a command")]);
        assert!(ran && said.starts_with("HTTP/1.1 200 OK"), "{said}");
        assert!(said.contains("\"authorization_endpoint\""), "{said}");
    }
}

#[tokio::test]
async fn same_redacted_value_has_the_same_label() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let id = come_in(&app, &mut browser).await;
    let entries = entries(&app, &mut browser, &id).await;
    let step = |name: &str| {
        let found = entries.iter().find(|entry| entry["_latchkey"]["step"] == name);
        found.unwrap_or_else(|| panic!("no {name}")).to_string()
    };
    for (what, steps) in [
        ("-state-A-", &["start", "authorize", "decision", "callback"][..]),
        ("-nonce-A-", &["start", "authorize", "decision"]),
        ("-challenge-A-", &["start", "authorize", "decision"]),
        ("redacted-verifier-A-", &["token"]),
        ("redacted-code-A-", &["decision", "callback", "token"]),
        ("redacted-access-token-A-", &["token", "user-info"]),
        ("redacted-attempt-A-", &["start", "callback"]),
        ("redacted-session-id-A-", &["callback"]),
    ] {
        for name in steps {
            assert!(step(name).contains(what), "{name} has no {what}: {}", step(name));
        }
    }
    let mermaid = export(&app, &mut browser, &id, "mermaid").await;
    assert!(mermaid.starts_with("sequenceDiagram\n"), "{mermaid}");
    for line in [
        "  participant P as Google\n",
        "  B->>A: POST /auth/google\n",
        "  A->>P: POST /google/token<br/>verifier A, code A\n",
        "  A-->>B: 303 See Other<br/>session id A\n",
    ] {
        assert!(mermaid.contains(line), "{line}: {mermaid}");
    }
}

#[tokio::test]
async fn trace_pages_show_and_delete_traces() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let _ = browser.get(&app.url("/traces")).await.expect_error(401, "sign_in_required");
    let id = come_in(&app, &mut browser).await;
    let list = browser.get(&app.url("/traces")).await.expect(200);
    assert!(list.body.contains(&format!("href=\"/traces/{id}\"")), "{}", list.summary());
    assert!(list.body.contains("id=\"side-by-side\""));
    let path = app.url(&format!("/traces/{id}"));
    let page = browser.get(&path).await.expect(200);
    for there in [
        "The code is exchanged for tokens",
        "<h1>Google (OAuth), server session</h1>",
        "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3",
        "<span class=\"chip chip--code\">code A</span>",
        "Read the ID token A",
        "<svg class=\"sequence\"",
    ] {
        assert!(page.body.contains(there), "{there}");
    }
    let steps = page.body.matches("<li class=\"hop\"").count();
    assert_eq!(steps, entries(&app, &mut browser, &id).await.len());
    // Another user can neither see it nor delete it.
    let mut grace = Browser::new();
    let to = grace.start_sign_in(&app, "google").await;
    let back = grace.consent(&to, "grace").await;
    let _ = grace.follow_callback(&back).await;
    let _ = grace.get(&path).await.expect_error(404, "not_found");
    let _ = grace.post(&format!("{path}/delete"), &[]).await.expect_error(404, "not_found");
    assert_eq!(browser.post(&format!("{path}/delete"), &[]).await.see_other(), "/traces?done=1");
    let _ = browser.get(&path).await.expect_error(404, "not_found");
    let again = come_in(&app, &mut browser).await;
    let _ = browser.post(&app.url("/traces/delete-all"), &[]).await.expect(303);
    let page = browser.get(&app.url(&format!("/traces/{again}"))).await;
    let _ = page.expect_error(404, "not_found");
}

/// Only OpenID Connect has a nonce, and of the three only Google sends `iss`.
#[tokio::test]
async fn trace_explanations_match_the_wire() {
    for door in ["google", "github", "facebook", "password"] {
        let scene = Scene::start().await;
        let mut browser = Browser::new();
        let id = trace_of(&scene.come_in(&mut browser, door, "session").await);
        let app = &scene.app;
        let entries = entries(app, &mut browser, &id).await;
        let has = |step: &str, parameter: &str| {
            let mut entries = entries.iter().filter(|entry| entry["_latchkey"]["step"] == step);
            entries.any(|entry| entry["response"]["redirectURL"].to_string().contains(parameter))
        };
        let page = browser.get(&app.url(&format!("/traces/{id}"))).await.expect(200);
        for (says, is_true) in [
            ("a state, a nonce and a code verifier", has("start", "&nonce=")),
            ("a state and a code verifier", has("start", "state=") && !has("start", "nonce=")),
            ("its own name in <code>iss</code>", has("decision", "iss=")),
            ("RFC 9207", has("decision", "iss=")),
            ("checks the issuer", has("decision", "iss=")),
            ("a code and the same state", has("decision", "state=") && !has("decision", "iss=")),
            (">code A</span>;", door != "password"),
            (">password A</span>;", door == "password"),
            ("Thick lines", door != "password"),
            ("Scroll the diagram sideways", door != "password"),
        ] {
            assert_eq!(page.body.contains(says), is_true, "{door}: {says}");
        }
        assert_eq!(has("start", "nonce="), door == "google");
        assert_eq!(has("decision", "iss="), door == "google");
    }
}

#[tokio::test]
async fn traces_page_explains_how_to_enable_recording() {
    let app = Setup::new().set("TRACES", "off").start().await;
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "google", "ada").await;
    let page = browser.get(&app.url("/traces")).await.expect(200);
    assert!(page.body.contains("Nothing is being recorded"), "{}", page.summary());
    assert!(page.body.contains("TRACES=auto"));
}

#[tokio::test]
async fn unobserved_trace_steps_are_marked_as_unseen() {
    let issuer = Issuer::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite://{}", folder.path().join("latchkey.db").display());
    let setup = || {
        Setup::new()
            .set("DATABASE_URL", &database)
            .set("APP_SECRET", "one-secret-for-both-of-the-processes")
            .with_issuer(&issuer)
    };
    let one = setup().start().await;
    let other = setup().set("PUBLIC_URL", &one.origin).start().await;
    let missing = "The start is missing";
    let unseen = "Seen only by your browser and the provider";
    // Another process of the same site gets the callback.
    let mut browser = Browser::new();
    let to = browser.start_sign_in(&one, "acme").await;
    let mut browser = browser.with_host(&one.origin, other.address);
    let id = trace_of(&browser.follow_callback(&issuer.approve(&to)).await);
    let page = browser.get(&one.url(&format!("/traces/{id}"))).await.expect(200);
    assert!(page.body.contains(missing) && page.body.contains(unseen), "{}", page.summary());
    // The same process gets it: it knows when it redirected the browser, and when the callback
    // came.
    let mut browser = Browser::new();
    let to = browser.start_sign_in(&one, "acme").await;
    let id = trace_of(&browser.follow_callback(&issuer.approve(&to)).await);
    let page = browser.get(&one.url(&format!("/traces/{id}"))).await.expect(200);
    assert!(!page.body.contains(missing) && page.body.contains(unseen), "{}", page.summary());
    let mermaid = export(&one, &mut browser, &id, "mermaid").await;
    assert!(mermaid.contains(&format!("Note over B,P: {unseen}")), "{mermaid}");
    // A single trace stands alone; with one of the other method, both have a row.
    let page = browser.get(&one.url("/traces")).await.expect(200);
    assert!(page.body.contains("Sign in with a password, too"), "{}", page.summary());
}

/// Like the provider's time: the user's time on its page is not counted.
#[tokio::test]
async fn password_sign_in_trace_includes_the_form() {
    let app = Latchkey::start().await;
    sign_up(&app, "ada@traces.test").await;
    let mut browser = Browser::new();
    let fields = [("email", "ada@traces.test"), ("password", PASSWORD)];
    for (looks, wrong, steps) in [
        (true, false, &["form", "password"][..]),
        (false, false, &["password"]),
        (true, true, &["form", "password"]),
    ] {
        if looks {
            let _ = browser.get(&app.url("/sign-in?again=1")).await.expect(200);
        }
        if wrong {
            let fields = [("email", "ada@traces.test"), ("password", "not the one")];
            let _ = browser.post(&app.url("/sign-in"), &fields).await;
        }
        let id = trace_of(&browser.post(&app.url("/sign-in"), &fields).await);
        let entries = entries(&app, &mut browser, &id).await;
        let found: Vec<_> = entries.iter().map(|entry| &entry["_latchkey"]["step"]).collect();
        assert_eq!(found, steps, "{looks} {wrong}");
    }
    let page = browser.get(&app.url("/traces")).await.expect(200);
    assert!(page.body.contains("timeline__person"), "{}", page.summary());
}

#[tokio::test]
async fn oauth_and_password_traces_appear_side_by_side() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    come_in(&app, &mut browser).await;
    let fields = [("current", ""), ("new", PASSWORD)];
    let page = browser.post(&app.url("/account/password"), &fields).await;
    assert_eq!(page.status, 303, "{}", page.summary());
    let fields = [("email", "ada@example.test"), ("password", PASSWORD)];
    let _ = trace_of(&browser.post(&app.url("/sign-in"), &fields).await);
    for path in ["/traces", "/compare"] {
        let page = browser.get(&app.url(path)).await.expect(200);
        let (_, beside) = page.body.split_once("id=\"side-by-side\"").expect("side by side");
        assert_eq!(beside.matches("<svg class=\"timeline\"").count(), 2, "{path}");
        for there in [">Google</th>", ">Password</th>", "timeline__person", "1 front</span>"] {
            assert!(beside.contains(there), "{path}: {there}");
        }
    }
}
