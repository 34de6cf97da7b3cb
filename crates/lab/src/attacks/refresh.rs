//! Refresh tokens: each works once, and reuse revokes the family.

use std::time::Duration;

use http::Method;

use super::context::member;
use super::prelude::*;
use crate::agent::Call;

/// Longer than the grace period in which a refresh may be repeated.
const PAST_GRACE: Duration = Duration::from_secs(11);

const CONCURRENT: usize = 5;

const ROTATION: Check = check("crates/domain/src/refresh.rs", "may_rotate");
const EXCHANGE: Check = check("crates/auth/src/tokens/refresh.rs", "refresh");

attacks! { Refresh:
    "refresh_reused", "Refresh token reuse", "RFC 9700 §4.14.2", ROTATION,
        &[Code(400, "refresh_token_reused"), Code(400, "refresh_token_ended")], send(&[
            TOKENS,
            control("The owner refreshes", REFRESH, 200).by(Visitor).save(&[("newest", Member("refresh_token"))]),
            attack("The thief sends the used token", REFRESH).after(PAST_GRACE),
            attack("The latest token of the family", json("POST", "/api/v1/token/refresh",
                r#"{"refresh_token":"{{newest}}"}"#)).by(Visitor),
        ]);
    "refresh_race", "Concurrent refreshes", "RFC 9700 §4.14.2", EXCHANGE,
        &[SameSuccessor], race();
    "refresh_as_access", "Refresh token used as an access token", "RFC 9068 §4, OWASP ASVS V9.2.2",
        check("crates/axum/src/caller/bearer.rs", "authenticate"),
        &[Challenge(401, "invalid_token")], send(&[
            TOKENS,
            control("The access token", api("GET", "/api/v1/me").bearer("{{access}}"), 200),
            attack("The refresh token", api("GET", "/api/v1/me").bearer("{{refresh}}")),
        ]);
    "access_as_refresh", "Access token used as a refresh token", "OWASP ASVS V9.2.2", EXCHANGE,
        &[Code(400, "refresh_token_unknown")], send(&[
            TOKENS,
            attack("The access token", json("POST", "/api/v1/token/refresh",
                r#"{"refresh_token":"{{access}}"}"#)),
            control("The refresh token", REFRESH, 200),
        ]);
    "refresh_after_revoke", "Revoked refresh token", "RFC 7009 §2.1", ROTATION,
        &[Code(400, "refresh_token_ended")], send(&[
            TOKENS,
            control("The owner revokes it",
                json("POST", "/api/v1/token/revoke", r#"{"token":"{{refresh}}"}"#), 200).by(Visitor),
            attack("The thief’s copy", REFRESH),
        ]);
}

const TOKENS: Action = prepare(NEW_TOKENS, 200)
    .save(&[("access", Member("access_token")), ("refresh", Member("refresh_token"))]);

const REFRESH: Request =
    json("POST", "/api/v1/token/refresh", r#"{"refresh_token":"{{refresh}}"}"#);

async fn race(context: &mut AttackContext) -> Result {
    let owner = context.owner().await?;
    let tokens = context.new_tokens(&owner).await?;
    let body = serde_json::json!({ "refresh_token": member(&tokens, "refresh_token")? });
    let url = context.url("/api/v1/token/refresh")?;
    let call = Call::json(Method::POST, url, &body.to_string());
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..CONCURRENT {
        let (mut browser, call) = (context.browser(), call.clone());
        racing.spawn(async move { browser.agent.send(call).await });
    }
    for raced in racing.join_all().await {
        context.record_attack("One of five concurrent refreshes", &call, raced?);
    }
    Ok(())
}
