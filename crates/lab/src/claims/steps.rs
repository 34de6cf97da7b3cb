//! Claim 1: "OAuth has several steps; a JWT login is simple".

use std::time::Duration;

use serde_json::Value;

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
const BACK: &str = "exchanges on the back channel";
const BACK_BYTES: &str = "bytes on the back channel";

pub(super) const CLAIM: Claim = Claim {
    number: 1,
    slug: "steps",
    sentence: "OAuth has several steps; a JWT login is simple",
    method: "People come in through each door with each key, in turn, from the sign-in page to the \
             redirect to the account, without a pause for thinking. Counted is what the browser \
             sees: exchanges, redirects, bytes and time. What went on behind its back, between \
             app and provider, is read off the record that the app keeps of the sign-in, and its \
             time is the provider's.",
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
                    let record = doors::record(&mut agent, place.url(), &answers).await?;
                    let back = record.as_ref().map(BackChannel::of);
                    note(&mut evidence, &combination(door, key), place, &answers, back);
                }
            }
        }
        if !bench.has_time() && round > 0 {
            break;
        }
    }
    Ok(evidence)
}

/// What went on between the app and the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct BackChannel {
    exchanges: f64,
    bytes: f64,
    millis: f64,
}

impl BackChannel {
    /// Read off an HTTP Archive in which each exchange says on which channel it was.
    fn of(record: &Value) -> Self {
        let entries = record["log"]["entries"].as_array().map_or(&[][..], Vec::as_slice);
        let back = entries.iter().filter(|entry| entry["_latchkey"]["channel"] == "back");
        back.fold(Self::default(), |sum, entry| {
            // What is not known is -1 there.
            let size = |of: &str, what: &str| entry[of][what].as_f64().unwrap_or(0.0).max(0.0);
            let bytes = ["request", "response"]
                .map(|of| size(of, "headersSize") + size(of, "bodySize"))
                .iter()
                .sum::<f64>();
            Self {
                exchanges: sum.exchanges + 1.0,
                bytes: sum.bytes + bytes,
                millis: sum.millis + entry["time"].as_f64().unwrap_or(0.0),
            }
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts and bytes of one sign-in are small")]
fn note(
    evidence: &mut Evidence,
    label: &str,
    place: &dyn Place,
    answers: &[Answer],
    back: Option<BackChannel>,
) {
    let millis = |of_app: Option<bool>| {
        let is_app = |answer: &Answer| answer.url.origin() == place.url().origin();
        let wanted = answers.iter().filter(|one| of_app.is_none_or(|app| is_app(one) == app));
        wanted.fold(0.0, |sum, answer| sum + answer.took.as_secs_f64() * 1000.0)
    };
    let redirects = answers.iter().filter(|answer| answer.status.is_redirection()).count();
    evidence.sample(label, EXCHANGES, answers.len() as f64);
    if let Some(back) = back {
        evidence.sample(label, BACK, back.exchanges);
        evidence.sample(label, BACK_BYTES, back.bytes);
    }
    let behind = back.unwrap_or_default().millis;
    for (unit, value) in [
        (MILLIS, millis(None)),
        (REDIRECTS, redirects as f64),
        (UP, answers.iter().map(|answer| answer.bytes_up).sum::<usize>() as f64),
        (DOWN, answers.iter().map(|answer| answer.bytes_down).sum::<usize>() as f64),
        (IN_APP, (millis(Some(true)) - behind).max(0.0)),
        (AT_PROVIDER, millis(Some(false)) + behind),
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
    let behind = evidence.median(&combination(Door::OAuth, Key::Session), BACK);
    let behind = behind.map_or_else(String::new, |count| {
        format!(" Behind the browser’s back, OAuth took {count} more, between app and provider.")
    });
    let said = format!(
        "By OAuth the browser took {} exchanges with a session and {} with a JWT; by password {} \
         and {}.{behind}",
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
    fn the_back_channel_is_read_off_the_record() {
        let entry = |channel: &str, head: i64| {
            serde_json::json!({
                "time": 1.5, "_latchkey": { "channel": channel },
                "request": { "headersSize": head, "bodySize": 10 },
                "response": { "headersSize": 100, "bodySize": 1000 },
            })
        };
        let entries = [entry("front", 7), entry("back", 50), entry("back", -1)];
        let record = serde_json::json!({ "log": { "entries": entries } });
        let expected = BackChannel { exchanges: 2.0, bytes: 2270.0, millis: 3.0 };
        assert_eq!(BackChannel::of(&record), expected);
        assert_eq!(BackChannel::of(&Value::Null), BackChannel::default());
    }

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
