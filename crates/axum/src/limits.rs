//! How often somebody may try, by address and by account.
//!
//! | what | burst | then | counted |
//! |---|---|---|---|
//! | wrong passwords and codes, by account and address | 10 | one in 30 seconds | in the database |
//! | wrong passwords and codes, by account | 50 | see below | in the database |
//! | tries of any kind, by address | 300 | 2 a second | in each process |
//! | letters, by address | 100 | 10 a minute | in each process |
//! | calls to connected services, by person | 60 | one a second | in each process |
//! | letters of one kind, by account | 3 | one in 5 minutes, and silently none beyond | in each process |
//!
//! An attacker must not be able to lock somebody else out. So a right password
//! costs nothing, and wrong ones close an account only to the address that
//! they came from: when an account has had too many from everywhere, each
//! further address gets one wrong try, and the owner, who makes none, notices nothing.

use latchkey_domain::{Clock, Email, Span, UserId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use latchkey_store::Db;
use latchkey_store::failed_attempts::{self, Bucket};
use moka::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::client::Client;
use crate::errors::{AppError, HandlerResult, catalogue};

/// Wrong tries at one account from one address.
const HERE: Bucket = Bucket { tries: 10, every: Span::seconds(30) };

/// Wrong tries at one account from everywhere.
const EVERYWHERE: Bucket = Bucket { tries: 50, every: Span::seconds(10) };

/// How long an account stays closed to an address that helped to exhaust it.
const CLOSED_FOR: Span = Span::minutes(5);

/// Tries at one account from one address that are looked at at the same time.
const AT_ONCE: usize = 4;

/// Pairs of an account and an address that are remembered as right.
const REMEMBERED: u64 = 10_000;

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, AppClock, NoOpMiddleware<Nanos>>;

/// The app's monotonic clock, as governor reads it: whoever puts the time of day
/// right locks nobody out.
#[derive(Clone, Debug)]
struct AppClock(Clock);

impl GovernorClock for AppClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.uptime().into()
    }
}

/// An account as it is counted, and the network that a try comes from.
type Pair = (String, IpAddr);

/// Who has tried too often gets 429, with the time to wait.
#[derive(Debug)]
pub struct Limits {
    db: Db,
    clock: AppClock,
    tries: Limiter<IpAddr>,
    letters_from: Limiter<IpAddr>,
    letters_to: Limiter<(&'static str, String)>,
    calls: Limiter<UserId>,
    gates: Mutex<HashMap<Pair, Arc<Semaphore>>>,
    /// Who typed the right password here before.
    right: Cache<Pair, ()>,
}

/// One try that was let in, until it is dropped.
#[derive(Debug)]
pub struct Gate {
    _permit: Option<OwnedSemaphorePermit>,
    pair: Pair,
    /// Whether this account's password was right before from this address.
    pub is_known: bool,
}

const TRIES: u32 = 300;
const LETTERS: u32 = 100;
const CALLS: u32 = 60;

impl Limits {
    pub fn new(db: Db, clock: Clock) -> Self {
        let clock = AppClock(clock);
        Self {
            tries: limiter(Quota::per_second(at_most(2)).allow_burst(at_most(TRIES)), &clock),
            letters_from: limiter(
                Quota::per_minute(at_most(10)).allow_burst(at_most(LETTERS)),
                &clock,
            ),
            letters_to: limiter(Quota::per_hour(at_most(12)).allow_burst(at_most(3)), &clock),
            calls: limiter(Quota::per_second(at_most(1)).allow_burst(at_most(CALLS)), &clock),
            gates: Mutex::default(),
            right: Cache::new(REMEMBERED),
            db,
            clock,
        }
    }

    /// One try of any kind. Else 429 with the time to wait.
    pub fn check(&self, client: &Client) -> HandlerResult<()> {
        let checked = self.tries.check_key(&network(client.address));
        checked.map_err(|wait| self.refused(TRIES, &wait))
    }

