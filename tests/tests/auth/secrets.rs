//! What `APP_SECRET` encrypts.

use latchkey_auth::linking::Pending;
use latchkey_auth::random;
use latchkey_auth::secret::{AppSecret, DecryptError, Purpose, Secret};
use latchkey_auth::vault::{ProviderTokens, Vault};
use latchkey_domain::identity::{InvalidSubject, Profile, Subject};
use latchkey_domain::{ConnectionId, DisplayName, Span, Timestamp};
use latchkey_store::connections::Sealed;

fn app(current: &str, earlier: &[&str]) -> AppSecret {
    let earlier: Vec<_> = earlier.iter().map(|secret| Secret::new(*secret)).collect();
    AppSecret::new(&Secret::new(current), &earlier)
}

#[test]
fn what_is_sealed_opens_only_as_what_it_is() {
    let secret = app("one", &[]);
    let sealed = secret.seal(Purpose::OAuthAttempt, "a", b"hello").expect("a ciphertext");
    assert_eq!(secret.open(Purpose::OAuthAttempt, "a", &sealed), Ok(b"hello".to_vec()));
    assert_eq!(secret.open(Purpose::OAuthAttempt, "b", &sealed), Err(DecryptError));
    assert_eq!(secret.open(Purpose::SigningKey, "a", &sealed), Err(DecryptError));
    assert_eq!(app("two", &[]).open(Purpose::OAuthAttempt, "a", &sealed), Err(DecryptError));
    assert_eq!(
        app("two", &["one"]).open(Purpose::OAuthAttempt, "a", &sealed),
        Ok(b"hello".to_vec())
    );
    assert_ne!(Ok(sealed), secret.seal(Purpose::OAuthAttempt, "a", b"hello"));
}

#[test]
fn an_altered_text_does_not_open() {
    let secret = app("one", &[]);
    let sealed = secret.seal(Purpose::OAuthAttempt, "", b"hello").expect("a ciphertext");
    for at in 0..sealed.len() {
        let mut altered = sealed.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8_lossy(&altered);
        assert_eq!(secret.open(Purpose::OAuthAttempt, "", &altered), Err(DecryptError));
        assert_eq!(secret.open(Purpose::OAuthAttempt, "", &sealed[..at]), Err(DecryptError));
    }
    assert_eq!(secret.open(Purpose::OAuthAttempt, "", "no base64!"), Err(DecryptError));
}

#[test]
fn a_secret_has_a_name() {
    assert_eq!(app("one", &[]).key_id(), app("one", &["two"]).key_id());
    assert_ne!(app("one", &[]).key_id(), app("two", &["one"]).key_id());
    assert_eq!(app("one", &[]).key_id().len(), 12);
}

#[test]
fn secrets_do_not_show_themselves() {
    assert_eq!(
        format!("{:?} {:?}", Secret::new("hush"), app("hush", &["hush"])),
        "[secret] AppSecret[2]"
    );
}

fn vault(current: &str, earlier: &[&str]) -> Vault {
    let earlier: Vec<_> = earlier.iter().map(|secret| Secret::new(*secret)).collect();
    Vault::new(AppSecret::new(&Secret::new(current), &earlier))
}

#[test]
fn a_token_opens_in_its_own_row_and_column_only() {
    let id = |n| ConnectionId::new(Timestamp::from_millis(1), [n; 10]);
    let tokens =
        ProviderTokens { access: Secret::new("a-token"), refresh: Some(Secret::new("r-token")) };
    let ours = vault("one", &[]);
    let sealed = ours.seal(id(1), &tokens).expect("ciphertexts");
    assert_eq!(ours.access(id(1), &sealed), Ok(Secret::new("a-token")));
    assert_eq!(ours.refresh(id(1), &sealed), Ok(Some(Secret::new("r-token"))));
    assert_eq!(ours.access(id(2), &sealed), Err(DecryptError));
    let swapped = Sealed {
        access: sealed.refresh.clone().unwrap_or_default(),
        refresh: Some(sealed.access.clone()),
        ..sealed.clone()
    };
    assert_eq!(ours.access(id(1), &swapped), Err(DecryptError));
    assert_eq!(ours.refresh(id(1), &swapped), Err(DecryptError));
    assert_eq!(vault("two", &["one"]).access(id(1), &sealed), Ok(Secret::new("a-token")));
    assert_eq!(vault("two", &[]).access(id(1), &sealed), Err(DecryptError));
    assert!(!format!("{tokens:?} {sealed:?}").contains("token\""));
}

#[test]
fn it_waits_for_ten_minutes() -> Result<(), InvalidSubject> {
    let secret = AppSecret::new(&Secret::new("test"), &[]);
    let since = Timestamp::from_seconds(1_000);
    let pending = Pending {
        provider: "google".to_owned(),
        profile: Profile {
            issuer: "https://op.test".to_owned(),
            subject: Subject::new("1")?,
            name: DisplayName::first_of([Some("Ada")]),
            email: None,
            email_verified: false,
        },
        since,
    };
    let sealed = pending.seal(&secret).expect("a cookie");
    let open = |minutes| Pending::open(&sealed, &secret, since.plus(Span::minutes(minutes)));
    assert_eq!(open(10), Some(pending));
    assert_eq!(open(11), None);
    assert_eq!(Pending::open("junk", &secret, since), None);
    Ok(())
}

#[test]
fn tokens_are_long_and_differ() {
    let (one, other) = (random::token(), random::token());
    assert_eq!(one.len(), 43);
    assert_ne!(one, other);
}
