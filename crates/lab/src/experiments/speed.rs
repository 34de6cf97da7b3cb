//! Claim 3: "therefore a JWT is faster".

use super::prelude::*;
use crate::evidence::Series;
use crate::sign_in::LATENCY;
use crate::stats::{self, Margin, Order, compare};
use crate::verdict::BreakEven;

/// Rounds at most; each asks once with every variant.
const ROUNDS: usize = 25;

/// Rounds at least, for an interval that leaves outliers away.
const ENOUGH: usize = 12;

const WARM_UP: usize = 2;

const UNIT: &str = "ms";

/// The time between the first and the last statement of the app about a request.
const IN_APP: &str = "ms in the app";

pub(super) const EXPERIMENT: Experiment = Experiment {
    number: 3,
    slug: "speed",
    sentence: "Therefore a JWT is faster",
    method: "The same person calls GET /api/v1/me with a session and with a JWT of each algorithm, \
             over a connection that stays open, one variant after the other, round by round. A \
             dial makes every statement of the database take longer, as if it were that far \
             away. A JWT is sent once when it is new, so that its signature is checked, and once \
             more when it is known. Differences below 0.25 ms or a tenth are not named.",
    honest: "True if the database is farther away than a signature check costs.",
    budget: Duration::from_secs(9),
    measure: boxed!(measure),
    judge,
};

/// An instance that signs with one algorithm, and the credentials that it issued.
struct SignedIn<'a> {
    algorithm: String,
    fixture: Fixture<'a>,
    browser: Agent,
    unseen: Vec<String>,
    known: Option<String>,
}

#[derive(Clone, Copy)]
enum Variant {
    Session(f64),
    FirstSeen,
    Known,
    KnownFar(f64),
}

impl Variant {
    fn label(self, algorithm: &str) -> String {
        match self {
            Self::Session(latency) => session(latency),
            Self::FirstSeen => first_seen(algorithm),
            Self::Known => format!("JWT {algorithm}, known"),
            Self::KnownFar(_) => format!("JWT {algorithm}, known, database far away"),
        }
    }
}

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let mut instances = Vec::new();
    for algorithm in &context.options.algorithms {
        context.doing(format!("starting an instance that signs with {algorithm}"));
        instances.push(prepare(context, algorithm).await?);
    }
    context.doing("asking, in turn");
    let variants = variants(instances.len(), &context.options.latencies);
    let labels: Vec<_> = variants
        .iter()
        .filter_map(|(n, one)| Some(one.label(&instances.get(*n)?.algorithm)))
        .collect();
    for round in 0..ROUNDS + WARM_UP {
        for place in order(variants.len(), round) {
            let Some((index, variant)) = variants.get(place) else { continue };
            let Some(instance) = instances.get_mut(*index) else { continue };
            let Some((label, in_all, in_app)) = ask(instance, *variant).await? else { continue };
            if round >= WARM_UP {
                evidence.add_sample(&label, UNIT, in_all);
                evidence.add_sample(&label, IN_APP, in_app);
            }
        }
        if round >= ENOUGH + WARM_UP && !context.has_time() {
            break;
        }
    }
    // In the order in which people want to read them.
    let rank = |label: &str| labels.iter().position(|one| one == label);
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
        let next = sign_in::refresh(&fixture.agent, fixture.url(), &tokens.refresh_token).await?;
        unseen.push(std::mem::replace(&mut tokens, next).access_token);
    }
    Ok(SignedIn { algorithm: algorithm.to_owned(), fixture, browser, unseen, known: None })
}

/// Varies the order per round, so that no variant always runs after the same one, which
/// may have emptied caches.
fn order(variants: usize, round: usize) -> impl Iterator<Item = usize> {
    // A step that shares no divisor with their number reaches each of them once.
    let steps: Vec<usize> = (1..variants).filter(|step| divisor(*step, variants) == 1).collect();
    let step = if steps.is_empty() { 1 } else { steps[round % steps.len()] };
    (0..variants).map(move |place| (place * step + round) % variants)
}

const fn divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { divisor(b, a % b) }
}

fn variants(instances: usize, latencies: &[f64]) -> Vec<(usize, Variant)> {
    let farthest = latencies.iter().copied().fold(0.0, f64::max);
    // How far away the database is does not depend on the algorithm.
    let sessions = latencies.iter().map(|latency| (0, Variant::Session(*latency)));
    let jwts = (0..instances).flat_map(|index| {
        let known = [Variant::FirstSeen, Variant::Known, Variant::KnownFar(farthest)];
        known.map(|variant| (index, variant))
    });
    sessions.chain(jwts).collect()
}

