//! The third lamp: do its claims hold now?

use latchkey_domain::{Span, Timestamp};
use serde_json::Value;

use super::{Lamp, visible};

/// The last second of the year 9999, beyond which RFC 3339 has no dates.
const LAST_SECOND: i64 = 253_402_300_799;

/// From here on a number is the milliseconds of somebody's mistake: as seconds
/// it would be beyond the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// What the claims are to be compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked<'a> {
    pub issuer: Option<&'a str>,
    pub audience: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub claim: &'static str,
    pub lamp: Lamp,
    pub said: String,
}

impl Judgement {
    fn of(claim: &'static str, lamp: Lamp, said: impl Into<String>) -> Self {
        Self { claim, lamp, said: said.into() }
    }
}

/// Judges the claims about issuer, audience and time, each by itself.
#[must_use]
pub fn judge(
    claims: &[(String, Value)],
    asked: Asked<'_>,
    leeway: Span,
    now: Timestamp,
) -> Vec<Judgement> {
    let claim = |name: &str| claims.iter().find(|(found, _)| found == name).map(|(_, value)| value);
    vec![
        issuer(claim("iss"), asked.issuer),
        audience(claim("aud"), asked.audience),
        expiry(claim("exp"), leeway, now),
        not_before(claim("nbf"), leeway, now),
        issued_at(claim("iat"), leeway, now),
    ]
}

/// What all of them come to: one no is a no.
#[must_use]
pub fn lamp(judgements: &[Judgement]) -> Lamp {
    let any = |lamp| judgements.iter().any(|one| one.lamp == lamp);
    if any(Lamp::Off) {
        Lamp::Off
    } else if any(Lamp::On) {
        Lamp::On
    } else {
        Lamp::NotAsked
    }
}

fn issuer(found: Option<&Value>, wanted: Option<&str>) -> Judgement {
    let of = |lamp, said: &str| Judgement::of("iss", lamp, said);
    match (found, wanted) {
        (None, None) => of(Lamp::NotAsked, "It does not say who issued it."),
        (None, Some(_)) => of(Lamp::Off, "It does not say who issued it."),
        (Some(Value::String(_)), None) => {
            of(Lamp::NotAsked, "Nobody was named to compare it with.")
        }
        (Some(Value::String(found)), Some(wanted)) if found == wanted => {
            of(Lamp::On, "The issuer that was expected, to the letter.")
        }
        (Some(Value::String(found)), Some(wanted)) if is_near(found, wanted) => of(
            Lamp::Off,
            "Almost the issuer that was expected. It is compared to the letter, a slash at the \
             end included (OpenID Connect Core §3.1.3.7).",
        ),
        (Some(Value::String(_)), Some(wanted)) => {
            of(Lamp::Off, &format!("Another issuer than {}.", visible(wanted)))
        }
        (Some(_), _) => of(Lamp::Off, "Not a text, which it has to be (RFC 7519 §4.1.1)."),
    }
}

fn is_near(found: &str, wanted: &str) -> bool {
    let plain = |text: &str| text.trim_end_matches('/').to_lowercase();
    plain(found) == plain(wanted)
}

fn audience(found: Option<&Value>, wanted: Option<&str>) -> Judgement {
    let of = |lamp, said: &str| Judgement::of("aud", lamp, said);
    let all: Vec<&str> = match found {
        None => {
            let lamp = if wanted.is_some() { Lamp::Off } else { Lamp::NotAsked };
            return of(lamp, "It does not say whom it is for: any service might take it.");
        }
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) if several.iter().all(Value::is_string) => {
            several.iter().filter_map(Value::as_str).collect()
        }
        Some(_) => {
            return of(Lamp::Off, "Neither a text nor a list of texts (RFC 7519 §4.1.3).");
        }
    };
    let Some(wanted) = wanted else {
        return of(Lamp::NotAsked, "Nobody was named to compare it with.");
    };
    match (all.contains(&wanted), all.len()) {
        (true, 1) => of(Lamp::On, "The audience that was expected, and no other."),
        (true, _) => of(
            Lamp::On,
            "The audience that was expected is among them. Each of the others could use it there, \
             too; Latchkey’s own API takes a token for itself alone.",
        ),
        (false, _) => of(Lamp::Off, &format!("Not for {}.", visible(wanted))),
    }
}

