//! The third question: do its claims hold now?

use latchkey_domain::{Span, Timestamp};
use serde_json::Value;

use self::CheckResult::{Fail, Pass, Skipped};
use super::decode::Object;
use super::visible::visible;
use crate::compare::card;

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
    pub(crate) said: String,
}

type Checked = (CheckResult, String);

/// What a `typ` says that a token is, and which claims it has to have.
const KINDS: [(&str, &str, &[&str]); 4] = [
    (
        "at+jwt",
        "an access token has to have it (RFC 9068 §2.2)",
        &["iss", "exp", "aud", "sub", "client_id", "iat", "jti"],
    ),
    ("dpop+jwt", "a DPoP proof has to have it (RFC 9449 §4.2)", &["jti", "htm", "htu", "iat"]),
    (
        "logout+jwt",
        "a logout token has to have it (OpenID Connect Back-Channel Logout §2.4)",
        &["iss", "aud", "iat", "exp", "jti", "events"],
    ),
    (card::TYPE, "a card of the comparison has it", &["iss", "iat", "claim", "verdict"]),
];

/// Judges the claims of a token that calls itself `typ`.
pub(crate) fn check(claims: &Object, typ: Option<&str>, expected: Expected<'_>) -> Vec<ClaimCheck> {
    let claim = |name: &str| claims.members.get(name);
    let typ = typ.map(|typ| typ.trim_start_matches("application/"));
    let kind = KINDS.iter().find(|(of, ..)| typ.is_some_and(|typ| typ.eq_ignore_ascii_case(of)));
    let required = kind.map_or(&["exp"][..], |(.., required)| required);
    let checks = ["iss", "aud", "exp", "nbf", "iat"].into_iter().filter_map(|name| {
        let (result, said) = match name {
            // It is told from others by its kind, and proves a key to whom it is shown.
            "iss" | "aud" if kind.is_some_and(|(of, ..)| *of == "dpop+jwt") => return None,
            // It is for everybody.
            "aud" if kind.is_some_and(|(of, ..)| *of == card::TYPE) => return None,
            "iss" => issuer(claim(name), expected.issuer),
            "aud" => audience(claim(name), expected.audience),
            "exp" if claim(name).is_none() && !required.contains(&name) => return None,
            _ => time(name, claim(name), expected),
        };
        Some(ClaimCheck { claim: name, result, said })
    });
    let mut checks: Vec<_> = checks.collect();
    if let Some((_, why, required)) = kind {
        let missing = required.iter().filter(|name| claim(name).is_none());
        for claim in missing {
            checks.retain(|check| check.claim != *claim);
            let said = format!("Missing: {why}.");
            checks.push(ClaimCheck { claim, result: Fail, said });
        }
    }
    checks
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

/// `exp`, `nbf` or `iat` ("on or after", RFC 7519 §4.1.4 to §4.1.6).
fn time(claim: &str, found: Option<&Value>, Expected { leeway, now, .. }: Expected<'_>) -> Checked {
    let at = match (moment(found), claim) {
        (Ok(Some(at)), _) => at,
        (Err(said), _) => return (Fail, said.to_owned()),
        (Ok(None), "exp") => {
            return (
                Fail,
                "It never ends. A JWT may leave it out (RFC 7519 §4.1.4); an access token or an \
                 ID token may not."
                    .to_owned(),
            );
        }
        (Ok(None), "nbf") => {
            return (Skipped, "It does not say from when it is valid: at once, then.".to_owned());
        }
        (Ok(None), _) => return (Skipped, "It does not say when it was issued.".to_owned()),
    };
    let (ago, ahead) = (now.since(at), at.since(now));
    let differ = format!("clocks may differ by {leeway}.");
    let (has_come, is_near) = (at <= now, at <= now.plus(leeway));
    match claim {
        "exp" if !has_come => (Pass, format!("Expires in {ahead}.")),
        "exp" if at.plus(leeway) <= now => (Fail, format!("Expired {ago} ago.")),
        "exp" => (Pass, format!("Expired {ago} ago, and still taken: {differ}")),
        "nbf" if has_come => (Pass, format!("Valid since {ago} ago.")),
        "nbf" if is_near => (Pass, format!("Begins in {ahead}: {differ}")),
        "nbf" => (Fail, format!("Not valid yet: in {ahead}.")),
        _ if has_come => (Pass, format!("Issued {ago} ago.")),
        _ if is_near => (Pass, format!("Issued {ahead} from now: {differ}")),
        _ => (Fail, format!("Issued in the future, {ahead} from now: a clock is wrong.")),
    }
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

/// When a claim says that something was or will be; none when it holds no time.
pub(crate) fn when(name: &str, value: &Value, now: Timestamp) -> Option<String> {
    let is_time = ["exp", "nbf", "iat", "auth_time", "updated_at"].contains(&name);
    let at = moment(Some(value).filter(|_| is_time)).ok()??;
    Some(match at <= now {
        true => format!("{at}, {} ago", now.since(at)),
        false => format!("{at}, in {}", at.since(now)),
    })
}
