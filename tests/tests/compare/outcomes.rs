//! For each claim, a table of samples and of the verdict that follows from them alone. Invalid
//! responses (429, 503, another refusal) lead to no verdict.

use std::collections::{BTreeMap, BTreeSet};

use latchkey_lab::experiments::ALL;
use latchkey_lab::{Verdict, verdict_of};
use serde_json::{Value, json};

/// The value of a label: a response, or samples if the label has a unit (`label | unit`).
type Samples = BTreeMap<String, String>;

/// Not allowed in a sentence: it names no condition, or contradicts itself.
const NONE: [(u8, &str); 7] = [
    (8, "true if"),
    (9, "true if"),
    (11, "true if"),
    (12, "true if"),
    (13, "true"),
    (14, "true if"),
    (19, "false"),
];

fn entry(line: &str) -> (String, String) {
    let (label, value) = line.split_once(" =").unwrap_or_else(|| panic!("no value: {line}"));
    (label.trim().to_owned(), value.trim().to_owned())
}

/// `0.3~` stands for twenty samples from 0.3 on, as from a clock.
fn numbers(text: &str) -> Vec<f64> {
    let number = |text: &str| text.parse::<f64>().expect(text);
    match text.strip_suffix('~') {
        Some(first) => (0..20).map(|n| number(first) + f64::from(n) / 200.0).collect(),
        None => text.split_whitespace().map(number).collect(),
    }
}

fn verdict(claim: u8, samples: &Samples) -> Verdict {
    let (mut series, mut facts): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for (label, value) in samples.iter().filter(|(_, value)| !value.is_empty()) {
        match label.split_once(" | ") {
            Some((label, unit)) => {
                series.push(json!({ "label": label, "unit": unit, "values": numbers(value) }));
            }
            None => facts.push(json!({ "label": label, "value": value })),
        }
    }
    verdict_of(&json!({ "number": claim, "series": series, "facts": facts })).expect("a verdict")
}

#[test]
fn every_possible_verdict_is_reached_from_samples() {
    let mut seen: BTreeMap<u8, BTreeSet<&str>> = BTreeMap::new();
    for table in include_str!("outcomes.txt").split("\n\n").filter(|it| !it.trim().is_empty()) {
        let mut lines = table.trim().lines();
        let claim = lines.next().and_then(|line| line.strip_prefix("claim ")).expect("a claim");
        let claim: u8 = claim.parse().expect(claim);
        let mut good = Samples::new();
        for line in lines {
            let Some((changes, expected)) = line.rsplit_once("->") else {
                good.extend([entry(line)]);
                continue;
            };
            let mut samples = good.clone();
            samples.extend(changes.split(" ; ").filter(|it| !it.trim().is_empty()).map(entry));
            let verdict = verdict(claim, &samples);
            let (word, even) = match expected.trim().split_once(" from ") {
                Some((word, even)) => (word, Some(even.parse::<f64>().expect(even))),
                None => (expected.trim(), None),
            };
            assert_eq!(verdict.word(), word, "claim {claim}, {line}: {verdict:?}");
            if let Some(even) = even {
                let Verdict::TrueIf { break_even: Some(found), .. } = &verdict else {
                    panic!("{line}")
                };
                assert!((found.value - even).abs() < 1e-9, "claim {claim}: {found:?}");
            }
            seen.entry(claim).or_default().insert(verdict.word());
        }
    }
    for claim in ALL {
        for word in ["true", "true if", "false", "undecided"] {
            let is_reached = seen.get(&claim.number).is_some_and(|words| words.contains(word));
            let is_none = NONE.contains(&(claim.number, word));
            assert!(is_reached != is_none, "{claim:?}: {word}");
        }
    }
}

/// Recomputing from printed values may change the last digits.
#[test]
fn break_even_value_has_no_floating_point_noise() {
    let verdict = Verdict::only_if("it is far away", "").with_break_even(0.567 - 0.32, "ms away");
    let verdict = serde_json::to_value(verdict).expect("JSON");
    assert_eq!(verdict["break_even"]["value"].to_string(), "0.247");
}
