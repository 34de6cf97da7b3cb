//! Wrong passwords and codes, counted for all instances together.
//!
//! Each row is a bucket that fills with time: it says when all its tries are
//! there again, and each wrong one moves that by as long as one takes to come back.

use latchkey_domain::{Span, Timestamp};

use crate::values::params;
use crate::{Db, Error, Result, hash};

/// The address of a row that counts an account's tries from everywhere.
const EVERYWHERE: &str = "";

/// So many tries at once, and then one each time that the span has gone by.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    pub tries: u32,
    pub every: Span,
}

impl Bucket {
    /// A row that says this, or earlier, has a try left at this time.
    fn limit(self, now: Timestamp) -> Timestamp {
        (1..self.tries).fold(now, |at, _| at.plus(self.every))
    }
}

const FIND: &str = "SELECT used_until FROM wrong_tries WHERE account = $1 AND address = $2";

/// `$3`: after the first try. `$4`: what is later has no try left. `$5`: one too
/// many. `$6`: what is earlier is full. `$7`: what a try costs.
const RECORD: &str = "INSERT INTO wrong_tries (account, address, used_until) VALUES ($1, $2, $3) \
    ON CONFLICT (account, address) DO UPDATE SET used_until = CASE \
        WHEN wrong_tries.used_until > $4 THEN $5 \
        WHEN wrong_tries.used_until > $6 THEN wrong_tries.used_until + $7 \
        ELSE $3 END \
    RETURNING used_until";

/// Of an account that is deleted: the addresses are its person's, perhaps.
pub(crate) const FORGET_ACCOUNT: &str = "DELETE FROM wrong_tries WHERE account = $1";

const FORGET: &str = "DELETE FROM wrong_tries WHERE used_until < $1";

/// How long an account is closed to an address; `None` when it is open.
///
/// What lies farther ahead than `longest` was written by a clock that has been
/// put right since, and closes nothing.
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

/// A wrong try. When the account's tries from everywhere are used up, it is
/// closed to this address for so long. Says whether it was closed already: then
/// this was one too many.
pub async fn record(
    db: &Db,
    account: &str,
    address: &str,
    (here, everywhere): (Bucket, Bucket),
    closed_for: Span,
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
    // Whatever the row says, from there on it is closed for so long.
    let (first, closed, earlier) = if is_exhausted {
        let closed = limit.plus(closed_for);
        (closed, closed, Timestamp::from_millis(i64::MAX))
    } else {
        (now.plus(here.every), limit.plus(here.every), now)
    };
    Ok(add(db, &account, address, [first, limit, closed, earlier], here.every.as_millis()).await?
        > closed)
}

/// Says what the row says afterwards: later than `all` when it was one too many.
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
