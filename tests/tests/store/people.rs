//! Test data.

use std::sync::atomic::{AtomicU64, Ordering};

use latchkey_domain::identity::{Profile, Subject};
use latchkey_domain::sample_data::SampleData;
use latchkey_domain::sign_in::{CredentialKind, SignIn, SignInMethod};
use latchkey_domain::{DisplayName, Email, Roles, SignInId, Span, Timestamp, User, UserId};
use latchkey_store::{Db, identities};

/// The time of all test data.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_450_320);

/// Ten unique bytes.
pub(crate) fn fresh() -> [u8; 10] {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut bytes = [0; 10];
    bytes[2..].copy_from_slice(&COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    bytes
}

pub(crate) fn email(address: &str) -> Email {
    Email::parse(address).expect("an address")
}

pub(crate) fn user(address: Option<&str>, verified: bool) -> User {
    User {
        id: UserId::new(NOW, fresh()),
        name: DisplayName::first_of([Some("Ada Lovelace")]),
        email: address.map(email),
        email_verified: verified,
        roles: Roles::default(),
        created_at: NOW,
    }
}

pub(crate) fn profile(subject: &str) -> Profile {
    Profile {
        issuer: "https://issuer.test".to_owned(),
        subject: Subject::new(subject).expect("a subject"),
        name: DisplayName::first_of([Some("Ada Lovelace")]),
        email: None,
        email_verified: false,
    }
}

/// Creates an account without an address.
pub(crate) async fn somebody(db: &Db) -> User {
    let user = user(None, false);
    let profile = profile(&user.id.to_string());
    identities::create_account(db, &user, "acme", &profile, &SampleData::default())
        .await
        .expect("a new account");
    user
}

/// A sign-in that is not stored yet.
pub(crate) fn sign_in(user: &User, key: CredentialKind) -> SignIn {
    SignIn {
        id: SignInId::new(NOW, fresh()),
        user_id: user.id,
        credential: key,
        method: SignInMethod::OAuth("acme".to_owned()),
        user_agent: "Mozilla/5.0 (ünïcödé; 🔑)".to_owned(),
        address: "2001:db8::1".to_owned(),
        created_at: NOW,
        authenticated_at: NOW,
        last_seen_at: NOW,
        expires_at: NOW.plus(Span::days(30)),
    }
}
