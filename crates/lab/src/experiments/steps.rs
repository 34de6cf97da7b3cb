use serde_json::Value;
use url::Url;

use super::prelude::*;

experiment! { 1, "steps", within 4 s,
    "OAuth has several steps; a JWT login is simple",
    "A browser signs in with each method and each credential in turn, from the sign-in page to the \
     redirect to the account, without pausing. We count what the browser sees: exchanges, \
     redirects, bytes and time. The exchanges between app and provider come from the app’s own \
     trace of the sign-in; their time counts as the provider’s."
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
        for (method, credential) in combinations() {
            let (mut browser, answers) = fixture.sign_in(method, credential).await?;
            // The first round also fetches the provider's metadata and opens connections.
            if round > 0 {
                let trace = sign_in::trace_har(&mut browser, fixture.url(), &answers).await?;
                let back = trace.map(|trace| BackChannel::of(&trace.json()));
                let label = combination(method, credential);
                record(evidence, &label, fixture.url(), &answers, back);
            }
        }
        if !context.has_time() && round > 0 {
            break;
        }
    }
    Ok(())
}

/// The exchanges between the app and the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct BackChannel {
    exchanges: f64,
    bytes: f64,
    millis: f64,
}

impl BackChannel {
    /// From an HTTP Archive with a channel for each exchange.
    fn of(har: &Value) -> Self {
        let entries = har["log"]["entries"].as_array().map_or(&[][..], Vec::as_slice);
        let back = entries.iter().filter(|entry| entry["_latchkey"]["channel"] == "back");
        back.fold(Self::default(), |sum, entry| {
            // An unknown size is -1.
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

fn record(
    evidence: &mut Evidence,
    label: &str,
    app: &Url,
    answers: &[Answer],
    back: Option<BackChannel>,
) {
    let (at_app, at_provider): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.url.origin() == app.origin());
    let millis = |answers: &[&Answer]| answers.iter().map(|one| one.millis()).sum::<f64>();
    let (in_app, at_provider) = (millis(&at_app), millis(&at_provider));
    let redirects = answers.iter().filter(|answer| answer.status.is_redirection()).count();
    evidence.add_sample(label, EXCHANGES, as_f64(answers.len()));
    if let Some(back) = back {
        evidence.add_sample(label, BACK, back.exchanges);
        evidence.add_sample(label, BACK_BYTES, back.bytes);
    }
    let back = back.unwrap_or_default().millis;
    for (unit, value) in [
        (MILLIS, in_app + at_provider),
        (REDIRECTS, as_f64(redirects)),
        (UP, as_f64(answers.iter().map(|answer| answer.bytes_up).sum())),
        (DOWN, as_f64(answers.iter().map(|answer| answer.bytes_down).sum())),
        (IN_APP, (in_app - back).max(0.0)),
        (AT_PROVIDER, at_provider + back),
    ] {
        evidence.add_sample(label, unit, value);
    }
}

/// The claim has two parts: OAuth takes more steps than a password, and a JWT takes fewer than a
/// session.
fn judge(evidence: &Evidence) -> VerdictResult {
    let exchanges =
        |method, credential| evidence.required_median(&combination(method, credential), EXCHANGES);
    let oauth_session = exchanges(SignInMethod::OAuth, Credential::Session)?;
    let oauth_jwt = exchanges(SignInMethod::OAuth, Credential::Jwt)?;
    let password_session = exchanges(SignInMethod::Password, Credential::Session)?;
    let password_jwt = exchanges(SignInMethod::Password, Credential::Jwt)?;
    let back = evidence.median(&combination(SignInMethod::OAuth, Credential::Session), BACK);
    let back = back.map_or_else(String::new, |count| {
        format!(" Between app and provider, OAuth took {count} more.")
    });
    let because = format!(
        "With OAuth, the browser made {oauth_session} exchanges for a session and {oauth_jwt} for \
         a JWT; with a password, {password_session} and {password_jwt}.{back}"
    );
    let oauth_takes_more = oauth_session > password_session && oauth_jwt > password_jwt;
    let jwts_take_more = oauth_jwt > oauth_session && password_jwt > password_session;
    let sessions_take_more = oauth_session > oauth_jwt && password_session > password_jwt;
    if !oauth_takes_more || jwts_take_more {
        return no(because);
    }
    if sessions_take_more {
        return yes(because);
    }
    let because = format!("{because} The credential makes no difference.");
    only_if("a JWT login means one with a password", because)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_channel_entries_are_summed_from_har() {
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
