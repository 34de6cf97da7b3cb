//! Clock, random tokens, digests, and a bounded map with expiry.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The provider's clock, which tests can replace.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the only use of the system clock")]
    pub fn system() -> Self {
        Self::from_fn(SystemTime::now)
    }

    pub fn from_fn(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn now(&self) -> Timestamp {
        // A clock before 1970 counts as 1970.
        let since = (self.0)().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(since.as_secs())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Whole seconds since 1970, the `NumericDate` of RFC 7519 §2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.as_secs()))
    }

    /// The time since `earlier`, or zero if that is in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}

/// 256 bits from the operating system, base64url: 43 characters.
///
/// RFC 6749 §10.10 requires a probability of guessing of at most 2^-128 and recommends 2^-160.
pub fn random_token() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A random number below 2^53, which JSON and JavaScript represent exactly.
pub fn random_safe_integer() -> Result<u64, getrandom::Error> {
    Ok(getrandom::u64()? >> 11)
}

/// A SHA-256 digest, stored in place of a code or token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub fn of(value: impl AsRef<[u8]>) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, value.as_ref()).as_ref());
        Self(bytes)
    }

    pub fn to_base64url(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub fn from_base64url(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The left half in base64url, as `at_hash` uses it.
    pub fn left_half(self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0[..16])
    }

    /// Compares in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

/// Compares in constant time, even if the lengths differ.
pub fn secrets_match(a: &str, b: &str) -> bool {
    Digest::of(a).matches(&Digest::of(b))
}

/// Adds a member to a JSON object if there is a value.
pub fn put(object: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[name] = value.into();
    }
}

/// At most `capacity` values with expiry times, keyed by the digest of a secret.
#[derive(Debug)]
pub struct ExpiringMap<V> {
    entries: IndexMap<Digest, (Timestamp, V)>,
    capacity: usize,
}

impl<V> ExpiringMap<V> {
    pub fn new(capacity: usize) -> Self {
        Self { entries: IndexMap::new(), capacity }
    }

    /// A full map first drops expired values, then the oldest one.
    pub fn insert(&mut self, now: Timestamp, key: Digest, expires_at: Timestamp, value: V) {
        self.entries.shift_remove(&key);
        if self.entries.len() >= self.capacity {
            self.entries.retain(|_, (expires_at, _)| *expires_at > now);
        }
        if self.entries.len() >= self.capacity {
            self.entries.shift_remove_index(0);
        }
        self.entries.insert(key, (expires_at, value));
    }

    pub fn get(&self, now: Timestamp, key: &Digest) -> Option<&V> {
        let (expires_at, value) = self.entries.get(key)?;
        (*expires_at > now).then_some(value)
    }

    pub fn get_mut(&mut self, now: Timestamp, key: &Digest) -> Option<&mut V> {
        let (expires_at, value) = self.entries.get_mut(key)?;
        (*expires_at > now).then_some(value)
    }

    pub fn iter(&self, now: Timestamp) -> impl Iterator<Item = (&Digest, &V)> {
        let valid = self.entries.iter().filter(move |(_, (expires_at, _))| *expires_at > now);
        valid.map(|(key, (_, value))| (key, value))
    }

    pub fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.entries.retain(|_, (_, value)| keep(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(100);

    fn key(n: u8) -> Digest {
        Digest::of([n])
    }

    #[test]
    fn secrets_match_only_when_equal() {
        for (a, b, same) in [
            ("secret", "secret", true),
            ("secret", "secreT", false),
            ("secret", "secre", false),
            ("secret", "", false),
        ] {
            assert_eq!(secrets_match(a, b), same, "{a} {b}");
        }
    }

    #[test]
    fn expired_values_are_not_returned() {
        let mut map = ExpiringMap::new(2);
        map.insert(NOW, key(1), Timestamp(160), "a");
        assert_eq!(map.get(Timestamp(159), &key(1)), Some(&"a"));
        assert_eq!(map.get(Timestamp(160), &key(1)), None);
        assert_eq!(map.get_mut(Timestamp(160), &key(1)), None);
    }

    #[test]
    fn full_map_evicts_expired_entries_before_oldest() {
        let mut map = ExpiringMap::new(2);
        map.insert(NOW, key(1), Timestamp(900), "old");
        map.insert(NOW, key(2), Timestamp(150), "expired");
        map.insert(Timestamp(200), key(3), Timestamp(900), "new");
        assert!(map.get(Timestamp(200), &key(1)).is_some());

        map.insert(Timestamp(200), key(4), Timestamp(900), "newer");
        assert!(map.get(Timestamp(200), &key(1)).is_none());
        assert!(map.get(Timestamp(200), &key(3)).is_some());
        assert_eq!(map.entries.len(), 2);
    }

    #[test]
    fn reinserted_value_occupies_one_slot() {
        let removals: [fn(&mut ExpiringMap<u8>); 2] =
            [|map| map.retain(|value| *value != 1), |_| {}];
        for remove in removals {
            let mut map = ExpiringMap::new(2);
            map.insert(NOW, key(2), Timestamp(900), 2);
            map.insert(NOW, key(1), Timestamp(900), 1);
            remove(&mut map);
            map.insert(NOW, key(1), Timestamp(900), 1);
            assert_eq!(map.iter(NOW).map(|(_, value)| *value).collect::<Vec<_>>(), [2, 1]);
        }
    }
}
