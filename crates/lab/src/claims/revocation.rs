//! Claim 7: "OAuth tokens can be revoked at any time".

use std::time::Duration;

use http::Method;

use super::seen::{bearing, said};
use super::{Claim, Measuring, closing};
use crate::evidence::Evidence;
use crate::ground::at;
use crate::stopwatch::{self, Between, CACHED_FOR, INTERVAL, Reading, Round, Timed};
use crate::verdict::Verdict;
use crate::{Agent, Bench, Call, Place, Result, Wishes, doors, token};

/// How often each key is timed, if there is time.
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
const OAUTH_CACHED: &str = "OAuth token of another app, the answer believed for 2 s";
const IN_THE_END: &str = "JWT, expiry: in the end";
const RENEWED: &str = "JWT, expiry: its refresh token, at once";

/// Past `exp`, the clock is moved so many times by a second at the most: more
/// than the leeway may be.
const PAST_EXPIRY: usize = 61;

pub(super) const CLAIM: Claim = Claim {
    number: 7,
    slug: "revocation",
    sentence: "OAuth tokens can be revoked at any time",
    method: "A sign-in is ended, and a copy of its key is shown every 50 ms until it is refused. \
             With JWT_REVOCATION=watch it is ended at one process and shown at it and at another. \
             With expiry the app’s clock is moved, second by second, until the JWT is refused. \
             The token that another app got of the provider is revoked there, and shown here: \
             where each showing asks the provider, and where its answer is believed for 2 s.",
    honest: "A session is refused at the next request; a JWT with expiry lives up to its \
             lifetime, with watch at most a second; an introspected token as long as its answer \
             is cached.",
    budget: Duration::from_secs(5),
    measure,
    judge,
};

fn measure<'a>(bench: &'a Bench<'a>) -> Measuring<'a> {
    Box::pin(async move {
        let watch = Wishes::none().set("JWT_REVOCATION", "watch");
        let mut places = vec![bench.start(&watch).await?];
        let measured = at_places(bench, &mut places, &watch).await;
        closing(places, measured).await
    })
}

async fn at_places(
    bench: &Bench<'_>,
    places: &mut Vec<Box<dyn Place>>,
    watch: &Wishes,
) -> Result<Evidence> {
    let twin = watch.clone().twin_of(places[0].as_ref())?;
    places.push(bench.start(&twin).await?);
    places.push(bench.start(&Wishes::none().clock_standing()).await?);
    let [here, there, standing] = places.as_slice() else {
        return Ok(Evidence::default());
    };
    let mut evidence = Evidence::default();
    bench.doing("waiting for a JWT to expire, on a clock that is moved");
    by_the_clock(standing.as_ref(), &mut evidence).await?;
    bench.doing("ending sign-ins, and showing their keys");
    let (asked, believed, ()) = tokio::try_join!(
        bench.time(Round::Introspected),
        bench.time(Round::IntrospectedCached),
        at_two(bench, here.as_ref(), there.as_ref(), &mut evidence),
    )?;
    note(&mut evidence, OAUTH, &asked);
    note(&mut evidence, OAUTH_CACHED, &believed);
    Ok(evidence)
}

/// A session, and a watched JWT at the process that ends it and at another.
async fn at_two(
    bench: &Bench<'_>,
    here: &dyn Place,
    there: &dyn Place,
    evidence: &mut Evidence,
) -> Result<()> {
    let agent = Agent::new()?;
    let email = doors::sign_up(&agent, here.url()).await?;
    let same = Between::one(here.url());
    let two = Between { ends_at: here.url(), shown_at: there.url() };
    for round in 0..ROUNDS {
        if round > 0 && !bench.has_time() {
            break;
        }
        let of_session = stopwatch::session(&agent, same, &email).await?;
        let at_here = stopwatch::watched_jwt(&agent, same, &email).await?;
        let at_there = stopwatch::watched_jwt(&agent, two, &email).await?;
        let time = |subject| stopwatch::time(&agent, subject, |_| ());
        let (of_session, at_here, at_there) =
            tokio::try_join!(time(&of_session), time(&at_here), time(&at_there))?;
        note(evidence, SESSION, &of_session);
        note(evidence, WATCH_HERE, &at_here);
        note(evidence, WATCH_THERE, &at_there);
    }
    Ok(())
}

