//! Failed passwords and codes, counted across all instances.
//!
//! Each row is a token bucket (GCRA): `used_until` is when the bucket is full again, and
//! each failure moves it by one interval.

use latchkey_domain::{Span, Timestamp};

use crate::values::params;
use crate::{Db, Error, Result, hash};

/// The address of the row that counts failures from all addresses.
const EVERYWHERE: &str = "";

/// Allows a burst of `tries`, and then one more per interval.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    pub tries: u32,
    pub every: Span,
}

impl Bucket {
    /// The latest `used_until` that leaves a try now.
    fn limit(self, now: Timestamp) -> Timestamp {
        (1..self.tries).fold(now, |at, _| at.plus(self.every))
    }
}

const FIND: &str = "SELECT used_until FROM wrong_tries WHERE account = $1 AND address = $2";

/// `$3`: the value after the first failure. `$4`: later means no try left. `$5`: the value
/// after one too many. `$6`: earlier means full. `$7`: the cost of a failure.
const RECORD: &str = "INSERT INTO wrong_tries (account, address, used_until) VALUES ($1, $2, $3) \
    ON CONFLICT (account, address) DO UPDATE SET used_until = CASE \
        WHEN wrong_tries.used_until > $4 THEN $5 \
        WHEN wrong_tries.used_until > $6 THEN wrong_tries.used_until + $7 \
        ELSE $3 END \
    RETURNING used_until";

pub(crate) const FORGET_ACCOUNT: &str = "DELETE FROM wrong_tries WHERE account = $1";

const FORGET: &str = "DELETE FROM wrong_tries WHERE used_until < $1";

/// How long an account is still locked for an address; `None` when it is not.
///
/// A lock longer than `longest` was written by a wrong clock, and is ignored.
pub async fn lockout(
    db: &Db,
    account: &str,
    address: &str,
    here: Bucket,
    longest: Span,
    now: Timestamp,
) -> Result<Option<Span>> {
    let account = hash::sha256_hex(account);
    let params = params![account, address];
    let until: Option<Timestamp> =
        db.fetch_optional(FIND, params, |row| row.get("used_until")).await?;
    let wait = until.map(|until| until.since(here.limit(now)));
    Ok(wait.filter(|wait| *wait > Span::millis(0) && *wait <= longest + Span::seconds(1)))
}

/// Records a failure. If failures from all addresses exceed their limit, locks the account
/// for this address. Returns whether it was locked already.
pub async fn record(
    db: &Db,
    account: &str,
    address: &str,
    (here, everywhere): (Bucket, Bucket),
    lock_for: Span,
    now: Timestamp,
) -> Result<bool> {
    let account = hash::sha256_hex(account);
    let (limit, full) = (everywhere.limit(now), now.plus(everywhere.every));
    let all = limit.plus(everywhere.every);
    let is_exhausted =
        add(db, &account, EVERYWHERE, [full, limit, all, now], everywhere.every.as_millis())
            .await?
            > all;
    let limit = here.limit(now);
    // Locks the address whatever its row says.
    let (first, locked, earlier) = if is_exhausted {
        let locked = limit.plus(lock_for);
        (locked, locked, Timestamp::from_millis(i64::MAX))
    } else {
        (now.plus(here.every), limit.plus(here.every), now)
    };
    Ok(add(db, &account, address, [first, limit, locked, earlier], here.every.as_millis()).await?
        > locked)
}

/// Returns the new `used_until`: later than `all` when it was one too many.
async fn add(
    db: &Db,
    account: &str,
    address: &str,
    [first, limit, all, earlier]: [Timestamp; 4],
    cost: i64,
) -> Result<Timestamp> {
    let too_many = all.plus(Span::millis(1));
    let params = params![account, address, first, limit, too_many, earlier, cost];
    let row = db.fetch_optional(RECORD, params, |row| row.get("used_until")).await?;
    row.ok_or(Error::Unreadable("used_until"))
}

pub async fn forget(db: &Db, now: Timestamp) -> Result<()> {
    db.execute(FORGET, params![now]).await?;
    Ok(())
}
