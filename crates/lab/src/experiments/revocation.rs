use super::prelude::*;
use crate::stopwatch::{CACHED_FOR, INTERVAL, Reading, Scenario, Timed};
use crate::token;

experiment! { 7, "revocation", within 5 s,
    "OAuth tokens can be revoked at any time",
    "A sign-in is ended, and a copy of its key is sent every 50 ms until it is refused. With \
     JWT_REVOCATION=watch it is ended at one process and sent to it and to another. With expiry \
     the app’s clock is moved, second by second, until the JWT is refused. The token that another \
     app got from the provider is revoked there, and sent here: where the provider is asked at \
     each request, and where its answer is cached for 2 s."
}

/// How often each key is timed at most.
const ROUNDS: usize = 3;

const MILLIS: &str = "ms until refused";
const LAST: &str = "ms until last let in";
const AFTER: &str = "requests that were let in after the end";
const BY_CLOCK: &str = "seconds until refused, on the app’s clock";

const SESSION: &str = "session";
const WATCH_HERE: &str = "JWT, watch, same process";
const WATCH_THERE: &str = "JWT, watch, another process";
const EXPIRY: &str = "JWT, expiry";
const OAUTH: &str = "OAuth token of another app, asked about each time";
const OAUTH_CACHED: &str = "OAuth token of another app, the answer cached for 2 s";
const IN_THE_END: &str = "JWT, expiry: in the end";
const RENEWED: &str = "JWT, expiry: its refresh token, at once";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    context.step("waiting for a JWT to expire, on a clock that is moved");
    by_the_clock(context, evidence).await?;
    context.step("ending sign-ins, and sending their keys");
    let (session, here, there, asked, cached) = tokio::try_join!(
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
        (OAUTH, asked),
        (OAUTH_CACHED, cached),
    ] {
        readings.iter().for_each(|timed| note(evidence, label, timed));
    }
    Ok(())
}

/// Times a scenario so often, or as often as there is time for.
async fn timed(context: &Context<'_>, scenario: Scenario, rounds: usize) -> Result<Vec<Timed>> {
    let prepared = scenario.prepare(&context.instances).await?;
    let mut readings = vec![prepared.time(|_| ()).await?];
    while readings.len() < rounds && context.has_time() {
        readings.push(prepared.time(|_| ()).await?);
    }
    Ok(readings)
}

fn note(evidence: &mut Evidence, label: &str, timed: &Timed) {
    // When it was last sent and let in does not depend on how long answers take.
    let last = match timed.reading {
        Reading::NeverAlive => return,
        Reading::Dead { last_accepted, .. } => last_accepted.unwrap_or(0.0),
        Reading::CameBack { accepted, .. } => accepted,
        Reading::Alive { at } => at,
    };
    evidence.add_sample(label, LAST, last);
    evidence.add_sample(label, AFTER, timed.accepted_after_revocation());
    if let Some(lived) = timed.millis_until_refused() {
        evidence.add_sample(label, MILLIS, lived);
    }
}

/// A JWT with `JWT_REVOCATION=expiry`, and the lifetime that it has out of the box.
async fn by_the_clock(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default().with_manual_clock()).await?;
    let tokens = fixture.tokens().await?;
    let lifetime = token::lifetime(&tokens.access_token)?;
    let refresh_token = &tokens.refresh_token;
    let revoked = fixture.post_token("/api/v1/token/revoke", "token", refresh_token).await?;
    evidence.add_fact("JWT, expiry: POST /api/v1/token/revoke", revoked.summary());
    evidence.add_answer(RENEWED, &fixture.try_refresh(refresh_token).await?);
    let mut answer = fixture.me(&tokens.access_token).await?;
    let mut passed = 0;
    if answer.status == StatusCode::OK {
        let (late, answers) = fixture.advance_past_expiry(&tokens.access_token).await?;
        [_, answer] = answers;
        passed = lifetime + late;
    }
    evidence.add_fact(IN_THE_END, answer.summary());
    evidence.add_sample(EXPIRY, BY_CLOCK, seconds(passed));
    evidence.add_sample("JWT, expiry: its lifetime", "seconds", seconds(lifetime));
    Ok(())
}

