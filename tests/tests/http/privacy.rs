//! What is stored, and what is not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_tests::{Browser, Issuer, Latchkey, Setup};

/// Every file in the app's folder.
fn files(app: &Latchkey) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![app.file("")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).expect("a file");
                found.push((path.display().to_string(), bytes));
            }
        }
    }
    found
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

#[tokio::test]
async fn session_id_is_never_stored_in_plain_text() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let ada = browser.sign_in_with(&app, "google", "ada").await;
    let session = browser.session(&app).expect("a session");
    let attempts: Vec<_> =
        browser.jar.all("localhost").map(|(_, value)| value.to_owned()).collect();
    let raw = URL_SAFE_NO_PAD.decode(&session).expect("base64url");
    let number = i128::from_le_bytes(raw.clone().try_into().expect("16 bytes")).to_string();

    let files = files(&app);
    assert!(files.iter().any(|(name, _)| name.ends_with("latchkey.db-wal")), "{:?}", files.len());
    // The search finds what is there.
    assert!(files.iter().any(|(_, bytes)| holds(bytes, ada.id.as_bytes())));
    for (name, bytes) in &files {
        for secret in &attempts {
            assert!(!holds(bytes, secret.as_bytes()), "{name} holds a cookie");
        }
        assert!(!holds(bytes, &raw), "{name} holds the id in bytes");
        assert!(!holds(bytes, number.as_bytes()), "{name} holds the id as a number");
    }
}

#[tokio::test]
async fn pages_never_contain_session_id_or_provider_tokens() {
    let issuer = Issuer::start().await;
    let app = Setup::new().with_issuer(&issuer).start().await;
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in(&app, "acme").await;
    let callback = issuer.approve(&authorize);
    let page = browser.follow_callback(&callback).await;
    let back = format!("{:?} {}", page.headers, page.body);
    let session = browser.session(&app).expect("a session");
    let mut everything = back;
    for path in ["/", "/account", "/errors", "/sign-in"] {
        let page = browser.get(&app.url(path)).await;
        assert!(!page.body.contains(&session), "{path} shows the session");
        everything += &format!("{:?} {}", page.headers, page.body);
    }
    // RFC 9700, ASVS 5.0 V10.1.1: the provider's tokens never reach the browser.
    for given in ["access-2482", "eyJ"] {
        assert!(!everything.contains(given), "{given} reached the browser");
    }
}
