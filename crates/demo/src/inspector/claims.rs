//! The third question: do its claims hold now?

use latchkey_domain::{Span, Timestamp};
use serde_json::Value;

use self::CheckResult::{Fail, Pass, Skipped};
use super::visible::visible;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CheckResult {
    Pass,
    Fail,
    /// Not asked, or there is nothing to ask it of.
    Skipped,
}

/// The last second of the year 9999, beyond which RFC 3339 has no dates.
const LAST_SECOND: i64 = 253_402_300_799;

/// From here on a number is the milliseconds of somebody's mistake: as seconds
/// it would be beyond the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// What the claims are to be compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected<'a> {
    pub(crate) issuer: Option<&'a str>,
    pub(crate) audience: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimCheck {
    pub(crate) claim: &'static str,
    pub(crate) result: CheckResult,
    pub(crate) said: String,
}

type Checked = (CheckResult, String);

pub(crate) fn check(
    claims: &[(String, Value)],
    expected: Expected<'_>,
    leeway: Span,
    now: Timestamp,
) -> Vec<ClaimCheck> {
    let claim = |name: &str| claims.iter().find(|(found, _)| found == name).map(|(_, value)| value);
    [
        ("iss", issuer(claim("iss"), expected.issuer)),
        ("aud", audience(claim("aud"), expected.audience)),
        ("exp", expiry(claim("exp"), leeway, now)),
        ("nbf", not_before(claim("nbf"), leeway, now)),
        ("iat", issued_at(claim("iat"), leeway, now)),
    ]
    .map(|(claim, (result, said))| ClaimCheck { claim, result, said })
    .into()
}

fn issuer(found: Option<&Value>, expected: Option<&str>) -> Checked {
    let (result, said) = match (found, expected) {
        (None, None) => (Skipped, "It does not say who issued it."),
        (None, Some(_)) => (Fail, "It does not say who issued it."),
        (Some(Value::String(_)), None) => (Skipped, "Nobody was named to compare it with."),
        (Some(Value::String(found)), Some(expected)) if found == expected => {
            (Pass, "The issuer that was expected, to the letter.")
        }
        (Some(Value::String(found)), Some(expected)) if is_near(found, expected) => (
            Fail,
            "Almost the issuer that was expected. It is compared to the letter, a slash at the \
             end included (OpenID Connect Core §3.1.3.7).",
        ),
        (Some(Value::String(_)), Some(expected)) => {
            return (Fail, format!("Another issuer than {}.", visible(expected)));
        }
        (Some(_), _) => (Fail, "Not a text, which it has to be (RFC 7519 §4.1.1)."),
    };
    (result, said.to_owned())
}

fn is_near(found: &str, expected: &str) -> bool {
    let plain = |text: &str| text.trim_end_matches('/').to_lowercase();
    plain(found) == plain(expected)
}

fn audience(found: Option<&Value>, expected: Option<&str>) -> Checked {
    const UNNAMED: &str = "It does not say whom it is for: any service might take it.";
    let all: Option<Vec<&str>> = match found {
        None => return (if expected.is_some() { Fail } else { Skipped }, UNNAMED.to_owned()),
        Some(Value::String(one)) => Some(vec![one]),
        Some(Value::Array(several)) => several.iter().map(Value::as_str).collect(),
        Some(_) => None,
    };
    let (result, said) = match (all, expected) {
        (None, _) => (Fail, "Neither a text nor a list of texts (RFC 7519 §4.1.3)."),
        (_, None) => (Skipped, "Nobody was named to compare it with."),
        (Some(all), Some(expected)) if !all.contains(&expected) => {
            return (Fail, format!("Not for {}.", visible(expected)));
        }
        (Some(all), _) if all.len() == 1 => (Pass, "The audience that was expected, and no other."),
        (Some(_), _) => (
            Pass,
            "The audience that was expected is among them. Each of the others could use it there, \
             too; Latchkey’s own API takes a token for itself alone.",
        ),
    };
    (result, said.to_owned())
}

fn expiry(found: Option<&Value>, leeway: Span, now: Timestamp) -> Checked {
    match moment(found) {
        Err(said) => (Fail, said.to_owned()),
        Ok(None) => (
            Fail,
            "It never ends. A JWT may leave it out (RFC 7519 §4.1.4); an access token or an ID \
             token may not."
                .to_owned(),
        ),
        Ok(Some(at)) if now < at => (Pass, format!("Expires in {}.", at.since(now))),
        // "On or after" (RFC 7519 §4.1.4).
        Ok(Some(at)) if at.plus(leeway) <= now => (Fail, format!("Expired {}.", ago(at, now))),
        Ok(Some(at)) => (
            Pass,
            format!("Expired {}, and still taken: clocks may differ by {leeway}.", ago(at, now)),
        ),
    }
}

fn not_before(found: Option<&Value>, leeway: Span, now: Timestamp) -> Checked {
    match moment(found) {
        Err(said) => (Fail, said.to_owned()),
        Ok(None) => (Skipped, "It does not say from when it is valid: at once, then.".to_owned()),
        Ok(Some(at)) if at <= now => (Pass, format!("Valid since {}.", ago(at, now))),
        Ok(Some(at)) if at <= now.plus(leeway) => {
            (Pass, format!("Begins in {}: clocks may differ by {leeway}.", at.since(now)))
        }
        Ok(Some(at)) => (Fail, format!("Not valid yet: in {}.", at.since(now))),
    }
}

fn issued_at(found: Option<&Value>, leeway: Span, now: Timestamp) -> Checked {
    match moment(found) {
        Err(said) => (Fail, said.to_owned()),
        Ok(None) => (Skipped, "It does not say when it was issued.".to_owned()),
        Ok(Some(at)) if at <= now => (Pass, format!("Issued {}.", ago(at, now))),
        Ok(Some(at)) if at <= now.plus(leeway) => {
            (Pass, format!("Issued {} from now: clocks may differ by {leeway}.", at.since(now)))
        }
        Ok(Some(at)) => {
            (Fail, format!("Issued in the future, {} from now: a clock is wrong.", at.since(now)))
        }
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

pub(crate) fn in_words(value: &Value, now: Timestamp) -> Option<String> {
    let at = moment(Some(value)).ok()??;
    let distance = if at <= now { ago(at, now) } else { format!("in {}", at.since(now)) };
    Some(format!("{at}, {distance}"))
}
