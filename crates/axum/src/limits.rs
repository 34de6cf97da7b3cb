//! How often somebody may try: token buckets (governor) by address and by account.
//!
//! | what | burst | then |
//! |---|---|---|
//! | tries of any kind, by address | 300 | 2 a second |
//! | wrong passwords, by account and address | 10 | one in 30 seconds |
//! | wrong passwords, by account | 50 | see below |
//! | letters, by address | 100 | 10 a minute |
//! | calls to connected services, by person | 60 | one a second |
//! | letters of one kind, by account | 3 | one in 5 minutes, and silently none beyond |
//!
//! An attacker must not be able to lock somebody else out. So a right password
//! costs nothing, and wrong ones close an account only to the address that
//! they came from: when an account has had too many from everywhere, each
//! further address gets one wrong try, and the owner, who makes none, notices nothing.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::{NoOpMiddleware, StateInformationMiddleware};
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use latchkey_domain::{Clock, Email, Span, Timestamp, UserId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::client::Client;
use crate::errors::{AppError, HandlerResult, catalogue};

/// When the tries at one account from one address are used up, there is one more after so long.
const ONE_MORE_AFTER: Span = Span::seconds(30);

/// How long an account stays closed to an address that helped to exhaust it.
const CLOSED_FOR: Span = Span::minutes(5);

/// Tries at one account from one address that are looked at at the same time.
const AT_ONCE: usize = 4;

/// Closed pairs that are remembered at most.
const MAX_CLOSED: usize = 100_000;

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, AppClock, NoOpMiddleware<Nanos>>;

/// One that also tells how much is left.
type CountingLimiter<K> =
    RateLimiter<K, HashMapStateStore<K>, AppClock, StateInformationMiddleware>;

/// The app's clock, as governor reads it.
#[derive(Clone, Debug)]
struct AppClock(Clock);

impl GovernorClock for AppClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Duration::from_millis(self.0.now().as_millis().unsigned_abs()).into()
    }
}

#[derive(Debug)]
pub struct Limits {
    clock: AppClock,
    tries: Limiter<IpAddr>,
    wrong_here: CountingLimiter<(String, IpAddr)>,
    wrong_anywhere: Limiter<String>,
    letters_from: Limiter<IpAddr>,
    letters_to: Limiter<(&'static str, String)>,
    calls: Limiter<UserId>,
    closed: Mutex<HashMap<(String, IpAddr), Timestamp>>,
    gates: Mutex<HashMap<(String, IpAddr), Arc<Semaphore>>>,
}

/// One try that was let in, until it is dropped.
#[derive(Debug)]
pub struct Gate {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Limits {
    pub fn new(clock: Clock) -> Self {
        let clock = AppClock(clock);
        Self {
            tries: limiter(Quota::per_second(at_most(2)).allow_burst(at_most(300)), &clock),
            wrong_here: limiter(Quota::per_minute(at_most(2)).allow_burst(at_most(10)), &clock)
                .with_middleware(),
            wrong_anywhere: limiter(Quota::per_minute(at_most(6)).allow_burst(at_most(50)), &clock),
            letters_from: limiter(Quota::per_minute(at_most(10)).allow_burst(at_most(100)), &clock),
            letters_to: limiter(Quota::per_hour(at_most(12)).allow_burst(at_most(3)), &clock),
            calls: limiter(Quota::per_second(at_most(1)).allow_burst(at_most(60)), &clock),
            closed: Mutex::default(),
            gates: Mutex::default(),
            clock,
        }
    }

    /// One try of any kind.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub fn check(&self, client: &Client) -> HandlerResult<()> {
        self.tries.check_key(&network(client.address)).map_err(|wait| self.too_many(&wait))
    }

