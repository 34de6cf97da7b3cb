//! Claim 7: "OAuth tokens can be revoked at any time".

use std::time::Duration;

use http::Method;

use super::seen::{bearing, said};
use super::{Claim, Measuring, closing};
use crate::evidence::Evidence;
use crate::ground::at;
use crate::stopwatch::{self, Between, Reading, Timed};
use crate::verdict::Verdict;
use crate::{Agent, Bench, Call, Place, Result, Wishes, doors, token};

/// How often each key is timed, if there is time.
const ROUNDS: usize = 3;

const MILLIS: &str = "ms until refused";
const AFTER: &str = "requests that were let in after the end";
const BY_CLOCK: &str = "seconds until refused, on the app’s clock";

const SESSION: &str = "session";
const WATCH_HERE: &str = "JWT, watch, same process";
const WATCH_THERE: &str = "JWT, watch, another process";
const EXPIRY: &str = "JWT, expiry";
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
             With expiry the app’s clock is moved, second by second, until the JWT is refused.",
    honest: "A session is refused at the next request; a JWT with expiry lives up to its \
             lifetime, with watch at most a second; an introspected token as long as its answer \
             is cached.",
    budget: Duration::from_secs(4),
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
    at_two(bench, here.as_ref(), there.as_ref(), &mut evidence).await?;
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
    if let Reading::Dead { first_refused, .. } = timed.reading {
        evidence.sample(label, MILLIS, first_refused);
        evidence.sample(label, AFTER, timed.let_in_after_the_end());
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
            evidence.fact("JWT, expiry: in the end", said(&answer));
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
    let let_in = |label| {
        let values = evidence.values(label, AFTER);
        (!values.is_empty()).then(|| values.iter().copied().fold(0.0, f64::max))
    };
    let slowest = |label| evidence.values(label, MILLIS).iter().copied().fold(0.0, f64::max);
    let (Some(session), Some(here), Some(_), Some(expiry)) = (
        let_in(SESSION),
        let_in(WATCH_HERE),
        let_in(WATCH_THERE),
        evidence.median(EXPIRY, BY_CLOCK),
    ) else {
        return Verdict::undecided("Not every key was seen to be refused.");
    };
    if session > 0.0 || here > 0.0 {
        return Verdict::no(
            "A key was let in after its sign-in had ended, in the very process that ended it.",
        );
    }
    if evidence.seen(RENEWED) != Some("refused") {
        return Verdict::no("A refresh token that was revoked was renewed.");
    }
    let there = slowest(WATCH_THERE) / 1000.0;
    if there > 1.0 + stopwatch::INTERVAL.as_secs_f64() {
        return Verdict::no(format!("Another process let a watched JWT in for {there:.2} s."));
    }
    Verdict::only_if(
        "somebody asks, at each request or beside it, what has been revoked",
        format!(
            "A session was refused at the next request. A JWT that nobody watches was let in for \
             {expiry:.0} s, though it could not be renewed; with JWT_REVOCATION=watch another process refused it after {there:.2} \
             s at the most, and the one that ended it at once."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(session: f64, here: f64, there: f64) -> &'static str {
        let mut evidence = Evidence::default();
        for (label, after, millis) in
            [(SESSION, session, 3.0), (WATCH_HERE, here, 3.0), (WATCH_THERE, 4.0, there)]
        {
            evidence.sample(label, AFTER, after);
            evidence.sample(label, MILLIS, millis);
        }
        evidence.sample(EXPIRY, BY_CLOCK, 305.0);
        evidence.fact(RENEWED, "refused");
        judge(&evidence).word()
    }

    #[test]
    fn it_depends_on_who_is_asked() {
        assert_eq!(with(0.0, 0.0, 400.0), "true if");
        assert_eq!(with(1.0, 0.0, 400.0), "false");
        assert_eq!(with(0.0, 1.0, 400.0), "false");
        assert_eq!(with(0.0, 0.0, 1_200.0), "false");
        // Whoever asks every 50 ms sees it up to that much late.
        assert_eq!(with(0.0, 0.0, 1_040.0), "true if");
    }
}
