//! Failed passwords and codes, counted across instances.

use latchkey_domain::{Span, Timestamp};
use latchkey_store::Db;
use latchkey_store::failed_attempts::{self, Bucket};

use crate::people::NOW;

const HERE: Bucket = Bucket { tries: 3, every: Span::seconds(30) };
const EVERYWHERE: Bucket = Bucket { tries: 5, every: Span::seconds(10) };
const CLOSED: Span = Span::minutes(5);

async fn wrong(db: &Db, address: &str, at: Timestamp) -> bool {
    let buckets = (HERE, EVERYWHERE);
    failed_attempts::record(db, "ada", address, buckets, CLOSED, at).await.expect("written")
}

/// How many seconds Ada's account is locked for this address.
async fn closed(db: &Db, address: &str, at: Timestamp) -> i64 {
    let wait = failed_attempts::lockout(db, "ada", address, HERE, CLOSED, at).await;
    wait.expect("an answer").map_or(0, Span::as_seconds)
}

on_both! {
    async fn failed_attempt_bucket_refills_over_time(database) {
        let db = &database.db;
        for _ in 0..3 {
            assert_eq!(closed(db, "a", NOW).await, 0);
            assert!(!wrong(db, "a", NOW).await);
        }
        assert_eq!(closed(db, "a", NOW).await, 30);
        assert_eq!(closed(db, "b", NOW).await, 0);
        // Concurrent attempts that did not see the lock.
        assert!(wrong(db, "a", NOW).await);
        let later = NOW.plus(Span::seconds(31));
        assert_eq!(closed(db, "a", later).await, 0);
        assert!(!wrong(db, "a", later).await);
        assert!(wrong(db, "a", later).await);
        // Much later, the bucket is full again.
        let later = NOW.plus(Span::minutes(10));
        for _ in 0..3 {
            assert!(!wrong(db, "a", later).await);
        }
    }

    async fn account_wide_limit_allows_one_attempt_per_address(database) {
        let db = &database.db;
        for address in ["a", "b", "c", "d", "e"] {
            assert!(!wrong(db, address, NOW).await);
            assert_eq!(closed(db, address, NOW).await, 0);
        }
        assert!(!wrong(db, "f", NOW).await);
        assert_eq!(closed(db, "f", NOW).await, 300);
        assert!(wrong(db, "f", NOW).await);
        assert_eq!(closed(db, "a", NOW).await, 0);
        assert_eq!(closed(db, "owner", NOW).await, 0);
    }

    async fn future_failed_attempts_do_not_lock_the_account(database) {
        let db = &database.db;
        let ahead = NOW.plus(Span::minutes(60));
        for _ in 0..3 {
            wrong(db, "a", ahead).await;
        }
        assert_eq!(closed(db, "a", NOW).await, 0);
        failed_attempts::forget(db, NOW).await.expect("swept");
        assert_eq!(database.rows("wrong_tries").await, 2);
        failed_attempts::forget(db, ahead.plus(Span::minutes(10))).await.expect("swept");
        assert_eq!(database.rows("wrong_tries").await, 0);
    }
}