fn note(evidence: &mut Evidence, label: &str, timed: &Timed) {
    // When it was last sent and let in does not depend on how long answers take.
    let last = match timed.reading {
        Reading::NeverAlive => return,
        Reading::Dead { last_accepted, .. } => last_accepted.unwrap_or(0.0),
        Reading::CameBack { accepted, .. } => accepted,
        Reading::Alive { at } => at,
    };
    evidence.sample(label, LAST, last);
    evidence.sample(label, AFTER, timed.let_in_after_the_end());
    if let Some(lived) = timed.lived() {
        evidence.sample(label, MILLIS, lived);
    }
}

/// A JWT that nobody watches, with the lifetime that it has out of the box.
async fn by_the_clock(place: &dyn Place, evidence: &mut Evidence) -> Result<()> {
    let agent = Agent::new()?;
    let email = doors::sign_up(&agent, place.url()).await?;
    let tokens = doors::tokens(&agent, place.url(), &email).await?;
    let lifetime = token::lifetime(&tokens.access_token)?;
    let document = serde_json::json!({ "token": tokens.refresh_token }).to_string();
    let revoke = at(place.url(), "/api/v1/token/revoke")?;
    let revoked = agent.stranger().send(Call::json(Method::POST, revoke, &document)).await?;
    evidence.fact("JWT, expiry: POST /api/v1/token/revoke", said(&revoked));
    let renewed = doors::refresh(&agent, place.url(), &tokens.refresh_token).await;
    evidence.fact(RENEWED, if renewed.is_ok() { "renewed" } else { "refused" });
    // In strides as long as it says that it lives, then second by second.
    let mut passed = 0;
    for stride in [lifetime / 2, lifetime - lifetime / 2 - 1].into_iter().chain([1; PAST_EXPIRY]) {
        let answer = bearing(&agent, place.url(), "/api/v1/me", &tokens.access_token).await?;
        if answer.status.as_u16() != 200 {
            evidence.fact(IN_THE_END, said(&answer));
            evidence.sample(EXPIRY, BY_CLOCK, as_f64(passed));
            evidence.sample("JWT, expiry: its lifetime", "seconds", as_f64(lifetime));
            return Ok(());
        }
        place.advance(Duration::from_secs(stride)).await?;
        passed += stride;
    }
    Ok(())
}

fn as_f64(seconds: u64) -> f64 {
    u32::try_from(seconds).map_or(f64::MAX, f64::from)
}

fn judge(evidence: &Evidence) -> Verdict {
    let keys = [SESSION, WATCH_HERE, WATCH_THERE, OAUTH, OAUTH_CACHED];
    let is_missing = |label: &str| evidence.values(label, AFTER).is_empty();
    let Some(expiry) = evidence.median(EXPIRY, BY_CLOCK) else {
        return Verdict::undecided("No JWT was seen to expire.");
    };
    if keys.iter().any(|label| is_missing(label)) {
        return Verdict::undecided("Not every key was shown.");
    }
    let was_let_in = |label| evidence.values(label, AFTER).iter().any(|count| *count > 0.0);
    if was_let_in(SESSION) || was_let_in(WATCH_HERE) {
        return Verdict::no(
            "A key was let in after its sign-in had ended, in the very process that ended it.",
        );
    }
    if was_let_in(OAUTH) {
        return Verdict::no("A token was let in after its provider, who is asked, revoked it.");
    }
    if evidence.seen(RENEWED) != Some("refused") {
        return Verdict::no("A refresh token that was revoked was renewed.");
    }
    let late = [(WATCH_THERE, Duration::from_secs(1)), (OAUTH_CACHED, CACHED_FOR)]
        .map(|(label, promise)| (label, late(evidence, label, promise)));
    if let Some((label, times)) = late.iter().find(|(_, times)| *times > 1) {
        return Verdict::no(format!("{label}: let in longer than promised, {times} times."));
    }
    if let Some((label, _)) = late.iter().find(|(_, times)| *times > 0) {
        return Verdict::undecided(format!(
            "{label}: let in longer than promised, but only once: a busy machine does that, too."
        ));
    }
    let was_refused =
        |label: &&str| evidence.values(label, MILLIS).len() == evidence.values(label, AFTER).len();
    if !keys.iter().all(was_refused) || evidence.seen(IN_THE_END) != Some("401 token_expired") {
        return Verdict::undecided("Not every key was seen to be refused as one that has ended.");
    }
    let slowest = |label| evidence.values(label, MILLIS).iter().copied().fold(0.0, f64::max);
    let (there, believed) = (slowest(WATCH_THERE) / 1000.0, slowest(OAUTH_CACHED) / 1000.0);
    Verdict::only_if(
        "somebody asks, at each request or beside it, what has been revoked",
        format!(
            "A session was refused at the next request, and so was another app’s OAuth token where \
             its provider is asked each time; where the answer is believed for a while, it was \
             refused after {believed:.2} s. A JWT that nobody watches was let in for {expiry:.0} \
             s, though it could not be renewed; with JWT_REVOCATION=watch another process refused \
             it after {there:.2} s at the most, and the one that ended it at once."
        ),
    )
}

