//! Checks the claims of a token: issuer, audience, times and the members its type requires.

use latchkey_domain::{Span, Timestamp};
use serde_json::Value;

use self::CheckResult::{Fail, Pass, Skipped};
use super::decode::Object;
use super::escape::escape_invisible;
use crate::compare::card;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CheckResult {
    Pass,
    Fail,
    Skipped,
}

/// The end of the year 9999, the last that RFC 3339 can write.
const LAST_SECOND: i64 = 253_402_300_799;

/// A larger number must be milliseconds: as seconds it would be after the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) issuer: Option<&'a str>,
    pub(crate) audience: Option<&'a str>,
    pub(crate) leeway: Span,
    pub(crate) now: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimCheck {
    pub(crate) claim: &'static str,
    pub(crate) result: CheckResult,
    pub(crate) message: String,
}

/// The known values of `typ`, with the members that each requires.
const TOKEN_TYPES: [(&str, &str, &[&str]); 4] = [
    (
        "at+jwt",
        "an access token requires it (RFC 9068 §2.2)",
        &["iss", "exp", "aud", "sub", "client_id", "iat", "jti"],
    ),
    ("dpop+jwt", "a DPoP proof requires it (RFC 9449 §4.2)", &["jti", "htm", "htu", "iat"]),
    (
        "logout+jwt",
        "a logout token requires it (OpenID Connect Back-Channel Logout §2.4)",
        &["iss", "aud", "iat", "exp", "jti", "events"],
    ),
    (card::TYPE, "a card of the comparison requires it", &["iss", "iat", "claim", "verdict"]),
];

pub(crate) fn check(claims: &Object, typ: Option<&str>, expected: Expected<'_>) -> Vec<ClaimCheck> {
    let claim = |name: &str| claims.members.get(name);
    let typ = typ.map(|typ| typ.trim_start_matches("application/"));
    let known =
        TOKEN_TYPES.iter().find(|(of, ..)| typ.is_some_and(|typ| typ.eq_ignore_ascii_case(of)));
    let required = known.map_or(&["exp"][..], |(.., required)| required);
    let checks = ["iss", "aud", "exp", "nbf", "iat"].into_iter().filter_map(|name| {
        let (result, message) = match name {
            // A DPoP proof has neither.
            "iss" | "aud" if known.is_some_and(|(of, ..)| *of == "dpop+jwt") => return None,
            // Anyone may verify a card.
            "aud" if known.is_some_and(|(of, ..)| *of == card::TYPE) => return None,
            "iss" => issuer(claim(name), expected.issuer),
            "aud" => audience(claim(name), expected.audience),
            "exp" if claim(name).is_none() && !required.contains(&name) => return None,
            _ => time(name, claim(name), expected),
        };
        Some(ClaimCheck { claim: name, result, message })
    });
    let mut checks: Vec<_> = checks.collect();
    if let Some((_, why, required)) = known {
        for claim in required.iter().filter(|name| claim(name).is_none()) {
            checks.retain(|check| check.claim != *claim);
            let message = format!("Missing: {why}.");
            checks.push(ClaimCheck { claim, result: Fail, message });
        }
    }
    checks
}

fn issuer(found: Option<&Value>, expected: Option<&str>) -> (CheckResult, String) {
    let (result, message) = match (found, expected) {
        (None, None) => (Skipped, "It names no issuer."),
        (None, Some(_)) => (Fail, "It names no issuer."),
        (Some(Value::String(_)), None) => (Skipped, "No expected issuer was given."),
        (Some(Value::String(found)), Some(expected)) if found == expected => {
            (Pass, "Exactly the expected issuer.")
        }
        (Some(Value::String(found)), Some(expected)) if is_similar(found, expected) => (
            Fail,
            "Almost the expected issuer. Every character has to match, including a trailing slash \
             (OpenID Connect Core §3.1.3.7).",
        ),
        (Some(Value::String(_)), Some(expected)) => {
            return (Fail, format!("Not issued by {}.", escape_invisible(expected)));
        }
        (Some(_), _) => (Fail, "It must be a string (RFC 7519 §4.1.1)."),
    };
    (result, message.to_owned())
}

fn is_similar(found: &str, expected: &str) -> bool {
    let normalized = |text: &str| text.trim_end_matches('/').to_lowercase();
    normalized(found) == normalized(expected)
}

