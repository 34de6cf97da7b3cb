//! Authorization requests, client authentication, and invalid configurations.

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey_idp::Provider::{self, Facebook, Github, Google};
use latchkey_idp::{Api, Client, Config, Error, router};

use crate::support::*;

const SCOPES: &str = "openid email";

/// A valid request with these parameters changed and these added. An empty one counts as omitted.
fn asked<'a>(instead: &[(&'a str, &'a str)], besides: &[(&'a str, &'a str)]) -> Pairs<'a> {
    [with(&request(SCOPES), instead), besides.to_vec()].concat()
}

#[tokio::test]
async fn base_url_must_be_a_bare_loopback_origin() {
    for (base, origin) in [
        ("http://127.0.0.1:3001", Some("http://127.0.0.1:3001")),
        ("http://127.0.0.1:3001/", Some("http://127.0.0.1:3001")),
        ("http://localhost:3001", Some("http://localhost:3001")),
        ("http://[::1]:3001", Some("http://[::1]:3001")),
        ("http://0.0.0.0:3001", None),
        ("http://192.168.1.2:3001", None),
        ("http://localhost.example.com", None),
        ("http://127.0.0.1.example.com", None),
        ("https://idp.example.com", None),
        ("http://127.0.0.1:3001/idp", None),
        ("http://127.0.0.1:3001/?a", None),
        ("http://me@127.0.0.1:3001/", None),
        ("ftp://127.0.0.1/", None),
    ] {
        let config = Config { base_url: base.parse().unwrap(), ..config() };
        match origin {
            None => assert!(matches!(router(config), Err(Error::BaseUrl(_))), "{base}"),
            Some(origin) => {
                let path = "/google/.well-known/openid-configuration";
                let metadata = Idp::of(config).get(path, &[]).await.json();
                assert_eq!(metadata["issuer"], format!("{origin}/google"), "{base}");
            }
        }
    }
}

#[test]
fn invalid_client_or_api_registration_prevents_startup() {
    let refused =
        |clients: Vec<Client>, apis: Vec<Api>| router(Config { clients, apis, ..config() }).err();
    let client =
        |uri: &str| Client { redirect_uris: vec![uri.into()], ..config().clients.remove(0) };
    for uri in ["/callback", "http://a/cb#f", "javascript:alert(1)", "", "a"] {
        let error = refused(vec![client(uri)], vec![]);
        assert!(matches!(error, Some(Error::RedirectUri(_))), "{uri}");
    }
    let good = client("http://localhost:3000/cb?x=1");
    assert!(refused(vec![good.clone()], vec![]).is_none());
    let twice = refused(vec![good.clone(), good.clone()], vec![]);
    assert!(matches!(twice, Some(Error::DuplicateClient { .. })));
    for (id, secret) in [("", "secret"), ("app", "")] {
        let empty = Client { id: id.into(), secret: secret.into(), ..good.clone() };
        let error = refused(vec![empty], vec![]);
        assert!(matches!(error, Some(Error::EmptyCredentials(Google))));
    }

    let refused = |apis: Vec<Api>| refused(vec![good.clone()], apis).is_some();
    let b = || Api { id: "b".into(), ..api() };
    assert!(!refused(vec![api()]));
    assert!(!refused(vec![api(), Api { audience: "urn:b".into(), ..b() }]));
    for wrong in [
        Api { id: String::new(), ..api() },
        Api { secret: String::new(), ..api() },
        Api { audience: "/api".into(), ..api() },
        Api { audience: "http://localhost:3000/api#x".into(), ..api() },
        Api { id: CLIENT_ID.into(), ..api() },
    ] {
        assert!(refused(vec![wrong.clone()]), "{wrong:?}");
    }
    assert!(refused(vec![api(), b()]));
    assert!(refused(vec![api(), Api { audience: "urn:b".into(), ..api() }]));
    assert!(!format!("{:?}{:?}", config().clients, api()).contains(SECRET));
    assert!(!format!("{:?}", api()).contains(API_SECRET));
}

#[test]
fn corrupt_file_prevents_startup_unlike_missing_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept.json");
    let kept = || Some(file.clone());
    let (people, grants) = (
        || router(Config { people_file: kept(), ..config() }).map(drop),
        || router(Config { grants_file: kept(), ..config() }).map(drop),
    );
    assert!(people().is_ok() && grants().is_ok());
    std::fs::write(&file, "{").unwrap();
    assert!(matches!(people(), Err(Error::PeopleFile { .. })));
    assert!(matches!(grants(), Err(Error::GrantsFile { .. })));
}

