use super::*;

fn cheap() -> Settings {
    Settings { memory_kib: 8, passes: 1, lanes: 1, at_once: 2, waiting: 64 }
}

fn typed(text: &str) -> Password {
    Password::new(text).expect("a password")
}

const MATCHES: Verified = Verified { matches: true, needs_rehash: false };
const DIFFERS: Verified = Verified { matches: false, needs_rehash: false };

#[tokio::test]
async fn a_password_matches_itself_alone() {
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
    // No byte is cut off, not even the last of the longest.
    let long = "x".repeat(1023);
    let stored = hasher.hash(&typed(&format!("{long}a"))).await.expect("a hash");
    assert_eq!(hasher.verify(Some(&stored), &typed(&format!("{long}b")), false).await, Ok(DIFFERS));
}

#[tokio::test]
async fn nothing_matches_nobody() {
    let hasher = Hasher::new(&cheap()).expect("a hasher");
    for text in ["", "password", hasher.nobody.as_ref()] {
        assert_eq!(hasher.verify(None, &typed(text), false).await, Ok(DIFFERS));
    }
    // It costs what everybody costs, and each process has another.
    let nobody = Stored::read(&hasher.nobody).expect("a hash");
    assert!(nobody.is_of(&hasher.params));
    assert_ne!(Hasher::new(&cheap()).expect("a hasher").nobody, hasher.nobody);
}

#[tokio::test]
async fn hashes_of_another_cost_are_made_anew() {
    let today = Hasher::new(&cheap()).expect("a hasher");
    let password = typed("correct horse");
    for (settings, needs_rehash) in [
        (cheap(), false),
        (Settings { at_once: 1, waiting: 0, ..cheap() }, false),
        (Settings { memory_kib: 16, ..cheap() }, true),
        (Settings { passes: 2, ..cheap() }, true),
        (Settings { memory_kib: 16, lanes: 2, ..cheap() }, true),
    ] {
        let then = Hasher::new(&settings).expect("a hasher");
        let stored = then.hash(&password).await.expect("a hash");
        let found = today.verify(Some(&stored), &password, false).await;
        assert_eq!(found, Ok(Verified { matches: true, needs_rehash }), "{settings:?}");
        // Who has not proved to know it changes nothing.
        assert_eq!(today.verify(Some(&stored), &typed("wrong"), false).await, Ok(DIFFERS));
    }
}

/// From the tests of the reference implementation: another cost, a short salt.
#[tokio::test]
async fn a_hash_that_others_made() {
    let hasher = Hasher::new(&cheap()).expect("a hasher");
    let stored =
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let found = hasher.verify(Some(stored), &typed("password"), false).await;
    assert_eq!(found, Ok(Verified { matches: true, needs_rehash: true }));
    assert_eq!(hasher.verify(Some(stored), &typed("Password"), false).await, Ok(DIFFERS));
    assert_eq!(idle(&hasher), 0, "memory of that size is not kept");
}

#[tokio::test]
async fn what_is_no_hash_is_our_fault() {
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
            Err(Error::Stored),
            "{stored}"
        );
    }
    for settings in [
        Settings { memory_kib: 0, ..cheap() },
        Settings { memory_kib: u32::MAX, ..cheap() },
        Settings { passes: 0, ..cheap() },
        Settings { lanes: 2, ..cheap() },
        Settings { at_once: 0, ..cheap() },
    ] {
        assert!(matches!(Hasher::new(&settings), Err(Error::Settings)), "{settings:?}");
    }
}

#[tokio::test]
async fn the_queue_has_an_end() {
    let hasher = Hasher::new(&Settings { at_once: 1, waiting: 2, ..cheap() }).expect("a hasher");
    // Somebody is taking the only turn for as long as we like.
    let place = Arc::clone(&hasher.strangers.places).try_acquire_owned().expect("a place");
    let turn = Arc::clone(&hasher.strangers.turns).try_acquire_owned().expect("a turn");

    let ask = || {
        let hasher = hasher.clone();
        tokio::spawn(async move { hasher.verify(None, &typed("x"), false).await })
    };
    let (first, second) = (ask(), ask());
    tokio::task::yield_now().await;
    assert_eq!(hasher.verify(None, &typed("x"), false).await, Err(Error::Busy));
    assert_eq!(hasher.hash(&typed("x")).await, Err(Error::Busy));

    // Who was right before waits with their like alone.
    assert_eq!(hasher.verify(None, &typed("x"), true).await, Ok(DIFFERS));

    // Who hangs up makes room for another.
    first.abort();
    assert!(first.await.is_err());
    let third = ask();
    tokio::task::yield_now().await;
    assert_eq!(hasher.verify(None, &typed("x"), false).await, Err(Error::Busy));

    drop((place, turn));
    for waited in [second, third] {
        assert_eq!(waited.await.expect("no panic"), Ok(DIFFERS));
    }
    assert_eq!(hasher.strangers.places.available_permits(), 3);
    assert_eq!(hasher.strangers.turns.available_permits(), 1);
}

#[tokio::test]
async fn memory_is_used_again_and_given_back() {
    let hasher = Hasher::new(&cheap()).expect("a hasher");
    let storm: Vec<_> = (0..60)
        .map(|_| {
            let hasher = hasher.clone();
            tokio::spawn(async move { hasher.verify(None, &typed("x"), false).await })
        })
        .collect();
    for one in storm {
        assert_eq!(one.await.expect("no panic"), Ok(DIFFERS));
    }
    assert!((1..=2).contains(&idle(&hasher)), "{}", idle(&hasher));

    // One after another, the same piece is enough.
    hasher.release_idle();
    let address =
        |hasher: &Hasher| hasher.memory.0.lock().pieces.last().map(|piece| piece.as_ptr());
    let before = address(&hasher);
    for _ in 0..5 {
        assert_eq!(hasher.verify(None, &typed("x"), false).await, Ok(DIFFERS));
        assert_eq!(address(&hasher), before);
    }
    hasher.release_idle();
    assert_eq!(idle(&hasher), 1, "what was not used is gone, what was used is kept");
    hasher.release_idle();
    assert_eq!(idle(&hasher), 0, "now that was not used either");
}

/// The real cost, and other work goes on meanwhile: on this one thread.
#[tokio::test]
async fn the_real_thing() {
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

fn idle(hasher: &Hasher) -> usize {
    hasher.memory.0.lock().pieces.len()
}