fn audience(found: Option<&Value>, expected: Option<&str>) -> (CheckResult, String) {
    const MISSING: &str = "It names no audience, so any service might accept it.";
    let all: Option<Vec<&str>> = match found {
        None => return (if expected.is_some() { Fail } else { Skipped }, MISSING.to_owned()),
        Some(Value::String(one)) => Some(vec![one]),
        Some(Value::Array(several)) => several.iter().map(Value::as_str).collect(),
        Some(_) => None,
    };
    let (result, message) = match (all, expected) {
        (None, _) => (Fail, "It must be a string or an array of strings (RFC 7519 §4.1.3)."),
        (_, None) => (Skipped, "No expected audience was given."),
        (Some(all), Some(expected)) if !all.contains(&expected) => {
            return (Fail, format!("Not for {}.", escape_invisible(expected)));
        }
        (Some(all), _) if all.len() == 1 => (Pass, "The expected audience, and no other."),
        (Some(_), _) => (
            Pass,
            "The expected audience is among them. Each of the others could use the token there, \
             too; Latchkey’s own API only accepts tokens for itself alone.",
        ),
    };
    (result, message.to_owned())
}

/// Checks `exp`, `nbf` or `iat` (RFC 7519 §4.1.4 to §4.1.6).
fn time(
    claim: &str,
    found: Option<&Value>,
    Expected { leeway, now, .. }: Expected<'_>,
) -> (CheckResult, String) {
    let at = match (numeric_date(found), claim) {
        (Ok(Some(at)), _) => at,
        (Err(message), _) => return (Fail, message.to_owned()),
        (Ok(None), "exp") => {
            return (
                Fail,
                "It never expires. A JWT may omit exp (RFC 7519 §4.1.4); an access token or an ID \
                 token may not."
                    .to_owned(),
            );
        }
        (Ok(None), "nbf") => return (Skipped, "It is valid immediately.".to_owned()),
        (Ok(None), _) => return (Skipped, "It does not say when it was issued.".to_owned()),
    };
    let (ago, ahead) = (now.since(at), at.since(now));
    let tolerance = format!("clocks may differ by {leeway}.");
    let (is_past, is_tolerated) = (at <= now, at <= now.plus(leeway));
    match claim {
        "exp" if !is_past => (Pass, format!("Expires in {ahead}.")),
        "exp" if at.plus(leeway) <= now => (Fail, format!("Expired {ago} ago.")),
        "exp" => (Pass, format!("Expired {ago} ago, but still accepted: {tolerance}")),
        "nbf" if is_past => (Pass, format!("Became valid {ago} ago.")),
        "nbf" if is_tolerated => (Pass, format!("Valid in {ahead}, but accepted: {tolerance}")),
        "nbf" => (Fail, format!("Not valid yet. Valid in {ahead}.")),
        _ if is_past => (Pass, format!("Issued {ago} ago.")),
        _ if is_tolerated => {
            (Pass, format!("Issued {ahead} in the future, but accepted: {tolerance}"))
        }
        _ => (Fail, format!("Issued {ahead} in the future: a clock is wrong.")),
    }
}

/// A `NumericDate`: seconds since 1970, possibly with a fraction (RFC 7519 §2).
fn numeric_date(found: Option<&Value>) -> Result<Option<Timestamp>, &'static str> {
    let Some(value) = found else { return Ok(None) };
    let Value::Number(number) = value else {
        return Err("Not a number. Times are seconds since 1970, without quotes (RFC 7519 §2).");
    };
    let seconds = match (number.as_i64(), number.as_f64()) {
        (Some(seconds), _) => seconds,
        (None, Some(seconds)) => floor(seconds),
        (None, None) => i64::MAX,
    };
    if (MILLISECONDS_FROM..=LAST_SECOND * 1000).contains(&seconds) {
        return Err("This looks like milliseconds. Times are in seconds (RFC 7519 §2).");
    }
    if !(-LAST_SECOND..=LAST_SECOND).contains(&seconds) {
        return Err("This number is out of range for a date.");
    }
    Ok(Some(Timestamp::from_seconds(seconds)))
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
fn floor(seconds: f64) -> i64 {
    seconds.floor() as i64
}

/// The date of a claim that holds one; our `created_at` is in milliseconds.
pub(crate) fn date(name: &str, value: &Value, now: Timestamp) -> Option<String> {
    let is_date = ["exp", "nbf", "iat", "auth_time", "updated_at"].contains(&name);
    let at = match value.as_i64() {
        Some(millis @ MILLISECONDS_FROM..) if name == "created_at" => {
            Timestamp::from_millis(millis)
        }
        _ => numeric_date(Some(value).filter(|_| is_date)).ok()??,
    };
    Some(match at <= now {
        true => format!("{at}, {} ago", now.since(at)),
        false => format!("{at}, in {}", at.since(now)),
    })
}
