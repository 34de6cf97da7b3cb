//! Deriving the end of a sign-in from a series of responses.

use std::collections::HashSet;

use latchkey_lab::stopwatch::{
    Poll, PollOutcome, PromiseResult, Reading, Scenario, has_stopped, promise_result, reading,
};

/// `a` accepted, `r` refused, `?` unclear: one every 100 ms, each taking 10 ms, the first two
/// before the revocation.
fn polls(row: &str) -> Vec<Poll> {
    let seen = |letter| match letter {
        'a' => (PollOutcome::Accepted, 200),
        'r' => (PollOutcome::Refused, 401),
        _ => (PollOutcome::Unclear, 503),
    };
    let one = |(index, letter): (u32, char)| {
        let (seen, status) = seen(letter);
        let asked = f64::from(index) * 100.0 - 200.0;
        Poll { asked, answered: asked + 10.0, status, seen }
    };
    (0..).zip(row.chars()).map(one).collect()
}

#[test]
fn reading_is_derived_from_poll_outcomes() {
    let dead = |last_accepted, first_refused| Reading::Dead { last_accepted, first_refused };
    for (row, expected) in [
        ("", Reading::NeverAlive),
        ("rrr", Reading::NeverAlive),
        ("??a", Reading::NeverAlive),
        ("aa", Reading::Alive { at: 0.0 }),
        ("aaaa", Reading::Alive { at: 100.0 }),
        ("aa??", Reading::Alive { at: 0.0 }),
        ("aar", dead(None, 10.0)),
        ("aaaarr", dead(Some(100.0), 210.0)),
        ("aa?a?rr", dead(Some(100.0), 310.0)),
        ("aarar", Reading::CameBack { refused: 10.0, accepted: 100.0 }),
    ] {
        assert_eq!(reading(&polls(row)), expected, "{row}");
    }
}

#[test]
fn refusals_before_revocation_are_ignored() {
    let mut row = polls("araar");
    row[1].seen = PollOutcome::Refused;
    assert_eq!(reading(&row), Reading::Dead { last_accepted: Some(100.0), first_refused: 210.0 });
    assert!(!has_stopped(&polls("rrrrrr")), "four of these are after the end");
}

#[test]
fn polling_stops_after_five_consecutive_refusals() {
    for (row, stopped) in [
        ("aarrrr", false),
        ("aarrrrr", true),
        ("aarrr?rr", true),
        ("aarrrar", false),
        ("aarrrarrrrr", true),
        ("aa?????", false),
    ] {
        assert_eq!(has_stopped(&polls(row)), stopped, "{row}");
    }
}

#[test]
fn promise_result_allows_one_poll_interval() {
    let dead = |last_accepted| Reading::Dead { last_accepted, first_refused: 999.0 };
    for (reading, promised, expected) in [
        (dead(None), 0.0, PromiseResult::Yes),
        (dead(Some(0.0)), 0.0, PromiseResult::Yes),
        (dead(Some(101.0)), 0.0, PromiseResult::No),
        (dead(Some(1_100.0)), 1_000.0, PromiseResult::Yes),
        (dead(Some(1_101.0)), 1_000.0, PromiseResult::No),
        (Reading::CameBack { refused: 1.0, accepted: 2.0 }, 1_000.0, PromiseResult::No),
        (Reading::Alive { at: 900.0 }, 1_000.0, PromiseResult::Unknown),
        (Reading::Alive { at: 1_200.0 }, 1_000.0, PromiseResult::No),
        (Reading::NeverAlive, 1_000.0, PromiseResult::Unknown),
    ] {
        assert_eq!(promise_result(reading, promised, 100.0), expected, "{reading:?}, {promised}");
    }
}

#[test]
fn every_scenario_has_a_unique_name_and_slug() {
    let mut names = HashSet::new();
    for scenario in Scenario::ALL {
        assert_eq!(Scenario::by_slug(scenario.slug()), Some(scenario));
        assert!(!scenario.name().is_empty());
        assert!(names.insert(scenario.name()), "{scenario:?}");
    }
    assert_eq!(Scenario::by_slug("jwt"), None);
}
