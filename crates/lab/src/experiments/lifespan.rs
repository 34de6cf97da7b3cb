//! Claim 8: "Tokens are limited in lifespan, and refreshed".

use super::prelude::*;
use crate::stats::as_f64;
use crate::token;

/// How often one token is refreshed, one after the other.
const CHAIN: usize = 20;

const AT_ONCE: usize = 50;

/// A verifier may accept a token so much longer than it says (contract: 60 s).
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

pub(super) const EXPERIMENT: Experiment = Experiment {
    number: 8,
    slug: "lifespan",
    sentence: "Tokens are limited in lifespan, and refreshed",
    method: "The app’s clock is moved to the second before exp, then second by second until the \
             token is refused. Then one token is refreshed 20 times in a row, and one refresh \
             token is sent 50 times at once, as a browser with many tabs does.",
    honest: "It is refused at exp, plus the leeway. A refresh costs queries that the requests in \
             between have saved. Refreshing at once does not sign you out.",
    budget: Duration::from_secs(3),
    measure: boxed!(measure),
    judge,
};

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default().with_manual_clock()).await?;
    let tokens = fixture.tokens().await?;
    context.doing("moving the clock until a token expires");
    expire(&fixture, &tokens.access_token, evidence).await?;
    context.doing("refreshing, in a row");
    let last = in_a_row(context, &fixture, tokens.refresh_token, evidence).await?;
    context.doing("refreshing, all at once");
    at_once(&fixture, &last, evidence).await
}

/// Finds the second in which a token is refused.
async fn expire(fixture: &Fixture<'_>, token: &str, evidence: &mut Evidence) -> Result<()> {
    let lifetime = token::lifetime(token)?;
    evidence.add_sample(
        LIFETIME,
        "seconds",
        f64::from(u32::try_from(lifetime).unwrap_or(u32::MAX)),
    );
    // `exp` counts whole seconds, and the clock may stand anywhere in one.
    fixture.instance.advance(Duration::from_secs(lifetime.saturating_sub(1))).await?;
    evidence.add_fact(BEFORE, fixture.get_with(token, "/api/v1/me").await?.summary());
    for second in 0..=120_u32 {
        fixture.instance.advance(Duration::from_secs(1)).await?;
        let answer = fixture.get_with(token, "/api/v1/me").await?;
        if answer.status != StatusCode::OK {
            evidence.add_fact(IN_THE_END, answer.summary());
            evidence.add_sample(LEEWAY, "seconds", f64::from(second));
            break;
        }
    }
    Ok(())
}

async fn in_a_row(
    context: &Context<'_>,
    fixture: &Fixture<'_>,
    mut refresh_token: String,
    evidence: &mut Evidence,
) -> Result<String> {
    for _ in 0..CHAIN {
        if !context.has_time() {
            break;
        }
        let answer = fixture.agent.fresh().send(refreshing(fixture, &refresh_token)?).await?;
        let answer = sign_in::expect(answer, StatusCode::OK)?;
        let (queries, _) = sign_in::server_timing(&answer)?;
        evidence.add_sample(REFRESH, "queries", queries);
        evidence.add_sample(REFRESH, "ms", answer.millis());
        let bytes = answer.bytes_up + answer.bytes_down;
        evidence.add_sample(REFRESH, "bytes", as_f64(bytes));
        refresh_token = sign_in::read_tokens(&answer)?.refresh_token;
    }
    Ok(refresh_token)
}

async fn at_once(
    fixture: &Fixture<'_>,
    refresh_token: &str,
    evidence: &mut Evidence,
) -> Result<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (mut twin, call) = (fixture.agent.fresh(), refreshing(fixture, refresh_token)?);
        tasks.spawn(async move { twin.send(call).await });
    }
    let mut successors = Vec::new();
    for answer in tasks.join_all().await {
        let answer = answer?;
        match answer.status {
            StatusCode::OK => {
                evidence.add_sample(TWINS, "let in", 1.0);
                successors.push(sign_in::read_tokens(&answer)?.refresh_token);
            }
            status if says_nothing(status) => {
                evidence.add_sample(TWINS, UNCLEAR, f64::from(status.as_u16()));
            }
            _ => evidence.add_sample(TWINS, "let in", 0.0),
        }
    }
    successors.sort_unstable();
    successors.dedup();
    evidence.add_sample(SUCCESSORS, "tokens", as_f64(successors.len()));
    if let Some(next) = successors.first() {
        let answer = fixture.agent.fresh().send(refreshing(fixture, next)?).await?;
        evidence.add_fact(STILL_IN, answer.summary());
    }
    Ok(())
}

