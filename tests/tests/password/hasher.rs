//! Hashing and verifying passwords.

use latchkey_auth::password::{Error, Hasher, Settings, Verified};
use latchkey_domain::password::Password;

fn cheap() -> Settings {
    Settings { memory_kib: 8, passes: 1, lanes: 1, concurrency: 2, queue_size: 64 }
}

fn typed(text: &str) -> Password {
    Password::new(text).expect("a password")
}

const MATCHES: Verified = Verified { matches: true, needs_rehash: false };
const DIFFERS: Verified = Verified { matches: false, needs_rehash: false };

#[tokio::test]
async fn password_hash_matches_only_the_exact_password() {
    let hasher = Hasher::new(&cheap()).expect("a hasher");
    let password = typed(" Cörrect 🦀 horse\0 ");
    let stored = hasher.hash(&password).await.expect("a hash");
    assert_ne!(hasher.hash(&password).await.as_ref(), Ok(&stored), "each has a salt of its own");
    assert!(!stored.contains("horse"));
    for (text, verified) in [
        (" Cörrect 🦀 horse\0 ", MATCHES),
        ("Cörrect 🦀 horse\0", DIFFERS),   // nothing is trimmed
        (" cörrect 🦀 horse\0 ", DIFFERS), // no case is folded
        (" Co\u{308}rrect 🦀 horse\0 ", DIFFERS), // nothing is composed
        (" Cörrect 🦀 horse", DIFFERS),    // nothing ends at a NUL
        ("", DIFFERS),
    ] {
        let found = hasher.verify(Some(&stored), &typed(text), false).await;
        assert_eq!(found, Ok(verified), "{text:?}");
    }
    // No byte is cut off, not even the last of the longest password.
    let long = "x".repeat(1023);
    let stored = hasher.hash(&typed(&format!("{long}a"))).await.expect("a hash");
    assert_eq!(hasher.verify(Some(&stored), &typed(&format!("{long}b")), false).await, Ok(DIFFERS));
}

#[tokio::test]
async fn hash_with_other_parameters_needs_rehash() {
    let today = Hasher::new(&cheap()).expect("a hasher");
    let password = typed("correct horse");
    for (settings, needs_rehash) in [
        (cheap(), false),
        (Settings { concurrency: 1, queue_size: 0, ..cheap() }, false),
        (Settings { memory_kib: 16, ..cheap() }, true),
        (Settings { passes: 2, ..cheap() }, true),
        (Settings { memory_kib: 16, lanes: 2, ..cheap() }, true),
    ] {
        let then = Hasher::new(&settings).expect("a hasher");
        let stored = then.hash(&password).await.expect("a hash");
        let found = today.verify(Some(&stored), &password, false).await;
        assert_eq!(found, Ok(Verified { matches: true, needs_rehash }), "{settings:?}");
        // A wrong password does not rehash.
        assert_eq!(today.verify(Some(&stored), &typed("wrong"), false).await, Ok(DIFFERS));
    }
}

#[tokio::test]
async fn invalid_hashes_and_hasher_settings_are_errors() {
    let hasher = Hasher::new(&cheap()).expect("a hasher");
    for stored in [
        "",
        "password",
        "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ",
        "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=19$m=64,t=99999999,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=18$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    ] {
        assert_eq!(
            hasher.verify(Some(stored), &typed("x"), false).await,
            Err(Error::InvalidHash),
            "{stored}"
        );
    }
    for settings in [
        Settings { memory_kib: 0, ..cheap() },
        Settings { memory_kib: u32::MAX, ..cheap() },
        Settings { passes: 0, ..cheap() },
        Settings { lanes: 2, ..cheap() },
        Settings { concurrency: 0, ..cheap() },
    ] {
        assert!(matches!(Hasher::new(&settings), Err(Error::Settings)), "{settings:?}");
    }
}

/// With the real cost, other tasks on the same thread continue.
#[tokio::test]
async fn default_cost_hashing_does_not_block_the_runtime() {
    let hasher = Hasher::new(&Settings::default()).expect("a hasher");
    let password = typed("correct horse battery staple");
    let hashing = tokio::spawn({
        let (hasher, password) = (hasher.clone(), password.clone());
        async move { hasher.hash(&password).await }
    });
    let mut turns = 0;
    while !hashing.is_finished() {
        tokio::task::yield_now().await;
        turns += 1;
    }
    assert!(turns > 10, "{turns}");
    let stored = hashing.await.expect("no panic").expect("a hash");
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    let lengths: Vec<_> = stored.split('$').skip(4).map(str::len).collect();
    assert_eq!(lengths, [22, 43], "16 bytes of salt, 32 of hash, in base64");
    assert_eq!(hasher.verify(Some(&stored), &password, false).await, Ok(MATCHES));
}
