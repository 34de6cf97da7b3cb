//! The clock, measured by those of the providers.
//!
//! Tokens carry times, and a clock that is wrong refuses good ones, or takes
//! those that have expired. 60 seconds are forgiven, no more.

use http::{HeaderMap, header};
use latchkey_domain::Timestamp;

use super::finding::{Check, Finding};
use super::reach::Heard;

const SUBJECT: &str = "clock";

/// From here on somebody should look after the clock, in milliseconds.
const NOTICEABLE: i64 = 30_000;

/// From here on tokens are refused, in milliseconds.
const TOO_MUCH: i64 = 60_000;

/// Judges the clock by the answer that came quickest: there the instant of
/// `Date` is known best.
pub(super) fn finding(heard: &[Vec<Heard>]) -> Finding {
    let measured = heard.iter().flatten().filter_map(|one| {
        let took = one.answered_at.since(one.asked_at).as_millis();
        let theirs = date(one.answer.as_ref().ok()?.headers())?;
        Some((took, skew(one.asked_at, one.answered_at, theirs)))
    });
    judge(measured.min_by_key(|(took, _)| *took).map(|(_, skew)| skew))
}

/// When the provider answered, by its own clock (RFC 9110 §6.6.1).
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()?;
    let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(i64::try_from(since.as_millis()).ok()?))
}

/// By how many milliseconds our clock is ahead. The answer was made halfway
/// between question and answer, and half a second is cut off in the mean.
fn skew(asked_at: Timestamp, answered_at: Timestamp, theirs: Timestamp) -> i64 {
    let ours = i64::midpoint(asked_at.as_millis(), answered_at.as_millis());
    ours.saturating_sub(theirs.as_millis().saturating_add(500))
}

fn judge(skew: Option<i64>) -> Finding {
    let Some(skew) = skew else {
        return Finding::ok(
            Check::Clock,
            SUBJECT,
            "The clock was not measured: no real provider told its time.",
        );
    };
    let seconds = (skew.abs() + 500) / 1000;
    let side = if skew > 0 { "ahead of" } else { "behind" };
    let sentence = format!("The clock is {seconds} seconds {side} a provider's.");
    let what = "Let this machine take its time from the network (NTP).";
    match skew.abs() {
        off if off > TOO_MUCH => Finding::problem(Check::Clock, SUBJECT, sentence).advise(what),
        off if off > NOTICEABLE => Finding::warning(Check::Clock, SUBJECT, sentence).advise(what),
        off if off < 2_000 => Finding::ok(Check::Clock, SUBJECT, "The clock is right."),
        _ => Finding::ok(Check::Clock, SUBJECT, sentence),
    }
    .fact("Forgiven", "60 seconds")
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn the_clock_is_judged_by_both_sides() {
        for (skew, level) in [
            (None, Level::Ok),
            (Some(0), Level::Ok),
            (Some(30_000), Level::Ok),
            (Some(30_001), Level::Warning),
            (Some(-45_000), Level::Warning),
            (Some(60_001), Level::Problem),
            (Some(-3_600_000), Level::Problem),
        ] {
            assert_eq!(judge(skew).level, level, "{skew:?}");
        }
        assert!(judge(Some(-61_000)).finding.contains("61 seconds behind"));
    }

    #[test]
    fn dates_are_read_and_compared() {
        let mut headers = HeaderMap::new();
        headers
            .insert(header::DATE, http::HeaderValue::from_static("Mon, 23 Nov 2026 16:12:00 GMT"));
        let theirs = date(&headers).expect("a date");
        assert_eq!(theirs, Timestamp::from_seconds(1_795_450_320));
        let asked = Timestamp::from_millis(theirs.as_millis() + 40_000);
        let answered = Timestamp::from_millis(theirs.as_millis() + 41_000);
        assert_eq!(skew(asked, answered, theirs), 40_000);
        headers.insert(header::DATE, http::HeaderValue::from_static("yesterday"));
        assert_eq!(date(&headers), None);
    }
}
