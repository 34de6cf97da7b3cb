//! Can a stranger tell by the clock who has an account here? 200 samples of each,
//! known and unknown addresses in turn: a wrong password, a letter to reset, a sign-up.
//!
//! `cargo run -p latchkey-tests --example known_unknown`
//!
//! It reports and judges nothing: a timer that fails a build fails it at random.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has failed, and what it finds is printed"
)]

use std::time::{Duration, Instant};

use latchkey_domain::Span;
use latchkey_tests::{Browser, Latchkey, Setup};

const SAMPLES: usize = 200;
const WARM_UP: usize = 10;
const PASSWORD: &str = "a lantern under the stairs";

/// What is asked, and whether a new address is needed each time.
const QUESTIONS: [(&str, &str, u16); 3] = [
    ("wrong password", "/sign-in", 401),
    ("/forgot", "/forgot", 200),
    ("/sign-up", "/sign-up", 303),
];

#[tokio::main]
async fn main() {
    println!(
        "| what | address | median | p10 – p90 | spread (IQR) | ratio of medians | a coin guesses 50 %, the best threshold |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (what, path, status) in QUESTIONS {
        // The clock stands but for what each sample moves it: no limit is in the way.
        let app = Setup::new().with_frozen_clock().start().await;
        for n in 0..SAMPLES + WARM_UP {
            let email = format!("known{n}@example.test");
            sign_up(&app, &email).await;
        }
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        let mut browser = Browser::new();
        for n in 0..SAMPLES + WARM_UP {
            let mut pair = [
                (true, format!("known{n}@example.test")),
                (false, format!("other{n}@example.test")),
            ];
            // Neither is always the first.
            if n % 2 == 1 {
                pair.reverse();
            }
            for (is_known, email) in pair {
                app.advance(Span::minutes(2));
                // What the last one left to be done beside the requests is done.
                tokio::time::sleep(Duration::from_millis(15)).await;
                let took = ask(&mut browser, &app, path, &email, status).await;
                if n >= WARM_UP {
                    if is_known { known.push(took) } else { unknown.push(took) }
                }
            }
        }
        report(what, &mut known, &mut unknown);
    }
}

async fn sign_up(app: &Latchkey, email: &str) {
    app.advance(Span::minutes(1));
    let fields = [("name", "Somebody"), ("email", email), ("password", PASSWORD)];
    let _ = Browser::new().post(&app.url("/sign-up"), &fields).await.expect(303);
}

async fn ask(browser: &mut Browser, app: &Latchkey, path: &str, email: &str, status: u16) -> f64 {
    let url = app.url(path);
    let fields = [("name", "Somebody"), ("email", email), ("password", "not the password")];
    let began = Instant::now();
    let page = browser.post(&url, &fields).await;
    let took = began.elapsed().as_secs_f64() * 1000.0;
    assert_eq!(page.status, status, "{}", page.summary());
    took
}

fn report(what: &str, known: &mut [f64], unknown: &mut [f64]) {
    let ratio = quantile(known, 0.5) / quantile(unknown, 0.5);
    let guess = best_guess(known, unknown) * 100.0;
    for (who, samples) in [("known", known), ("unknown", unknown)] {
        let q = |at| quantile(&mut *samples, at);
        let line = [0.5, 0.1, 0.9, 0.25, 0.75].map(q);
        println!(
            "| {what} | {who} | {:.2} ms | {:.2} – {:.2} ms | {:.2} ms | {ratio:.3} | {guess:.0} % |",
            line[0],
            line[1],
            line[2],
            line[4] - line[3]
        );
    }
}

fn quantile(samples: &mut [f64], at: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index among a few hundred"
    )]
    let index = ((samples.len() - 1) as f64 * at).round() as usize;
    samples.get(index).copied().unwrap_or_default()
}

/// How often the best threshold tells one sample of the two kinds apart: a half
/// is chance, and a little more is what the best of many thresholds gets by luck.
fn best_guess(known: &[f64], unknown: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let share = |samples: &[f64], above: f64| {
        samples.iter().filter(|sample| **sample > above).count() as f64 / samples.len() as f64
    };
    let all = known.iter().chain(unknown);
    all.map(|at| 0.5 + (share(known, *at) - share(unknown, *at)).abs() / 2.0).fold(0.5, f64::max)
}
