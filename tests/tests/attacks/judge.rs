//! The lab must notice vulnerable responses: otherwise an attack would pass silently.

use std::time::Duration;

use latchkey_lab::Answer;
use latchkey_lab::attacks::{self, Attack, Expect, Verdict, judge};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// Attacks judged by responses; the others are judged by timing.
fn all() -> impl Iterator<Item = &'static Attack> {
    attacks::all().filter(|attack| !attack.is_timed())
}

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        url: "http://localhost/".parse().expect("a URL"),
        status: status.try_into().expect("a status"),
        headers: HeaderMap::new(),
        body: body.as_bytes().to_vec(),
        request_body: Vec::new(),
        took: Duration::ZERO,
        bytes_up: 0,
        bytes_down: 0,
    }
}

fn with(mut answer: Answer, name: &str, value: &str) -> Answer {
    let name: HeaderName = name.parse().expect("a name");
    answer.headers.append(name, HeaderValue::try_from(value).expect("a value"));
    answer
}

fn redirect(to: &str) -> Answer {
    with(answer(303, ""), "location", to)
}

fn with_header(name: &str, value: &str) -> Answer {
    with(answer(200, ""), name, value)
}

fn error(status: u16, code: &str) -> Answer {
    with(answer(status, ""), "x-error-code", code)
}

