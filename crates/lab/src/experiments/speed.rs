use super::prelude::*;
use crate::context::Options;
use crate::evidence::{Figure, Series};
use crate::sign_in::LATENCY_HEADER;
use crate::stats::{self, Order, compare, shuffled_indices};

experiment! { 3, "speed", within 9 s,
    "Therefore a JWT is faster",
    "The same person calls GET /api/v1/me with a session and with a JWT of each algorithm, over a \
     connection that stays open, one variant after the other, round by round. A dial makes every \
     statement of the database take longer, as if it were that far away. A JWT is sent once when \
     it is new, so that its signature is checked, and once more when it is known. A second series \
     of the same session shows how far two equal things are apart on this machine: no difference \
     below that is named."
}

/// Rounds at most; each asks once with every variant.
const ROUNDS: usize = 25;

/// Rounds at least, for an interval that leaves outliers away.
const ENOUGH: usize = 12;

const WARM_UP: usize = 2;

const UNIT: &str = "ms";

/// The same session once more, in the same rounds: what differs here is noise.
const CONTROL: &str = "session, once more";

/// The time between the first and the last statement of the app about a request.
const IN_APP: &str = "ms in the app";

/// An instance that signs with an algorithm, and the credentials that it issued.
struct SignedIn<'a> {
    fixture: Fixture<'a>,
    browser: Agent,
    unseen: Vec<String>,
    known: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Key {
    Session,
    /// A JWT that the app has not seen yet.
    Unseen,
    Known,
}

/// What is asked with, at which of the instances, and how far away the database is made to be.
struct Variant {
    label: String,
    instance: usize,
    key: Key,
    latency: f64,
}

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let mut instances = Vec::new();
    for algorithm in &context.options.algorithms {
        context.step(format!("starting an instance that signs with {algorithm}"));
        instances.push(prepare(context, algorithm).await?);
    }
    context.step("asking, in turn");
    let variants = variants(context.options);
    for round in 0..ROUNDS + WARM_UP {
        for place in shuffled_indices(variants.len()) {
            let Some(variant) = variants.get(place) else { continue };
            let Some(instance) = instances.get_mut(variant.instance) else { continue };
            let Some((in_all, in_app)) = ask(instance, variant).await? else { continue };
            if round >= WARM_UP {
                evidence.add_sample(&variant.label, UNIT, in_all);
                evidence.add_sample(&variant.label, IN_APP, in_app);
            }
        }
        if round >= ENOUGH + WARM_UP && !context.has_time() {
            break;
        }
    }
    // In the order in which people want to read them.
    let rank = |label: &str| variants.iter().position(|one| one.label == label);
    evidence.series.sort_by_key(|one| (one.unit != UNIT, rank(&one.label)));
    Ok(())
}

async fn prepare<'a>(context: &'a Context<'_>, algorithm: &str) -> Result<SignedIn<'a>> {
    let options = InstanceOptions::default().set("JWT_ALGORITHM", algorithm);
    let fixture = context.start(&options).await?;
    let browser = fixture.browser(Credential::Session).await?;
    let (mut tokens, mut unseen) = (fixture.tokens().await?, Vec::new());
    for count in 0..ROUNDS + WARM_UP {
        if count >= ENOUGH + WARM_UP && !context.has_time() {
            break;
        }
        let (next, _) = fixture.refresh(&tokens.refresh_token).await?;
        unseen.push(std::mem::replace(&mut tokens, next).access_token);
    }
    Ok(SignedIn { fixture, browser, unseen, known: None })
}

fn variants(options: &Options) -> Vec<Variant> {
    let new = |instance, key, latency, label| Variant { label, instance, key, latency };
    let farthest = options.latencies.iter().copied().fold(0.0, f64::max);
    // How far away the database is does not depend on the algorithm.
    let sessions = options.latencies.iter().map(|at| new(0, Key::Session, *at, session(*at)));
    let control = new(0, Key::Session, 0.0, CONTROL.to_owned());
    let jwts = options.algorithms.iter().enumerate().flat_map(|(instance, algorithm)| {
        let known = format!("JWT {algorithm}, known");
        [
            new(instance, Key::Unseen, 0.0, first_seen(algorithm)),
            new(instance, Key::Known, 0.0, known.clone()),
            new(instance, Key::Known, farthest, format!("{known}, database far away")),
        ]
    });
    sessions.chain([control]).chain(jwts).collect()
}

