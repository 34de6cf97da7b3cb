//! What the time of an answer gives away: addresses with and without an account, in turns, and
//! beside them a second account as a control.

use std::time::{Duration, Instant};

use super::context::{AttackContext, new_email};
use super::judge::ROUNDS;
use crate::error::Result;
use crate::evidence::format_number;
use crate::stats::{median, shuffled_indices};
use crate::token::random;

/// How long the rounds may take: on a machine that needs longer nothing can be told.
const AT_MOST: Duration = Duration::from_secs(11);

const WHO: [&str; 3] = ["An address with an account", "One without", "Another with an account"];

/// Where a form has the address.
pub(super) const ADDRESS: &str = "";

/// Posts a form for each of the three, in turns. Each call comes from an address of its own, as
/// a thief with many machines sends it: none uses up the tries of another.
pub(super) async fn timed(
    context: &mut AttackContext,
    path: &str,
    fields: &[(&str, &str)],
) -> Result {
    let known = context.new_account("Kai Known", &new_email()?).await?.email;
    let control = context.new_account("Connie Control", &new_email()?).await?.email;
    let mut rounds = Vec::new();
    let end = Instant::now() + AT_MOST;
    for round in 0..=ROUNDS {
        if round > 1 && Instant::now() > end {
            break;
        }
        let emails = [known.clone(), new_email()?, control.clone()];
        let mut answers = [None, None, None];
        for who in shuffled_indices(WHO.len()) {
            let email = &*emails[who];
            let filled = fields
                .iter()
                .map(|(name, value)| (*name, if *value == ADDRESS { email } else { value }));
            let from: Vec<_> = random()?.bytes().take(3).map(|byte| byte.to_string()).collect();
            let call = context.form(path, &filled.collect::<Vec<_>>())?;
            let call = call.with("x-forwarded-for", &format!("10.{}", from.join(".")));
            let answer = context.browser().agent.send(call.clone()).await?;
            answers[who] = Some((call, answer));
        }
        // The first round warms up.
        if round > 0 {
            rounds.push(answers);
        }
    }
    let times = |who: usize| -> Vec<f64> {
        rounds.iter().filter_map(|round| Some(round[who].as_ref()?.1.millis())).collect()
    };
    let notes = [0, 1, 2].map(|who| {
        let middle = format_number(median(&times(who)).unwrap_or_default());
        format!("{}: {middle} ms, the median of {}", WHO[who], rounds.len())
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
