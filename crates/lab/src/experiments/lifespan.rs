use serde_json::json;

use super::prelude::*;
use crate::token;

experiment! { 8, "lifespan", within 3 s,
    "Tokens are limited in lifespan, and refreshed",
    "We move the app’s clock to one second before exp, then second by second until the token is \
     refused. Then we refresh up to 20 times in a row, and send one refresh token 50 times concurrently, \
     as a browser with many tabs does."
}

const SEQUENTIAL: usize = 20;
const MIN_SEQUENTIAL: usize = 3;
const CONCURRENT: usize = 50;

/// In seconds. RFC 9700 §2.2.2 wants access tokens to be short-lived.
const MAX_LIFETIME: f64 = 86_400.0;

/// In seconds: the most leeway that a verifier may allow.
const MAX_LEEWAY: f64 = 60.0;

const REFRESH: &str = "one refresh";
const SIGN_IN: &str = "one API sign-in";
const LEEWAY: &str = "refused after exp";
const LIFETIME: &str = "from issue to exp";
const CONCURRENT_REFRESH: &str = "one of 50 concurrent refreshes";
const ACCEPTED: &str = "accepted";
const UNCLEAR: &str = "neither accepted nor refused";
const SUCCESSORS: &str = "different refresh tokens returned by them";
const AFTERWARDS: &str = "a refresh afterwards, with the returned token";
const BEFORE: &str = "one second before exp";
const AFTER: &str = "after exp";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default().with_manual_clock()).await?;
    let tokens = fixture.tokens().await?;
    for _ in 0..3 {
        let (queries, _) = sign_in::server_timing(&fixture.request_tokens().await?)?;
        evidence.add_sample(SIGN_IN, "queries", queries);
    }
    let lifetime = token::lifetime(&tokens.access_token)?;
    let (late, [before, after]) = fixture.advance_past_expiry(&tokens.access_token).await?;
    evidence.add_answer(BEFORE, &before);
    evidence.add_answer(AFTER, &after);
    for (label, seconds) in [(LIFETIME, lifetime), (LEEWAY, late)] {
        evidence.add_sample(label, "seconds", Duration::from_secs(seconds).as_secs_f64());
    }
    let last = refresh_sequentially(context, &fixture, tokens.refresh_token, evidence).await?;
    refresh_concurrently(&fixture, &last, evidence).await
}

async fn refresh_sequentially(
    context: &Context<'_>,
    fixture: &Fixture<'_>,
    mut refresh_token: String,
    evidence: &mut Evidence,
) -> Result<String> {
    for round in 0..SEQUENTIAL {
        if round >= MIN_SEQUENTIAL && !context.has_time() {
            break;
        }
        let (next, answer) = fixture.refresh(&refresh_token).await?;
        let (queries, _) = sign_in::server_timing(&answer)?;
        evidence.add_sample(REFRESH, "queries", queries);
        evidence.add_sample(REFRESH, "ms", answer.millis());
        evidence.add_sample(REFRESH, "bytes", as_f64(answer.bytes_up + answer.bytes_down));
        refresh_token = next.refresh_token;
    }
    Ok(refresh_token)
}

async fn refresh_concurrently(
    fixture: &Fixture<'_>,
    refresh_token: &str,
    evidence: &mut Evidence,
) -> Result<()> {
    let document = json!({ "refresh_token": refresh_token }).to_string();
    let call = Call::json(Method::POST, at(fixture.url(), "/api/v1/token/refresh")?, &document);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CONCURRENT {
        let (mut agent, call) = (fixture.agent.fresh(), call.clone());
        tasks.spawn(async move { agent.send(call).await });
    }
    let mut successors = Vec::new();
    for answer in tasks.join_all().await {
        let answer = answer?;
        match answer.status {
            StatusCode::OK => {
                evidence.add_sample(CONCURRENT_REFRESH, ACCEPTED, 1.0);
                successors.push(sign_in::parse_tokens(&answer)?.refresh_token);
            }
            StatusCode::BAD_REQUEST => evidence.add_sample(CONCURRENT_REFRESH, ACCEPTED, 0.0),
            // A busy or failing server says nothing about the token.
            other => evidence.add_sample(CONCURRENT_REFRESH, UNCLEAR, f64::from(other.as_u16())),
        }
    }
    successors.sort_unstable();
    successors.dedup();
    evidence.add_sample(SUCCESSORS, "tokens", as_f64(successors.len()));
    if let Some(next) = successors.first() {
        evidence.add_answer(AFTERWARDS, &fixture.try_refresh(next).await?);
    }
    Ok(())
}

fn judge(evidence: &Evidence) -> VerdictResult {
    if !evidence.accepted(BEFORE, &["401 token_expired"])? {
        return unclear("The token did not work even before exp.");
    }
    if evidence.accepted(AFTER, &["401 token_expired"])? {
        return no("The token was never refused.");
    }
    let leeway = evidence.required_median(LEEWAY, "seconds")?;
    let lifetime = evidence.required_median(LIFETIME, "seconds")?;
    let queries = evidence.required_median(REFRESH, "queries")?;
    let bytes = evidence.required_median(REFRESH, "bytes")?;
    let sign_in = evidence.required_median(SIGN_IN, "queries")?;
    let concurrent = evidence.required_samples(CONCURRENT_REFRESH, ACCEPTED)?;
    let successors = evidence.required_median(SUCCESSORS, "tokens")?;
    if lifetime > MAX_LIFETIME || leeway > MAX_LEEWAY {
        return no(format!(
            "The token was issued for {lifetime:.0} s and accepted for {leeway:.0} s longer, which \
             is hardly a limit."
        ));
    }
    if queries > sign_in {
        return no(format!(
            "A refresh cost {queries:.0} queries and a new sign-in {sign_in:.0}: refreshing costs \
             more than it saves."
        ));
    }
    if !evidence.values(CONCURRENT_REFRESH, UNCLEAR).is_empty() {
        return unclear("Some of the concurrent refreshes got no usable answer.");
    }
    let ended = ["400 refresh_token_reused", "400 refresh_token_ended"];
    if !all_equal(concurrent, 1.0) || !evidence.accepted(AFTERWARDS, &ended)? {
        return no("Concurrent refreshes ended the sign-in.");
    }
    if successors > 1.0 {
        return no(format!(
            "Concurrent refreshes forked the sign-in: {successors:.0} refresh tokens are valid, \
             and one of them could be a thief’s."
        ));
    }
    yes(format!(
        "A token with a lifetime of {lifetime:.0} s was refused {leeway:.0} s after exp, which is \
         the leeway for clock skew. A refresh costs {queries:.0} queries and {bytes:.0} bytes, a \
         new sign-in {sign_in:.0} queries. {} concurrent refreshes with one refresh token all got \
         the same successor.",
        concurrent.len()
    ))
}
