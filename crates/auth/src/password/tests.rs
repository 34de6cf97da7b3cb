use super::*;

fn cheap() -> Settings {
    Settings { memory_kib: 8, passes: 1, lanes: 1, concurrency: 2, queue_size: 64 }
}

fn typed(text: &str) -> Password {
    Password::new(text).expect("a password")
}

const DIFFERS: Verified = Verified { matches: false, needs_rehash: false };

#[tokio::test]
async fn dummy_hash_never_matches_and_has_current_cost() {
    let hasher = Hasher::new(&cheap()).expect("a hasher");
    for text in ["", "password", hasher.dummy_hash.as_ref()] {
        assert_eq!(hasher.verify(None, &typed(text), false).await, Ok(DIFFERS));
    }
    // It has the usual cost, and differs in each process.
    let dummy = StoredHash::parse(&hasher.dummy_hash, &hasher.params).expect("a hash");
    assert!(dummy.is_current);
    assert_ne!(Hasher::new(&cheap()).expect("a hasher").dummy_hash, hasher.dummy_hash);
}

/// From the tests of the reference implementation: another cost, a short salt.
#[tokio::test]
async fn reference_argon2_hash_verifies_and_needs_rehash() {
    let hasher = Hasher::new(&cheap()).expect("a hasher");
    let stored =
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let found = hasher.verify(Some(stored), &typed("password"), false).await;
    assert_eq!(found, Ok(Verified { matches: true, needs_rehash: true }));
    assert_eq!(hasher.verify(Some(stored), &typed("Password"), false).await, Ok(DIFFERS));
    assert_eq!(idle(&hasher), 0, "memory of that size is not kept");
}

#[tokio::test]
async fn full_hasher_queue_returns_busy() {
    let hasher =
        Hasher::new(&Settings { concurrency: 1, queue_size: 2, ..cheap() }).expect("a hasher");
    // The only worker is busy.
    let slot = Arc::clone(&hasher.unknown_clients.slots).try_acquire_owned().expect("a slot");
    let worker = Arc::clone(&hasher.unknown_clients.workers).try_acquire_owned().expect("a worker");

    let ask = || {
        let hasher = hasher.clone();
        tokio::spawn(async move { hasher.verify(None, &typed("x"), false).await })
    };
    let (first, second) = (ask(), ask());
    tokio::task::yield_now().await;
    assert_eq!(hasher.verify(None, &typed("x"), false).await, Err(Error::Busy));
    assert_eq!(hasher.hash(&typed("x")).await, Err(Error::Busy));

    // Known clients have a queue of their own.
    assert_eq!(hasher.verify(None, &typed("x"), true).await, Ok(DIFFERS));

    // A cancelled request frees its slot.
    first.abort();
    assert!(first.await.is_err());
    let third = ask();
    tokio::task::yield_now().await;
    assert_eq!(hasher.verify(None, &typed("x"), false).await, Err(Error::Busy));

    drop((slot, worker));
    for waited in [second, third] {
        assert_eq!(waited.await.expect("no panic"), Ok(DIFFERS));
    }
    assert_eq!(hasher.unknown_clients.slots.available_permits(), 3);
    assert_eq!(hasher.unknown_clients.workers.available_permits(), 1);
}

#[tokio::test]
async fn hasher_buffers_are_reused_and_released() {
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

    // Sequential hashes share one buffer.
    hasher.release_idle();
    let address =
        |hasher: &Hasher| hasher.memory.0.lock().buffers.last().map(|buffer| buffer.as_ptr());
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

fn idle(hasher: &Hasher) -> usize {
    hasher.memory.0.lock().buffers.len()
}
