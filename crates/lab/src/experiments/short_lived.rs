use super::prelude::*;
use crate::token;

experiment! { 20, "short-lived", within 4 s,
    "Short-lived tokens limit the damage of a theft",
    "Three instances issue JWTs for one minute, 15 minutes and 12 hours. We move the clock and \
     send a copy until it is refused. From the cost of one refresh, we calculate the cost of \
     refreshing all day. Then the thief has the refresh token as well."
}

/// Values of `JWT_ACCESS_TTL`.
const LIFETIMES: [&str; 3] = ["1m", "15m", "12h"];

const WORKED: &str = "seconds that a stolen copy worked";
const PER_DAY: &str = "queries per day, to refresh";
const REFRESH: &str = "the stolen refresh token, after the JWT expired";
const EXPIRED: [&str; 1] = ["401 token_expired"];

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    for lifetime in LIFETIMES {
        let options = InstanceOptions::default().set("JWT_ACCESS_TTL", lifetime);
        let fixture = context.start(&options.with_manual_clock()).await?;
        let stolen = fixture.tokens().await?;
        let ttl = token::lifetime(&stolen.access_token)?;
        let (late, [before, answer]) = fixture.advance_past_expiry(&stolen.access_token).await?;
        evidence.add_answer(label(lifetime), &answer);
        let worked = if before.status == StatusCode::OK { ttl + late - 1 } else { 0 };
        let worked = Duration::from_secs(worked).as_secs_f64();
        evidence.add_sample(&label(lifetime), WORKED, worked);
        let answer = fixture.try_refresh(&stolen.refresh_token).await?;
        if let Ok((queries, _)) = sign_in::server_timing(&answer) {
            let per_second = queries / Duration::from_secs(ttl).as_secs_f64();
            evidence.add_sample(&label(lifetime), PER_DAY, per_second * 86_400.0);
        }
        evidence.facts.retain(|fact| fact.label != REFRESH);
        evidence.add_answer(REFRESH, &answer);
    }
    Ok(())
}

fn label(lifetime: &str) -> String {
    format!("a JWT for {lifetime}")
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let mut costs = Vec::new();
    let mut last = 0.0;
    for lifetime in LIFETIMES {
        let label = label(lifetime);
        let worked = evidence.required_median(&label, WORKED)?;
        if evidence.accepted(&label, &EXPIRED)? || worked < last {
            return no(format!("The lifetime did not limit {label}."));
        }
        last = worked;
        let queries = evidence.required_median(&label, PER_DAY)?;
        costs.push(format!("{lifetime}: {worked:.0} s and {queries:.0} queries a day"));
    }
    let because =
        format!("How long a copy works, and what refreshing costs: {}.", costs.join("; "));
    if evidence.accepted(REFRESH, &["400 refresh_token_unknown", "400 refresh_token_reused"])? {
        return only_if(
            "the refresh token is not stolen with them",
            format!("{because} A thief with both continues until the owner uses their own copy."),
        );
    }
    yes(because)
}
