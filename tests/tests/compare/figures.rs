//! Figures, verdicts and credentials of the comparison.

use latchkey_lab::evidence::{format_number, with_unit};
use latchkey_lab::experiments::ALL;
use latchkey_lab::remote::Remote;
use latchkey_lab::sign_in::{Credential, credential_cookie};
use latchkey_lab::stats::{Order, compare, interval, median, noise};
use latchkey_lab::token::is_signed_by;
use latchkey_lab::{Agent, Evidence, Verdict};

#[test]
fn median_handles_odd_even_and_empty_samples() {
    for (values, expected) in [
        (&[][..], None),
        (&[3.0], Some(3.0)),
        (&[9.0, 1.0, 5.0], Some(5.0)),
        (&[1.0, 2.0, 30.0, 4.0], Some(3.0)),
        (&[f64::NAN, 2.0], Some(2.0)),
    ] {
        assert_eq!(median(values), expected, "{values:?}");
    }
}

/// Ranks from published tables of the sign test.
#[test]
fn confidence_intervals_match_sign_test_tables() {
    for (n, below) in [(1, 0), (5, 0), (6, 0), (8, 0), (9, 1), (20, 5), (30, 9), (100, 39)] {
        let values: Vec<_> = (0..n).map(f64::from).collect();
        assert_eq!(interval(&values).map(|it| it.low), Some(f64::from(below)), "{n}");
    }
    let many: Vec<_> = (0..10_000).map(f64::from).collect();
    assert_eq!(interval(&many).map(|it| it.low), Some(4902.0));
}

#[test]
fn only_clear_differences_above_noise_are_reported() {
    let around = |middle: f64, width: f64| -> Vec<f64> {
        (0..21_i32).map(|n| middle + width * (f64::from(n) - 10.0) / 10.0).collect()
    };
    for (one, other, expected) in [
        (around(1.0, 0.1), around(3.0, 0.1), Order::Less),
        (around(3.0, 0.1), around(1.0, 0.1), Order::More),
        (around(1.0, 0.1), around(1.2, 0.1), Order::Same), // less than the noise
        (around(1.0, 4.0), around(3.0, 4.0), Order::Same), // the intervals overlap
    ] {
        assert_eq!(compare(&one, &other, 0.25), Some(expected));
    }
    assert_eq!(compare(&[], &[1.0], 0.0), None);
    let (one, control) = ([1.0, 2.0, 3.0], [1.1, 1.7, 3.0]);
    assert!((noise(&one, &control).unwrap() - 0.3).abs() < 1e-9);
    assert_eq!(noise(&one, &[]), None);
}

#[test]
fn fewer_decimals_are_shown_for_larger_numbers() {
    for (value, said) in [
        (0.0, "0"),
        (1.0, "1"),
        (0.0123, "0.012"),
        (0.1234, "0.12"),
        (12.345, "12.3"),
        (999.6, "1000"),
        (4096.0, "4096"),
        (22_976.0, "22,976"),
        (1_234_567.8, "1,234,568"),
        (-22_976.0, "-22,976"),
    ] {
        assert_eq!(format_number(value), said);
    }
}

#[test]
fn units_are_singular_after_one() {
    for (number, unit, said) in [
        ("1", "queries", "1 query"),
        ("0", "queries", "0 queries"),
        ("1", "calls to the provider", "1 call to the provider"),
        ("1.00", "redirects", "1.00 redirects"),
        ("1", "ms in the app", "1 ms in the app"),
        ("1", "accepted", "1 accepted"),
    ] {
        assert_eq!(with_unit(number, unit), said);
    }
}

#[test]
fn samples_are_grouped_by_label_and_unit() {
    let mut evidence = Evidence::default();
    for (label, unit, value) in
        [("a", "ms", 1.0), ("b", "ms", 5.0), ("a", "ms", 3.0), ("a", "bytes", 9.0)]
    {
        evidence.add_sample(label, unit, value);
    }
    assert_eq!(evidence.values("a", "ms"), [1.0, 3.0]);
    assert_eq!(evidence.median("a", "ms"), Some(2.0));
    assert_eq!(evidence.values("c", "ms"), [0.0; 0]);
    assert_eq!(evidence.n(), 4);
    assert_eq!(evidence.figures().len(), 3);
}

#[test]
fn verdict_in_words_includes_the_condition() {
    for (verdict, words) in [
        (Verdict::only_if("x", "1 ms"), "true if x"),
        (Verdict::yes("1 ms"), "true"),
        (Verdict::no("1 ms"), "false"),
    ] {
        assert_eq!(verdict.in_words(), words);
        assert_eq!(verdict.because(), "1 ms");
    }
}

/// RFC 8037 §A.4, with the public key of §A.2.
#[test]
fn rfc_8037_ed25519_example_verifies() {
    let keys = serde_json::json!({ "keys": [{
        "kty": "OKP", "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }] });
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCj\
                 P0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert!(is_signed_by(token, &keys).unwrap());
    let forged = token.replacen("RXh", "RXi", 1);
    assert!(!is_signed_by(&forged, &keys).unwrap());
    assert!(!is_signed_by(token, &serde_json::json!({ "keys": [] })).unwrap());
}

#[test]
fn credential_cookie_is_found_over_http_and_https() {
    for (url, name) in [
        ("http://localhost:3000/", "latchkey_session_3000"),
        ("https://app.example.com/", "__Host-latchkey_session"),
    ] {
        let (url, mut agent) = (url.parse().unwrap(), Agent::new().unwrap());
        assert!(credential_cookie(&agent, &url, Credential::Session).is_err());
        agent.set_cookie(&url, name, "abc");
        let found = credential_cookie(&agent, &url, Credential::Session).unwrap();
        assert_eq!(found, (name.to_owned(), "abc".to_owned()));
    }
}

#[test]
fn experiments_are_ordered_unique_and_within_budget() {
    assert!(ALL.windows(2).all(|pair| pair[0].number < pair[1].number));
    let mut slugs: Vec<_> = ALL.iter().map(|experiment| experiment.slug).collect();
    slugs.sort_unstable();
    slugs.dedup();
    assert_eq!(slugs.len(), ALL.len());
    assert!(ALL.iter().all(|experiment| experiment.budget.as_secs() <= 10));
}

/// No verdict without evidence, and no panic.
#[test]
fn empty_evidence_leaves_the_verdict_undecided() {
    for experiment in ALL {
        let verdict = experiment.verdict(&Evidence::default());
        assert!(matches!(verdict, Verdict::Undecided { .. }), "{experiment:?}: {verdict:?}");
    }
}

#[test]
fn remote_measurement_requires_https_or_loopback() {
    for (url, allowed) in [
        ("https://app.example.com", true),
        ("http://localhost:3000", true),
        ("http://127.0.0.1:3000/", true),
        ("http://[::1]:3000", true),
        ("http://app.example.com", false),
        ("http://localhost.evil.test", false),
        ("https://app.example.com/path", false),
        ("https://app.example.com/?a=b", false),
        ("https://me@app.example.com", false),
        ("ftp://localhost", false),
    ] {
        assert_eq!(Remote::new(&url.parse().unwrap(), None).is_ok(), allowed, "{url}");
    }
}
