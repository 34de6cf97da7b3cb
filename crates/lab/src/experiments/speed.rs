use super::prelude::*;
use crate::context::Options;
use crate::evidence::{Figure, Series};
use crate::sign_in::LATENCY_HEADER;
use crate::stats::{self, Order, compare, shuffled_indices};

experiment! { 3, "speed", within 9 s,
    "A JWT is faster than a session",
    "One person calls GET /api/v1/me over an open connection, with a session and with a JWT of \
     each algorithm, in random order in every round. We delay each database statement to simulate \
     a distant database. A JWT is sent once when it is new, so that its signature is checked, and \
     again when the app has already seen it. A second series with the same session shows how far \
     two equal things differ on this machine: smaller differences do not count."
}

/// Each round sends one request per variant.
const MAX_ROUNDS: usize = 25;

/// Enough for a confidence interval that leaves out outliers.
const MIN_ROUNDS: usize = 12;

const WARM_UP: usize = 2;

const UNIT: &str = "ms";

/// The same session again: its difference is noise.
const CONTROL: &str = "session, control";

/// The total of `Server-Timing`.
const IN_APP: &str = "ms in the app";

/// An instance that signs with one algorithm, and credentials that it issued.
struct SignedIn<'a> {
    fixture: Fixture<'a>,
    browser: Agent,
    new_jwts: Vec<String>,
    seen_jwt: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Session,
    /// A JWT that the app has not verified yet.
    NewJwt,
    SeenJwt,
}

struct Variant {
    label: String,
    /// Index of the algorithm.
    instance: usize,
    kind: Kind,
    latency: f64,
}

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let mut instances = Vec::new();
    for algorithm in &context.options.algorithms {
        instances.push(prepare(context, algorithm).await?);
    }
    let variants = variants(context.options);
    for round in 0..MAX_ROUNDS + WARM_UP {
        for index in shuffled_indices(variants.len()) {
            let variant = &variants[index];
            let Some(instance) = instances.get_mut(variant.instance) else { continue };
            let Some((total, in_app)) = send(instance, variant).await? else { continue };
            if round >= WARM_UP {
                evidence.add_sample(&variant.label, UNIT, total);
                evidence.add_sample(&variant.label, IN_APP, in_app);
            }
        }
        if round >= MIN_ROUNDS + WARM_UP && !context.has_time() {
            break;
        }
    }
    // For readers: sessions first, then the JWTs.
    let rank = |label: &str| variants.iter().position(|one| one.label == label);
    evidence.series.sort_by_key(|one| (one.unit != UNIT, rank(&one.label)));
    Ok(())
}

async fn prepare<'a>(context: &'a Context<'_>, algorithm: &str) -> Result<SignedIn<'a>> {
    let options = InstanceOptions::default().set("JWT_ALGORITHM", algorithm);
    let fixture = context.start(&options).await?;
    let browser = fixture.browser(Credential::Session).await?;
    let (mut tokens, mut new_jwts) = (fixture.tokens().await?, Vec::new());
    for count in 0..MAX_ROUNDS + WARM_UP {
        if count >= MIN_ROUNDS + WARM_UP && !context.has_time() {
            break;
        }
        let (next, _) = fixture.refresh(&tokens.refresh_token).await?;
        new_jwts.push(std::mem::replace(&mut tokens, next).access_token);
    }
    Ok(SignedIn { fixture, browser, new_jwts, seen_jwt: None })
}

fn variants(options: &Options) -> Vec<Variant> {
    let new = |instance, kind, latency, label| Variant { label, instance, kind, latency };
    let farthest = options.latencies.iter().copied().fold(0.0, f64::max);
    // Sessions do not depend on the algorithm.
    let sessions = options.latencies.iter().map(|ms| new(0, Kind::Session, *ms, session(*ms)));
    let control = new(0, Kind::Session, 0.0, CONTROL.to_owned());
    let jwts = options.algorithms.iter().enumerate().flat_map(|(instance, algorithm)| {
        let seen = format!("JWT {algorithm}, seen before");
        [
            new(instance, Kind::NewJwt, 0.0, first_seen(algorithm)),
            new(instance, Kind::SeenJwt, 0.0, seen.clone()),
            new(instance, Kind::SeenJwt, farthest, format!("{seen}, database far away")),
        ]
    });
    sessions.chain([control]).chain(jwts).collect()
}