    /// Lets one try at an account in, when it is open to this address.
    ///
    /// A few at a time: what one of them finds out counts for those that wait,
    /// so that sending all guesses at once gains nothing. Else 429 with the time to wait.
    pub async fn admit(&self, account: &str, client: &Client) -> HandlerResult<Gate> {
        let pair = (key(account), network(client.address));
        let gate = {
            let mut gates = self.gates.lock();
            let gate =
                gates.entry(pair.clone()).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE)));
            Arc::clone(gate)
        };
        // Gates are never closed, so nobody is turned away here.
        let permit = gate.acquire_owned().await.ok();
        let (account, address) = (&pair.0, pair.1.to_string());
        let now = self.clock.0.now();
        match failed_attempts::lockout(&self.db, account, &address, HERE, CLOSED_FOR, now).await? {
            Some(wait) => Err(too_many(HERE.tries, wait)),
            None => Ok(Gate { _permit: permit, is_known: self.right.contains_key(&pair), pair }),
        }
    }

    /// A wrong password or code was typed.
    /// When others were faster, here or at another instance, and this was one too many,
    /// nobody hears whether it was wrong.
    pub async fn record_failure(&self, gate: &Gate) -> HandlerResult<()> {
        let (account, address) = (&gate.pair.0, gate.pair.1.to_string());
        let (now, buckets) = (self.clock.0.now(), (HERE, EVERYWHERE));
        let exhausted =
            failed_attempts::record(&self.db, account, &address, buckets, CLOSED_FOR, now).await?;
        if exhausted { Err(too_many(HERE.tries, HERE.every)) } else { Ok(()) }
    }

    /// The right one was typed: next time it is looked at before those of strangers.
    pub fn record_success(&self, gate: &Gate) {
        self.right.insert(gate.pair.clone(), ());
    }

    /// A letter is asked for. Else 429 with the time to wait.
    pub fn check_email(&self, client: &Client) -> HandlerResult<()> {
        let checked = self.letters_from.check_key(&network(client.address));
        checked.map_err(|wait| self.refused(LETTERS, &wait))
    }

    /// A call to a provider for somebody: each costs the provider something, and
    /// us our name there. Else 429 with the time to wait.
    pub fn check_call(&self, user: UserId) -> HandlerResult<()> {
        self.calls.check_key(&user).map_err(|wait| self.refused(CALLS, &wait))
    }

    /// Whether an address has not had too many letters of this kind. It is not
    /// said to whoever asks: that would tell who has an account. Each kind is
    /// counted apart, so that nobody can use up somebody else's way back in.
    pub fn allow_email_to(&self, kind: &'static str, email: &Email) -> bool {
        self.letters_to.check_key(&(kind, email.to_string())).is_ok()
    }

    pub fn evict(&self) {
        self.tries.retain_recent();
        self.letters_from.retain_recent();
        self.letters_to.retain_recent();
        self.calls.retain_recent();
        self.gates.lock().retain(|_, gate| Arc::strong_count(gate) > 1);
    }

    fn refused(&self, limit: u32, wait: &governor::NotUntil<Nanos>) -> AppError {
        let millis = wait.wait_time_from(self.clock.now()).as_millis();
        too_many(limit, Span::millis(i64::try_from(millis).unwrap_or(i64::MAX)))
    }
}

fn too_many(limit: u32, wait: Span) -> AppError {
    let mut error = AppError::new(catalogue::TOO_MANY_TRIES).retry_after(wait);
    error.known.rate_limit = Some(limit);
    error
}

fn limiter<K: Hash + Eq + Clone>(quota: Quota, clock: &AppClock) -> Limiter<K> {
    RateLimiter::new(quota, HashMapStateStore::default(), clock.clone())
}

/// A number in a quota; none of them is zero.
fn at_most(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// An account as it is counted, whether or not there is one.
fn key(account: &str) -> String {
    // What is no address opens nothing: it is counted as it was typed.
    Email::parse(account)
        .map_or_else(|_| account.chars().take(64).collect(), |email| email.to_string())
}

/// Who counts as one: an IPv4 address, or the /64 that one household of IPv6 has.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use latchkey_domain::Timestamp;

    use super::*;

    fn client(address: &str) -> Client {
        Client { address: address.parse().expect("an address"), user_agent: String::new() }
    }

    #[tokio::test]
    async fn tries_are_counted_by_network() {
        let clock = Clock::manual(Timestamp::from_seconds(1_000_000));
        let db = Db::open("sqlite::memory:").await.expect("a database");
        let limits = Limits::new(db, clock.clone());
        for n in 0..300 {
            let address = format!("2001:db8:1:2::{n:x}");
            assert!(limits.check(&client(&address)).is_ok(), "{n}");
        }
        assert!(limits.check(&client("2001:db8:1:2:ffff::1")).is_err());
        assert!(limits.check(&client("2001:db8:1:3::1")).is_ok());
        clock.advance(Span::seconds(1));
        assert!(limits.check(&client("2001:db8:1:2::1")).is_ok());
    }
}
