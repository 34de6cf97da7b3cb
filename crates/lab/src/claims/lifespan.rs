//! Claim 8: "Tokens are limited in lifespan, and refreshed".

use std::time::Duration;

use http::StatusCode;

use super::seen::{bearing, said};
use super::{Claim, Measuring, closing};
use crate::evidence::Evidence;
use crate::ground::at;
use crate::stats::all_are;
use crate::verdict::Verdict;
use crate::{Agent, Bench, Call, Error, Place, Result, Wishes, doors, token};

/// How often one token is refreshed, one after the other.
const CHAIN: usize = 20;

/// How many refresh at once.
const AT_ONCE: usize = 50;

/// A verifier may believe a token so much longer than it says (contract: 60 s).
const MOST_LEEWAY: f64 = 60.0;

const REFRESH: &str = "one refresh";
const LEEWAY: &str = "refused after exp";
const LIFETIME: &str = "from issue to exp";
const TWINS: &str = "one of 50 refreshes at once";
const UNCLEAR: &str = "neither let in nor refused";
const SUCCESSORS: &str = "different refresh tokens that they got";
const STILL_IN: &str = "afterwards, with what they got";
const BEFORE: &str = "one second before exp";
const IN_THE_END: &str = "past exp";

pub(super) const CLAIM: Claim = Claim {
    number: 8,
    slug: "lifespan",
    sentence: "Tokens are limited in lifespan, and refreshed",
    method: "The app’s clock is moved to the second before exp, then second by second until the \
             token is refused. Then one token is refreshed 20 times in a row, and one refresh \
             token is sent 50 times at once, as a browser with many tabs does.",
    honest: "It is refused at exp, plus the leeway. A refresh costs queries that the requests in \
             between have saved. Refreshing at once signs nobody out.",
    budget: Duration::from_secs(3),
    measure,
    judge,
};

fn measure<'a>(bench: &'a Bench<'a>) -> Measuring<'a> {
    Box::pin(async move {
        let place = bench.start(&Wishes::none().clock_standing()).await?;
        let measured = follow(bench, place.as_ref()).await;
        closing(vec![place], measured).await
    })
}

async fn follow(bench: &Bench<'_>, place: &dyn Place) -> Result<Evidence> {
    let mut evidence = Evidence::default();
    let agent = Agent::new()?;
    let email = doors::sign_up(&agent, place.url()).await?;
    let tokens = doors::tokens(&agent, place.url(), &email).await?;
    bench.doing("moving the clock until a token expires");
    expire(&agent, place, &tokens.access_token, &mut evidence).await?;
    bench.doing("refreshing, in a row");
    let last = in_a_row(bench, &agent, place, tokens.refresh_token, &mut evidence).await?;
    bench.doing("refreshing, all at once");
    at_once(&agent, place, &last, &mut evidence).await?;
    Ok(evidence)
}

/// Finds the second in which a token is refused.
async fn expire(
    agent: &Agent,
    place: &dyn Place,
    token: &str,
    evidence: &mut Evidence,
) -> Result<()> {
    let lifetime = token::lifetime(token)?;
    evidence.sample(LIFETIME, "seconds", f64::from(u32::try_from(lifetime).unwrap_or(u32::MAX)));
    // `exp` counts whole seconds, and the clock may stand anywhere in one.
    place.advance(Duration::from_secs(lifetime.saturating_sub(1))).await?;
    evidence.fact(BEFORE, said(&bearing(agent, place.url(), "/api/v1/me", token).await?));
    for second in 0..=120_u32 {
        place.advance(Duration::from_secs(1)).await?;
        let answer = bearing(agent, place.url(), "/api/v1/me", token).await?;
        if answer.status != StatusCode::OK {
            evidence.fact(IN_THE_END, said(&answer));
            evidence.sample(LEEWAY, "seconds", f64::from(second));
            break;
        }
    }
    Ok(())
}

async fn in_a_row(
    bench: &Bench<'_>,
    agent: &Agent,
    place: &dyn Place,
    mut refresh_token: String,
    evidence: &mut Evidence,
) -> Result<String> {
    for _ in 0..CHAIN {
        if !bench.has_time() {
            break;
        }
        let answer = agent.stranger().send(refreshing(place, &refresh_token)?).await?;
        let answer = doors::expect(answer, StatusCode::OK)?;
        let (queries, _) = doors::server_timing(&answer)?;
        evidence.sample(REFRESH, "queries", queries);
        evidence.sample(REFRESH, "ms", answer.took.as_secs_f64() * 1000.0);
        let bytes = u32::try_from(answer.bytes_up + answer.bytes_down).unwrap_or(u32::MAX);
        evidence.sample(REFRESH, "bytes", f64::from(bytes));
        refresh_token = successor(&answer.body)?;
    }
    Ok(refresh_token)
}

