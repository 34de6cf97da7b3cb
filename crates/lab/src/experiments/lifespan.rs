use serde_json::json;

use super::prelude::*;
use crate::token;

experiment! { 8, "lifespan", within 3 s,
    "Tokens are limited in lifespan, and refreshed",
    "The app’s clock is moved to the second before exp, then second by second until the token is \
     refused. Then one token is refreshed 20 times in a row, and one refresh token is sent 50 \
     times at once, as a browser with many tabs does."
}

/// How often one token is refreshed, one after the other.
const CHAIN: usize = 20;

const AT_ONCE: usize = 50;

/// What is good for longer than a day is not short-lived (RFC 9700 §2.2.2 wants that).
const LONGEST: f64 = 86_400.0;

/// A verifier may accept a token so much longer than it says (contract: 60 s).
const MOST_LEEWAY: f64 = 60.0;

const REFRESH: &str = "one refresh";
const ANEW: &str = "one sign-in of a program";
const LEEWAY: &str = "refused after exp";
const LIFETIME: &str = "from issue to exp";
const TWINS: &str = "one of 50 refreshes at once";
const UNCLEAR: &str = "neither let in nor refused";
const SUCCESSORS: &str = "different refresh tokens that they got";
const STILL_IN: &str = "afterwards, with what they got";
const BEFORE: &str = "one second before exp";
const IN_THE_END: &str = "past exp";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default().with_manual_clock()).await?;
    let tokens = fixture.tokens().await?;
    for _ in 0..3 {
        let (queries, _) = sign_in::server_timing(&fixture.request_tokens().await?)?;
        evidence.add_sample(ANEW, "queries", queries);
    }
    context.step("moving the clock until a token expires");
    expire(&fixture, &tokens.access_token, evidence).await?;
    context.step("refreshing, in a row");
    let last = in_a_row(context, &fixture, tokens.refresh_token, evidence).await?;
    context.step("refreshing, all at once");
    at_once(&fixture, &last, evidence).await
}

/// Finds the second in which a token is refused.
async fn expire(fixture: &Fixture<'_>, token: &str, evidence: &mut Evidence) -> Result<()> {
    let lifetime = token::lifetime(token)?;
    let (late, [before, answer]) = fixture.advance_past_expiry(token).await?;
    evidence.add_answer(BEFORE, &before);
    evidence.add_answer(IN_THE_END, &answer);
    for (label, seconds) in [(LIFETIME, lifetime), (LEEWAY, late)] {
        evidence.add_sample(label, "seconds", Duration::from_secs(seconds).as_secs_f64());
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
        let (next, answer) = fixture.refresh(&refresh_token).await?;
        let (queries, _) = sign_in::server_timing(&answer)?;
        evidence.add_sample(REFRESH, "queries", queries);
        evidence.add_sample(REFRESH, "ms", answer.millis());
        let bytes = answer.bytes_up + answer.bytes_down;
        evidence.add_sample(REFRESH, "bytes", as_f64(bytes));
        refresh_token = next.refresh_token;
    }
    Ok(refresh_token)
}

async fn at_once(
    fixture: &Fixture<'_>,
    refresh_token: &str,
    evidence: &mut Evidence,
) -> Result<()> {
    let document = json!({ "refresh_token": refresh_token }).to_string();
    let call = Call::json(Method::POST, at(fixture.url(), "/api/v1/token/refresh")?, &document);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (mut twin, call) = (fixture.agent.fresh(), call.clone());
        tasks.spawn(async move { twin.send(call).await });
    }
    let mut successors = Vec::new();
    for answer in tasks.join_all().await {
        let answer = answer?;
        match answer.status {
            StatusCode::OK => {
                evidence.add_sample(TWINS, "let in", 1.0);
                successors.push(sign_in::parse_tokens(&answer)?.refresh_token);
            }
            StatusCode::BAD_REQUEST => evidence.add_sample(TWINS, "let in", 0.0),
            // The server was too busy, or worse: that says nothing about the token.
            other => evidence.add_sample(TWINS, UNCLEAR, f64::from(other.as_u16())),
        }
    }
    successors.sort_unstable();
    successors.dedup();
    evidence.add_sample(SUCCESSORS, "tokens", as_f64(successors.len()));
    if let Some(next) = successors.first() {
        evidence.add_answer(STILL_IN, &fixture.try_refresh(next).await?);
    }
    Ok(())
}

fn judge(evidence: &Evidence) -> VerdictResult {
    if !evidence.accepted(BEFORE, &["401 token_expired"])? {
        return unclear("The token did not work before exp.");
    }
    if evidence.accepted(IN_THE_END, &["401 token_expired"])? {
        return no("It was never refused.");
    }
    let (leeway, lifetime) = (
        evidence.required_median(LEEWAY, "seconds")?,
        evidence.required_median(LIFETIME, "seconds")?,
    );
    let (queries, bytes) = (
        evidence.required_median(REFRESH, "queries")?,
        evidence.required_median(REFRESH, "bytes")?,
    );
    let anew = evidence.required_median(ANEW, "queries")?;
    let (twins, successors) = (
        evidence.required_samples(TWINS, "let in")?,
        evidence.required_median(SUCCESSORS, "tokens")?,
    );
    if lifetime > LONGEST || leeway > MOST_LEEWAY {
        return no(format!(
            "It was issued for {lifetime:.0} s and accepted for {leeway:.0} s more: that is no \
             limit worth the name."
        ));
    }
    if queries > anew {
        return no(format!(
            "A refresh cost {queries:.0} queries and a new sign-in {anew:.0}: it is dearer than \
             what it saves."
        ));
    }
    if !evidence.values(TWINS, UNCLEAR).is_empty() {
        return unclear("Some of the refreshes at once got no usable answer.");
    }
    let ended = ["400 refresh_token_reused", "400 refresh_token_ended"];
    if !all_equal(twins, 1.0) || !evidence.accepted(STILL_IN, &ended)? {
        return no("Refreshing at once ended the sign-in.");
    }
    if successors > 1.0 {
        return no(format!(
            "Refreshing at once forked the sign-in: {successors:.0} refresh tokens live on, and a \
             thief’s could be one of them."
        ));
    }
    yes(format!(
        "A token of {lifetime:.0} s was refused {leeway:.0} s after exp: that is the leeway for \
         clocks that differ. A refresh costs {queries:.0} queries and {bytes:.0} bytes, a new \
         sign-in {anew:.0} queries; {} refreshes at once with one refresh token all got the same \
         next one.",
        twins.len()
    ))
}
