#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "http://localhost:3000/cb";

fn clients() -> Clients {
    let client = |provider| Client {
        provider,
        id: "app".into(),
        secret: "secret".into(),
        redirect_uris: vec![CALLBACK.into()],
        name: "Latchkey".into(),
    };
    Clients::new(Provider::ALL.map(client).to_vec()).unwrap()
}

/// A good request, with the named parameters replaced, or removed when `None`, then `extra` added.
fn request(changes: &[(&str, Option<&str>)], extra: &[(&str, &str)]) -> Params {
    let good = [
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let changed = |name: &str| changes.iter().find(|(changed, _)| *changed == name);
    let kept = good.iter().copied().filter_map(|(name, value)| match changed(name) {
        Some((_, replacement)) => replacement.map(|value| (name, value)),
        None => Some((name, value)),
    });
    kept.chain(extra.iter().copied()).collect()
}

fn judged(provider: Provider, params: &Params) -> Result<AuthorizationRequest, Refusal> {
    let (clients, catalogue) = (clients(), Catalogue::new(&[]));
    let issuer = Some("issuer".to_owned());
    judge(&Rules { provider, issuer, clients: &clients, catalogue: &catalogue }, params)
}

#[test]
fn a_good_request_is_understood() {
    let request = judged(
        Provider::Google,
        &request(&[], &[("login_hint", "ada"), ("max_age", "0"), ("x", "y")]),
    )
    .unwrap();
    assert_eq!(request.client.name, "Latchkey");
    assert_eq!(request.scopes.to_string(), "openid email");
    assert_eq!(request.nonce.as_deref(), Some("n"));
    assert_eq!(request.login_hint.as_deref(), Some("ada"));
    assert_eq!(request.challenge, CodeChallenge::parse(CHALLENGE).unwrap());
    assert_eq!(request.reply_to.redirect_uri, CALLBACK);
    assert_eq!(request.reply_to.state.as_deref(), Some("s"));
}

#[test]
fn an_untrusted_address_gets_a_page_and_never_a_redirect() {
    for (changes, extra) in [
        (&[("client_id", None)][..], &[][..]),
        (&[("client_id", Some("other"))], &[]),
        (&[], &[("client_id", "app")]),
        (&[("redirect_uri", None)], &[]),
        (&[("redirect_uri", Some("http://localhost:3000/cb/"))], &[]),
        (&[("redirect_uri", Some("http://evil.test/cb"))], &[]),
        (&[], &[("redirect_uri", "http://evil.test/cb")]),
        (&[], &[("redirect_uri", CALLBACK)]),
        // The address is looked at first, whatever else is wrong.
        (&[("redirect_uri", Some("http://evil.test/")), ("response_type", None)], &[]),
    ] {
        let refusal = judged(Provider::Google, &request(changes, extra)).unwrap_err();
        assert!(matches!(refusal, Refusal::Page(_)), "{changes:?} {extra:?}");
    }
}

#[test]
fn every_other_fault_is_told_to_the_application() {
    use ErrorCode::*;
    let long = "n".repeat(MAX_NONCE + 1);
    for (changes, extra, expected) in [
        (&[][..], &[("scope", "email")][..], InvalidRequest),
        (&[], &[("state", "other")], InvalidRequest),
        (&[], &[("x", "1"), ("x", "2")], InvalidRequest),
        (&[], &[("request", "e30.e30.")], RequestNotSupported),
        (&[], &[("request_uri", "http://x.test")], RequestUriNotSupported),
        (&[("response_type", None)], &[], InvalidRequest),
        (&[("response_type", Some("token"))], &[], UnsupportedResponseType),
        (&[("response_type", Some("code id_token"))], &[], UnsupportedResponseType),
        (&[], &[("response_mode", "fragment")], InvalidRequest),
        (&[("code_challenge", None)], &[], InvalidRequest),
        (&[("code_challenge", Some("short"))], &[], InvalidRequest),
        (&[("code_challenge_method", None)], &[], InvalidRequest),
        (&[("code_challenge_method", Some("plain"))], &[], InvalidRequest),
        (&[("code_challenge_method", Some("s256"))], &[], InvalidRequest),
        (&[("nonce", Some(&long))], &[], InvalidRequest),
        (&[("scope", None)], &[], InvalidScope),
        (&[("scope", Some("drive"))], &[], InvalidScope),
        (&[], &[("max_age", "-1")], InvalidRequest),
        (&[], &[("max_age", "soon")], InvalidRequest),
        (&[], &[("prompt", "none")], LoginRequired),
        (&[], &[("prompt", "none login")], InvalidRequest),
        (&[], &[("access_type", "sometimes")], InvalidRequest),
        (&[], &[("include_granted_scopes", "yes")], InvalidRequest),
        (&[], &[("resource", "http://localhost:3000/api")], InvalidTarget),
    ] {
        match judged(Provider::Google, &request(changes, extra)) {
            Err(Refusal::Redirect { reply_to, error, .. }) => {
                assert_eq!(error, expected, "{changes:?} {extra:?}");
                assert_eq!(reply_to.redirect_uri, CALLBACK);
                assert_eq!(reply_to.iss.as_deref(), Some("issuer"));
            }
            other => panic!("{changes:?} {extra:?}: {other:?}"),
        }
    }
}

#[test]
fn a_repeated_state_is_not_echoed() {
    let refusal = judged(Provider::Google, &request(&[], &[("state", "other")]));
    let Err(Refusal::Redirect { reply_to, .. }) = refusal else {
        panic!("{refusal:?}");
    };
    assert_eq!(reply_to.state, None);
}

#[test]
fn github_and_facebook_need_neither_response_type_nor_scope_but_pkce_all_the_same() {
    for provider in [Provider::Github, Provider::Facebook] {
        let short = request(&[("response_type", None), ("scope", None)], &[]);
        assert!(judged(provider, &short).is_ok(), "{provider}");
        for changes in [
            &[("code_challenge", None)],
            &[("code_challenge_method", Some("plain"))],
            &[("response_type", Some("token"))],
        ] {
            let refusal = judged(provider, &request(changes, &[]));
            assert!(matches!(refusal, Err(Refusal::Redirect { .. })), "{changes:?}");
        }
    }
}

#[test]
fn a_refresh_token_is_asked_for_by_access_type_and_again_by_prompt() {
    for (extra, offline) in [
        (&[][..], Offline::No),
        (&[("access_type", "online"), ("prompt", "consent")], Offline::No),
        (&[("access_type", "offline")], Offline::WhenNew),
        (&[("access_type", "offline"), ("prompt", "select_account")], Offline::WhenNew),
        (&[("access_type", "offline"), ("prompt", "select_account consent")], Offline::Always),
    ] {
        let asked = judged(Provider::Google, &request(&[], extra)).unwrap();
        assert_eq!(asked.offline, offline, "{extra:?}");
        // The others know no such parameter, and ignore it.
        let ignored = judged(Provider::Github, &request(&[], extra)).unwrap();
        assert_eq!(ignored.offline, Offline::No, "{extra:?}");
    }
}