async fn at_once(
    agent: &Agent,
    place: &dyn Place,
    refresh_token: &str,
    evidence: &mut Evidence,
) -> Result<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (mut twin, call) = (agent.stranger(), refreshing(place, refresh_token)?);
        tasks.spawn(async move { twin.send(call).await });
    }
    let mut successors = Vec::new();
    while let Some(answer) = tasks.join_next().await {
        let answer =
            answer.map_err(|error| Error::unexpected("a refresh", error.to_string()))??;
        match answer.status {
            StatusCode::OK => {
                evidence.sample(TWINS, "let in", 1.0);
                successors.push(successor(&answer.body)?);
            }
            // It says nothing about the token: somebody has too much to do.
            status if says_nothing(status) => {
                evidence.sample(TWINS, UNCLEAR, f64::from(status.as_u16()));
            }
            _ => evidence.sample(TWINS, "let in", 0.0),
        }
    }
    successors.sort_unstable();
    successors.dedup();
    let different = u32::try_from(successors.len()).unwrap_or(u32::MAX);
    evidence.sample(SUCCESSORS, "tokens", f64::from(different));
    if let Some(next) = successors.first() {
        let answer = agent.stranger().send(refreshing(place, next)?).await?;
        evidence.fact(STILL_IN, said(&answer));
    }
    Ok(())
}

/// Whether a status says nothing about what was shown.
fn says_nothing(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

fn refreshing(place: &dyn Place, refresh_token: &str) -> Result<Call> {
    let document = serde_json::json!({ "refresh_token": refresh_token }).to_string();
    let url = at(place.url(), "/api/v1/token/refresh")?;
    Ok(Call::json(http::Method::POST, url, &document))
}

fn successor(body: &[u8]) -> Result<String> {
    let tokens: doors::Tokens = serde_json::from_slice(body)
        .map_err(|error| Error::unexpected("a refresh", error.to_string()))?;
    Ok(tokens.refresh_token)
}

fn judge(evidence: &Evidence) -> Verdict {
    let (Some(leeway), Some(lifetime), Some(queries), Some(bytes)) = (
        evidence.median(LEEWAY, "seconds"),
        evidence.median(LIFETIME, "seconds"),
        evidence.median(REFRESH, "queries"),
        evidence.median(REFRESH, "bytes"),
    ) else {
        return Verdict::undecided("It was not seen to expire, or not refreshed.");
    };
    let (twins, still_in) = (evidence.values(TWINS, "let in"), evidence.seen(STILL_IN));
    if evidence.seen(BEFORE) != Some("200") || twins.is_empty() {
        return Verdict::undecided(
            "The token was no good before exp, or nobody refreshed at once.",
        );
    }
    if leeway > MOST_LEEWAY {
        return Verdict::no(format!("It was believed for {leeway:.0} s after exp."));
    }
    if evidence.seen(IN_THE_END) != Some("401 token_expired") {
        return Verdict::undecided("It was refused, but not as a token that has expired.");
    }
    if !evidence.values(TWINS, UNCLEAR).is_empty() {
        return Verdict::undecided("Some that refreshed at once got no answer to it (429 or 5xx).");
    }
    if !all_are(twins, 1.0) || still_in != Some("200") {
        return Verdict::no("Refreshing at once signed somebody out.");
    }
    Verdict::yes(format!(
        "A token of {lifetime:.0} s was refused {leeway:.0} s after exp: that is the leeway for \
         clocks that differ. A refresh costs {queries:.0} queries and {bytes:.0} bytes; {} at \
         once with one refresh token were all let in.",
        twins.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(before: &str, leeway: f64, twins: [f64; 2], still_in: &str) -> &'static str {
        let mut evidence = Evidence::default();
        evidence.fact(BEFORE, before);
        evidence.sample(LEEWAY, "seconds", leeway);
        evidence.sample(LIFETIME, "seconds", 300.0);
        evidence.sample(REFRESH, "queries", 3.0);
        evidence.sample(REFRESH, "bytes", 1_500.0);
        for twin in twins {
            evidence.sample(TWINS, "let in", twin);
        }
        evidence.fact(STILL_IN, still_in);
        evidence.fact(IN_THE_END, "401 token_expired");
        judge(&evidence).word()
    }

    #[test]
    fn what_is_no_refusal_says_nothing() {
        let mut evidence = Evidence::default();
        evidence.fact(BEFORE, "200");
        evidence.fact(STILL_IN, "200");
        for (label, unit, value) in [
            (LEEWAY, "seconds", 5.0),
            (LIFETIME, "seconds", 300.0),
            (REFRESH, "queries", 3.0),
            (REFRESH, "bytes", 1_500.0),
            (TWINS, "let in", 1.0),
        ] {
            evidence.sample(label, unit, value);
        }
        let word = |ended: &str, status: Option<f64>| {
            let mut evidence = evidence.clone();
            evidence.fact(IN_THE_END, ended);
            status.into_iter().for_each(|status| evidence.sample(TWINS, UNCLEAR, status));
            judge(&evidence).word()
        };
        assert_eq!(word("401 token_expired", None), "true");
        assert_eq!(word("429 too_many_requests", None), "undecided");
        assert_eq!(word("401 token_expired", Some(503.0)), "undecided");
        for (status, nothing) in [(429, true), (503, true), (400, false), (401, false)] {
            assert_eq!(says_nothing(StatusCode::from_u16(status).unwrap()), nothing, "{status}");
        }
    }

    #[test]
    fn it_ends_in_time_and_nobody_is_signed_out() {
        assert_eq!(with("200", 5.0, [1.0, 1.0], "200"), "true");
        assert_eq!(with("200", 61.0, [1.0, 1.0], "200"), "false");
        assert_eq!(with("200", 5.0, [1.0, 0.0], "200"), "false");
        assert_eq!(with("200", 5.0, [1.0, 1.0], "400 refresh_token_reused"), "false");
        assert_eq!(with("401 token_expired", 0.0, [1.0, 1.0], "200"), "undecided");
    }
}
