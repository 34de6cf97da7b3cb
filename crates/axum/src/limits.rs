//! Rate limits, by address and by account.
//!
//! | what | burst | then | counted |
//! |---|---|---|---|
//! | wrong passwords and codes, by account and address | 10 | one in 30 seconds | in the database |
//! | wrong passwords and codes, by account | 50 | see below | in the database |
//! | attempts of any kind, by address | 300 | 2 a second | in each process |
//! | e-mails, by address of the client | 100 | 10 a minute | in each process |
//! | changes of the password, by user | 5 | one in 10 minutes | in each process |
//! | calls to connected services, by user | 60 | one a second | in each process |
//! | e-mails of one kind, by recipient | 3 | one in 5 minutes; more are dropped silently | in each process |
//!
//! An attacker must not be able to lock out the owner of an account. So a right password
//! does not count towards the limits of an account, and wrong ones lock the account only for the address that they came
//! from. After too many from all addresses together, each new address has one wrong attempt.

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

/// Wrong attempts at one account from one address.
const PER_ADDRESS: Bucket = Bucket { tries: 10, every: Span::seconds(30) };

/// Wrong attempts at one account from all addresses.
const PER_ACCOUNT: Bucket = Bucket { tries: 50, every: Span::seconds(10) };

/// How long an account is locked for an address that contributed to the limit.
const LOCKOUT: Span = Span::minutes(5);

/// Concurrent attempts at one account from one address.
const MAX_CONCURRENT: usize = 4;

/// How many successful pairs of account and address are remembered.
const MAX_SUCCESSES: u64 = 10_000;

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, AppClock, NoOpMiddleware<Nanos>>;

/// The app's monotonic clock for governor: correcting the time of day must not lock users out.
#[derive(Clone, Debug)]
struct AppClock(Clock);

impl GovernorClock for AppClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.uptime().into()
    }
}

/// The normalized account, and the network of the client.
type AttemptKey = (String, IpAddr);

/// Errors are 429 with `Retry-After`.
#[derive(Debug)]
pub struct Limits {
    db: Db,
    clock: AppClock,
    attempts: Limiter<IpAddr>,
    emails_from: Limiter<IpAddr>,
    emails_to: Limiter<(&'static str, String)>,
    calls: Limiter<UserId>,
    password_changes: Limiter<UserId>,
    concurrent: Mutex<HashMap<AttemptKey, Arc<Semaphore>>>,
    successes: Cache<AttemptKey, ()>,
}

/// Permits one attempt at an account, until it is dropped.
#[derive(Debug)]
pub struct AttemptPermit {
    _permit: Option<OwnedSemaphorePermit>,
    key: AttemptKey,
    /// Whether an attempt from this address succeeded before.
    pub is_known: bool,
}

const ATTEMPTS: u32 = 300;
const EMAILS: u32 = 100;
const CALLS: u32 = 60;
const PASSWORD_CHANGES: u32 = 5;

impl Limits {
    pub fn new(db: Db, clock: Clock) -> Self {
        let clock = AppClock(clock);
        Self {
            attempts: limiter(Quota::per_second(nonzero(2)), ATTEMPTS, &clock),
            emails_from: limiter(Quota::per_minute(nonzero(10)), EMAILS, &clock),
            emails_to: limiter(Quota::per_hour(nonzero(12)), 3, &clock),
            calls: limiter(Quota::per_second(nonzero(1)), CALLS, &clock),
            password_changes: limiter(Quota::per_hour(nonzero(6)), PASSWORD_CHANGES, &clock),
            concurrent: Mutex::default(),
            successes: Cache::new(MAX_SUCCESSES),
            db,
            clock,
        }
    }

    /// Counts an attempt of any kind.
    pub fn check(&self, client: &Client) -> HandlerResult<()> {
        let checked = self.attempts.check_key(&network(client.address));
        checked.map_err(|wait| self.rate_limited(ATTEMPTS, &wait))
    }

