//! What the account pages show of a user, in one statement.

use latchkey_domain::audit::Event;
use latchkey_domain::sign_in::{Lifetime, SignIn};
use latchkey_domain::{Timestamp, UserId};

use crate::identities::Identity;
use crate::sign_ins::MAX_ACTIVE;
use crate::values::{Row, params};
use crate::{Db, Result};

#[derive(Debug, Default)]
pub struct Overview {
    /// The last used first. `true`: it has ended, but its JWT may still be valid.
    pub sign_ins: Vec<(SignIn, bool)>,
    /// The oldest first.
    pub identities: Vec<Identity>,
    pub password_changed_at: Option<Timestamp>,
    /// The newest first.
    pub events: Vec<Event>,
}

#[derive(Clone, Copy, Debug)]
pub struct OverviewQuery {
    pub session: Lifetime,
    /// Includes ended sign-ins whose JWT was issued after this.
    pub lingering_since: Timestamp,
    /// The number of audit events.
    pub events: u32,
}

/// A union of four tables: six text columns and five times.
const OVERVIEW: &str = "\
    SELECT * FROM (SELECT 'sign_in' AS part, s.id AS a, s.carries AS b, s.door AS c, \
        s.user_agent AS d, s.address AS e, s.user_id AS f, s.created_at AS t, s.authenticated_at AS u, \
        COALESCE((SELECT MAX(r.issued_at) FROM refresh_tokens r WHERE r.sign_in_id = s.id), \
            s.last_seen_at) AS v, \
        s.expires_at AS w, s.ended_at AS x \
    FROM sign_ins s WHERE s.user_id = $1 AND (\
        (s.ended_at IS NULL AND s.expires_at > $2 \
            AND (s.carries <> 'session' OR s.last_seen_at > $3)) \
        OR (s.carries = 'jwt' AND s.ended_at IS NOT NULL AND (s.last_seen_at > $4 \
            OR EXISTS (SELECT 1 FROM refresh_tokens t \
                WHERE t.sign_in_id = s.id AND t.issued_at > $4)))) \
    ORDER BY s.ended_at IS NOT NULL, v DESC LIMIT $6) AS newest \
    UNION ALL SELECT 'identity', issuer, subject, provider, name, email, NULL, \
        linked_at, last_used_at, NULL, NULL, NULL FROM identities WHERE user_id = $1 \
    UNION ALL SELECT 'password', NULL, NULL, NULL, NULL, NULL, NULL, \
        changed_at, NULL, NULL, NULL, NULL FROM passwords WHERE user_id = $1 \
    UNION ALL SELECT 'event', id, kind, actor, detail, address, user_id, \
        at, NULL, NULL, NULL, NULL FROM audit_events WHERE id IN \
            (SELECT id FROM audit_events WHERE user_id = $1 ORDER BY id DESC LIMIT $5)";

enum Part {
    SignIn(SignIn, bool),
    Identity(Identity),
    Password(Timestamp),
    Event(Event),
}

pub async fn of_user(
    db: &Db,
    user: UserId,
    query: OverviewQuery,
    now: Timestamp,
) -> Result<Overview> {
    let OverviewQuery { session, lingering_since, events } = query;
    let idle_since = now.minus(session.idle);
    let params = params![user, now, idle_since, lingering_since, events, 2 * MAX_ACTIVE];
    let mut overview = Overview::default();
    for part in db.fetch_all(OVERVIEW, params, part).await? {
        match part {
            Part::SignIn(sign_in, ended) => overview.sign_ins.push((sign_in, ended)),
            Part::Identity(identity) => overview.identities.push(identity),
            Part::Password(changed_at) => overview.password_changed_at = Some(changed_at),
            Part::Event(event) => overview.events.push(event),
        }
    }
    // A union has no order.
    overview
        .sign_ins
        .sort_by_key(|(one, ended)| (*ended, std::cmp::Reverse((one.last_seen_at, one.id))));
    overview.identities.sort_by_key(|one| one.linked_at);
    overview.events.sort_by_key(|event| std::cmp::Reverse(event.id));
    Ok(overview)
}

fn part(row: &Row<'_>) -> Result<Part> {
    Ok(match row.get::<String>("part")?.as_str() {
        "sign_in" => {
            let ended: Option<Timestamp> = row.get("x")?;
            Part::SignIn(
                SignIn {
                    id: row.get("a")?,
                    user_id: row.get("f")?,
                    credential: row.get("b")?,
                    method: row.get("c")?,
                    user_agent: row.get("d")?,
                    address: row.get("e")?,
                    created_at: row.get("t")?,
                    authenticated_at: row.get("u")?,
                    last_seen_at: row.get("v")?,
                    expires_at: row.get("w")?,
                },
                ended.is_some(),
            )
        }
        "identity" => Part::Identity(Identity {
            issuer: row.get("a")?,
            subject: row.get("b")?,
            provider: row.get("c")?,
            name: row.get("d")?,
            email: row.get("e")?,
            linked_at: row.get("t")?,
            last_used_at: row.get("u")?,
        }),
        "password" => Part::Password(row.get("t")?),
        _ => Part::Event(Event {
            id: row.get("a")?,
            at: row.get("t")?,
            kind: row.get("b")?,
            user_id: row.get("f")?,
            actor: row.get("c")?,
            detail: row.get("d")?,
            address: row.get("e")?,
        }),
    })
}
