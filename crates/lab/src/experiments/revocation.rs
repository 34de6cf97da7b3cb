use super::prelude::*;
use crate::stopwatch::{CACHED_FOR, INTERVAL, Reading, Scenario, Timed, WATCHED};
use crate::token;

experiment! { 7, "revocation", within 5 s,
    "OAuth tokens can be revoked at any time",
    "We revoke a sign-in and send a copy of its credential every 50 ms until it is refused. With \
     JWT_REVOCATION=watch, we revoke at one process and send the JWT to it and to another. With \
     expiry, we move the app’s clock second by second until the JWT is refused. Another app’s \
     token is revoked at its provider and sent to us, with introspection at each request and with \
     introspection cached for 2 s."
}

/// At most, for each credential.
const ROUNDS: usize = 3;

const SECONDS: &str = "seconds until refused";
const LAST: &str = "ms until last accepted";
const AFTER: &str = "requests accepted after revocation";

const SESSION: &str = "session";
const WATCH_HERE: &str = "JWT, watch, same process";
const WATCH_THERE: &str = "JWT, watch, another process";
const EXPIRY: &str = "JWT, expiry, after moving the app’s clock";
const OAUTH: &str = "another app’s OAuth token, introspected each time";
const OAUTH_CACHED: &str = "another app’s OAuth token, introspection cached for 2 s";
const EXPIRED: &str = "JWT, expiry: after its lifetime";
const REFRESH: &str = "JWT, expiry: its refresh token, after revocation";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    measure_expiry(context, evidence).await?;
    let (session, here, there, introspected, cached) = tokio::try_join!(
        timed(context, Scenario::Session, ROUNDS),
        timed(context, Scenario::JwtWatchHere, ROUNDS),
        timed(context, Scenario::JwtWatch, ROUNDS),
        timed(context, Scenario::Introspected, 1),
        timed(context, Scenario::IntrospectedCached, 1),
    )?;
    for (label, readings) in [
        (SESSION, session),
        (WATCH_HERE, here),
        (WATCH_THERE, there),
        (OAUTH, introspected),
        (OAUTH_CACHED, cached),
    ] {
        readings.iter().for_each(|timed| record(evidence, label, timed));
    }
    // For the chart: the longest bar last.
    evidence.series.sort_by_key(|series| series.label.starts_with("JWT, expiry"));
    Ok(())
}

/// Times a scenario up to `rounds` times, as time permits.
async fn timed(context: &Context<'_>, scenario: Scenario, rounds: usize) -> Result<Vec<Timed>> {
    let prepared = scenario.prepare(&context.instances).await?;
    let mut readings = vec![prepared.time(|_| ()).await?];
    while readings.len() < rounds && context.has_time() {
        readings.push(prepared.time(|_| ()).await?);
    }
    Ok(readings)
}

fn record(evidence: &mut Evidence, label: &str, timed: &Timed) {
    // Unlike the first refusal, this does not depend on how long responses take.
    let last = match timed.reading {
        Reading::NeverAlive => return,
        Reading::Dead { last_accepted, .. } => last_accepted.unwrap_or(0.0),
        Reading::CameBack { accepted, .. } => accepted,
        Reading::Alive { at } => at,
    };
    if let Some(millis) = timed.millis_until_refused() {
        evidence.add_sample(label, SECONDS, millis / 1000.0);
    }
    evidence.add_sample(label, LAST, last);
    evidence.add_sample(label, AFTER, timed.accepted_after_revocation());
}