fn seconds(passed: u64) -> f64 {
    Duration::from_secs(passed).as_secs_f64()
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let keys = [SESSION, WATCH_HERE, WATCH_THERE, OAUTH, OAUTH_CACHED];
    let expiry = evidence.required_median(EXPIRY, BY_CLOCK)?;
    for label in keys {
        evidence.required_samples(label, AFTER)?;
    }
    let was_let_in = |label| evidence.values(label, AFTER).iter().any(|count| *count > 0.0);
    if was_let_in(SESSION) || was_let_in(WATCH_HERE) {
        return no("A key was let in after its sign-in had ended, by the process that ended it.");
    }
    if was_let_in(OAUTH) {
        return no("A token was let in after its provider had revoked it.");
    }
    if evidence.accepted(RENEWED, &["400 refresh_token_ended", "400 refresh_token_unknown"])? {
        return no("A revoked refresh token still worked.");
    }
    let late = [(WATCH_THERE, Duration::from_secs(1)), (OAUTH_CACHED, CACHED_FOR)]
        .map(|(label, promise)| (label, late(evidence, label, promise)));
    if let Some((label, times)) = late.iter().find(|(_, times)| *times > 1) {
        return no(format!("{label}: let in longer than promised, {times} times."));
    }
    if let Some((label, _)) = late.iter().find(|(_, times)| *times > 0) {
        return unclear(format!(
            "{label}: let in longer than promised, but only once: a busy machine does that, too."
        ));
    }
    let was_refused =
        |label: &&str| evidence.values(label, MILLIS).len() == evidence.values(label, AFTER).len();
    if !keys.iter().all(was_refused) {
        return unclear("Not every key was refused as one that has ended.");
    }
    if evidence.accepted(IN_THE_END, &["401 token_expired", "401 token_revoked"])? {
        return unclear("The JWT was never refused.");
    }
    let slowest = |label| evidence.values(label, MILLIS).iter().copied().fold(0.0, f64::max);
    let (there, cached) = (slowest(WATCH_THERE) / 1000.0, slowest(OAUTH_CACHED) / 1000.0);
    let because = format!(
        "A session was refused at the next request, and so was another app’s OAuth token where \
         its provider is asked each time; where the answer is cached, it was refused after \
         {cached:.2} s. A JWT with JWT_REVOCATION=expiry was let in for {expiry:.0} s, though \
         it could not be refreshed; with watch another process refused it after {there:.2} s \
         at most, and the one that ended it at once."
    );
    if expiry < 1.0 && !was_let_in(OAUTH_CACHED) {
        return yes(because);
    }
    only_if("revocation is checked, at each request or beside it", because)
}

/// How often a key was let in for longer than promised. Polling sees the end up to one
/// interval late.
fn late(evidence: &Evidence, label: &str, promise: Duration) -> usize {
    let most = (promise + INTERVAL).as_secs_f64() * 1000.0;
    evidence.values(label, LAST).iter().filter(|last| **last > most).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stopwatch::{Poll, PollOutcome, introspected};

    /// One that is still let in at the end is not left out.
    #[test]
    fn a_key_that_lives_on_counts() {
        let call = Call::get("http://localhost/".parse().unwrap());
        let promise = Duration::from_secs(1);
        let credential = introspected(&call.url, "", call.clone(), promise).unwrap();
        let poll =
            |asked| Poll { asked, answered: asked, status: 200, seen: PollOutcome::Accepted };
        let timed = Timed::of(&credential, vec![poll(-50.0), poll(2_950.0)]);
        let mut evidence = Evidence::default();
        note(&mut evidence, WATCH_THERE, &timed);
        assert_eq!(late(&evidence, WATCH_THERE, promise), 1);
        assert!(evidence.values(WATCH_THERE, MILLIS).is_empty(), "it was never refused");
    }
}