fn expiry(found: Option<&Value>, leeway: Span, now: Timestamp) -> Judgement {
    let of = |lamp, said: &str| Judgement::of("exp", lamp, said);
    let at = match moment(found) {
        Ok(Some(at)) => at,
        Ok(None) => {
            return of(
                Lamp::Off,
                "It never ends. A JWT may leave it out (RFC 7519 §4.1.4); an access token or an \
                 ID token may not.",
            );
        }
        Err(said) => return of(Lamp::Off, said),
    };
    if now < at {
        return of(Lamp::On, &format!("Expires in {}.", at.since(now)));
    }
    let ago = ago(at, now);
    // "On or after" (RFC 7519 §4.1.4).
    if at.plus(leeway) <= now {
        of(Lamp::Off, &format!("Expired {ago}."))
    } else {
        of(Lamp::On, &format!("Expired {ago}, and still taken: clocks may differ by {leeway}."))
    }
}

fn not_before(found: Option<&Value>, leeway: Span, now: Timestamp) -> Judgement {
    let of = |lamp, said: &str| Judgement::of("nbf", lamp, said);
    match moment(found) {
        Ok(None) => of(Lamp::NotAsked, "It does not say from when it is valid: at once, then."),
        Ok(Some(at)) if at <= now => of(Lamp::On, &format!("Valid since {}.", ago(at, now))),
        Ok(Some(at)) if at <= now.plus(leeway) => {
            of(Lamp::On, &format!("Begins in {}: clocks may differ by {leeway}.", at.since(now)))
        }
        Ok(Some(at)) => of(Lamp::Off, &format!("Not valid yet: in {}.", at.since(now))),
        Err(said) => of(Lamp::Off, said),
    }
}

fn issued_at(found: Option<&Value>, leeway: Span, now: Timestamp) -> Judgement {
    let of = |lamp, said: &str| Judgement::of("iat", lamp, said);
    match moment(found) {
        Ok(None) => of(Lamp::NotAsked, "It does not say when it was issued."),
        Ok(Some(at)) if at <= now => of(Lamp::On, &format!("Issued {}.", ago(at, now))),
        Ok(Some(at)) if at <= now.plus(leeway) => of(
            Lamp::On,
            &format!("Issued {} from now: clocks may differ by {leeway}.", at.since(now)),
        ),
        Ok(Some(at)) => of(
            Lamp::Off,
            &format!("Issued in the future, {} from now: a clock is wrong.", at.since(now)),
        ),
        Err(said) => of(Lamp::Off, said),
    }
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago", now.since(at))
}

/// A `NumericDate`: seconds since 1970, perhaps with a fraction (RFC 7519 §2).
fn moment(found: Option<&Value>) -> Result<Option<Timestamp>, &'static str> {
    let Some(value) = found else { return Ok(None) };
    let Value::Number(number) = value else {
        return Err("Not a number. Times are seconds since 1970, without quotes (RFC 7519 §2).");
    };
    let seconds = match (number.as_i64(), number.as_f64()) {
        (Some(seconds), _) => seconds,
        (None, Some(seconds)) => whole(seconds),
        (None, None) => i64::MAX,
    };
    if (MILLISECONDS_FROM..=LAST_SECOND * 1000).contains(&seconds) {
        return Err("So large that it must be milliseconds. Times are seconds (RFC 7519 §2).");
    }
    if !(-LAST_SECOND..=LAST_SECOND).contains(&seconds) {
        return Err("No time that a calendar has.");
    }
    Ok(Some(Timestamp::from_seconds(seconds)))
}

#[expect(clippy::cast_possible_truncation, reason = "`as` stops at the ends of i64")]
fn whole(seconds: f64) -> i64 {
    seconds.floor() as i64
}

/// A time as a date and as a distance, for whoever reads the claims.
#[must_use]
pub fn in_words(value: &Value, now: Timestamp) -> Option<String> {
    let at = moment(Some(value)).ok()??;
    let distance = if at <= now { ago(at, now) } else { format!("in {}", at.since(now)) };
    Some(format!("{at}, {distance}"))
}
