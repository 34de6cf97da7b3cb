//! Claim 2: "With a JWT no database query is needed".

use std::time::Duration;

use http::StatusCode;

use super::{Claim, Measuring, closing};
use crate::doors::{self, Door, Key, combination};
use crate::evidence::Evidence;
use crate::issuer::Issuer;
use crate::stats::all_are;
use crate::verdict::Verdict;
use crate::{Agent, Bench, Error, Place, Result, Wishes, token};

const ROUNDS: usize = 20;

const UNIT: &str = "queries";
const SENT: &str = "bytes up";
const MILLIS: &str = "ms";
const CALLS: &str = "calls to the provider";

const INTROSPECTED: &str = "OAuth token, introspected";

pub(super) const CLAIM: Claim = Claim {
    number: 2,
    slug: "queries",
    sentence: "With a JWT no database query is needed",
    method: "Four people come in, one by each door with each key. Each asks GET /api/v1/me \
             again and again, in turn; the app counts the statements that it sends to the \
             database and says so in Server-Timing. Another app asks with an opaque OAuth token, \
             about which its issuer is asked each time (RFC 7662); the issuer counts that. Bytes \
             and time of each request are noted besides.",
    honest: "A session costs one query and a JWT none. An introspected token costs an HTTP call \
           besides, unless the answer is remembered.",
    budget: Duration::from_secs(3),
    measure,
    judge,
};

fn measure<'a>(bench: &'a Bench<'a>) -> Measuring<'a> {
    Box::pin(async move {
        let issuer = Issuer::start().await?;
        let (place, issuer) = match bench.start(&issuer.asked_by(Wishes::none())).await {
            // An instance that runs already asks an issuer of its own.
            Err(Error::NotHere(_)) => (bench.start(&Wishes::none()).await?, None),
            started => (started?, Some(issuer)),
        };
        let measured = count(bench, place.as_ref(), issuer.as_ref()).await;
        closing(vec![place], measured).await
    })
}

#[expect(clippy::cast_precision_loss, reason = "a request is shorter than 2^52 bytes")]
async fn count(bench: &Bench<'_>, place: &dyn Place, issuer: Option<&Issuer>) -> Result<Evidence> {
    bench.doing("signing in, by each door with each key");
    let mut people = Vec::new();
    let nobody = Agent::new()?;
    let email = doors::sign_up(&nobody, place.url()).await?;
    for door in Door::ALL {
        for key in Key::ALL {
            let mut agent = nobody.stranger();
            match door {
                Door::OAuth => doors::by_oauth(&mut agent, place, "ada", key).await?,
                Door::Password => doors::by_password(&mut agent, place.url(), &email, key).await?,
            };
            people.push((combination(door, key), agent));
        }
    }
    let mut app = None;
    if let Some(issuer) = issuer {
        let token = doors::tokens(&nobody, place.url(), &email).await?.access_token;
        issuer.says(about_an_app(&token)?);
        app = Some((nobody.stranger(), issuer));
    }
    bench.doing("counting queries");
    let mut evidence = Evidence::default();
    for round in 0..=ROUNDS {
        for (label, agent) in &mut people {
            let answer = agent.send(doors::me(place.url())?).await?;
            let answer = doors::expect(answer, StatusCode::OK)?;
            let (queries, _) = doors::server_timing(&answer)?;
            // The first round warms up: a session notes that it was seen.
            if round > 0 {
                evidence.sample(label, UNIT, queries);
                evidence.sample(label, SENT, answer.bytes_up as f64);
                evidence.sample(label, MILLIS, answer.took.as_secs_f64() * 1000.0);
            }
        }
        if let Some((app, issuer)) = &mut app {
            let before = issuer.asked();
            let call = doors::me(place.url())?.bearer("an-opaque-token-of-another-app");
            let answer = doors::expect(app.send(call).await?, StatusCode::OK)?;
            let (queries, _) = doors::server_timing(&answer)?;
            if round > 0 {
                evidence.sample(INTROSPECTED, UNIT, queries);
                evidence.sample(INTROSPECTED, SENT, answer.bytes_up as f64);
                evidence.sample(INTROSPECTED, MILLIS, answer.took.as_secs_f64() * 1000.0);
                evidence.sample(INTROSPECTED, CALLS, (issuer.asked() - before) as f64);
            }
        }
    }
    Ok(evidence)
}

/// What an issuer says of a token that acts for the person of this JWT: for the
/// same API, and for as long.
fn about_an_app(jwt: &str) -> Result<serde_json::Value> {
    let claims = token::claims(jwt)?;
    Ok(serde_json::json!({
        "active": true, "token_type": "Bearer", "client_id": "another-app",
        "scope": "profile", "sub": claims["sub"], "aud": claims["aud"], "exp": claims["exp"],
    }))
}

fn judge(evidence: &Evidence) -> Verdict {
    let of = |key: Key| {
        let labels = Door::ALL.map(|door| combination(door, key));
        labels.map(|label| evidence.values(&label, UNIT).to_vec()).concat()
    };
    let (jwt, session) = (of(Key::Jwt), of(Key::Session));
    if jwt.is_empty() || session.is_empty() {
        return Verdict::undecided("One of the four combinations is missing.");
    }
    let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    if all_are(&jwt, 0.0) {
        let calls = evidence.median(INTROSPECTED, CALLS);
        let app = evidence.median(INTROSPECTED, UNIT).zip(calls);
        let app = app.map_or_else(String::new, |(queries, calls)| {
            format!(
                " For another app’s opaque token it was {queries}, and {calls} call to its issuer."
            )
        });
        return Verdict::yes(format!(
            "A JWT cost no query in {} requests, whichever door it came from; a session cost {}.\
             {app}",
            jwt.len(),
            most(&session)
        ));
    }
    Verdict::no(format!("A JWT cost up to {} queries per request.", most(&jwt)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_jwt_has_to_come_without_a_query() {
        let with = |jwt: [f64; 2]| {
            let mut evidence = Evidence::default();
            for (label, value) in [
                ("OAuth + session", 1.0),
                ("OAuth + JWT", jwt[0]),
                ("password + session", 1.0),
                ("password + JWT", jwt[1]),
            ] {
                evidence.sample(label, UNIT, value);
            }
            judge(&evidence).word()
        };
        assert_eq!(with([0.0, 0.0]), "true");
        assert_eq!(with([0.0, 1.0]), "false");
    }
}
