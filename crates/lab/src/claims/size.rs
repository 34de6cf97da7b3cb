//! Claim 4: "a JWT is compact".

use std::time::Duration;

use http::StatusCode;

use super::{Claim, Measuring, closing};
use crate::doors::{self, Key};
use crate::evidence::{Evidence, capital};
use crate::verdict::Verdict;
use crate::{Agent, Bench, Place, Result, Wishes};

/// What browsers keep of one cookie, name and value together (RFC 6265 §6.1).
const COOKIE_LIMIT: f64 = 4096.0;

/// How many roles the person has, in turn.
const ROLES: [usize; 6] = [0, 1, 10, 50, 100, 200];

/// Up to so many roles are weighed however long it takes.
const ENOUGH: usize = 50;

/// What proxies take of all headers together, unless they are told otherwise.
const HEADER_LIMIT: f64 = 8192.0;

const UNIT: &str = "bytes";
const SESSION: &str = "session cookie";

pub(super) const CLAIM: Claim = Claim {
    number: 4,
    slug: "size",
    sentence: "A JWT is compact",
    method: "One person comes in with a session, and then with a JWT again and again, with more \
             roles each time. Counted are the bytes of the cookie that a browser sends with \
             every request: name, equals sign and value.",
    honest: "False compared with a session id; true compared with SAML.",
    budget: Duration::from_secs(3),
    measure,
    judge,
};

fn measure<'a>(bench: &'a Bench<'a>) -> Measuring<'a> {
    Box::pin(async move {
        let place = bench.start(&Wishes::none()).await?;
        let measured = weigh(bench, place.as_ref()).await;
        closing(vec![place], measured).await
    })
}

async fn weigh(bench: &Bench<'_>, place: &dyn Place) -> Result<Evidence> {
    let mut agent = Agent::new()?;
    let email = doors::sign_up(&agent, place.url()).await?;
    let mut evidence = Evidence::default();
    doors::by_password(&mut agent, place.url(), &email, Key::Session).await?;
    evidence.sample(SESSION, UNIT, cookie(&agent, place, Key::Session)?);
    // The same person from now on: only what is carried changes.
    let mut agent = agent.stranger();
    doors::by_password(&mut agent, place.url(), &email, Key::Jwt).await?;
    for count in ROLES {
        if count > ENOUGH && !bench.has_time() {
            break;
        }
        bench.doing(format!("weighing a JWT with {count} roles"));
        let roles: Vec<String> = (1..=count).map(|n| format!("team-{n:03}-editor")).collect();
        place.give_roles(&email, &roles).await?;
        // The roles come into the token when it is issued.
        let fresh = doors::tokens(&agent, place.url(), &email).await?.access_token;
        let (header, payload) = parts(&fresh);
        let label = jwt(count);
        let (name, _) = doors::carried(&agent, place.url(), Key::Jwt)?;
        agent.plant(place.url(), &name, &fresh);
        evidence.sample(&label, UNIT, cookie(&agent, place, Key::Jwt)?);
        evidence.fact(
            format!("{label}, of which"),
            format!("header {header}, claims {payload}, signature and dots the rest"),
        );
        let mut program = agent.stranger();
        let answer = program.send(doors::me(place.url())?.bearer(&fresh)).await?;
        doors::expect(answer, StatusCode::OK)?;
    }
    Ok(evidence)
}

fn jwt(roles: usize) -> String {
    match roles {
        0 => "JWT without roles".to_owned(),
        1 => "JWT with 1 role".to_owned(),
        n => format!("JWT with {n} roles"),
    }
}

fn parts(token: &str) -> (usize, usize) {
    let mut parts = token.split('.').map(str::len);
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// The bytes of a cookie as a browser sends it.
#[expect(clippy::cast_precision_loss, reason = "a cookie is shorter than 2^52 bytes")]
fn cookie(agent: &Agent, place: &dyn Place, key: Key) -> Result<f64> {
    let (name, value) = doors::carried(agent, place.url(), key)?;
    Ok((name.len() + 1 + value.len()) as f64)
}

fn judge(evidence: &Evidence) -> Verdict {
    let jwts: Vec<_> = evidence.beginning_with("JWT ").collect();
    let (Some(session), Some(smallest)) =
        (evidence.median(SESSION, UNIT), jwts.first().and_then(|one| one.values.first()))
    else {
        return Verdict::undecided("A session or a JWT is missing.");
    };
    let over = |limit: f64| {
        let first = jwts.iter().find(|one| one.values.iter().any(|bytes| *bytes > limit));
        first.map(|one| one.label.replace("JWT ", "a JWT "))
    };
    let times = smallest / session;
    let mut because = format!(
        "The smallest JWT has {smallest:.0} bytes and the session cookie {session:.0}: {times:.0} \
         times as many, with every request."
    );
    if let Some(which) = over(COOKIE_LIMIT) {
        because += &format!(
            " {} is larger than the 4,096 bytes that a browser keeps of a cookie",
            capital(&which)
        );
        because += &over(HEADER_LIMIT).map_or_else(
            || ".".to_owned(),
            |which| {
                format!(", and {which} larger than the 8 KiB of headers that most proxies take.")
            },
        );
    }
    if *smallest > session * 2.0 {
        return Verdict::no(because);
    }
    Verdict::yes(because)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_is_what_is_not_twice_a_session() {
        for (session, token, expected) in [(40.0, 800.0, "false"), (40.0, 70.0, "true")] {
            let mut evidence = Evidence::default();
            evidence.sample(SESSION, UNIT, session);
            evidence.sample(&jwt(0), UNIT, token);
            evidence.sample(&jwt(100), UNIT, 5000.0);
            let verdict = judge(&evidence);
            assert_eq!(verdict.word(), expected);
            assert!(verdict.because().contains("A JWT with 100 roles is larger than the 4,096"));
        }
    }
}
