//! Invalid responses from the provider's endpoints: an error page with the right status, and nobody
//! is signed in.

use latchkey_tests::Browser;
use latchkey_tests::issuer::{Answer, DISCOVERY, JWKS, Key, TOKEN, USERINFO};
use serde_json::{Value, json};

use crate::{acme, refused, sign_in};

#[tokio::test]
async fn invalid_provider_response_fails_the_sign_in() {
    let deep = "[".repeat(100_000);
    let nested = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    for (what, answer, status, code) in [
        ("500", Answer::html(500), 503, "provider_down"),
        ("502", Answer::html(502), 503, "provider_down"),
        ("503", Answer::html(503), 503, "provider_down"),
        ("429", Answer::html(429), 503, "provider_down"),
        ("404", Answer::html(404), 502, "provider_nonsense"),
        ("204", Answer::Body(204, "text/plain", String::new()), 502, "provider_nonsense"),
        ("HTML", Answer::html(200), 502, "provider_nonsense"),
        ("nothing", Answer::raw(""), 502, "provider_nonsense"),
        ("[]", Answer::raw("[]"), 502, "provider_nonsense"),
        ("{}", Answer::raw("{}"), 502, "provider_nonsense"),
        ("null", Answer::raw("null"), 502, "provider_nonsense"),
        ("a number", Answer::raw("1"), 502, "provider_nonsense"),
        ("half a document", Answer::raw("{\"issuer\":"), 502, "provider_nonsense"),
        ("NUL bytes", Answer::raw("\u{0}\u{0}\u{0}"), 502, "provider_nonsense"),
        ("a deep list", Answer::raw(deep), 502, "provider_nonsense"),
        ("a deep object", Answer::raw(nested), 502, "provider_nonsense"),
        ("two megabytes", Answer::raw(" ".repeat(2 << 20)), 502, "provider_nonsense"),
        ("without an end", Answer::Endless, 502, "provider_nonsense"),
        ("a huge head", Answer::HugeHead, 502, "provider_unreachable"),
        ("half of what was announced", Answer::Truncated, 502, "provider_unreachable"),
        ("hung up", Answer::HangUp, 502, "provider_unreachable"),
    ] {
        for path in [DISCOVERY, TOKEN, JWKS, USERINFO] {
            let (app, issuer) = acme().await;
            let what = format!("{what} at {path}");
            issuer.respond_with(path, answer.clone());
            let mut browser = Browser::new();
            let page = if path == DISCOVERY {
                browser.post(&app.url("/auth/acme"), &[]).await
            } else {
                sign_in(&app, &issuer, &mut browser).await
            };
            refused(&page, &what, status, code);
            assert!(page.body.contains("action=\"/auth/acme\""), "{what}: no way to try again");
            assert_eq!(browser.account(&app).await, None, "{what}");
            // No request is repeated: the code is sent once.
            assert_eq!(issuer.requests(path).len(), 1, "{what}");
            assert_eq!(issuer.requests(TOKEN).len(), usize::from(path != DISCOVERY), "{what}");
            // After valid responses again, sign-ins work.
            issuer.reset();
            let page = sign_in(&app, &issuer, &mut browser).await;
            assert_eq!(page.status, 303, "after {what}: {}", page.summary());
        }
    }
}

/// RFC 9700 §4.12: the redirect would get a secret, a code and a token.
#[tokio::test]
async fn redirects_are_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        for path in [DISCOVERY, TOKEN, JWKS, USERINFO] {
            let (app, issuer) = acme().await;
            issuer.respond_with(path, Answer::Redirect(status, format!("{}/planted", issuer.url)));
            issuer.respond_with("/planted", Answer::Json(json!({})));
            let mut browser = Browser::new();
            let page = if path == DISCOVERY {
                browser.post(&app.url("/auth/acme"), &[]).await
            } else {
                sign_in(&app, &issuer, &mut browser).await
            };
            refused(&page, &format!("{status} at {path}"), 502, "provider_nonsense");
            assert!(issuer.requests("/planted").is_empty(), "{status} at {path} was followed");
        }
    }
}

/// Valid except for its size.
#[tokio::test]
async fn provider_response_size_is_limited() {
    for (bytes, taken) in [(900_000, true), (1_100_000, false)] {
        for path in [DISCOVERY, TOKEN, JWKS, USERINFO] {
            let (app, issuer) = acme().await;
            let pad = move |document: &mut Value| document["padding"] = "x".repeat(bytes).into();
            match path {
                DISCOVERY => issuer.metadata(pad),
                TOKEN => issuer.token_response(pad),
                JWKS => {
                    let key = Key::es256("first");
                    let mut keys = json!({ "keys": [key.jwk()] });
                    pad(&mut keys);
                    issuer.set_signing_key(key);
                    issuer.respond_with(JWKS, Answer::Json(keys));
                }
                _ => issuer.userinfo(pad),
            }
            let mut browser = Browser::new();
            let mut page = browser.post(&app.url("/auth/acme"), &[]).await;
            if page.status == 303 {
                page = sign_in(&app, &issuer, &mut browser).await;
            }
            let what = format!("{bytes} bytes at {path}");
            if taken {
                assert_eq!(page.see_other(), "/account", "{what}");
            } else {
                refused(&page, &what, 502, "provider_nonsense");
            }
        }
    }
}

/// JSON with another content type, or with a byte order mark, is accepted.
#[tokio::test]
async fn content_type_and_byte_order_mark_are_ignored() {
    for kind in ["application/json", "text/html", "text/plain; charset=utf-8", ""] {
        for mark in ["", "\u{feff}", "\u{feff}\r\n "] {
            let (app, issuer) = acme().await;
            issuer.wrap_documents(kind, mark);
            let page = sign_in(&app, &issuer, &mut Browser::new()).await;
            assert_eq!(page.see_other(), "/account", "{kind:?} {mark:?}: {}", page.summary());
        }
    }
}
