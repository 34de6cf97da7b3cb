//! Claim 3: "therefore a JWT is faster".

use std::time::Duration;

use http::StatusCode;

use super::{Claim, Measuring, closing};
use crate::doors::{self, Key, LATENCY};
use crate::evidence::Evidence;
use crate::stats::{Margin, Order, compare};
use crate::verdict::{BreakEven, Verdict};
use crate::{Agent, Bench, Call, Place, Result, Wishes};

/// Rounds at most; each asks once with every variant.
const ROUNDS: usize = 40;

/// Rounds that nobody counts.
const WARM_UP: usize = 3;

const UNIT: &str = "ms";

/// The time between the first and the last statement of the app about a request.
const IN_APP: &str = "ms in the app";

pub(super) const CLAIM: Claim = Claim {
    number: 3,
    slug: "speed",
    sentence: "Therefore a JWT is faster",
    method: "The same person asks GET /api/v1/me with a session and with a JWT of each algorithm, \
             over a connection that stays open, one variant after the other, round by round. A \
             dial makes every statement of the database take longer, as if it were that far \
             away. A JWT is sent once when nobody has seen it yet, so that its signature is \
             checked, and once more when it is known. Differences below 0.25 ms or a tenth are \
             not named.",
    honest: "True if the database is farther away than a signature check costs.",
    budget: Duration::from_secs(8),
    measure,
    judge,
};

/// Somebody who has come in where JWTs are signed with one algorithm.
struct Bearer {
    algorithm: String,
    place: Box<dyn Place>,
    session: Agent,
    /// Tokens that nobody has seen yet.
    fresh: Vec<String>,
}

fn measure<'a>(bench: &'a Bench<'a>) -> Measuring<'a> {
    Box::pin(async move {
        let mut bearers = Vec::new();
        let mut measured = prepare(bench, &mut bearers).await;
        if measured.is_ok() {
            measured = rounds(bench, &mut bearers).await;
        }
        closing(bearers.into_iter().map(|bearer| bearer.place).collect(), measured).await
    })
}

async fn prepare(bench: &Bench<'_>, bearers: &mut Vec<Bearer>) -> Result<Evidence> {
    for algorithm in &bench.options.algorithms {
        bench.doing(format!("starting an instance that signs with {algorithm}"));
        let place = bench.start(&Wishes::none().set("JWT_ALGORITHM", algorithm)).await?;
        let agent = Agent::new()?;
        bearers.push(Bearer {
            algorithm: algorithm.clone(),
            place,
            session: agent,
            fresh: Vec::new(),
        });
        // It is stopped from here on, whatever happens.
        let Some(bearer) = bearers.last_mut() else { break };
        let url = bearer.place.url().clone();
        let email = doors::sign_up(&bearer.session, &url).await?;
        doors::by_password(&mut bearer.session, &url, &email, Key::Session).await?;
        let mut tokens = doors::tokens(&bearer.session, &url, &email).await?;
        for _ in 0..ROUNDS + WARM_UP {
            let next = doors::refresh(&bearer.session, &url, &tokens.refresh_token).await?;
            bearer.fresh.push(std::mem::replace(&mut tokens, next).access_token);
        }
    }
    Ok(Evidence::default())
}

async fn rounds(bench: &Bench<'_>, bearers: &mut [Bearer]) -> Result<Evidence> {
    bench.doing("asking, in turn");
    let mut evidence = Evidence::default();
    let farthest = bench.options.latencies.iter().copied().fold(0.0, f64::max);
    for round in 0..ROUNDS + WARM_UP {
        let mut taken: Vec<(String, &str, f64)> = Vec::new();
        for (index, bearer) in bearers.iter_mut().enumerate() {
            let url = bearer.place.url().clone();
            // How far away the database is does not depend on the algorithm.
            let dial: &[f64] = if index == 0 { &bench.options.latencies } else { &[] };
            for latency in dial {
                let call = far_away(doors::me(&url)?, *latency);
                ask(&mut bearer.session, call, session(*latency), &mut taken).await?;
            }
            let Some(token) = bearer.fresh.pop() else { continue };
            let mut program = bearer.session.stranger();
            let algorithm = &bearer.algorithm;
            for (label, latency) in [
                (first_seen(algorithm), 0.0),
                (known(algorithm), 0.0),
                (known_far(algorithm), farthest),
            ] {
                let call = far_away(doors::me(&url)?, latency).bearer(&token);
                ask(&mut program, call, label, &mut taken).await?;
            }
        }
        if round >= WARM_UP {
            for (label, unit, value) in taken {
                evidence.sample(&label, unit, value);
            }
        }
        if !bench.has_time() {
            break;
        }
    }
    Ok(evidence)
}

fn far_away(call: Call, latency: f64) -> Call {
    call.with(LATENCY, &format!("{latency}ms"))
}

