//! Claim 1: "OAuth has several steps; a JWT login is simple".

use std::time::Duration;

use super::{Claim, Measuring, closing};
use crate::doors::{self, Door, Key, combination};
use crate::evidence::Evidence;
use crate::stats::{Margin, Order, compare};
use crate::verdict::Verdict;
use crate::{Agent, Answer, Bench, Place, Result, Wishes};

/// Sign-ins through each door with each key.
const ROUNDS: usize = 7;

const EXCHANGES: &str = "exchanges";
const UP: &str = "bytes up";
const DOWN: &str = "bytes down";
const MILLIS: &str = "ms";
const IN_APP: &str = "ms in the app";
const AT_PROVIDER: &str = "ms at the provider";
const REDIRECTS: &str = "redirects";

pub(super) const CLAIM: Claim = Claim {
    number: 1,
    slug: "steps",
    sentence: "OAuth has several steps; a JWT login is simple",
    method: "People come in through each door with each key, in turn, from the sign-in page to the \
             redirect to the account, without a pause for thinking. Counted is what the browser \
             sees: exchanges, redirects, bytes, and the time, split into the app and the provider. \
             The time of the app holds its back channel to the provider.",
    honest: "The door decides about the steps; the key does not.",
    budget: Duration::from_secs(4),
    measure,
    judge,
};

fn measure<'a>(bench: &'a Bench<'a>) -> Measuring<'a> {
    Box::pin(async move {
        let place = bench.start(&Wishes::none()).await?;
        let measured = walk(bench, place.as_ref()).await;
        closing(vec![place], measured).await
    })
}

async fn walk(bench: &Bench<'_>, place: &dyn Place) -> Result<Evidence> {
    let nobody = Agent::new()?;
    let email = doors::sign_up(&nobody, place.url()).await?;
    let mut evidence = Evidence::default();
    for round in 0..=ROUNDS {
        bench.doing(format!("signing in, round {round} of {ROUNDS}"));
        for door in Door::ALL {
            for key in Key::ALL {
                let mut agent = nobody.stranger();
                let answers = match door {
                    Door::OAuth => doors::by_oauth(&mut agent, place, "ada", key).await?,
                    Door::Password => {
                        doors::by_password(&mut agent, place.url(), &email, key).await?
                    }
                };
                // The first round learns what the provider says of itself, and opens connections.
                if round > 0 {
                    note(&mut evidence, &combination(door, key), place, &answers);
                }
            }
        }
        if !bench.has_time() && round > 0 {
            break;
        }
    }
    Ok(evidence)
}

#[expect(clippy::cast_precision_loss, reason = "counts and bytes of one sign-in are small")]
fn note(evidence: &mut Evidence, label: &str, place: &dyn Place, answers: &[Answer]) {
    let millis = |of_app: Option<bool>| {
        let is_app = |answer: &Answer| answer.url.origin() == place.url().origin();
        let wanted = answers.iter().filter(|one| of_app.is_none_or(|app| is_app(one) == app));
        wanted.fold(0.0, |sum, answer| sum + answer.took.as_secs_f64() * 1000.0)
    };
    let redirects = answers.iter().filter(|answer| answer.status.is_redirection()).count();
    for (unit, value) in [
        (EXCHANGES, answers.len() as f64),
        (MILLIS, millis(None)),
        (REDIRECTS, redirects as f64),
        (UP, answers.iter().map(|answer| answer.bytes_up).sum::<usize>() as f64),
        (DOWN, answers.iter().map(|answer| answer.bytes_down).sum::<usize>() as f64),
        (IN_APP, millis(Some(true))),
        (AT_PROVIDER, millis(Some(false))),
    ] {
        evidence.sample(label, unit, value);
    }
}

fn judge(evidence: &Evidence) -> Verdict {
    let exchanges = |door, key| evidence.values(&combination(door, key), EXCHANGES);
    let order = |a, b| compare(a, b, Margin::COUNT);
    let between_doors: Option<Vec<_>> = Key::ALL
        .iter()
        .map(|key| order(exchanges(Door::OAuth, *key), exchanges(Door::Password, *key)))
        .collect();
    let between_keys: Option<Vec<_>> = Door::ALL
        .iter()
        .map(|door| order(exchanges(*door, Key::Session), exchanges(*door, Key::Jwt)))
        .collect();
    let (Some(between_doors), Some(between_keys)) = (between_doors, between_keys) else {
        return Verdict::undecided("One of the four combinations is missing.");
    };
    let of = |door, key| evidence.median(&combination(door, key), EXCHANGES).unwrap_or_default();
    let said = format!(
        "By OAuth the browser took {} exchanges with a session and {} with a JWT; by password {} \
         and {}. The back channel between app and provider comes on top.",
        of(Door::OAuth, Key::Session),
        of(Door::OAuth, Key::Jwt),
        of(Door::Password, Key::Session),
        of(Door::Password, Key::Jwt),
    );
    let all = |orders: &[Order], wanted| orders.iter().all(|order| *order == wanted);
    if !all(&between_doors, Order::More) {
        return Verdict::no(said);
    }
    if all(&between_keys, Order::Same) {
        return Verdict::only_if(
            "the password is meant, and not the JWT: steps come with the door",
            said,
        );
    }
    Verdict::yes(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_come_with_the_door_or_with_the_key() {
        for (oauth, password, expected) in [
            ([5.0, 5.0], [2.0, 2.0], "true if"),
            ([5.0, 5.0], [3.0, 2.0], "true"),
            ([2.0, 2.0], [2.0, 2.0], "false"),
        ] {
            let mut evidence = Evidence::default();
            for (door, counts) in [(Door::OAuth, oauth), (Door::Password, password)] {
                for (key, count) in Key::ALL.into_iter().zip(counts) {
                    evidence.sample(&combination(door, key), EXCHANGES, count);
                }
            }
            assert_eq!(judge(&evidence).word(), expected);
        }
    }
}
