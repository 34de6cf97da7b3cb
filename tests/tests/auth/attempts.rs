//! Matching callbacks to the attempts of this browser.

use latchkey_auth::oauth::attempt::{AttemptError, Progress, decode_state, validate};
use latchkey_auth::oauth::{Attempt, Purpose};
use latchkey_auth::secret::{AppSecret, Secret};
use latchkey_domain::connection::ProviderScopes;
use latchkey_domain::return_to::ReturnTo;
use latchkey_domain::sign_in::CredentialKind;
use latchkey_domain::{Span, Timestamp, UserId};

const PURPOSE: Purpose = Purpose::SignIn(CredentialKind::Session);

fn secret() -> AppSecret {
    AppSecret::new(&Secret::new("test"), &[])
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

#[test]
fn attempt_cookie_opens_only_with_matching_state() {
    let secret = secret();
    let new = || {
        Attempt::new("google", PURPOSE, ReturnTo::default(), "Firefox", &secret, at(0))
            .expect("an attempt")
    };
    let (one, other) = (new(), new());
    let sealed = one.seal(&secret).expect("a cookie");
    assert_eq!(Attempt::open(&sealed, &one.state, &secret), Some(one.clone()));
    assert_eq!(Attempt::open(&sealed, &other.state, &secret), None);
    assert_eq!(Attempt::open("junk", &one.state, &secret), None);
    let known = decode_state(&one.state, &secret);
    assert_eq!(known, decode_state(&other.state, &secret), "when, and to what kind of browser");
    assert!(known.is_some());
    assert_eq!(decode_state("made.up", &secret), None);
    assert!(!sealed.contains(&one.verifier));
    let finished = one.clone().finish(Progress::Finished).seal(&secret).expect("a cookie");
    let left = Attempt::open(&finished, &one.state, &secret);
    assert!(left.is_some_and(|left| left.verifier.is_empty() && left.nonce.is_empty()));
}

#[test]
fn attempt_cookie_preserves_the_purpose() {
    let secret = secret();
    let user = UserId::new(at(0), [7; 10]);
    for purpose in [
        Purpose::SignIn(CredentialKind::Session),
        Purpose::SignIn(CredentialKind::Jwt),
        Purpose::Reauthenticate(CredentialKind::Jwt),
        Purpose::Link(user),
        Purpose::connect(user, &ProviderScopes::parse("calendar contacts")),
    ] {
        let return_to = ReturnTo::default();
        let attempt = Attempt::new("google", purpose.clone(), return_to, "Firefox", &secret, at(0))
            .expect("an attempt");
        let sealed = attempt.seal(&secret).expect("a cookie");
        let opened = Attempt::open(&sealed, &attempt.state, &secret);
        assert_eq!(opened.map(|opened| opened.purpose), Some(purpose));
    }
}

#[test]
fn mismatched_callbacks_have_distinct_errors() {
    use AttemptError::{AlreadyUsed, CookieMissing, Expired, OtherBrowser, Unknown};
    let secret = secret();
    let to = |browser: &str| {
        Attempt::new("google", PURPOSE, ReturnTo::default(), browser, &secret, at(1_000))
            .expect("an attempt")
    };
    let attempt = || Some(to("Firefox"));
    let finished = attempt().map(|attempt| attempt.finish(Progress::Finished));
    let late = |minutes| Err(Expired { age: Span::minutes(minutes) });
    for (cookie, provider, sent_to, minutes, expected) in [
        (attempt(), "google", Some("Firefox"), 9, Ok(())),
        (attempt(), "google", Some("Firefox"), 10, Ok(())),
        (attempt(), "google", Some("Firefox"), 14, late(14)),
        (attempt(), "github", Some("Firefox"), 1, Err(Unknown)),
        (finished, "google", Some("Firefox"), 1, Err(AlreadyUsed)),
        (None, "google", Some("Firefox"), 1, Err(CookieMissing)),
        (None, "google", Some("Safari"), 1, Err(OtherBrowser)),
        (None, "google", Some("Firefox"), 90, late(90)),
        (None, "google", None, 1, Err(Unknown)),
    ] {
        let sent = sent_to.and_then(|browser| decode_state(&to(browser).state, &secret));
        let judged = validate(cookie, provider, sent, "Firefox", at(1_000 + minutes * 60));
        assert_eq!(judged.map(|_| ()), expected, "{provider} {sent_to:?} {minutes}");
    }
}
