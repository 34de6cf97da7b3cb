//! Judging an attack by what was answered, and by nothing else.
//!
//! "Refused" is said only of the very refusal that the attack is about: its
//! status and its code, or whatever else shows that this check was at work. An
//! attack that fails for another reason has shown nothing.

use crate::agent::Answer;
use crate::evidence::format_number;
use crate::stats::{median, noise, sign_test};

/// How often time is taken of each.
pub(super) const ROUNDS: usize = 18;

/// How seldom so clear a difference comes of chance.
const SURE: f64 = 1e-3;

/// What the answer to one step of an attack has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    Code(u16, &'static str),
    Says(u16, &'static str, &'static str),
    /// An error of the token endpoint (RFC 6749 §5.2).
    OAuth(u16, &'static str),
    /// This status, and a challenge that names this error (RFC 6750 §3).
    Challenge(u16, &'static str),
    /// Sent back to the app with this error (RFC 6749 §4.1.2.1).
    SentBack(&'static str),
    /// A page with this status, and no redirect (RFC 6749 §4.1.2.1).
    Stays(u16),
    Lands(&'static str),
    /// It is answered, and this is nowhere in the answer.
    Without(&'static str),
    /// It is answered as usual, and this header says so.
    Has(&'static str, &'static str),
    /// It is answered as usual, and there is no such header.
    Lacks(&'static str),
    /// Nothing has changed: 200, and this is still there.
    Still(&'static str),
    /// 429, and a time to wait (RFC 6585 §4).
    Limited,
    Alike,
    /// Answered in the same time, whether or not there is an account.
    AsFast,
    /// The same refresh token as in the first answer: the family has not forked.
    SameSuccessor,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Refused,
    GotThrough(String),
    CouldNotRun(String),
    /// It was run, and this machine cannot tell.
    Undecided(String),
}

impl Verdict {
    pub const fn is_through(&self) -> bool {
        matches!(self, Self::GotThrough(_))
    }
}

/// Judges the answers, in their order. Each has its own expectation; the last
/// one holds for all that follow.
pub fn judge(expect: &[Expect], seen: &[Answer]) -> Verdict {
    let (Some(last), Some(first)) = (expect.last(), seen.first()) else {
        return Verdict::CouldNotRun("Nothing was sent.".to_owned());
    };
    if *last == Expect::AsFast {
        return by_the_clock(seen);
    }
    if seen.len() < expect.len() {
        return Verdict::CouldNotRun("It ended before its last step.".to_owned());
    }
    let mut worst = Verdict::Refused;
    for (index, answer) in seen.iter().enumerate() {
        match one(expect.get(index).unwrap_or(last), answer, first) {
            Verdict::Refused => {}
            through @ Verdict::GotThrough(_) => return through,
            other => worst = other,
        }
    }
    worst
}

fn one(expect: &Expect, seen: &Answer, first: &Answer) -> Verdict {
    // After too many tries, or when it failed, the server has not looked at it.
    let looked = |seen: &Answer| !seen.status.is_server_error() && seen.status != 429;
    match *expect {
        Expect::Code(status, code) => refused(seen, seen.is(status, code)),
        Expect::Says(status, code, text) => {
            refused(seen, seen.is(status, code) && seen.text().contains(text))
        }
        Expect::OAuth(status, error) => {
            refused(seen, seen.status == status && seen.member("error").as_deref() == Some(error))
        }
        Expect::Challenge(status, error) => {
            let challenge = seen.values("www-authenticate");
            refused(seen, seen.status == status && challenge.contains(error))
        }
        Expect::SentBack(error) => {
            let to = seen.location();
            let mut pairs = to.iter().flat_map(|to| to.query_pairs());
            refused(
                seen,
                pairs.find(|(name, _)| name == "error").is_some_and(|(_, it)| it == error),
            )
        }
        Expect::Stays(status) => {
            refused(seen, seen.status == status && !seen.headers.contains_key("location"))
        }
        Expect::Lands(place) => match seen.header("location") {
            Some(found) if found == place && seen.status == 303 => Verdict::Refused,
            Some(found) => Verdict::GotThrough(format!("It led to {found}")),
            None => unclear(seen),
        },
        Expect::Without(text) if looked(seen) => {
            refused_if(!seen.holds(text), || format!("“{text}” is in the answer as it was sent"))
        }
        Expect::Has(header, part) if is_whole(seen) => {
            refused_if(seen.values(header).contains(part), || {
                format!("The answer has no {header} with {part}")
            })
        }
        Expect::Lacks(header) if looked(seen) => {
            refused_if(!seen.headers.contains_key(header), || format!("The answer has {header}"))
        }
        Expect::Still(text) if looked(seen) => {
            refused_if(seen.status == 200 && seen.text().contains(text), || {
                format!("Afterwards {} was answered, without what has to be there", seen.line())
            })
        }
        Expect::Limited if seen.is(429, "too_many_tries") => refused_if(
            seen.header("retry-after").is_some_and(|after| after.parse::<u32>().is_ok()),
            || "The answer names no time to wait".to_owned(),
        ),
        Expect::Limited if looked(seen) => {
            Verdict::GotThrough(format!("The guess was judged: {}", seen.line()))
        }
        Expect::Alike if looked(seen) && looked(first) => {
            refused_if(seen.without_identity() == first.without_identity(), || {
                format!("{} is not what the first was told: {}", seen.line(), first.line())
            })
        }
        Expect::SameSuccessor if seen.status == 200 && first.status == 200 => refused_if(
            seen.member("refresh_token").is_some()
                && seen.member("refresh_token") == first.member("refresh_token"),
            || "There are two successors".to_owned(),
        ),
        _ => unclear(seen),
    }
}

/// No refusal of any kind.
fn is_whole(seen: &Answer) -> bool {
    seen.status.as_u16() < 400
}

/// A refusal, when it is the right one; a success of the attacker, when it is none.
fn refused(seen: &Answer, right: bool) -> Verdict {
    if right {
        Verdict::Refused
    } else if is_whole(seen) {
        Verdict::GotThrough(format!("It was answered with {}", seen.line()))
    } else {
        unclear(seen)
    }
}

fn refused_if(holds: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if holds { Verdict::Refused } else { Verdict::GotThrough(otherwise()) }
}

fn unclear(seen: &Answer) -> Verdict {
    Verdict::CouldNotRun(format!(
        "It was answered with {}, which is not the refusal that this is about.",
        seen.line()
    ))
}

/// Judges answers of the three, round by round: whether whoever has no account is told so by the
/// clock. Where the two accounts differ among themselves, nothing can be told.
fn by_the_clock(seen: &[Answer]) -> Verdict {
    let first = seen.first().map(|first| first.status);
    let is_odd = |one: &&Answer| {
        Some(one.status) != first || one.status == 429 || one.status.is_server_error()
    };
    if let Some(other) = seen.iter().find(is_odd) {
        return Verdict::CouldNotRun(format!("It was answered with {}.", other.line()));
    }
    let of = |who: usize| -> Vec<f64> {
        seen.chunks_exact(3).map(|round| round[who].millis()).collect()
    };
    let (known, unknown, control) = (of(0), of(1), of(2));
    if known.len() < ROUNDS {
        return Verdict::Undecided("There was no time for as many rounds as it takes.".to_owned());
    }
    let apart = |one: &[f64]| -> Vec<f64> { one.iter().zip(&known).map(|(a, b)| a - b).collect() };
    let (difference, odd) = (apart(&unknown), apart(&control));
    let noise = noise(&known, &control).unwrap_or(f64::INFINITY);
    let by = median(&difference).unwrap_or_default();
    match (sign_test(&odd) < SURE, sign_test(&difference) < SURE, by.abs() > noise) {
        (true, ..) => Verdict::Undecided(
            "Two addresses that both have an account were not answered alike: this machine is \
             too busy."
                .to_owned(),
        ),
        (false, true, true) => Verdict::GotThrough(format!(
            "Without an account the answer comes {} ms {}",
            format_number(by.abs()),
            if by < 0.0 { "sooner" } else { "later" }
        )),
        (false, true, false) => Verdict::Undecided(format!(
            "There is a difference of {} ms, which is less than two accounts differ among \
             themselves.",
            format_number(by.abs())
        )),
        (false, false, _) => Verdict::Refused,
    }
}
