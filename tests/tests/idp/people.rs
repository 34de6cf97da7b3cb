//! Users of the local provider: created on the consent page, or for a single sign-in.

use axum::http::StatusCode;
use latchkey_idp::Config;
use latchkey_idp::Provider::{self, Facebook, Github, Google};

use crate::support::*;

async fn create(idp: &Idp, name: &str, email: &str) -> Answer {
    let form = with(&request("openid"), &[("name", name), ("email", email)]);
    idp.post(&format!("{}/people", Google.authorize_path()), &[], &form).await
}

/// The cookie by which a new user is found again.
fn key(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    answer.header("location").split_once("#person-").unwrap().1.to_owned()
}

#[tokio::test]
async fn user_form_is_validated() {
    let idp = Idp::start();
    let (long, too_long) = ("é".repeat(200), "é".repeat(201));
    let address = |length: usize| format!("{}@x.test", "a".repeat(length - 7));
    for (name, email, complaint) in [
        ("Somebody", "a@b", None),
        ("  Somebody ", "", None),
        (&long, "", None),
        (&too_long, "", Some("Enter a name")),
        ("", "a@b", Some("Enter a name")),
        ("   ", "a@b", Some("Enter a name")),
        ("a\nb", "a@b", Some("Enter a name")),
        ("a\0b", "a@b", Some("Enter a name")),
        ("A", "a", Some("Enter an e-mail")),
        ("A", "@b", Some("Enter an e-mail")),
        ("A", "a@", Some("Enter an e-mail")),
        ("A", "a@b@c", Some("Enter an e-mail")),
        ("A", "a b@c", Some("Enter an e-mail")),
        ("A", "a@b\r\nBcc: c@d", Some("Enter an e-mail")),
        ("A", &address(254), None),
        ("A", &address(255), Some("Enter an e-mail")),
    ] {
        let answer = create(&idp, name, email).await;
        let status = if complaint.is_some() { 422 } else { 303 };
        assert_eq!(answer.status.as_u16(), status, "{name:?} {email:?}");
        assert!(answer.body.contains(complaint.unwrap_or_default()), "{name:?} {email:?}");
    }
}

#[tokio::test]
async fn created_user_is_persisted_or_not_added() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep").join("people.json");
    let start = || Idp::of(Config { people_file: Some(file.clone()), ..config() });
    let somebody = key(&create(&start(), "Somebody", "").await);
    let again = start();
    for person in [&*somebody, "ada"] {
        let code = again.code(Google, "openid", person, "none").await;
        assert_eq!(again.exchange(Google, &code).await.status, StatusCode::OK);
    }
    // A folder at the path of the file cannot be overwritten.
    std::fs::create_dir(file.with_extension("json.new")).unwrap();
    let lost = create(&again, "Lost", "").await;
    assert_eq!(lost.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!again.get("/", &[]).await.body.contains("Lost"));
}

#[tokio::test]
async fn at_most_100_users_can_be_created() {
    let idp = Idp::start();
    for _ in 0..100 {
        key(&create(&idp, "Somebody", "").await);
    }
    assert_eq!(create(&idp, "More", "").await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn login_hint_accepts_key_email_or_login() {
    let idp = Idp::start();
    for (hint, picked) in [
        ("grace", "grace"),
        ("grace@example.test", "grace"),
        ("octavia", "octo"),
        ("nobody", "ada"),
    ] {
        let page = idp.authorize(Google, &with(&request("openid"), &[("login_hint", hint)])).await;
        assert!(page.body.contains(&format!(r#"value="{picked}" checked"#)), "{hint}");
    }
}

#[tokio::test]
async fn ephemeral_user_id_is_stable_per_key() {
    let idp = Idp::start();
    let allow = |person| {
        [("person", person), ("name", "Pia"), ("email", "pia@x.test"), ("decision", "allow")]
    };
    let long = format!("passing-{}", "a".repeat(64));
    for (person, known) in [
        ("passing-1f", true),
        ("passing-", false),
        ("nobody", false),
        ("passing-a b", false),
        ("passing-a/b", false),
        (&long, false),
    ] {
        let answer = idp.decide(Google, &with(&request("openid"), &allow(person))).await;
        assert_eq!(answer.status == StatusCode::SEE_OTHER, known, "{person}");
    }
    let mut ids = Vec::new();
    for person in ["passing-1", "passing-1", "passing-2"] {
        for provider in Provider::ALL {
            let asked = with(&request("openid read:user public_profile"), &allow(person));
            let code = idp.decide(provider, &asked).await.callback_param("code").unwrap();
            let token = string(&idp.exchange(provider, &code).await.json(), "access_token");
            let bearer = format!("Bearer {token}");
            let headers = [("authorization", bearer.as_str()), ("user-agent", "test")];
            let told = idp.get(provider.userinfo_path(), &headers).await.json();
            let id = if provider == Google { "sub" } else { "id" };
            ids.push(told[id].to_string());
        }
    }
    assert_eq!(ids[..3], ids[3..6], "the same key, the same person");
    assert!(ids[..3].iter().zip(&ids[6..]).all(|(one, other)| one != other), "{ids:?}");
    for provider in [Github, Facebook] {
        let page = idp.authorize(provider, &request("email")).await;
        assert!(!page.body.contains("Pia"), "stored nowhere");
    }
}
