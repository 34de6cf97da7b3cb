//! Authorization responses that break a rule (RFC 6749 §4.1.2, RFC 9207).

use latchkey_tests::issuer::TOKEN;
use latchkey_tests::oauth_flow::parameter;
use latchkey_tests::{Browser, Issuer, Page, Setup};
use reqwest::Method;
use url::Url;

use crate::{acme, refused};

#[tokio::test]
async fn iss_parameter_must_match_the_issuer() {
    for (iss, promised, signed_in) in [
        (Some(""), true, true), // "" stands for the right one
        (Some(""), false, true),
        (None, false, true),
        (None, true, false),
        (Some("https://evil.test"), true, false),
        (Some("https://evil.test"), false, false),
        (Some("/"), true, false),
        (Some("#"), true, false),
    ] {
        let (app, issuer) = acme().await;
        issuer.metadata(move |metadata| {
            metadata["authorization_response_iss_parameter_supported"] = promised.into();
        });
        let mut browser = Browser::new();
        let authorize = browser.start_sign_in(&app, "acme").await;
        let mut callback = issuer.approve(&authorize);
        let kept: Vec<_> = callback
            .query_pairs()
            .filter(|(n, _)| n != "iss")
            .map(|(n, v)| (n.into_owned(), v.into_owned()))
            .collect();
        callback.query_pairs_mut().clear().extend_pairs(&kept);
        if let Some(iss) = iss {
            let iss =
                if iss.starts_with("https") { iss.to_owned() } else { issuer.url.clone() + iss };
            callback.query_pairs_mut().append_pair("iss", &iss);
        }
        let page = browser.follow_callback(&callback).await;
        if signed_in {
            assert_eq!(page.see_other(), "/account", "{iss:?} {promised}");
        } else {
            refused(&page, &format!("{iss:?} {promised}"), 400, "provider_response_invalid");
            assert!(issuer.requests(TOKEN).is_empty(), "the code was shown all the same");
        }
    }
}

#[tokio::test]
async fn contradictory_callback_is_refused_before_code_exchange() {
    let (app, issuer) = acme().await;
    let iss = issuer.url.clone();
    for parameters in [
        &[("code", "a"), ("error", "access_denied")][..],
        &[("code", "a"), ("code", "b")],
        &[("code", "a"), ("code", "a")],
        &[("error", "access_denied"), ("error", "access_denied")],
        &[("code", "a"), ("iss", iss.as_str())],
        &[("code", "")],
        &[],
    ] {
        let mut browser = Browser::new();
        let authorize = browser.start_sign_in(&app, "acme").await;
        let mut all = vec![("iss", issuer.url.as_str())];
        all.extend_from_slice(parameters);
        let page = browser.follow_callback(&issuer.authorization_response(&authorize, &all)).await;
        refused(&page, &format!("{parameters:?}"), 400, "provider_response_invalid");
        assert_eq!(browser.account(&app).await, None);
    }
    // A repeated state is invalid.
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in(&app, "acme").await;
    let mut twice = issuer.approve(&authorize);
    let state = parameter(&authorize, "state");
    twice.query_pairs_mut().append_pair("state", &state);
    let page = browser.follow_callback(&twice).await;
    assert_eq!(page.status, 400, "{}", page.summary());
    assert_eq!(browser.account(&app).await, None);
    assert!(issuer.requests(TOKEN).is_empty());
}

#[tokio::test]
async fn code_is_sent_unchanged_despite_unknown_parameters() {
    let (app, issuer) = acme().await;
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in(&app, "acme").await;
    let mut callback = issuer.approve(&authorize);
    for unknown in ["session_state", "scope", "access_token", "id_token"] {
        callback.query_pairs_mut().append_pair(unknown, "x");
    }
    // The issuer accepts the code only unchanged.
    assert_eq!(browser.follow_callback(&callback).await.see_other(), "/account");
    let asked = issuer.requests(TOKEN).remove(0);
    let code = parameter(&callback, "code");
    assert_eq!(asked.field("code"), Some(code));
    assert_eq!(asked.field("grant_type").as_deref(), Some("authorization_code"));
    assert_eq!(asked.field("redirect_uri"), Some(app.callback("acme")));
}

#[tokio::test]
async fn code_from_another_provider_is_refused() {
    let (honest, evil) = (Issuer::start().await, Issuer::start().await);
    let app = Setup::new()
        .with_issuer(&honest)
        .set("OIDC_EVIL_ISSUER", &evil.url)
        .set("OIDC_EVIL_CLIENT_ID", evil.client_id())
        .set("OIDC_EVIL_CLIENT_SECRET", evil.client_secret())
        .start()
        .await;
    // The sign-in started at the malicious issuer, which redirected to the honest one.
    let mut browser = Browser::new();
    let to_evil = browser.start_sign_in(&app, "evil").await;
    let to_honest = browser.start_sign_in(&app, "acme").await;
    let code = parameter(&honest.approve(&to_honest), "code");
    let mixed = |to: &Url, iss| evil.authorization_response(to, &[("code", &code), ("iss", iss)]);
    // The honest issuer redirects to its own redirect URI, where the attempt is unknown.
    let mut at_honest = mixed(&to_evil, &honest.url);
    at_honest.set_path("/auth/acme/callback");
    let page = browser.follow_callback(&at_honest).await;
    refused(&page, "at the honest issuer's callback", 400, "attempt_unknown");
    // At the other redirect URI, `iss` shows whose code it is.
    let page = browser.follow_callback(&mixed(&to_evil, &honest.url)).await;
    refused(&page, "with the honest iss", 400, "provider_response_invalid");
    assert!(honest.requests(TOKEN).is_empty() && evil.requests(TOKEN).is_empty());
    // A malicious issuer that has the code already gets it back, and can do nothing here with it.
    let to_evil = browser.start_sign_in(&app, "evil").await;
    let page = browser.follow_callback(&mixed(&to_evil, &evil.url)).await;
    refused(&page, "with its own iss", 400, "code_refused");
    assert!(honest.requests(TOKEN).is_empty());
    assert_eq!(browser.account(&app).await, None);
}