/// A JWT with the default `JWT_REVOCATION=expiry` and the default lifetime.
async fn measure_expiry(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default().with_manual_clock()).await?;
    let tokens = fixture.tokens().await?;
    let lifetime = token::lifetime(&tokens.access_token)?;
    let refresh_token = &tokens.refresh_token;
    let revoked = fixture.post_token("/api/v1/token/revoke", "token", refresh_token).await?;
    evidence.add_answer("JWT, expiry: POST /api/v1/token/revoke", &revoked);
    evidence.add_answer(REFRESH, &fixture.try_refresh(refresh_token).await?);
    let mut answer = fixture.me(&tokens.access_token).await?;
    let mut elapsed = 0;
    if answer.status == StatusCode::OK {
        let (late, answers) = fixture.advance_past_expiry(&tokens.access_token).await?;
        [_, answer] = answers;
        elapsed = lifetime + late;
    }
    evidence.add_answer(EXPIRED, &answer);
    let seconds = |whole| Duration::from_secs(whole).as_secs_f64();
    evidence.add_sample(EXPIRY, SECONDS, seconds(elapsed));
    evidence.add_sample("JWT, expiry: its lifetime", "seconds", seconds(lifetime));
    Ok(())
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let credentials = [SESSION, WATCH_HERE, WATCH_THERE, OAUTH, OAUTH_CACHED];
    let expiry = evidence.required_median(EXPIRY, SECONDS)?;
    for label in credentials {
        evidence.required_samples(label, AFTER)?;
    }
    let was_accepted = |label| evidence.values(label, AFTER).iter().any(|count| *count > 0.0);
    if was_accepted(SESSION) || was_accepted(WATCH_HERE) {
        return no("A process still accepted a credential after it had revoked the sign-in.");
    }
    if was_accepted(OAUTH) {
        return no("A token was still accepted after its provider had revoked it.");
    }
    if evidence.accepted(REFRESH, &["400 refresh_token_ended", "400 refresh_token_unknown"])? {
        return no("A revoked refresh token still worked.");
    }
    let late = [(WATCH_THERE, WATCHED), (OAUTH_CACHED, CACHED_FOR)]
        .map(|(label, promise)| (label, late(evidence, label, promise)));
    if let Some((label, times)) = late.iter().find(|(_, times)| *times > 1) {
        return no(format!("{label}: accepted longer than promised, {times} times."));
    }
    if let Some((label, _)) = late.iter().find(|(_, times)| *times > 0) {
        return unclear(format!(
            "{label}: accepted longer than promised, but only once, as a busy machine may do."
        ));
    }
    let was_refused =
        |label: &&str| evidence.values(label, SECONDS).len() == evidence.values(label, AFTER).len();
    if !credentials.iter().all(was_refused) {
        return unclear("Not every credential was refused for good.");
    }
    if evidence.accepted(EXPIRED, &["401 token_expired", "401 token_revoked"])? {
        return unclear("The JWT was never refused.");
    }
    let slowest = |label| evidence.values(label, SECONDS).iter().copied().fold(0.0, f64::max);
    let (there, cached) = (slowest(WATCH_THERE), slowest(OAUTH_CACHED));
    let because = format!(
        "A session was refused at the next request, and so was another app’s OAuth token that is \
         introspected each time; with cached introspection, it was refused after {cached:.2} s. A \
         JWT with JWT_REVOCATION=expiry was accepted for {expiry:.0} s, although it could not be \
         refreshed. With watch, the process that revoked it refused it immediately, and another \
         one after at most {there:.2} s."
    );
    if expiry < 1.0 && !was_accepted(OAUTH_CACHED) {
        return yes(because);
    }
    only_if("revocation is checked, at each request or in the background", because)
}

/// How often a credential was accepted longer than promised, beyond one polling interval.
fn late(evidence: &Evidence, label: &str, promise: Duration) -> usize {
    let most = (promise + INTERVAL).as_secs_f64() * 1000.0;
    evidence.values(label, LAST).iter().filter(|last| **last > most).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stopwatch::{Poll, PollOutcome, introspected};

    /// A credential that is never refused is not left out.
    #[test]
    fn never_refused_credential_counts_as_late() {
        let call = Call::get("http://localhost/".parse().unwrap());
        let promise = Duration::from_secs(1);
        let credential = introspected(&call.url, "", call.clone(), promise).unwrap();
        let poll =
            |asked| Poll { asked, answered: asked, status: 200, seen: PollOutcome::Accepted };
        let timed = Timed::of("jwt_watch", &credential, vec![poll(-50.0), poll(2_950.0)]);
        let mut evidence = Evidence::default();
        record(&mut evidence, WATCH_THERE, &timed);
        assert_eq!(late(&evidence, WATCH_THERE, promise), 1);
        assert!(evidence.values(WATCH_THERE, SECONDS).is_empty(), "it was never refused");
    }
}