    /// Begins an attempt at an account, unless it is locked for this address.
    ///
    /// Only a few run at a time, and each failure counts for those that wait: guessing in
    /// parallel gains nothing.
    pub async fn begin_attempt(
        &self,
        account: &str,
        client: &Client,
    ) -> HandlerResult<AttemptPermit> {
        let key = (normalize(account), network(client.address));
        let semaphore = {
            let mut concurrent = self.concurrent.lock();
            let new = || Arc::new(Semaphore::new(MAX_CONCURRENT));
            Arc::clone(concurrent.entry(key.clone()).or_insert_with(new))
        };
        // Always a permit: the semaphores are never closed.
        let permit = semaphore.acquire_owned().await.ok();
        let (account, address) = (&key.0, key.1.to_string());
        let now = self.clock.0.now();
        match failed_attempts::lockout(&self.db, account, &address, PER_ADDRESS, LOCKOUT, now)
            .await?
        {
            Some(wait) => Err(too_many(PER_ADDRESS.tries, wait)),
            None => {
                let is_known = self.successes.contains_key(&key);
                Ok(AttemptPermit { _permit: permit, key, is_known })
            }
        }
    }

    /// Counts a wrong password or code. If concurrent attempts have used up the limit
    /// meanwhile, the error hides that this one was wrong.
    pub async fn record_failure(&self, permit: &AttemptPermit) -> HandlerResult<()> {
        let (account, address) = (&permit.key.0, permit.key.1.to_string());
        let (now, buckets) = (self.clock.0.now(), (PER_ADDRESS, PER_ACCOUNT));
        let exhausted =
            failed_attempts::record(&self.db, account, &address, buckets, LOCKOUT, now).await?;
        if exhausted { Err(too_many(PER_ADDRESS.tries, PER_ADDRESS.every)) } else { Ok(()) }
    }

    /// Remembers a success: later attempts from this address have priority in the queue for
    /// password hashing.
    pub fn record_success(&self, permit: &AttemptPermit) {
        self.successes.insert(permit.key.clone(), ());
    }

    /// Counts an e-mail that this client requests.
    pub fn check_email(&self, client: &Client) -> HandlerResult<()> {
        let checked = self.emails_from.check_key(&network(client.address));
        checked.map_err(|wait| self.rate_limited(EMAILS, &wait))
    }

    /// Counts a call to a provider on behalf of a user.
    pub fn check_call(&self, user: UserId) -> HandlerResult<()> {
        self.calls.check_key(&user).map_err(|wait| self.rate_limited(CALLS, &wait))
    }

    /// Counts a change of the password. Each one voids the links of earlier e-mails: whoever
    /// knows the password must not be able to void every reset.
    pub fn check_password_change(&self, user: UserId) -> HandlerResult<()> {
        let checked = self.password_changes.check_key(&user);
        checked.map_err(|wait| self.rate_limited(PASSWORD_CHANGES, &wait))
    }

    /// Whether this address may get another e-mail of this kind. Do not tell the client: it
    /// would reveal who has an account. Kinds are counted separately, so that nobody can use
    /// up another user's password resets.
    pub fn allow_email_to(&self, kind: &'static str, email: &Email) -> bool {
        self.emails_to.check_key(&(kind, email.to_string())).is_ok()
    }

    /// Drops entries that no longer limit anything. Call it regularly.
    pub fn evict(&self) {
        self.attempts.retain_recent();
        self.emails_from.retain_recent();
        self.emails_to.retain_recent();
        self.calls.retain_recent();
        self.password_changes.retain_recent();
        self.concurrent.lock().retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
    }

    fn rate_limited(&self, limit: u32, wait: &governor::NotUntil<Nanos>) -> AppError {
        let millis = wait.wait_time_from(self.clock.now()).as_millis();
        too_many(limit, Span::millis(i64::try_from(millis).unwrap_or(i64::MAX)))
    }
}

fn too_many(limit: u32, wait: Span) -> AppError {
    let mut error = AppError::new(catalogue::TOO_MANY_TRIES).retry_after(wait);
    error.details.rate_limit = Some(limit);
    error
}

fn limiter<K: Hash + Eq + Clone>(quota: Quota, burst: u32, clock: &AppClock) -> Limiter<K> {
    let quota = quota.allow_burst(nonzero(burst));
    RateLimiter::new(quota, HashMapStateStore::default(), clock.clone())
}

/// Only called with constants above zero.
fn nonzero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// The account as it is counted. Text that is no e-mail address is counted as typed.
fn normalize(account: &str) -> String {
    Email::parse(account)
        .map_or_else(|_| account.chars().take(64).collect(), |email| email.to_string())
}

/// The network that is counted as one client: an IPv4 address or an IPv6 /64.
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
    async fn rate_limit_applies_per_ipv6_network() {
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