/// Asks once: how long it took in all and in the app, in milliseconds. Nothing when there is no
/// token for it yet.
async fn ask(signed_in: &mut SignedIn<'_>, variant: &Variant) -> Result<Option<(f64, f64)>> {
    let latency = format!("{}ms", variant.latency);
    let call = sign_in::me(signed_in.fixture.url())?.with(LATENCY_HEADER, &latency);
    if variant.key == Key::Unseen {
        let Some(token) = signed_in.unseen.pop() else { return Ok(None) };
        signed_in.known = Some(token);
    }
    let answer = match (variant.key, &signed_in.known) {
        (Key::Session, _) => signed_in.browser.send(call).await?,
        (_, Some(token)) => signed_in.browser.fresh().send(call.bearer(token)).await?,
        (_, None) => return Ok(None),
    };
    let answer = sign_in::expect_status(answer, StatusCode::OK)?;
    let (_, in_app) = sign_in::server_timing(&answer)?;
    Ok(Some((answer.millis(), in_app)))
}

fn session(latency: f64) -> String {
    if latency > 0.0 {
        format!("session, database {latency} ms away")
    } else {
        "session, database embedded".to_owned()
    }
}

/// How far away the database of a session was made to be, by its label.
fn distance(label: &str) -> f64 {
    let away = label.strip_prefix("session, database ");
    let away = away.and_then(|rest| rest.strip_suffix(" ms away"));
    away.and_then(|millis| millis.parse().ok()).unwrap_or(0.0)
}

fn first_seen(algorithm: &str) -> String {
    format!("JWT {algorithm}, first seen")
}

/// What the picture shows: a session's time over the database's distance, and the time of the
/// dearest JWT.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    pub session: Vec<(f64, f64)>,
    pub jwt: f64,
}

/// None for other claims' figures.
pub fn curve(figures: &[Figure]) -> Option<Curve> {
    let of = |is_it: &dyn Fn(&str) -> bool| {
        let found = figures.iter().filter(|one| one.unit == IN_APP && is_it(&one.label));
        found.map(|one| (distance(&one.label), one.interval.median)).collect::<Vec<_>>()
    };
    let mut session = of(&|label| label.starts_with("session, database"));
    session.sort_by(|a, b| a.0.total_cmp(&b.0));
    let jwts = of(&|label| label.ends_with(", first seen"));
    let jwt = jwts.into_iter().map(|(_, millis)| millis).reduce(f64::max)?;
    Some(Curve { session, jwt })
}

/// Judged by the times in the app, which have no network in them, and by the JWT that takes
/// longest: one that is new, with the dearest signature.
fn judge(evidence: &Evidence) -> VerdictResult {
    let series = |of: &dyn Fn(&str) -> bool| -> Vec<&Series> {
        evidence.series.iter().filter(|one| one.unit == IN_APP && of(&one.label)).collect()
    };
    let mut sessions = series(&|label| label.starts_with("session, database"));
    sessions.sort_by(|a, b| distance(&a.label).total_cmp(&distance(&b.label)));
    let jwts = series(&|label| label.ends_with(", first seen"));
    let of = |series: &Series| median(&series.values).unwrap_or_default();
    let dearest = jwts.iter().max_by(|a, b| of(a).total_cmp(&of(b)));
    let (Some(near), Some(far), Some(jwt)) = (sessions.first(), sessions.last(), dearest) else {
        return unclear("A session or a JWT is missing.");
    };
    if distance(&far.label) <= distance(&near.label) {
        return unclear("The database was at one distance only.");
    }
    let Some(noise) = stats::noise(&near.values, evidence.required_samples(CONTROL, IN_APP)?)
    else {
        return unclear("There is no control.");
    };
    let order = |session: &Series| compare(&jwt.values, &session.values, noise);
    let (checked, looked_up) = (of(jwt), of(near));
    let name = jwt.label.trim_start_matches("JWT ").trim_end_matches(", first seen");
    let because = format!(
        "In the app the dearest JWT ({name}, seen for the first time) took {checked:.3} ms, a \
         session {looked_up:.3} ms from the nearest database and {:.1} ms from one {} ms away. Two \
         sessions in the same rounds differed by {noise:.3} ms at most: that is this run’s noise.",
        of(far),
        distance(&far.label),
    );
    let condition = "the database is farther away than a signature check costs";
    match (order(near), order(far)) {
        (Some(Order::Less), Some(Order::Less)) => yes(because),
        // At this distance the lookup costs what the check costs.
        (Some(Order::More), Some(Order::Less)) => {
            let even = distance(&near.label) + checked - looked_up;
            Ok(Verdict::only_if(condition, because).with_break_even(even, "ms away"))
        }
        (_, Some(Order::Less)) => only_if(condition, because),
        (_, Some(Order::More)) => no(because),
        _ => unclear(format!("Even far away the difference is inside the noise. {because}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_is_read_from_its_label() {
        for latency in [0.0, 0.5, 10.0] {
            assert!((distance(&session(latency)) - latency).abs() < 1e-9);
        }
    }
}
