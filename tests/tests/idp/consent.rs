//! The consent page and its two forms.

use axum::http::StatusCode;

use latchkey_idp::Provider::{self, Facebook, Github, Google};
use latchkey_idp::{Client, Config};

use crate::support::*;

const FULL: &str = "openid email profile";

fn decision<'a>(changes: &[(&'a str, &'a str)]) -> Pairs<'a> {
    let allow = with(&request(FULL), &[("person", "ada"), ("decision", "allow")]);
    with(&allow, changes)
}

#[tokio::test]
async fn consent_page_shows_client_scopes_and_fake_notice() {
    let idp = Idp::start();
    for (provider, scope, sentence) in [
        (Google, FULL, "See your name and picture"),
        (Github, "user:email", "Read your e-mail addresses"),
        (Facebook, "email", "See your e-mail address"),
    ] {
        let page = idp.authorize(provider, &request(scope)).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains(&format!("This is not {provider}.")));
        assert!(page.body.contains("Latchkey wants to know who you are"));
        assert!(page.body.contains(sentence), "{provider}");
        for person in ["ada", "grace", "noor", "twin", "long", "alan", "octo"] {
            assert!(page.body.contains(&format!(r#"id="person-{person}""#)));
        }
        assert!(page.body.contains(r#"value="ada" checked"#));
        assert_eq!(page.body.contains("Bad signature"), provider == Google);
    }
}

#[tokio::test]
async fn google_accepts_authorization_request_by_post() {
    let idp = Idp::start();
    let posted = idp.post(Google.authorize_path(), &[], &request(FULL)).await;
    assert_eq!(posted.status, StatusCode::OK);
    for provider in [Github, Facebook] {
        let posted = idp.post(provider.authorize_path(), &[], &request(FULL)).await;
        assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED, "{provider}");
    }
}

#[tokio::test]
async fn request_and_client_name_are_html_escaped_on_consent_page() {
    const SCRIPT: &str = r#""><script>alert(1)</script>"#;
    const ESCAPED: &str = "&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;";
    let uri = format!("{CALLBACK}?{SCRIPT}");
    let redirect_uris = vec![uri.clone()];
    let client = Client { name: SCRIPT.into(), redirect_uris, ..config().clients.remove(0) };
    let idp = Idp::of(Config { clients: vec![client], ..config() });
    let scope = format!("{FULL} {SCRIPT}");
    let query = with(
        &request(""),
        &[
            ("redirect_uri", uri.as_str()),
            ("scope", &scope),
            ("state", SCRIPT),
            ("nonce", SCRIPT),
            ("login_hint", SCRIPT),
        ],
    );
    let page = idp.authorize(Google, &query).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(!page.body.contains("<script>"));
    assert!(page.body.contains(&format!("<h1>{ESCAPED} wants")));
    for name in ["redirect_uri", "requested_scope", "state", "nonce", "login_hint"] {
        let field = format!(r#"name="{name}" value=""#);
        // One in each form.
        let values: Vec<_> = page.body.split(&field).skip(1).collect();
        assert_eq!(values.len(), 2, "{name}");
        for value in values {
            assert!(value.split('"').next().unwrap().ends_with(ESCAPED), "{name}");
        }
    }
}

#[tokio::test]
async fn unknown_client_or_redirect_uri_is_not_redirected() {
    let idp = Idp::start();
    for provider in Provider::ALL {
        for changes in [
            ("client_id", "nobody"),
            ("redirect_uri", "http://evil.test/cb"),
            ("redirect_uri", "http://localhost:3000/cb/"),
        ] {
            let query = with(&request("email"), &[changes]);
            let form = with(&query, &[("person", "ada"), ("decision", "allow")]);
            let path = provider.authorize_path();
            for answer in [
                idp.authorize(provider, &query).await,
                idp.decide(provider, &form).await,
                idp.post(&format!("{path}/people"), &[], &with(&query, &[("name", "X")])).await,
            ] {
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{provider} {changes:?}");
                assert_eq!(answer.header("location"), "");
                assert!(answer.header("content-type").starts_with("text/html"));
            }
        }
    }
}

#[tokio::test]
async fn authorization_errors_redirect_from_page_and_form() {
    let idp = Idp::start();
    for (provider, changes, error) in [
        (Google, ("response_type", "token"), "unsupported_response_type"),
        (Google, ("prompt", "none"), "login_required"),
        (Google, ("code_challenge_method", "plain"), "invalid_request"),
        (Github, ("code_challenge_method", "plain"), "invalid_request"),
        (Facebook, ("code_challenge_method", "plain"), "invalid_request"),
        (Github, ("code_challenge", ""), "invalid_request"),
        (Facebook, ("code_challenge", ""), "invalid_request"),
        (Google, ("code_challenge", ""), "invalid_request"),
        (Google, ("scope", "drive"), "invalid_scope"),
    ] {
        let query = with(&request("openid email"), &[changes]);
        let form = with(&query, &[("person", "ada"), ("decision", "allow")]);
        for answer in [idp.authorize(provider, &query).await, idp.decide(provider, &form).await] {
            assert_eq!(answer.callback_param("error").as_deref(), Some(error), "{changes:?}");
            assert_eq!(answer.callback_param("code"), None);
            assert_eq!(answer.callback_param("state").unwrap(), "the state & more");
            let iss = (provider == Google).then_some("http://127.0.0.1:3001/google");
            assert_eq!(answer.callback_param("iss").as_deref(), iss);
        }
    }
}

#[tokio::test]
async fn declined_consent_redirects_with_access_denied() {
    let idp = Idp::start();
    for provider in Provider::ALL {
        let form = with(&request("openid email"), &[("decision", "decline")]);
        let answer = idp.decide(provider, &form).await;
        assert_eq!(answer.callback_param("error").unwrap(), "access_denied");
        assert_eq!(answer.callback_param("code"), None);
        assert_eq!(answer.callback_param("iss").is_some(), provider == Google);
        assert_eq!(answer.callback_param("error_reason").is_some(), provider == Facebook);
    }
}

#[tokio::test]
async fn invalid_consent_decision_is_not_redirected() {
    let idp = Idp::start();
    for changes in [
        [("person", "nobody"), ("decision", "allow")],
        [("person", ""), ("decision", "allow")],
        [("person", "ada"), ("decision", "maybe")],
        [("person", "ada"), ("decision", "")],
    ] {
        let answer = idp.decide(Google, &decision(&changes)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{changes:?}");
        assert_eq!(answer.header("location"), "");
    }
    for twice in [("person", "grace"), ("decision", "decline"), ("misbehave", "late")] {
        let form = [&decision(&[("misbehave", "none")])[..], &[twice]].concat();
        let answer = idp.decide(Google, &form).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{twice:?}");
    }
}

#[tokio::test]
async fn unticked_scopes_are_dropped_except_openid() {
    let idp = Idp::start();
    for (asked, ticked, granted) in [
        (FULL, &["openid", "profile"][..], "openid profile"),
        (FULL, &["email"], "openid email"),
        (FULL, &[], "openid"),
        ("openid", &["openid", "email"], "openid"),
    ] {
        let mut form = without(&decision(&[]), &["scope"]);
        form.push(("requested_scope", asked));
        form.extend(ticked.iter().map(|scope| ("scope", *scope)));
        let answer = idp.decide(Google, &form).await;
        let code = answer.callback_param("code").unwrap();
        let tokens = idp.exchange(Google, &code).await.json();
        assert_eq!(tokens["scope"], granted, "{asked} {ticked:?}");
    }
}

#[tokio::test]
async fn cross_site_consent_forms_are_refused() {
    let idp = Idp::start();
    for path in ["decide", "people"] {
        let path = format!("{}/{path}", Google.authorize_path());
        let form = decision(&[("name", "Somebody")]);
        let site = |value| ("sec-fetch-site", value);
        let origin = |value| ("origin", value);
        for (headers, refused) in [
            (vec![], false),
            (vec![site("same-origin")], false),
            (vec![site("same-site")], true),
            (vec![site("cross-site")], true),
            (vec![site("none")], true),
            (vec![site("same-origin"), origin("null")], false),
            (vec![site("cross-site"), origin(ORIGIN)], true),
            (vec![origin(ORIGIN)], false),
            (vec![origin("http://localhost:3000")], true),
            (vec![origin("http://127.0.0.1:3001.evil.test")], true),
            (vec![origin("null")], true),
        ] {
            let answer = idp.post(&path, &headers, &form).await;
            let expected = match refused {
                true => StatusCode::FORBIDDEN,
                false => StatusCode::SEE_OTHER,
            };
            assert_eq!(answer.status, expected, "{path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn created_user_is_preselected_and_can_sign_in() {
    let idp = Idp::start();
    let path = format!("{}/people", Google.authorize_path());
    let mut form = without(&request(FULL), &["scope"]);
    form.push(("requested_scope", FULL));
    form.extend([("name", "Mary <Shelley>"), ("email", "mary@example.test")]);
    let answer = idp.post(&path, &[], &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let location = answer.header("location").to_owned();
    let (location, fragment) = location.split_once('#').unwrap();
    let key = fragment.strip_prefix("person-").unwrap();

    let page = idp.get(location, &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains(&format!(r#"value="{key}" checked"#)));
    assert!(!page.body.contains("<Shelley>"));

    let code = idp.code(Google, FULL, key, "none").await;
    assert_eq!(idp.exchange(Google, &code).await.status, StatusCode::OK);
    let avatar = idp.get(&format!("/avatars/{key}.svg"), &[]).await;
    assert_eq!(avatar.status, StatusCode::OK);

    // `verified` was not checked.
    let token = idp.access_token(Google, FULL, key, "none").await;
    let bearer = format!("Bearer {token}");
    let userinfo = idp.get("/google/userinfo", &[("authorization", &bearer)]).await.json();
    assert_eq!(userinfo["email_verified"], false);
    assert_eq!(userinfo["name"], "Mary <Shelley>");
}

#[tokio::test]
async fn invalid_user_form_keeps_the_entered_email() {
    let idp = Idp::start();
    let path = format!("{}/people", Google.authorize_path());
    for (name, email, complaint) in
        [("", "mary@example.test", "Enter a name"), ("Mary", "mary", "Enter an e-mail address")]
    {
        let form = with(&request(FULL), &[("name", name), ("email", email)]);
        let answer = idp.post(&path, &[], &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains(complaint));
        assert!(answer.body.contains(&format!(r#"value="{email}""#)));
    }
}

#[tokio::test]
async fn login_hint_preselects_the_user() {
    let idp = Idp::start();
    for (provider, hint) in
        [(Google, ("login_hint", "grace@example.test")), (Github, ("login", "grace"))]
    {
        let page = idp.authorize(provider, &with(&request("email openid"), &[hint])).await;
        assert!(page.body.contains(r#"value="grace" checked"#), "{provider}");
    }
}