/// Whether a status says nothing about the token: the server was too busy.
fn says_nothing(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

fn refreshing(fixture: &Fixture<'_>, refresh_token: &str) -> Result<Call> {
    let document = serde_json::json!({ "refresh_token": refresh_token }).to_string();
    Ok(Call::json(Method::POST, at(fixture.url(), "/api/v1/token/refresh")?, &document))
}

fn judge(evidence: &Evidence) -> Verdict {
    let (Some(leeway), Some(lifetime), Some(queries), Some(bytes)) = (
        evidence.median(LEEWAY, "seconds"),
        evidence.median(LIFETIME, "seconds"),
        evidence.median(REFRESH, "queries"),
        evidence.median(REFRESH, "bytes"),
    ) else {
        return Verdict::undecided("It did not expire in time, or was not refreshed.");
    };
    let (twins, still_in) = (evidence.values(TWINS, "let in"), evidence.fact(STILL_IN));
    if evidence.fact(BEFORE) != Some("200") || twins.is_empty() {
        return Verdict::undecided(
            "The token did not work before exp, or was not refreshed at once.",
        );
    }
    if leeway > MOST_LEEWAY {
        return Verdict::no(format!("It was accepted for {leeway:.0} s after exp."));
    }
    if evidence.fact(IN_THE_END) != Some("401 token_expired") {
        return Verdict::undecided("It was refused, but not as a token that has expired.");
    }
    if !evidence.values(TWINS, UNCLEAR).is_empty() {
        return Verdict::undecided(
            "Some of the refreshes at once got no usable answer (429 or 5xx).",
        );
    }
    if !all_are(twins, 1.0) || still_in != Some("200") {
        return Verdict::no("Refreshing at once ended the sign-in.");
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

    /// What an experiment yields when all is well.
    fn good(facts: [(&'static str, &'static str); 3], leeway: f64, twins: [f64; 2]) -> Evidence {
        Evidence::of(facts).and([
            (LEEWAY, "seconds", leeway),
            (LIFETIME, "seconds", 300.0),
            (REFRESH, "queries", 3.0),
            (REFRESH, "bytes", 1_500.0),
            (TWINS, "let in", twins[0]),
            (TWINS, "let in", twins[1]),
        ])
    }

    #[test]
    fn what_is_not_a_refusal_says_nothing() {
        let word = |ended: &'static str, status: Option<f64>| {
            let facts = [(BEFORE, "200"), (STILL_IN, "200"), (IN_THE_END, ended)];
            let mut evidence = good(facts, 5.0, [1.0; 2]);
            status.into_iter().for_each(|status| evidence.add_sample(TWINS, UNCLEAR, status));
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
    fn it_ends_in_time_and_no_refresh_ends_the_sign_in() {
        for (before, leeway, twins, still_in, expected) in [
            ("200", 5.0, [1.0, 1.0], "200", "true"),
            ("200", 61.0, [1.0, 1.0], "200", "false"),
            ("200", 5.0, [1.0, 0.0], "200", "false"),
            ("200", 5.0, [1.0, 1.0], "400 refresh_token_reused", "false"),
            ("401 token_expired", 0.0, [1.0, 1.0], "200", "undecided"),
        ] {
            let facts = [(BEFORE, before), (STILL_IN, still_in), (IN_THE_END, "401 token_expired")];
            assert_eq!(judge(&good(facts, leeway, twins)).word(), expected, "{before} {leeway}");
        }
    }
}
