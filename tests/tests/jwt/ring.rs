//! Key rotation while tokens are valid.

use std::collections::{HashSet, VecDeque};

use latchkey_auth::tokens::{Algorithm, KeyRing, RingKey, SigningKey, Verifier, issue};
use latchkey_domain::{Span, Timestamp};

use super::helpers::*;

/// A ring with three keys over time.
#[test]
fn key_ring_signs_accepts_and_retires_on_schedule() {
    let keys: Vec<_> = (0..3).map(|_| key(Algorithm::EdDsa)).collect();
    let kids: Vec<_> = keys.iter().map(|key| key.kid().to_owned()).collect();
    let at = |seconds: u32| NOW.plus(Span::seconds(seconds));
    let mut ring = KeyRing::new(Vec::new(), TTL);
    assert!(ring.signing_key(NOW).is_none() && ring.newest().is_none());

    // The first signs immediately; the second is added at 100 s, and the third at 104 s, while the
    // second is still waiting.
    let mut held: Vec<RingKey> = Vec::new();
    for (key, added) in keys.iter().zip([at(0), at(100), at(104)]) {
        let signs_from = ring.next_signs_from(added);
        for old in held.iter_mut().filter(|old| old.retired_at.is_none()) {
            old.retired_at = Some(signs_from);
        }
        held.push(RingKey { created_at: added, ..in_ring(key, signs_from) });
        ring = KeyRing::new(held.clone(), TTL);
    }
    assert_eq!(ring.newest().map(RingKey::kid), Some(kids[2].as_str()));

    // TTL 300, leeway 60, grace 60: a key is accepted for 420 s after its retirement.
    for (now, signs, accepted) in [
        (at(0), Some(0), [true, true, true]),
        (at(109), Some(0), [true, true, true]),
        (at(110), Some(1), [true, true, true]), // 100 + 10
        (at(113), Some(1), [true, true, true]),
        (at(114), Some(2), [true, true, true]), // 104 + 10
        (at(529), Some(2), [true, true, true]),
        (at(530), Some(2), [false, true, true]), // 110 + 420
        (at(533), Some(2), [false, true, true]),
        (at(534), Some(2), [false, false, true]),
        (at(1_000_000), Some(2), [false, false, true]),
    ] {
        let signing = ring.signing_key(now).map(SigningKey::kid);
        let expected = signs.map(|index: usize| kids[index].as_str());
        assert_eq!(signing, expected, "{now:?}");
        let found = [0, 1, 2].map(|index| ring.verifying_key(&kids[index], now).is_some());
        assert_eq!(found, accepted, "{now:?}");
        let published = ring.published(now).count();
        assert_eq!(published, accepted.iter().filter(|accepted| **accepted).count());
    }
    assert_eq!(ring.verifying_key("", NOW), None);
}

#[test]
fn concurrently_added_keys_give_the_same_signing_key() {
    let (a, b) = (key(Algorithm::EdDsa), key(Algorithm::EdDsa));
    let one = KeyRing::new(vec![in_ring(&a, NOW), in_ring(&b, NOW)], TTL);
    let other = KeyRing::new(vec![in_ring(&b, NOW), in_ring(&a, NOW)], TTL);
    let kid = |ring: &KeyRing| ring.signing_key(NOW).map(|key| key.kid().to_owned());
    assert_eq!(kid(&one), kid(&other));
    // A clock that is behind still signs with the first key.
    let alone = KeyRing::new(vec![in_ring(&a, NOW)], TTL);
    let behind = NOW.minus(Span::seconds(2));
    assert_eq!(alone.signing_key(behind).map(SigningKey::kid), Some(a.kid()));
    assert!(alone.verifying_key(a.kid(), behind).is_some());
}

struct Process {
    verifier: Verifier,
    skew: i64,
    /// It reads the ring at this tick of each second, unless reading fails.
    tick: u32,
    fails: std::ops::Range<u32>,
}

/// Three processes poll one ring, with clocks two seconds apart. One of them fails to read for a
/// while, and the key changes four times, twice in quick succession. No process ever refuses a
/// valid token.
#[test]
fn key_rotation_refuses_no_valid_token() {
    const TICKS: u32 = 4;
    let ttl = Span::seconds(30);
    let at = |tick: u32| NOW.plus(Span::millis(i64::from(tick) * 1000 / i64::from(TICKS)));
    let mut written = vec![in_ring(&key(Algorithm::Hs256), NOW)];
    let process = |skew, tick, fails| Process {
        verifier: Verifier::new(KeyRing::new(written.clone(), ttl), expected()),
        skew,
        tick,
        fails,
    };
    let processes =
        [process(-1000, 0, 0..0), process(0, 2, 90 * TICKS..97 * TICKS), process(1000, 3, 0..0)];

    let mut alive = VecDeque::new();
    let mut used = HashSet::new();
    for tick in 0..400 * TICKS {
        if [40, 92, 95, 200].map(|second| second * TICKS + 1).contains(&tick) {
            let signs_from = KeyRing::new(written.clone(), ttl).next_signs_from(at(tick));
            for old in written.iter_mut() {
                old.retired_at = old.retired_at.or(Some(signs_from));
            }
            written.push(in_ring(&key(Algorithm::Hs256), signs_from));
        }
        for process in &processes {
            if tick % TICKS == process.tick && !process.fails.contains(&tick) {
                process.verifier.replace_ring(KeyRing::new(written.clone(), ttl));
            }
        }
        for process in &processes {
            let now = Timestamp::from_millis(at(tick).as_millis() + process.skew);
            let ring = process.verifier.ring();
            let signing = ring.signing_key(now).expect("somebody always signs");
            used.insert(signing.kid().to_owned());
            let mut claims = claims_at(now);
            claims.exp = now.plus(ttl).as_seconds();
            let token = issue(signing, &claims).expect("a token");
            alive.push_back((tick + 27 * TICKS, token));
        }
        // All processes accept the newest and the oldest valid token.
        let oldest = alive.front().is_some_and(|(until, _)| *until <= tick);
        let old = oldest.then(|| alive.pop_front()).flatten();
        for (_, token) in old.iter().chain(alive.iter().rev().take(3)) {
            for process in &processes {
                let now = Timestamp::from_millis(at(tick).as_millis() + process.skew);
                let verdict = process.verifier.verify(token, now);
                assert!(verdict.is_ok(), "at {} s: {verdict:?}", tick / TICKS);
            }
        }
        while alive.front().is_some_and(|(until, _)| *until <= tick) {
            alive.pop_front();
        }
    }
    assert!(used.len() >= 4, "{}", used.len());
    let end = at(400 * TICKS);
    assert_eq!(processes[0].verifier.ring().published(end).count(), 0, "HS256 is never published");
    let ring = processes[0].verifier.ring();
    let accepted = written.iter().filter(|key| ring.verifying_key(key.kid(), end).is_some());
    assert_eq!(accepted.count(), 1);
}