/// Asks once: which variant it was, how long it took in all and in the app, in
/// milliseconds. Nothing when there is no token for it yet.
async fn ask(signed_in: &mut SignedIn<'_>, variant: Variant) -> Result<Option<(String, f64, f64)>> {
    let me = sign_in::me(signed_in.fixture.url())?;
    let far_away = |latency: f64| me.clone().with(LATENCY, &format!("{latency}ms"));
    let mut program = signed_in.browser.fresh();
    let answer = match (variant, &signed_in.known) {
        (Variant::Session(latency), _) => signed_in.browser.send(far_away(latency)).await?,
        (Variant::FirstSeen, _) => {
            let Some(token) = signed_in.unseen.pop() else { return Ok(None) };
            let answer = program.send(far_away(0.0).bearer(&token)).await?;
            signed_in.known = Some(token);
            answer
        }
        (Variant::Known, Some(token)) => program.send(far_away(0.0).bearer(token)).await?,
        (Variant::KnownFar(latency), Some(token)) => {
            program.send(far_away(latency).bearer(token)).await?
        }
        (_, None) => return Ok(None),
    };
    let answer = sign_in::expect(answer, StatusCode::OK)?;
    let (_, in_app) = sign_in::server_timing(&answer)?;
    Ok(Some((variant.label(&signed_in.algorithm), answer.millis(), in_app)))
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

/// A JWT is faster when it is so whatever the distance. When what it gains
/// grows with the distance, the distance is the condition.
fn judge(evidence: &Evidence) -> Verdict {
    let in_all = |label: &dyn Fn(&str) -> bool| -> Vec<&Series> {
        evidence.series.iter().filter(|one| one.unit == UNIT && label(&one.label)).collect()
    };
    let mut sessions = in_all(&|label| label.starts_with("session, "));
    sessions.sort_by(|a, b| distance(&a.label).total_cmp(&distance(&b.label)));
    let jwts = in_all(&|label| label.ends_with(", first seen"));
    let (Some(nearest), Some(farthest)) = (sessions.first(), sessions.last()) else {
        return Verdict::undecided("There is no session to compare with.");
    };
    let order =
        |jwt: &&Series, session: &Series| compare(&jwt.values, &session.values, Margin::MILLIS);
    let is_less = |jwt: &&Series, session: &Series| order(jwt, session) == Some(Order::Less);
    // What the slowest of them gains, in milliseconds.
    let gain = |session: &Series| -> f64 {
        let slowest = jwts.iter().filter_map(|jwt| stats::median(&jwt.values)).fold(0.0, f64::max);
        stats::median(&session.values).unwrap_or_default() - slowest
    };
    if jwts.is_empty() {
        return Verdict::undecided("There is no JWT to compare with.");
    }
    if distance(&farthest.label) <= distance(&nearest.label) {
        return Verdict::undecided("The database was at one distance only.");
    }
    if jwts.iter().all(|jwt| is_less(jwt, farthest)) {
        // Half of what is gained far away, gained near by: distance is not what decides.
        let near = jwts.iter().all(|jwt| is_less(jwt, nearest));
        if near && gain(nearest) >= gain(farthest) / 2.0 {
            return Verdict::yes("A JWT was faster at every distance of the database.");
        }
        return far_enough(evidence, nearest);
    }
    if jwts.iter().any(|jwt| is_less(jwt, farthest)) {
        return Verdict::undecided(
            "It depends on the algorithm, and on the noise of this machine.",
        );
    }
    if jwts.iter().all(|jwt| order(jwt, farthest) == Some(Order::More)) {
        return Verdict::no("Every JWT was slower than a session, however far away its database.");
    }
    Verdict::undecided("Even far away the difference is inside this machine’s noise.")
}

/// The break-even: how far away the database has to be for its statement to cost as much as
/// the most expensive signature check. From the times in the app, which have no network in
/// them; where they do not differ, there is none.
fn far_enough(evidence: &Evidence, nearest: &Series) -> Verdict {
    let lookup = evidence.values(&nearest.label, IN_APP);
    let dearest = evidence
        .series
        .iter()
        .filter(|one| one.unit == IN_APP && one.label.ends_with(", first seen"))
        .max_by(|a, b| stats::by_median(&a.values, &b.values));
    let (check, label) = dearest.map_or((&[][..], ""), |one| (&one.values, one.label.as_str()));
    let name = label.trim_start_matches("JWT ").trim_end_matches(", first seen");
    let (Some(checked), Some(looked_up)) = (stats::median(check), stats::median(lookup)) else {
        return Verdict::undecided("The app did not say how long it took.");
    };
    let (because, value) = match compare(check, lookup, Margin::MILLIS) {
        Some(Order::More) => {
            let value = distance(&nearest.label) + checked - looked_up;
            let because = format!(
                "The most expensive check ({name}) costs what the lookup costs in a database that \
                 is {value:.2} ms away. Nearer than that the session is faster; farther away, the \
                 JWT."
            );
            (because, Some(value))
        }
        Some(Order::Less) => (
            format!(
                "Even the most expensive check ({name}, {checked:.2} ms in the app) costs less than \
                 the lookup in the nearest database ({looked_up:.2} ms); with each millisecond of \
                 distance the JWT gains one more."
            ),
            Some(distance(&nearest.label)),
        ),
        _ => (
            format!(
                "Near by there is no difference worth naming: in the app the slowest JWT that is \
                 seen for the first time ({name}) takes {checked:.2} ms, and a session from the \
                 nearest database {looked_up:.2} ms. With each millisecond of distance the \
                 session takes one more, and the JWT none."
            ),
            None,
        ),
    };
    Verdict::TrueIf {
        condition: "the database is farther away than a signature check costs".to_owned(),
        because,
        break_even: value.map(|value| BreakEven { value, unit: UNIT.to_owned() }),
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
                evidence.add_sample(&label, UNIT, value + noise);
                evidence.add_sample(&label, IN_APP, value + noise);
            }
        }
        evidence
    }

    #[test]
    fn each_takes_a_turn_and_follows_another_each_round() {
        for variants in [1, 2, 5, 14, 16] {
            for round in 0..8 {
                let mut turns: Vec<_> = order(variants, round).collect();
                turns.sort_unstable();
                assert_eq!(turns, (0..variants).collect::<Vec<_>>());
            }
        }
        assert_eq!(order(0, 3).count(), 0);
        let before = |round| {
            let turns: Vec<_> = order(16, round).collect();
            let place = turns.iter().position(|one| *one == 4).unwrap();
            turns[(place + 15) % 16]
        };
        assert_ne!(before(0), before(1));
    }

    #[test]
    fn distance_is_the_condition() {
        for (near, far, jwt, expected, break_even) in [
            (0.3, 10.3, 0.9, "true if", Some(0.6)),
            (0.3, 10.3, 0.5, "true if", None), // near by it is not worth naming
            (0.5, 10.5, 0.4, "true if", None),
            (0.9, 10.9, 0.4, "true if", Some(0.0)), // near by too, but what decides is the distance
            (9.0, 11.0, 0.5, "true", None),
            (0.3, 0.4, 3.0, "false", None),
            (0.3, 0.4, 0.5, "undecided", None), // slower, and inside the noise
        ] {
            let verdict = judge(&evidence(near, far, jwt));
            assert_eq!(verdict.word(), expected, "{near} {far} {jwt}: {verdict:?}");
            let Verdict::TrueIf { break_even: found, because, .. } = verdict else { continue };
            let found = found.map(|it| it.value);
            assert_eq!(found.is_some(), break_even.is_some(), "{near} {far} {jwt}: {because}");
            assert!((found.unwrap_or(0.0) - break_even.unwrap_or(0.0)).abs() < 1e-9, "{found:?}");
        }
    }

    #[test]
    fn one_distance_says_nothing_about_distance() {
        for latencies in [&[0.0][..], &[2.0], &[]] {
            let mut evidence = evidence(0.3, 0.3, 3.0);
            evidence.series.retain(|one| !one.label.starts_with("session"));
            for latency in latencies {
                (0..20).for_each(|_| evidence.add_sample(&session(*latency), UNIT, 0.3));
            }
            assert_eq!(judge(&evidence).word(), "undecided", "{latencies:?}");
        }
    }

    /// Which session is the nearest one is what was asked for, not what was measured.
    #[test]
    fn the_nearest_is_the_one_at_the_smallest_distance() {
        for (latency, expected) in [(0.0, 0.0), (0.5, 0.5), (10.0, 10.0)] {
            assert!((distance(&session(latency)) - expected).abs() < 1e-9);
        }
        let mut found = evidence(0.9, 10.9, 2.0);
        for n in 0..20_u8 {
            // Measured in a lucky moment.
            found.add_sample(&session(0.5), UNIT, 0.7 + f64::from(n) / 200.0);
            found.add_sample(&session(0.5), IN_APP, 0.1);
        }
        let Verdict::TrueIf { break_even: Some(found), .. } = judge(&found) else { panic!() };
        assert!((found.value - 1.1).abs() < 1e-9, "{found:?}");
    }
}