    /// Lets one try at an account in, when it is open to this address.
    ///
    /// A few at a time: what one of them finds out counts for those that wait,
    /// so that sending all guesses at once gains nothing.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub async fn admit(&self, account: &str, client: &Client) -> HandlerResult<Gate> {
        let pair = (key(account), network(client.address));
        let gate = {
            let mut gates = self.gates.lock();
            let gate = gates.entry(pair).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE)));
            Arc::clone(gate)
        };
        // Gates are never closed, so nobody is turned away here.
        let permit = gate.acquire_owned().await.ok();
        self.open(account, client)?;
        Ok(Gate { _permit: permit })
    }

    /// Whether this account is open to this address.
    ///
    /// # Errors
    /// 429 with the time to wait.
    fn open(&self, account: &str, client: &Client) -> HandlerResult<()> {
        let pair = (key(account), network(client.address));
        let now = self.clock.0.now();
        let closed = self.closed.lock();
        match closed.get(&pair) {
            Some(until) if *until > now => {
                Err(AppError::new(catalogue::TOO_MANY_TRIES).retry_after(until.since(now)))
            }
            _ => Ok(()),
        }
    }

    /// A wrong password was typed. Closes the account to the address when that
    /// was one too many.
    pub fn record_failure(&self, account: &str, client: &Client) {
        let pair = (key(account), network(client.address));
        // The last try there was closes it, not the first one too many.
        let here = match self.wrong_here.check_key(&pair) {
            Ok(left) => (left.remaining_burst_capacity() == 0).then_some(ONE_MORE_AFTER),
            Err(wait) => Some(self.wait(&wait)),
        };
        let anywhere = self.wrong_anywhere.check_key(&pair.0).err().map(|_| CLOSED_FOR);
        if let Some(wait) = here.max(anywhere) {
            let now = self.clock.0.now();
            let mut closed = self.closed.lock();
            if closed.len() >= MAX_CLOSED {
                closed.retain(|_, until| *until > now);
            }
            if closed.len() < MAX_CLOSED {
                closed.insert(pair, now.plus(wait));
            }
        }
    }

    /// A letter is asked for.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub fn check_email(&self, client: &Client) -> HandlerResult<()> {
        self.letters_from.check_key(&network(client.address)).map_err(|wait| self.too_many(&wait))
    }

    /// A call to a provider for somebody: each costs the provider something, and
    /// us our name there.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub fn check_call(&self, user: UserId) -> HandlerResult<()> {
        self.calls.check_key(&user).map_err(|wait| self.too_many(&wait))
    }

    /// Whether an address has not had too many letters of this kind. It is not
    /// said to whoever asks: that would tell who has an account. Each kind is
    /// counted apart, so that nobody can use up somebody else's way back in.
    pub fn allow_email_to(&self, kind: &'static str, email: &Email) -> bool {
        self.letters_to.check_key(&(kind, email.to_string())).is_ok()
    }

    pub fn evict(&self) {
        self.tries.retain_recent();
        self.wrong_here.retain_recent();
        self.wrong_anywhere.retain_recent();
        self.letters_from.retain_recent();
        self.letters_to.retain_recent();
        self.calls.retain_recent();
        self.gates.lock().retain(|_, gate| Arc::strong_count(gate) > 1);
        let now = self.clock.0.now();
        self.closed.lock().retain(|_, until| *until > now);
    }

    fn wait(&self, wait: &governor::NotUntil<Nanos>) -> Span {
        let millis = wait.wait_time_from(self.clock.now()).as_millis();
        Span::millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    fn too_many(&self, wait: &governor::NotUntil<Nanos>) -> AppError {
        AppError::new(catalogue::TOO_MANY_TRIES).retry_after(self.wait(wait))
    }
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
fn network(address: IpAddr) -> IpAddr {
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
    use super::*;

    fn client(address: &str) -> Client {
        Client { address: address.parse().expect("an address"), user_agent: String::new() }
    }

    fn wait(outcome: HandlerResult<()>) -> Option<i64> {
        outcome.err().and_then(|error| error.retries_after()).map(Span::as_seconds)
    }

    #[test]
    fn wrong_passwords_close_an_account_only_to_where_they_came_from() {
        let clock = Clock::standing_at(Timestamp::from_seconds(1_000_000));
        let limits = Limits::new(clock.clone());
        let (thief, owner) = (client("203.0.113.9"), client("198.51.100.7"));
        for _ in 0..10 {
            assert_eq!(wait(limits.open("ada@example.test", &thief)), None);
            limits.record_failure("Ada@example.test", &thief);
        }
        assert!(
            wait(limits.open("ADA@example.test", &thief)).is_some_and(|s| (1..=30).contains(&s))
        );
        assert_eq!(wait(limits.open("ada@example.test", &owner)), None);
        assert_eq!(wait(limits.open("bob@example.test", &thief)), None);
        clock.advance(Span::seconds(31));
        assert_eq!(wait(limits.open("ada@example.test", &thief)), None);
    }

    #[test]
    fn many_addresses_get_one_try_each_and_the_owner_notices_nothing() {
        let clock = Clock::standing_at(Timestamp::from_seconds(1_000_000));
        let limits = Limits::new(clock);
        let from = |n: u8| client(&format!("203.0.113.{n}"));
        for n in 0..50 {
            limits.record_failure("ada@example.test", &from(n));
        }
        assert_eq!(wait(limits.open("ada@example.test", &from(7))), None);
        limits.record_failure("ada@example.test", &from(60));
        assert_eq!(wait(limits.open("ada@example.test", &from(60))), Some(300));
        assert_eq!(wait(limits.open("ada@example.test", &client("198.51.100.7"))), None);
    }

    #[test]
    fn tries_are_counted_by_network() {
        let clock = Clock::standing_at(Timestamp::from_seconds(1_000_000));
        let limits = Limits::new(clock.clone());
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