/// Sends one request. Returns the milliseconds in total and in the app, or `None` if there is no
/// token for this variant.
async fn send(signed_in: &mut SignedIn<'_>, variant: &Variant) -> Result<Option<(f64, f64)>> {
    let latency = format!("{}ms", variant.latency);
    let call = sign_in::me(signed_in.fixture.url())?.with(LATENCY_HEADER, &latency);
    if variant.kind == Kind::NewJwt {
        let Some(token) = signed_in.new_jwts.pop() else { return Ok(None) };
        signed_in.seen_jwt = Some(token);
    }
    let answer = match (variant.kind, &signed_in.seen_jwt) {
        (Kind::Session, _) => signed_in.browser.send(call).await?,
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

/// The simulated latency in the label of a session.
fn distance(label: &str) -> f64 {
    let millis = label.strip_prefix("session, database ").unwrap_or_default();
    millis.strip_suffix(" ms away").and_then(|millis| millis.parse().ok()).unwrap_or(0.0)
}

fn first_seen(algorithm: &str) -> String {
    format!("JWT {algorithm}, first seen")
}

fn is_session(label: &str) -> bool {
    label.starts_with("session, database")
}

fn is_first_seen(label: &str) -> bool {
    label.ends_with(", first seen")
}

/// For the chart: the times of a session by database latency, and the time of the slowest JWT.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    pub session: Vec<(f64, f64)>,
    pub jwt: f64,
}

/// `None` for the figures of other claims.
pub fn curve(figures: &[Figure]) -> Option<Curve> {
    let in_app = || figures.iter().filter(|figure| figure.unit == IN_APP);
    let sessions = in_app().filter(|figure| is_session(&figure.label));
    let mut session: Vec<_> =
        sessions.map(|figure| (distance(&figure.label), figure.interval.median)).collect();
    session.sort_by(|a, b| a.0.total_cmp(&b.0));
    let jwts = in_app().filter(|figure| is_first_seen(&figure.label));
    let jwt = jwts.map(|figure| figure.interval.median).reduce(f64::max)?;
    Some(Curve { session, jwt })
}

/// Compares times in the app, which exclude the network, with the slowest JWT: a new one, with the
/// most expensive signature.
fn judge(evidence: &Evidence) -> VerdictResult {
    let in_app = || evidence.series.iter().filter(|series| series.unit == IN_APP);
    let mut sessions: Vec<_> = in_app().filter(|series| is_session(&series.label)).collect();
    sessions.sort_by(|a, b| distance(&a.label).total_cmp(&distance(&b.label)));
    let of = |series: &Series| median(&series.values).unwrap_or_default();
    let jwts = in_app().filter(|series| is_first_seen(&series.label));
    let slowest = jwts.max_by(|a, b| of(a).total_cmp(&of(b)));
    let (Some(near), Some(far), Some(jwt)) = (sessions.first(), sessions.last(), slowest) else {
        return unclear("No session or no JWT was measured.");
    };
    if distance(&far.label) <= distance(&near.label) {
        return unclear("The database was at only one distance.");
    }
    let Some(noise) = stats::noise(&near.values, evidence.required_samples(CONTROL, IN_APP)?)
    else {
        return unclear("There is no control.");
    };
    let order = |session: &Series| compare(&jwt.values, &session.values, noise);
    let (verification, lookup) = (of(jwt), of(near));
    let name = jwt.label.trim_start_matches("JWT ").trim_end_matches(", first seen");
    let because = format!(
        "In the app, the slowest JWT ({name}, first seen) took {verification:.3} ms; a session took \
         {lookup:.3} ms with the nearest database and {:.1} ms with one {} ms away. Two identical \
         sessions in the same rounds differed by at most {noise:.3} ms, the noise of this run.",
        of(far),
        distance(&far.label),
    );
    let condition = "a database query takes longer than a signature check";
    match (order(near), order(far)) {
        (Some(Order::Less), Some(Order::Less)) => yes(because),
        // The latency at which a lookup takes as long as a verification.
        (Some(Order::More), Some(Order::Less)) => {
            let even = distance(&near.label) + verification - lookup;
            Ok(Verdict::only_if(condition, because).with_break_even(even, "ms away"))
        }
        (_, Some(Order::Less)) => only_if(condition, because),
        (_, Some(Order::More)) => no(because),
        _ => unclear(format!("Even far away, the difference is within the noise. {because}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_latency_is_parsed_from_session_label() {
        for latency in [0.0, 0.5, 10.0] {
            assert!((distance(&session(latency)) - latency).abs() < 1e-9);
        }
    }
}