/// How often a key was let in for longer than promised. Whoever asks every so often
/// sees the end up to that much late.
fn late(evidence: &Evidence, label: &str, promise: Duration) -> usize {
    let most = (promise + INTERVAL).as_secs_f64() * 1000.0;
    evidence.values(label, LAST).iter().filter(|last| **last > most).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key, each as it should be.
    fn good() -> Evidence {
        let mut evidence = Evidence::default();
        for (label, after, last) in [
            (SESSION, 0.0, 0.0),
            (WATCH_HERE, 0.0, 0.0),
            (WATCH_THERE, 4.0, 350.0),
            (OAUTH, 0.0, 0.0),
            (OAUTH_CACHED, 30.0, 1_950.0),
        ] {
            evidence.sample(label, AFTER, after);
            evidence.sample(label, LAST, last);
            evidence.sample(label, MILLIS, last + 53.0);
        }
        evidence.sample(EXPIRY, BY_CLOCK, 305.0);
        evidence.fact(RENEWED, "refused");
        evidence.fact(IN_THE_END, "401 token_expired");
        evidence
    }

    /// The verdict when one round more was so.
    fn with(label: &str, after: f64, last: &[f64], refused: f64) -> &'static str {
        let mut evidence = good();
        for last in last {
            evidence.sample(label, AFTER, after);
            evidence.sample(label, LAST, *last);
            evidence.sample(label, MILLIS, refused);
        }
        judge(&evidence).word()
    }

    #[test]
    fn it_depends_on_who_is_asked() {
        assert_eq!(judge(&good()).word(), "true if");
        for key in [SESSION, WATCH_HERE, OAUTH] {
            assert_eq!(with(key, 1.0, &[10.0], 60.0), "false", "{key}");
        }
    }

    /// A promise counts from when a key was sent, and one slip is not a habit.
    #[test]
    fn late_is_what_was_sent_late_and_more_than_once() {
        // Whoever asks every 50 ms sees it up to that much late.
        assert_eq!(with(WATCH_THERE, 20.0, &[1_040.0], 1_090.0), "true if");
        // The answer took its time: the machine was busy.
        assert_eq!(with(WATCH_THERE, 20.0, &[900.0, 900.0], 1_900.0), "true if");
        assert_eq!(with(WATCH_THERE, 20.0, &[1_200.0], 1_250.0), "undecided");
        assert_eq!(with(WATCH_THERE, 20.0, &[1_200.0, 1_200.0], 1_250.0), "false");
        assert_eq!(with(OAUTH_CACHED, 40.0, &[2_040.0], 2_090.0), "true if");
        assert_eq!(with(OAUTH_CACHED, 40.0, &[2_200.0], 2_250.0), "undecided");
    }

    #[test]
    fn every_key_has_to_be_seen_to_end() {
        for key in [SESSION, WATCH_HERE, WATCH_THERE, OAUTH, OAUTH_CACHED] {
            for unit in [AFTER, MILLIS] {
                let mut evidence = good();
                evidence.series.retain(|one| !(one.label == key && one.unit == unit));
                assert_eq!(judge(&evidence).word(), "undecided", "{key}, {unit}");
            }
        }
        let mut evidence = good();
        evidence.facts.retain(|fact| fact.label != IN_THE_END);
        evidence.fact(IN_THE_END, "503 database_unavailable");
        assert_eq!(judge(&evidence).word(), "undecided");
    }

    /// One that still opens when the watch is put away is not left out.
    #[test]
    fn a_key_that_lives_on_counts() {
        let mut evidence = good();
        for _ in 0..2 {
            let subject = stopwatch::Subject {
                slug: "a",
                key: String::new(),
                ending: String::new(),
                shows: Call::get("http://localhost/".parse().unwrap()),
                ends: Call::get("http://localhost/".parse().unwrap()),
                promise: Duration::from_secs(1),
                because: String::new(),
            };
            let seen = stopwatch::Seen::Accepted;
            let poll = |asked| stopwatch::Poll { asked, answered: asked, status: 200, seen };
            let timed = Timed::of(&subject, vec![poll(-50.0), poll(2_950.0)]);
            note(&mut evidence, WATCH_THERE, &timed);
        }
        assert_eq!(judge(&evidence).word(), "false");
    }
}