#[tokio::test]
async fn sign_in_exchanges_the_code_once() {
    let (app, issuer) = acme().await;
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in(&app, "acme").await;
    let callback = issuer.approve(&authorize);
    let page = Browser::new().follow_callback(&callback).await;
    refused(&page, "without the attempt's cookie", 400, "attempt_cookie_missing");
    assert!(issuer.requests(TOKEN).is_empty());
    let mut copy = browser.clone();
    for _ in 0..2 {
        assert_eq!(browser.follow_callback(&callback).await.see_other(), "/account");
        assert_eq!(issuer.requests(TOKEN).len(), 1);
    }
    // Not even with the cookie that has not been used up.
    let page = copy.follow_callback(&callback).await;
    refused(&page, "a copy of the browser", 400, "attempt_used");
    assert_eq!(issuer.requests(TOKEN).len(), 1);
}

/// `form_post`, as Apple uses it: from another site, so without our cookies.
async fn cross_site_form_post(callback: &Url, more: &str) -> Page {
    let body = format!("{}{more}", callback.query().expect("an answer"));
    let mut to = callback.clone();
    to.set_query(None);
    let headers = [
        ("origin", "https://appleid.apple.com"),
        ("sec-fetch-site", "cross-site"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    // No cookies: SameSite=Lax withholds them.
    Browser::new().send(Method::POST, to.as_str(), &headers, Some(body)).await
}

#[tokio::test]
async fn form_post_response_completes_only_in_original_browser() {
    let issuer = Issuer::start().await;
    let setup = Setup::new().with_issuer(&issuer).set("OIDC_ACME_RESPONSE_MODE", "form_post");
    let app = setup.start().await;
    let (mut victim, mut thief) = (Browser::with_user_agent("Another/1.0"), Browser::new());
    let authorize = thief.start_sign_in(&app, "acme").await;
    assert_eq!(parameter(&authorize, "response_mode"), "form_post");
    let answer = issuer.approve(&authorize);
    let more = "&user=%7B%22name%22%3A%22x%22%7D&id_token=secret&access_token=secret";
    let page = cross_site_form_post(&answer, more).await;
    assert!(page.cookies().is_empty() && issuer.requests(TOKEN).is_empty(), "it did something");
    let to = page.see_other();
    assert!(!to.contains("secret") && !to.contains("user="), "{to}");
    let to = Url::parse(&app.url(&to)).expect("a URL");
    // A victim who is made to post an attacker's response is not signed in.
    let page = victim.follow_callback(&to).await;
    refused(&page, "login CSRF", 400, "attempt_other_browser");
    assert_eq!(thief.follow_callback(&to).await.see_other(), "/account");
    // The form comes from another site, and leads only to our own callback.
    let mut forged = answer.clone();
    forged.set_query(Some("code=x&next=https%3A%2F%2Fevil.test&state=%0d%0aX: y"));
    let to = cross_site_form_post(&forged, "").await.see_other();
    assert!(to.starts_with("/auth/acme/callback?code=x&state=%0D%0A"), "{to}");
    // No other route accepts a form from another site.
    let mut start = answer;
    start.set_path("/auth/acme");
    assert_eq!(cross_site_form_post(&start, "").await.status, 403);
}

#[tokio::test]
async fn unconfigured_form_post_is_refused_with_explanation() {
    let (app, issuer) = acme().await;
    let authorize = Browser::new().start_sign_in(&app, "acme").await;
    let page = cross_site_form_post(&issuer.approve(&authorize), "").await;
    refused(&page, "not configured", 400, "form_post_unexpected");
    assert!(page.body.contains("_RESPONSE_MODE=form_post"), "{}", page.summary());
}

#[tokio::test]
async fn configured_scopes_are_requested_with_openid() {
    for (setting, asked) in [
        ("openid", "openid"),
        ("email", "openid email"),
        ("openid groups", "openid groups"),
        ("", "openid email profile"),
    ] {
        let issuer = Issuer::start().await;
        let setup = Setup::new().with_issuer(&issuer).set("OIDC_ACME_SCOPES", setting);
        let app = setup.start().await;
        let authorize = Browser::new().start_sign_in(&app, "acme").await;
        assert_eq!(parameter(&authorize, "scope"), asked, "{setting:?}");
    }
}
