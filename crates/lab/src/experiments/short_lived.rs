use super::prelude::*;
use crate::token;

experiment! { 20, "short-lived", within 4 s,
    "Short-lived tokens limit the damage",
    "Three instances issue JWTs for a minute, for a quarter of an hour and for half a day. A copy \
     is sent while the clock is moved, until it is refused. Refreshing so often for a day is \
     reckoned from what one refresh costs. Then the thief has the refresh token as well."
}

/// `JWT_ACCESS_TTL`, in turn.
const LIFETIMES: [&str; 3] = ["1m", "15m", "12h"];

const LIVED: &str = "seconds that a stolen copy lived";
const PER_DAY: &str = "queries a day, to refresh";
const RENEWED: &str = "the refresh token, stolen with it, after the token’s end";
const EXPIRED: [&str; 1] = ["401 token_expired"];

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    for lifetime in LIFETIMES {
        context.step(format!("stealing a token of {lifetime}"));
        let options = InstanceOptions::default().set("JWT_ACCESS_TTL", lifetime);
        let fixture = context.start(&options.with_manual_clock()).await?;
        let stolen = fixture.tokens().await?;
        let ttl = token::lifetime(&stolen.access_token)?;
        let (late, [before, answer]) = fixture.advance_past_expiry(&stolen.access_token).await?;
        evidence.add_answer(label(lifetime), &answer);
        let lived = if before.status == StatusCode::OK { ttl + late - 1 } else { 0 };
        let lived = Duration::from_secs(lived).as_secs_f64();
        evidence.add_sample(&label(lifetime), LIVED, lived);
        let answer = fixture.try_refresh(&stolen.refresh_token).await?;
        if let Ok((queries, _)) = sign_in::server_timing(&answer) {
            let per_second = queries / Duration::from_secs(ttl).as_secs_f64();
            evidence.add_sample(&label(lifetime), PER_DAY, per_second * 86_400.0);
        }
        evidence.facts.retain(|fact| fact.label != RENEWED);
        evidence.add_answer(RENEWED, &answer);
    }
    Ok(())
}

fn label(lifetime: &str) -> String {
    format!("a JWT for {lifetime}")
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let mut said = Vec::new();
    let mut last = 0.0;
    for lifetime in LIFETIMES {
        let label = label(lifetime);
        let lived = evidence.required_median(&label, LIVED)?;
        if evidence.accepted(&label, &EXPIRED)? || lived < last {
            return no(format!("{label} outlived its time, or a longer one."));
        }
        last = lived;
        let queries = evidence.required_median(&label, PER_DAY)?;
        said.push(format!("{lifetime}: {lived:.0} s and {queries:.0} queries a day"));
    }
    let because = format!("How long a copy lives, and what shortness costs: {}.", said.join("; "));
    if evidence.accepted(RENEWED, &["400 refresh_token_unknown", "400 refresh_token_reused"])? {
        let condition = "the refresh token is not stolen with it";
        return only_if(
            condition,
            format!("{because} Who has that too goes on, until its owner uses their own copy."),
        );
    }
    yes(because)
}
