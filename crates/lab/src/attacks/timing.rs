//! Account enumeration by response time: requests with and without an account take turns, and a
//! second account serves as the control.

use std::time::{Duration, Instant};

use super::context::{AttackContext, new_email};
use super::judge::ROUNDS;
use crate::error::Result;
use crate::evidence::format_number;
use crate::stats::{median, shuffled_indices};
use crate::token::random;

/// A machine that needs longer is too slow for a verdict.
const TIMEOUT: Duration = Duration::from_secs(11);

const ADDRESSES: [&str; 3] =
    ["An address with an account", "An address without an account", "A second one with an account"];

/// Stands for the e-mail address in a form.
pub(super) const ADDRESS: &str = "";

/// Posts a form for each of the three addresses, in random order. Each request has a client
/// address of its own, as from a botnet, so that no rate limit applies.
pub(super) async fn timed(
    context: &mut AttackContext,
    path: &str,
    fields: &[(&str, &str)],
) -> Result {
    let known = context.new_account("Kai Known", &new_email()?).await?.email;
    let control = context.new_account("Connie Control", &new_email()?).await?.email;
    let mut rounds = Vec::new();
    let deadline = Instant::now() + TIMEOUT;
    for round in 0..=ROUNDS {
        if round > 1 && Instant::now() > deadline {
            break;
        }
        let emails = [known.clone(), new_email()?, control.clone()];
        let mut answers = [None, None, None];
        for index in shuffled_indices(ADDRESSES.len()) {
            let email = &*emails[index];
            let filled = fields
                .iter()
                .map(|(name, value)| (*name, if *value == ADDRESS { email } else { value }));
            let host: Vec<_> = random()?.bytes().take(3).map(|byte| byte.to_string()).collect();
            let call = context.form(path, &filled.collect::<Vec<_>>())?;
            let call = call.with("x-forwarded-for", &format!("10.{}", host.join(".")));
            let answer = context.browser().agent.send(call.clone()).await?;
            answers[index] = Some((call, answer));
        }
        // The first round is a warm-up.
        if round > 0 {
            rounds.push(answers);
        }
    }
    let notes = [0, 1, 2].map(|index| {
        let times: Vec<f64> =
            rounds.iter().filter_map(|round| Some(round[index].as_ref()?.1.millis())).collect();
        let median = format_number(median(&times).unwrap_or_default());
        format!("{}: {median} ms, the median of {}", ADDRESSES[index], rounds.len())
    });
    for (round, answers) in rounds.into_iter().enumerate() {
        for ((call, answer), note) in answers.into_iter().flatten().zip(&notes) {
            match round {
                0 => context.record_attack(note, &call, answer),
                _ => context.record_answer(answer),
            }
        }
    }
    Ok(())
}
