use serde_json::Value;
use url::Url;

use super::prelude::*;

experiment! { 1, "steps", within 4 s,
    "OAuth has several steps; a JWT login is simple",
    "A browser signs in through each door with each key, in turn, from the sign-in page to the \
     redirect to the account, without a pause for thinking. Counted is what the browser sees: \
     exchanges, redirects, bytes and time. What went on between app and provider is read from the \
     record that the app keeps of the sign-in, and its time counts as the provider’s."
}

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

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    for round in 0..=ROUNDS {
        context.step(format!("signing in, round {round} of {ROUNDS}"));
        for (method, credential) in combinations() {
            let (mut browser, answers) = fixture.sign_in(method, credential).await?;
            // The first round reads the provider's metadata, and opens connections.
            if round > 0 {
                let record = sign_in::trace_har(&mut browser, fixture.url(), &answers).await?;
                let back = record.map(|record| BackChannel::of(&record.json()));
                let label = combination(method, credential);
                note(evidence, &label, fixture.url(), &answers, back);
            }
        }
        if !context.has_time() && round > 0 {
            break;
        }
    }
    Ok(())
}

/// What went on between the app and the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct BackChannel {
    exchanges: f64,
    bytes: f64,
    millis: f64,
}

impl BackChannel {
    /// From an HTTP Archive in which each exchange names its channel.
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

fn note(
    evidence: &mut Evidence,
    label: &str,
    app: &Url,
    answers: &[Answer],
    back: Option<BackChannel>,
) {
    let (at_app, elsewhere): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.url.origin() == app.origin());
    let millis = |answers: &[&Answer]| answers.iter().map(|one| one.millis()).sum::<f64>();
    let (in_app, at_provider) = (millis(&at_app), millis(&elsewhere));
    let redirects = answers.iter().filter(|answer| answer.status.is_redirection()).count();
    evidence.add_sample(label, EXCHANGES, as_f64(answers.len()));
    if let Some(back) = back {
        evidence.add_sample(label, BACK, back.exchanges);
        evidence.add_sample(label, BACK_BYTES, back.bytes);
    }
    let behind = back.unwrap_or_default().millis;
    for (unit, value) in [
        (MILLIS, in_app + at_provider),
        (REDIRECTS, as_f64(redirects)),
        (UP, as_f64(answers.iter().map(|answer| answer.bytes_up).sum())),
        (DOWN, as_f64(answers.iter().map(|answer| answer.bytes_down).sum())),
        (IN_APP, (in_app - behind).max(0.0)),
        (AT_PROVIDER, at_provider + behind),
    ] {
        evidence.add_sample(label, unit, value);
    }
}

/// The two halves of the sentence: OAuth takes more steps than a password, and a JWT takes
/// fewer than a session.
fn judge(evidence: &Evidence) -> VerdictResult {
    let of =
        |method, credential| evidence.required_median(&combination(method, credential), EXCHANGES);
    let [oauth, password] = [SignInMethod::OAuth, SignInMethod::Password]
        .map(|method| Ok([of(method, Credential::Session)?, of(method, Credential::Jwt)?]));
    let (oauth, password) = (oauth?, password?);
    let behind = evidence.median(&combination(SignInMethod::OAuth, Credential::Session), BACK);
    let behind = behind.map_or_else(String::new, |count| {
        format!(" Behind the browser’s back, OAuth took {count} more, between app and provider.")
    });
    let said = format!(
        "With OAuth the browser took {} exchanges for a session and {} for a JWT; with a password \
         {} and {}.{behind}",
        oauth[0], oauth[1], password[0], password[1],
    );
    let more = |one: [f64; 2], other: [f64; 2]| one[0] > other[0] && one[1] > other[1];
    let (sessions, jwts) = ([oauth[0], password[0]], [oauth[1], password[1]]);
    if !more(oauth, password) || more(jwts, sessions) {
        return no(said);
    }
    if more(sessions, jwts) {
        return yes(said);
    }
    let condition = "the password is meant, and not the JWT: steps come with the door";
    only_if(condition, said)
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
}
