//! Judges an attack by its answers alone.
//!
//! It counts as refused only if the intended check refused it: by its status and error code, or by
//! other evidence of this check. An attack that fails for another reason proves nothing.

use crate::agent::Answer;
use crate::evidence::format_number;
use crate::stats::{median, noise, sign_test};

/// Timed requests per address.
pub(super) const ROUNDS: usize = 18;

/// A difference is significant if chance produces it less often than this.
const SIGNIFICANCE: f64 = 1e-3;

/// The expected answer to one step of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// This status, with an error code of the catalogue.
    Code(u16, &'static str),
    /// An error code, and this text in the body.
    CodeAndText(u16, &'static str, &'static str),
    /// An error of the token endpoint (RFC 6749 §5.2).
    OAuthError(u16, &'static str),
    /// A challenge with this error (RFC 6750 §3).
    Challenge(u16, &'static str),
    /// A redirect back to the app with this error (RFC 6749 §4.1.2.1).
    ErrorRedirect(&'static str),
    /// An error page with this status, without a redirect (RFC 6749 §4.1.2.1).
    NoRedirect(u16),
    RedirectsTo(&'static str),
    /// This text is in neither the body nor a header.
    LacksText(&'static str),
    /// Success, and this header contains this text.
    HasHeader(&'static str, &'static str),
    LacksHeader(&'static str),
    /// Nothing has changed: 200, and this text is still in the body.
    StillShows(&'static str),
    /// 429 with `Retry-After` (RFC 6585 §4).
    RateLimited,
    SameAsFirst,
    /// The same response time with and without an account.
    SameTiming,
    /// The same refresh token as in the first answer: the family does not fork.
    SameSuccessor,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Refused,
    GotThrough(String),
    CouldNotRun(String),
    /// It ran, but timing on this machine is too noisy for a verdict.
    Undecided(String),
}

impl Verdict {
    pub const fn is_through(&self) -> bool {
        matches!(self, Self::GotThrough(_))
    }
}

/// Compares each answer with the expectation at its position; the last expectation applies to all
/// further answers.
pub fn judge(expect: &[Expect], answers: &[Answer]) -> Verdict {
    let (Some(last), Some(first)) = (expect.last(), answers.first()) else {
        return Verdict::CouldNotRun("Nothing was sent.".to_owned());
    };
    if *last == Expect::SameTiming {
        return judge_timing(answers);
    }
    if answers.len() < expect.len() {
        return Verdict::CouldNotRun("It ended before its last step.".to_owned());
    }
    let mut worst = Verdict::Refused;
    for (index, answer) in answers.iter().enumerate() {
        match judge_answer(expect.get(index).unwrap_or(last), answer, first) {
            Verdict::Refused => {}
            through @ Verdict::GotThrough(_) => return through,
            other => worst = other,
        }
    }
    worst
}

fn judge_answer(expect: &Expect, answer: &Answer, first: &Answer) -> Verdict {
    // A failed or rate-limited request was not processed.
    let was_processed = |answer: &Answer| !answer.status.is_server_error() && answer.status != 429;
    match *expect {
        Expect::Code(status, code) => refused(answer, answer.is(status, code)),
        Expect::CodeAndText(status, code, text) => {
            refused(answer, answer.is(status, code) && answer.text().contains(text))
        }
        Expect::OAuthError(status, error) => refused(
            answer,
            answer.status == status && answer.member("error").as_deref() == Some(error),
        ),
        Expect::Challenge(status, error) => {
            let challenge = answer.values("www-authenticate");
            refused(answer, answer.status == status && challenge.contains(error))
        }
        Expect::ErrorRedirect(error) => {
            let location = answer.location();
            let mut pairs = location.iter().flat_map(|url| url.query_pairs());
            let found = pairs.find(|(name, _)| name == "error");
            refused(answer, found.is_some_and(|(_, value)| value == error))
        }
        Expect::NoRedirect(status) => {
            refused(answer, answer.status == status && !answer.headers.contains_key("location"))
        }
        Expect::RedirectsTo(target) => match answer.header("location") {
            Some(found) if found == target && answer.status == 303 => Verdict::Refused,
            Some(found) => Verdict::GotThrough(format!("It redirected to {found}")),
            None => unclear(answer),
        },
        Expect::LacksText(text) if was_processed(answer) => {
            refused_if(!answer.contains(text), || format!("The answer contains “{text}”"))
        }
        Expect::HasHeader(header, part) if is_success(answer) => {
            refused_if(answer.values(header).contains(part), || {
                format!("The answer has no {header} with {part}")
            })
        }
        Expect::LacksHeader(header) if was_processed(answer) => {
            refused_if(!answer.headers.contains_key(header), || format!("The answer has {header}"))
        }
        Expect::StillShows(text) if was_processed(answer) => {
            refused_if(answer.status == 200 && answer.text().contains(text), || {
                format!("The answer was {}, without the expected text", answer.line())
            })
        }
        Expect::RateLimited if answer.is(429, "too_many_tries") => refused_if(
            answer.header("retry-after").is_some_and(|after| after.parse::<u32>().is_ok()),
            || "The answer has no valid Retry-After".to_owned(),
        ),
        Expect::RateLimited if was_processed(answer) => {
            Verdict::GotThrough(format!("The guess was checked: {}", answer.line()))
        }
        Expect::SameAsFirst if was_processed(answer) && was_processed(first) => {
            refused_if(answer.without_identity() == first.without_identity(), || {
                format!("The answer {} differs from the first one, {}", answer.line(), first.line())
            })
        }
        Expect::SameSuccessor if answer.status == 200 && first.status == 200 => refused_if(
            answer.member("refresh_token").is_some()
                && answer.member("refresh_token") == first.member("refresh_token"),
            || "The token has two successors".to_owned(),
        ),
        _ => unclear(answer),
    }
}

/// A success or a redirect.
fn is_success(answer: &Answer) -> bool {
    answer.status.as_u16() < 400
}

/// `GotThrough` if the answer is not an error at all.
fn refused(answer: &Answer, is_expected: bool) -> Verdict {
    if is_expected {
        Verdict::Refused
    } else if is_success(answer) {
        Verdict::GotThrough(format!("The answer was {}", answer.line()))
    } else {
        unclear(answer)
    }
}

fn refused_if(holds: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if holds { Verdict::Refused } else { Verdict::GotThrough(otherwise()) }
}

fn unclear(answer: &Answer) -> Verdict {
    Verdict::CouldNotRun(format!(
        "The answer was {}, which is not the expected refusal.",
        answer.line()
    ))
}

/// Compares response times in rounds of three: with an account, without one, and with a second
/// account as the control. If the two accounts differ, the verdict is open.
fn judge_timing(answers: &[Answer]) -> Verdict {
    let first = answers.first().map(|first| first.status);
    let is_unexpected = |one: &&Answer| {
        Some(one.status) != first || one.status == 429 || one.status.is_server_error()
    };
    if let Some(other) = answers.iter().find(is_unexpected) {
        return Verdict::CouldNotRun(format!("The answer was {}.", other.line()));
    }
    let times = |index: usize| -> Vec<f64> {
        answers.chunks_exact(3).map(|round| round[index].millis()).collect()
    };
    let (known, unknown, control) = (times(0), times(1), times(2));
    if known.len() < ROUNDS {
        return Verdict::Undecided("There was no time for enough rounds.".to_owned());
    }
    let minus_known =
        |times: &[f64]| -> Vec<f64> { times.iter().zip(&known).map(|(a, b)| a - b).collect() };
    let (difference, control_difference) = (minus_known(&unknown), minus_known(&control));
    let noise = noise(&known, &control).unwrap_or(f64::INFINITY);
    let median = median(&difference).unwrap_or_default();
    let is_significant = |differences: &[f64]| sign_test(differences) < SIGNIFICANCE;
    let is_above_noise = median.abs() > noise;
    match (is_significant(&control_difference), is_significant(&difference), is_above_noise) {
        (true, ..) => Verdict::Undecided(
            "Response times differ even between two addresses with an account: this machine is too \
             busy."
                .to_owned(),
        ),
        (false, true, true) => Verdict::GotThrough(format!(
            "Without an account, the answer comes {} ms {}",
            format_number(median.abs()),
            if median < 0.0 { "sooner" } else { "later" }
        )),
        (false, true, false) => Verdict::Undecided(format!(
            "Without an account, the time differs by {} ms, but two accounts differ by more.",
            format_number(median.abs())
        )),
        (false, false, _) => Verdict::Refused,
    }
}