#[tokio::test]
async fn client_id_and_redirect_uri_must_match_exactly() {
    let idp = Idp::start();
    for (instead, besides) in [
        (&[("client_id", "")][..], &[][..]),
        (&[("client_id", "other")], &[]),
        (&[], &[("client_id", CLIENT_ID)]),
        (&[("redirect_uri", "")], &[]),
        (&[("redirect_uri", "http://localhost:3000/cb/")], &[]),
        (&[("redirect_uri", "http://localhost:3000/CB")], &[]),
        (&[("redirect_uri", "http://localhost:3000/c")], &[]),
        (&[("redirect_uri", "http://localhost:3000")], &[]),
        (&[("redirect_uri", "http://localhost:3000/cb?x")], &[]),
        (&[("redirect_uri", "http://LOCALHOST:3000/cb")], &[]),
        (&[("redirect_uri", "http://localhost:3001/cb")], &[]),
        (&[("redirect_uri", "http://localhost:3000/./cb")], &[]),
        (&[("redirect_uri", "http://evil.test/cb")], &[]),
        (&[], &[("redirect_uri", "http://evil.test/cb")]),
        (&[], &[("redirect_uri", CALLBACK)]),
        // The redirect URI is checked first, whatever else is wrong.
        (&[("redirect_uri", "http://evil.test/"), ("response_type", "")], &[]),
    ] {
        let answer = idp.authorize(Google, &asked(instead, besides)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{instead:?} {besides:?}");
        assert_eq!(answer.header("location"), "", "{instead:?} {besides:?}");
    }
}

#[tokio::test]
async fn invalid_authorization_request_redirects_with_error() {
    let idp = Idp::start();
    let long = "n".repeat(513);
    let (padded, short) = (format!("{CHALLENGE}="), &CHALLENGE[1..]);
    // The last character has four significant bits; "N" would decode to the same bytes as "M".
    let (ordinary, respelled) = (CHALLENGE.replace('-', "+"), CHALLENGE.replace("cM", "cN"));
    for (instead, besides, error) in [
        (&[][..], &[("scope", "email")][..], "invalid_request"),
        (&[], &[("state", "other")], "invalid_request"),
        (&[], &[("x", "1"), ("x", "2")], "invalid_request"),
        (&[], &[("request", "e30.e30.")], "request_not_supported"),
        (&[], &[("request_uri", "http://x.test")], "request_uri_not_supported"),
        (&[("response_type", "")], &[], "invalid_request"),
        (&[("response_type", "token")], &[], "unsupported_response_type"),
        (&[("response_type", "code id_token")], &[], "unsupported_response_type"),
        (&[], &[("response_mode", "fragment")], "invalid_request"),
        (&[("code_challenge", "")], &[], "invalid_request"),
        (&[("code_challenge", &padded)], &[], "invalid_request"),
        (&[("code_challenge", short)], &[], "invalid_request"),
        (&[("code_challenge", &ordinary)], &[], "invalid_request"),
        (&[("code_challenge", &respelled)], &[], "invalid_request"),
        (&[("code_challenge_method", "")], &[], "invalid_request"),
        (&[("code_challenge_method", "plain")], &[], "invalid_request"),
        (&[("code_challenge_method", "s256")], &[], "invalid_request"),
        (&[("nonce", &long)], &[], "invalid_request"),
        (&[("scope", "")], &[], "invalid_scope"),
        (&[("scope", "drive")], &[], "invalid_scope"),
        (&[], &[("max_age", "-1")], "invalid_request"),
        (&[], &[("max_age", "soon")], "invalid_request"),
        (&[], &[("prompt", "none")], "login_required"),
        (&[], &[("prompt", "none login")], "invalid_request"),
        (&[], &[("access_type", "sometimes")], "invalid_request"),
        (&[], &[("include_granted_scopes", "yes")], "invalid_request"),
        (&[], &[("resource", "http://nowhere.test")], "invalid_target"),
        (&[], &[("resource", "http://localhost:3000/api/")], "invalid_target"),
        (&[], &[("resource", "http://localhost:3000")], "invalid_target"),
    ] {
        let answer = idp.authorize(Google, &asked(instead, besides)).await;
        let told = answer.callback_param("error");
        assert_eq!(told.as_deref(), Some(error), "{instead:?} {besides:?}");
        assert_eq!(answer.callback_param("iss").unwrap(), "http://127.0.0.1:3001/google");
        // A repeated state is not echoed.
        let state = (!besides.contains(&("state", "other"))).then_some("the state & more");
        assert_eq!(answer.callback_param("state").as_deref(), state, "{besides:?}");
    }
    let odd = asked(&[], &[("max_age", "0"), ("prompt", "select_account"), ("x", "y")]);
    assert_eq!(idp.authorize(Google, &odd).await.status, StatusCode::OK);
}

#[tokio::test]
async fn consent_form_is_validated_like_the_request() {
    let idp = Idp::start();
    let bare = without(&request(""), &["scope", "state"]);
    for (form, error) in [
        (&[("scope", "openid"), ("scope", "email")][..], None),
        (&[("requested_scope", "openid email"), ("scope", "openid"), ("name", "x")], None),
        (&[("requested_scope", "openid")], None),
        (&[("scope", "openid"), ("state", "a"), ("state", "b")], Some("invalid_request")),
        (&[("requested_scope", "openid"), ("requested_scope", "b")], Some("invalid_request")),
        (&[], Some("invalid_scope")),
    ] {
        let form = [&bare[..], form, &[("person", "ada"), ("decision", "allow")]].concat();
        let answer = idp.decide(Google, &form).await;
        assert_eq!(answer.callback_param("error").as_deref(), error, "{form:?}");
        assert_eq!(answer.callback_param("code").is_some(), error.is_none(), "{form:?}");
    }
}

#[tokio::test]
async fn github_and_facebook_require_pkce_but_no_scope() {
    let idp = Idp::start();
    for provider in [Github, Facebook] {
        let short = asked(&[("response_type", ""), ("scope", "")], &[]);
        assert_eq!(idp.authorize(provider, &short).await.status, StatusCode::OK, "{provider}");
        for change in
            [("code_challenge", ""), ("code_challenge_method", "plain"), ("response_type", "token")]
        {
            let refused = idp.authorize(provider, &asked(&[change], &[])).await;
            assert!(refused.callback_param("error").is_some(), "{provider} {change:?}");
        }
    }
}

#[tokio::test]
async fn redirect_uri_query_is_preserved() {
    let idp = Idp::start();
    let other = format!("{CALLBACK}?other");
    let form = [("redirect_uri", other.as_str()), ("person", "ada"), ("decision", "allow")];
    let answer = idp.decide(Google, &with(&request(SCOPES), &form)).await;
    let location = answer.header("location");
    assert!(location.starts_with(&format!("{other}&code=")), "{location}");
    assert!(
        location.ends_with("&state=the+state+%26+more&iss=http%3A%2F%2F127.0.0.1%3A3001%2Fgoogle")
    );
}

#[tokio::test]
async fn unknown_scopes_are_dropped_from_the_grant() {
    let idp = Idp::start();
    for (provider, asked, granted) in [
        (Google, "profile openid drive", "openid profile"),
        (Google, "OPENID email email", "email"),
        (Google, "email profile", "email profile"),
        (Github, "user:email,read:user gist", "read:user,user:email"),
        (Github, "repo", "repo"),
        (Github, "", ""),
    ] {
        let code = idp.code(provider, asked, "ada", "none").await;
        let tokens = idp.exchange(provider, &code).await.json();
        assert_eq!(tokens["scope"], granted, "{provider} {asked}");
    }
    let commas = idp.authorize(Google, &asked(&[("scope", "openid,email")], &[])).await;
    assert_eq!(commas.callback_param("error").unwrap(), "invalid_scope");
    let page = idp.authorize(Facebook, &asked(&[("scope", "email,public_profile")], &[])).await;
    assert!(page.body.contains("See your name") && page.body.contains("See your e-mail address"));
}

#[tokio::test]
async fn code_verifier_has_43_to_128_unreserved_characters() {
    let idp = Idp::start();
    for (verifier, met) in [
        ("a".repeat(42), false),
        ("a".repeat(43), true),
        ("a".repeat(128), true),
        ("a".repeat(129), false),
        (format!("{}+", "a".repeat(43)), false),
        (VERIFIER.to_owned(), true),
    ] {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let form = [("code_challenge", &*challenge), ("person", "ada"), ("decision", "allow")];
        let answer = idp.decide(Google, &with(&request(SCOPES), &form)).await;
        let code = answer.callback_param("code").unwrap();
        let form = with(&exchange(&code), &[("code_verifier", &verifier)]);
        let tokens = idp.post("/google/token", &[], &form).await;
        assert_eq!(tokens.status == StatusCode::OK, met, "{verifier}");
    }
    for wrong in [&VERIFIER[1..], &VERIFIER.replace('d', "e")] {
        let code = idp.code(Google, SCOPES, "ada", "none").await;
        let form = with(&exchange(&code), &[("code_verifier", wrong)]);
        let tokens = idp.post("/google/token", &[], &form).await;
        assert_eq!(tokens.json()["error"], "invalid_grant", "{wrong}");
    }
}

/// A token request with these `Authorization` headers and changes to its form.
async fn redeem(idp: &Idp, code: &str, headers: &[&str], form: &[(&str, &str)]) -> Answer {
    let bare = without(&exchange(code), &["client_id", "client_secret"]);
    let mut request =
        Request::post("/google/token").header("content-type", "application/x-www-form-urlencoded");
    for value in headers {
        request = request.header("authorization", *value);
    }
    idp.send(request.body(Body::from(encoded(&with(&bare, form)))).unwrap()).await
}

#[tokio::test]
async fn token_endpoint_requires_exactly_one_client_auth_method() {
    let idp = Idp::start();
    let app = basic(CLIENT_ID, SECRET);
    let (app, lower) = (app.as_str(), app.replace("Basic", "basic"));
    let (id, secret) = (("client_id", CLIENT_ID), ("client_secret", SECRET));
    for (headers, form, status, error) in [
        (&[app][..], &[][..], 200, ""),
        (&[&lower], &[], 200, ""),
        (&[app], &[id], 200, ""),
        (&[], &[id, secret], 200, ""),
        (&[app], &[id, secret], 400, "invalid_request"),
        (&[app], &[secret], 400, "invalid_request"),
        (&[app], &[("client_id", "other")], 400, "invalid_request"),
        (&[app, app], &[], 400, "invalid_request"),
        (&[], &[id], 401, "invalid_client"),
        (&[], &[secret], 401, "invalid_client"),
        (&[], &[], 401, "invalid_client"),
        (&["Bearer abc"], &[], 401, "invalid_client"),
        (&["Basic !!!"], &[], 401, "invalid_client"),
        (&["Basic"], &[], 401, "invalid_client"),
        (&[], &[("client_id", "App"), secret], 401, "invalid_client"),
    ] {
        let code = idp.code(Google, SCOPES, "ada", "none").await;
        let answer = redeem(&idp, &code, headers, form).await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?} {form:?}: {}", answer.body);
        assert!(status == 200 || answer.json()["error"] == error, "{headers:?} {form:?}");
    }
}