/// The response that an expectation matches.
fn right(expect: &Expect) -> Answer {
    match *expect {
        Expect::Code(status, code) => error(status, code),
        Expect::CodeAndText(status, code, text) => {
            with(answer(status, &format!("What happened: {text}.")), "x-error-code", code)
        }
        Expect::OAuthError(status, error) => answer(status, &format!(r#"{{"error":"{error}"}}"#)),
        Expect::Challenge(status, error) => {
            with(answer(status, ""), "www-authenticate", &format!("Bearer error=\"{error}\""))
        }
        Expect::ErrorRedirect(error) => {
            redirect(&format!("http://localhost/callback?error={error}"))
        }
        Expect::NoRedirect(status) => answer(status, ""),
        Expect::RedirectsTo(place) => redirect(place),
        Expect::LacksText(_) | Expect::LacksHeader(_) | Expect::SameTiming => answer(200, ""),
        Expect::SameAsFirst => answer(401, "No."),
        Expect::HasHeader(header, part) => with_header(header, part),
        Expect::StillShows(text) => answer(200, text),
        Expect::RateLimited => with(error(429, "too_many_tries"), "retry-after", "30"),
        Expect::SameSuccessor => answer(200, r#"{"refresh_token":"next"}"#),
    }
}

/// The response of a server without the check.
fn vulnerable(expect: &Expect) -> Answer {
    match *expect {
        // Signed in with a session, or the requested document.
        Expect::Code(..) | Expect::CodeAndText(..) | Expect::Challenge(..) => redirect("/account"),
        Expect::OAuthError(..) => answer(200, r#"{"access_token":"a","token_type":"Bearer"}"#),
        Expect::ErrorRedirect(_) => answer(200, "<form>Allow?</form>"),
        Expect::NoRedirect(_) => redirect("https://evil.test/callback?code=a"),
        Expect::RedirectsTo(_) => redirect("https://evil.test/"),
        Expect::LacksText(text) => answer(200, &format!("<p>{text}")),
        Expect::HasHeader(..) => answer(200, ""),
        Expect::LacksHeader(header) => with_header(header, "https://evil.test"),
        Expect::StillShows(_) => error(404, "not_found"),
        Expect::RateLimited => error(401, "wrong_credentials"),
        Expect::SameAsFirst | Expect::SameTiming => answer(401, "No such account."),
        Expect::SameSuccessor => answer(200, r#"{"refresh_token":"another"}"#),
    }
}

/// The correct responses to all steps, as a starting point.
fn refusals(attack: &Attack) -> Vec<Answer> {
    let mut answers: Vec<_> = attack.expect.iter().map(right).collect();
    let compares = |expect: &Expect| matches!(expect, Expect::SameAsFirst | Expect::SameSuccessor);
    // Comparisons need two responses: the first one for both.
    if attack.expect.len() == 1 && compares(&attack.expect[0]) {
        answers.push(answers[0].clone());
    }
    for (index, expect) in attack.expect.iter().enumerate() {
        if matches!(expect, Expect::SameAsFirst) {
            answers[index] = answers[0].clone();
        }
    }
    answers
}

#[test]
fn expected_refusals_are_judged_refused() {
    for attack in all() {
        assert_eq!(judge(attack.expect, &refusals(attack)), Verdict::Refused, "{}", attack.id);
    }
}

#[test]
fn vulnerable_response_at_any_step_is_detected() {
    for attack in all() {
        let good = refusals(attack);
        for index in 0..good.len() {
            let expect = attack.expect.get(index).or(attack.expect.last()).expect("one");
            let compares = matches!(expect, Expect::SameSuccessor);
            if compares && index == 0 {
                continue;
            }
            let mut answers = good.clone();
            answers[index] = vulnerable(expect);
            let verdict = judge(attack.expect, &answers);
            let through = matches!(verdict, Verdict::GotThrough(_));
            assert!(through, "{}, step {index}: {verdict:?}", attack.id);
        }
    }
}

#[test]
fn unrelated_errors_are_judged_inconclusive() {
    for attack in all() {
        for other in [
            error(503, "provider_down"),
            error(500, "internal_error"),
            error(429, "something_else"),
            answer(502, "<h1>Bad gateway</h1>"),
        ] {
            for index in 0..refusals(attack).len() {
                let mut answers = refusals(attack);
                answers[index] = other.clone();
                let verdict = judge(attack.expect, &answers);
                let unclear = matches!(verdict, Verdict::CouldNotRun(_));
                assert!(unclear, "{}, step {index}: {other:?}: {verdict:?}", attack.id);
            }
        }
    }
}

#[test]
fn truncated_record_is_judged_inconclusive() {
    for attack in all() {
        let mut answers = refusals(attack);
        answers.truncate(attack.expect.len() - 1);
        let verdict = judge(attack.expect, &answers);
        assert!(matches!(verdict, Verdict::CouldNotRun(_)), "{}", attack.id);
    }
}

#[test]
fn verdict_considers_only_the_expected_check() {
    use Expect::{
        Code, CodeAndText, LacksText, RateLimited, RedirectsTo, SameAsFirst, SameSuccessor,
    };
    let through = |verdict| matches!(verdict, Verdict::GotThrough(_));
    let unclear = |verdict| matches!(verdict, Verdict::CouldNotRun(_));
    // Refused, but by another check.
    assert!(unclear(judge(&[Code(401, "token_expired")], &[error(401, "token_malformed")])));
    let says = [CodeAndText(502, "id_token_refused", "its signature is wrong")];
    let other = with(answer(502, "It has expired."), "x-error-code", "id_token_refused");
    assert!(unclear(judge(&says, &[other])));
    // The right location, with a status that browsers do not follow.
    let page = with_header("location", "/account");
    assert!(through(judge(&[RedirectsTo("/account")], &[page])));
    // A limit without `Retry-After` is of no use to a client.
    assert!(through(judge(&[RateLimited], &[error(429, "too_many_tries")])));
    // Also in a header.
    assert!(through(judge(&[LacksText("evil.test")], &[with_header("link", "http://evil.test")])));
    // Only the two addresses may differ.
    let told = |email: &str, more: &str| answer(401, &format!("<p>{email} {more}"));
    let same = [told("lab-1@lab.invalid", "no"), told("lab-2@lab.invalid", "no")];
    assert_eq!(
        judge(&[Code(401, "x"), SameAsFirst], &[error(401, "x"), error(401, "x")]),
        Verdict::Refused
    );
    assert_eq!(judge(&[SameAsFirst], &same), Verdict::Refused);
    for other in [told("lab-2@lab.invalid", "yes"), told("x@example.test", "no")] {
        assert!(through(judge(&[SameAsFirst], &[same[0].clone(), other])));
    }
    let tokens = |token: &str| answer(200, &format!(r#"{{"refresh_token":"{token}"}}"#));
    assert!(through(judge(&[SameSuccessor], &[tokens("a"), tokens("b")])));
    assert_eq!(judge(&[SameSuccessor], &[tokens("a"), tokens("a")]), Verdict::Refused);
}

/// Rounds of an account, an address without one, and a second account, in milliseconds.
fn rounds(of: impl Fn(usize) -> [f64; 3]) -> Vec<Answer> {
    let seen =
        |millis: f64| Answer { took: Duration::from_secs_f64(millis / 1000.0), ..answer(401, "") };
    (0..18).flat_map(|round| of(round).map(seen)).collect()
}

/// Deterministic milliseconds that look random.
fn jitter(round: usize, who: usize) -> f64 {
    let wave = [0, 5, 2, 7, 1, 6, 3, 8, 4];
    f64::from(wave[(round * (who + 1) + who * 4) % wave.len()])
}

#[test]
fn timing_differences_are_detected_despite_noise() {
    let with = |of: [f64; 3]| rounds(move |n| [0, 1, 2].map(|who| of[who] + jitter(n, who)));
    let judged = |seen: &[Answer]| judge(&[Expect::SameTiming], seen);
    // The same times; then faster and slower without an account.
    assert_eq!(judged(&with([30.0, 30.0, 30.0])), Verdict::Refused);
    for (unknown, word) in [(2.0, "sooner"), (90.0, "later")] {
        let verdict = judged(&with([30.0, unknown, 30.0]));
        assert!(matches!(&verdict, Verdict::GotThrough(how) if how.ends_with(word)), "{verdict:?}");
    }
    // The control differs, too, or has too much noise: no verdict.
    for seen in [
        with([30.0, 2.0, 60.0]),
        with([30.0, 30.0, 60.0]),
        rounds(|n| [30.0, 29.0, if n % 2 == 0 { 10.0 } else { 50.0 }]),
    ] {
        assert!(matches!(judged(&seen), Verdict::Undecided(_)), "{:?}", judged(&seen));
    }
    // One slow response among many is noise.
    let mut once = with([30.0, 30.0, 30.0]);
    once[1].took = Duration::from_secs(5);
    assert_eq!(judged(&once), Verdict::Refused);
    // No time for unmeasured rounds, and missing values are no evidence.
    let mut limited = with([30.0, 2.0, 30.0]);
    limited[4] = error(429, "too_many_tries");
    for seen in [&limited[..], &[]] {
        assert!(matches!(judged(seen), Verdict::CouldNotRun(_)), "{:?}", judged(seen));
    }
    let short = &with([30.0, 2.0, 30.0])[..51];
    assert!(matches!(judged(short), Verdict::Undecided(_)), "{:?}", judged(short));
}
