//! Refresh tokens: each works once, and a thief who has one is found out.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::attacks;
use super::judge::Expect::{Challenge, Code, SameSuccessor};
use super::people::pair;
use super::stage::{Outcome, Stage};
use crate::Call;

/// A little longer than a late twin is taken for one.
const PAST_GRACE: Duration = Duration::from_secs(11);

/// Uses of one token at the same time.
const AT_ONCE: usize = 5;

attacks! { Refresh:
    "refresh_reused", "A refresh token that was used", "RFC 9700 §4.14.2",
    "crates/domain/src/refresh.rs", "may_rotate",
    "The thief has copied a refresh token, and shows it after its owner did. Nobody can tell which of the two is the thief: the whole family ends.",
    &[Code(400, "refresh_token_reused"), Code(400, "refresh_token_ended")], reused;

    "refresh_race", "A race for the refresh", "RFC 9700 §4.14.2",
    "crates/auth/src/refresh.rs", "exchange",
    "The thief shows the copied token in the same instant as its owner, several times. There is one successor, whoever asks: the family does not fork.",
    &[SameSuccessor], race;

    "refresh_as_access", "A refresh token as an access token", "RFC 9068 §4, OWASP ASVS V9.2.2",
    "crates/web/src/caller/bearer.rs", "caller",
    "The thief shows the refresh token, which lives for weeks, to the API.",
    &[Challenge(401, "invalid_token")], as_access;

    "access_as_refresh", "An access token as a refresh token", "OWASP ASVS V9.2.2",
    "crates/auth/src/refresh.rs", "exchange",
    "The thief has an access token that ends in minutes, and tries to trade it for a new pair.",
    &[Code(400, "refresh_token_unknown")], as_refresh;

    "refresh_after_revoke", "A refresh token after it was revoked", "RFC 7009 §2.1",
    "crates/domain/src/refresh.rs", "may_rotate",
    "The owner revokes the token. The thief’s copy is worth nothing then.",
    &[Code(400, "refresh_token_ended")], revoked;
}

fn renewing(stage: &Stage, refresh_token: &str) -> Outcome<Call> {
    let body = json!({ "refresh_token": refresh_token }).to_string();
    Ok(Call::json(Method::POST, stage.url("/api/v1/token/refresh")?, &body))
}

async fn reused(stage: &mut Stage) -> Outcome {
    let owner = stage.owner().await?;
    let first = stage.new_tokens(&owner).await?;
    let (mut owners, mut thief) = (stage.browser(), stage.thiefs_browser());
    let call = renewing(stage, &first.refresh)?;
    let renewed = stage.control(&mut owners, "The owner renews", call, 200).await?;
    let second = pair(&renewed)?;
    tokio::time::sleep(PAST_GRACE).await;
    let call = renewing(stage, &first.refresh)?;
    stage.attack(&mut thief, "The thief shows the old one", call).await?;
    let call = renewing(stage, &second.refresh)?;
    stage.attack(&mut owners, "The newest of the family", call).await?;
    Ok(())
}

async fn race(stage: &mut Stage) -> Outcome {
    let owner = stage.owner().await?;
    let tokens = stage.new_tokens(&owner).await?;
    let call = renewing(stage, &tokens.refresh)?;
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (mut browser, call) = (stage.browser(), call.clone());
        racing.spawn(async move { browser.agent.send(call).await });
    }
    for raced in racing.join_all().await {
        stage.witnessed("One of five at once", &call, &raced?);
    }
    Ok(())
}

async fn as_access(stage: &mut Stage) -> Outcome {
    let owner = stage.owner().await?;
    let tokens = stage.new_tokens(&owner).await?;
    let mut thief = stage.thiefs_browser();
    let call = stage.api(Method::GET, "/api/v1/me", &tokens.access)?;
    stage.control(&mut thief, "The access token", call, 200).await?;
    let call = stage.api(Method::GET, "/api/v1/me", &tokens.refresh)?;
    stage.attack(&mut thief, "The refresh token", call).await?;
    Ok(())
}

async fn as_refresh(stage: &mut Stage) -> Outcome {
    let owner = stage.owner().await?;
    let tokens = stage.new_tokens(&owner).await?;
    let mut thief = stage.thiefs_browser();
    let call = renewing(stage, &tokens.access)?;
    stage.attack(&mut thief, "The access token", call).await?;
    let call = renewing(stage, &tokens.refresh)?;
    stage.control(&mut thief, "The refresh token", call, 200).await?;
    Ok(())
}

async fn revoked(stage: &mut Stage) -> Outcome {
    let owner = stage.owner().await?;
    let tokens = stage.new_tokens(&owner).await?;
    let (mut owners, mut thief) = (stage.browser(), stage.thiefs_browser());
    let body = json!({ "token": tokens.refresh }).to_string();
    let call = Call::json(Method::POST, stage.url("/api/v1/token/revoke")?, &body);
    stage.control(&mut owners, "The owner revokes it", call, 200).await?;
    let call = renewing(stage, &tokens.refresh)?;
    stage.attack(&mut thief, "The thief’s copy", call).await?;
    Ok(())
}