#[tokio::test]
async fn basic_credentials_are_form_decoded() {
    for (raw, id, secret, good) in [
        ("a%3Ab:c+d%2B%25%C3%A9", "a:b", "c d+%é", true),
        ("app:with:colon", "app", "with:colon", true),
        ("app:raw&and=signs", "app", "raw&and=signs", true),
        ("app:", "app", "secret", false),
    ] {
        let client = Client { id: id.into(), secret: secret.into(), ..config().clients.remove(0) };
        let idp = Idp::of(Config { clients: vec![client], ..config() });
        let form = [("client_id", id), ("person", "ada"), ("decision", "allow")];
        let answer = idp.decide(Google, &with(&request(SCOPES), &form)).await;
        let code = answer.callback_param("code").unwrap();
        let header = format!("Basic {}", STANDARD.encode(raw));
        let answer = redeem(&idp, &code, &[&header], &[]).await;
        assert_eq!(answer.status == StatusCode::OK, good, "{raw}: {}", answer.body);
    }
}

#[tokio::test]
async fn userinfo_requires_a_single_bearer_token() {
    let idp = Idp::start();
    let token = idp.access_token(Google, SCOPES, "ada", "none").await;
    let code = idp.code(Google, SCOPES, "ada", "none").await;
    let bearer = format!("bEARER {token}");
    let github = idp.access_token(Github, "read:user", "ada", "none").await;
    let (foreign, code) = (format!("Bearer {github}"), format!("Bearer {code}"));
    for (headers, status) in [
        (&[][..], 401),
        (&[bearer.as_str()], 200),
        (&[&bearer, &bearer], 400),
        (&["token abc"], 400),
        (&["Basic abc"], 400),
        (&["Bearer"], 400),
        (&["Bearer  "], 400),
        (&["Bearer abc"], 401),
        (&[&foreign], 401),
        (&[&code], 401),
    ] {
        let request = headers.iter().fold(Request::get("/google/userinfo"), |request, value| {
            request.header("authorization", *value)
        });
        let answer = idp.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}");
    }
    idp.wait(3599);
    let answer = idp.get("/google/userinfo", &[("authorization", &bearer)]).await;
    assert_eq!(answer.status, StatusCode::OK, "it lives for an hour");
}