async fn ask(
    agent: &mut Agent,
    call: Call,
    label: String,
    taken: &mut Vec<(String, &'static str, f64)>,
) -> Result<()> {
    let answer = doors::expect(agent.send(call).await?, StatusCode::OK)?;
    let (_, in_app) = doors::server_timing(&answer)?;
    taken.push((label.clone(), UNIT, answer.took.as_secs_f64() * 1000.0));
    taken.push((label, IN_APP, in_app));
    Ok(())
}

fn session(latency: f64) -> String {
    if latency > 0.0 {
        format!("session, database {latency} ms away")
    } else {
        "session, database embedded".to_owned()
    }
}

fn first_seen(algorithm: &str) -> String {
    format!("JWT {algorithm}, first seen")
}

fn known(algorithm: &str) -> String {
    format!("JWT {algorithm}, known")
}

fn known_far(algorithm: &str) -> String {
    format!("JWT {algorithm}, known, database far away")
}

/// A JWT is faster when it is so with the nearest database there was. When it
/// is so with the farthest one alone, distance is the condition.
fn judge(evidence: &Evidence) -> Verdict {
    let first_seen: Vec<_> = evidence
        .series
        .iter()
        .filter(|one| one.unit == UNIT && one.label.ends_with(", first seen"))
        .collect();
    let sessions: Vec<_> =
        evidence.beginning_with("session, ").filter(|one| one.unit == UNIT).collect();
    let (Some(nearest), Some(farthest)) = (sessions.first(), sessions.last()) else {
        return Verdict::undecided("There is no session to compare with.");
    };
    let orders = |against: &[f64]| -> Option<Vec<Order>> {
        first_seen.iter().map(|jwt| compare(&jwt.values, against, Margin::MILLIS)).collect()
    };
    let (Some(near), Some(far)) = (orders(&nearest.values), orders(&farthest.values)) else {
        return Verdict::undecided("There are too few samples.");
    };
    if near.is_empty() {
        return Verdict::undecided("There is no JWT to compare with.");
    }
    let all = |orders: &[Order], wanted| orders.iter().all(|order| *order == wanted);
    if all(&near, Order::Less) {
        return Verdict::yes(
            "A JWT was faster with the nearest database, whatever it is signed with.",
        );
    }
    if all(&far, Order::Less) {
        return far_enough(evidence, &nearest.label);
    }
    if far.contains(&Order::Less) {
        return Verdict::undecided("It depends on the algorithm, and on this machine’s noise.");
    }
    Verdict::no("No JWT was faster than a session, however far away the database was.")
}

/// The break-even: how far the database has to be away for its statement to
/// cost what the dearest signature check costs. From the times in the app, which have
/// no network in them.
fn far_enough(evidence: &Evidence, nearest: &str) -> Verdict {
    let lookup = evidence.median(nearest, IN_APP).unwrap_or_default();
    let dearest = evidence
        .series
        .iter()
        .filter(|one| one.unit == IN_APP && one.label.ends_with(", first seen"))
        .filter_map(|one| evidence.median(&one.label, IN_APP).map(|median| (median, &one.label)))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let (check, label) = dearest.map_or((0.0, ""), |(median, label)| (median, label.as_str()));
    let name = label.trim_start_matches("JWT ").trim_end_matches(", first seen");
    let value = (check - lookup).max(0.0);
    let because = if value > 0.0 {
        format!(
            "The dearest check ({name}) costs what the lookup costs in a database that is \
             {value:.2} ms away. Nearer than that the session is faster; farther away, the JWT."
        )
    } else {
        format!(
            "In the app, even a {name} token that nobody has seen takes {check:.2} ms and a \
             session from the nearest database {lookup:.2} ms: a difference that nobody can \
             notice. With each millisecond of distance it grows by a millisecond."
        )
    };
    Verdict::TrueIf {
        condition: "the database is farther away than a signature check costs".to_owned(),
        because,
        break_even: Some(BreakEven { value, unit: UNIT.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(near: f64, far: f64, jwt: f64) -> Evidence {
        let mut evidence = Evidence::default();
        for n in 0..20_u8 {
            let noise = f64::from(n) / 200.0;
            for (label, value) in [
                (session(0.0), near),
                (session(10.0), far),
                (first_seen("ES256"), jwt),
                (first_seen("EdDSA"), jwt),
            ] {
                evidence.sample(&label, UNIT, value + noise);
                evidence.sample(&label, IN_APP, value + noise);
            }
        }
        evidence
    }

    #[test]
    fn distance_is_the_condition() {
        for (near, far, jwt, expected, break_even) in [
            (0.3, 10.3, 0.5, "true if", Some(0.2)),
            (0.5, 10.5, 0.4, "true if", Some(0.0)),
            (2.0, 12.0, 0.5, "true", None),
            (0.3, 0.4, 3.0, "false", None),
        ] {
            let verdict = judge(&evidence(near, far, jwt));
            assert_eq!(verdict.word(), expected, "{near} {far} {jwt}: {verdict:?}");
            if let Verdict::TrueIf { break_even: Some(found), .. } = verdict {
                assert!((found.value - break_even.unwrap()).abs() < 1e-9, "{found:?}");
            }
        }
    }
}