#[tokio::test]
async fn failed_exchange_consumes_code_unless_by_another_client() {
    let idp = Idp::start();
    let stranger = ("client_id", "stranger");
    for (first, then) in [
        (("code_verifier", CHALLENGE), StatusCode::BAD_REQUEST),
        (("redirect_uri", "http://x.test"), StatusCode::BAD_REQUEST),
        (stranger, StatusCode::OK),
    ] {
        let code = idp.code(Google, SCOPES, "ada", "none").await;
        let failed = idp.post("/google/token", &[], &with(&exchange(&code), &[first])).await;
        assert_eq!(failed.json()["error"], "invalid_grant", "{first:?}");
        let github = idp.exchange(Github, &code).await.json();
        assert_eq!(github["error"], "bad_verification_code", "another provider is a stranger");
        let second = idp.exchange(Google, &code).await;
        assert_eq!(second.status, then, "{first:?}");
        // A replay by another client revokes nothing.
        if then == StatusCode::OK {
            let bearer = format!("Bearer {}", string(&second.json(), "access_token"));
            idp.post("/google/token", &[], &with(&exchange(&code), &[stranger])).await;
            let userinfo = idp.get("/google/userinfo", &[("authorization", &bearer)]).await;
            assert_eq!(userinfo.status, StatusCode::OK);
        }
    }
    let code = idp.code(Google, SCOPES, "ada", "none").await;
    let form = with(&exchange(&code), &[("resource", "http://127.0.0.1:3001/google")]);
    assert_eq!(idp.post("/google/token", &[], &form).await.status, StatusCode::OK);
}

#[tokio::test]
async fn misbehaviours_are_limited_to_supporting_providers() {
    let idp = Idp::start();
    for (provider, misbehave, status) in [
        (Google, "", StatusCode::SEE_OTHER),
        (Google, "wrong_nonce", StatusCode::SEE_OTHER),
        (Google, "rate_limited", StatusCode::BAD_REQUEST),
        (Github, "rate_limited", StatusCode::SEE_OTHER),
        (Github, "wrong_nonce", StatusCode::BAD_REQUEST),
        (Facebook, "bad_signature", StatusCode::BAD_REQUEST),
        (Google, "nonsense", StatusCode::BAD_REQUEST),
    ] {
        let form = [("person", "ada"), ("decision", "allow"), ("misbehave", misbehave)];
        let answer = idp.decide(provider, &with(&request("email"), &form)).await;
        assert_eq!(answer.status, status, "{provider} {misbehave}");
    }
    // Each has a name and a description.
    let page = idp.get("/", &[]).await.body;
    let (_, list) = page.split_once(r#"class="faultlist""#).unwrap();
    let faults: Vec<&str> = list.split("<div><dt>").skip(1).collect();
    assert_eq!(faults.len(), 21);
    for fault in faults {
        assert!(!fault.starts_with(' ') && !fault.contains("<dd></dd>"), "{fault}");
    }
    for provider in Provider::ALL {
        let page = idp.authorize(provider, &request("email")).await.body;
        let keys: Vec<&str> = page.split(r#"name="misbehave" value=""#).skip(1).collect();
        assert!(keys.len() >= 5, "{provider}");
        for key in keys {
            let key = key.split('"').next().unwrap();
            idp.code(provider, "email", "ada", key).await;
        }
    }
}
