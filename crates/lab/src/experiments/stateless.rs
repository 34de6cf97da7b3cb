use super::prelude::*;
use crate::token;

experiment! { 6, "stateless", within 3 s,
    "A JWT is stateless: any server can check it",
    "Two servers have the same signing key and nothing else in common: two databases, two \
     secrets. What the first one issued is sent to the second. That the public half is enough is \
     shown by a verifier of the lab’s own, which has read /.well-known/jwks.json and shares no \
     code with the app."
}

const OUTSIDE: &str = "an independent verifier, with only the published keys";
const ACCESS: &str = "access token, at a server with another database";
const QUERIES: &str = "queries that it cost there";
const REFRESH: &str = "refresh token, at a server with another database";
const SESSION: &str = "session, at a server with another database";
const AT_HOME: &str = "refresh token, where it was issued";

/// How a server refuses what its database does not know.
const UNKNOWN: [&str; 1] = ["400 refresh_token_unknown"];
const NO_SESSION: [&str; 1] = ["401 token_missing"];

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let options = InstanceOptions::default().set("JWT_PRIVATE_KEY", &token::signing_key()?.1);
    let one = context.start(&options).await?;
    let issuer = one.url().origin().ascii_serialization();
    let options = options.set("JWT_ISSUER", &issuer).set("JWT_AUDIENCE", &format!("{issuer}/api"));
    let other = context.start(&options).await?;
    context.step("signing in at one server");
    let tokens = one.tokens().await?;
    let mut browser = one.browser(Credential::Session).await?;

    context.step("sending it to another server");
    let keys = one.get(&mut one.agent.fresh(), "/.well-known/jwks.json").await?.json();
    let verified = token::is_signed_by(&tokens.access_token, &keys)?;
    evidence.add_fact(OUTSIDE, if verified { "verified" } else { "not verified" });
    let answer = other.me(&tokens.access_token).await?;
    evidence.add_fact(ACCESS, answer.summary());
    if let Ok((queries, _)) = sign_in::server_timing(&answer) {
        evidence.add_sample(QUERIES, "queries", queries);
    }
    // As if both served one origin: the second server gets the same session.
    let (_, session) = credential_cookie(&browser, one.url(), Credential::Session)?;
    browser.set_cookie(other.url(), &Credential::Session.cookie(other.url()), &session);
    evidence.add_fact(SESSION, other.get(&mut browser, "/api/v1/me").await?.summary());
    for (label, server) in [(REFRESH, &other), (AT_HOME, &one)] {
        evidence.add_answer(label, &server.try_refresh(&tokens.refresh_token).await?);
    }
    Ok(())
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let refused =
        ["401 token_signature_invalid", "401 token_key_unknown", "401 token_issuer_wrong"];
    let access = evidence.accepted(ACCESS, &refused)?;
    let refresh = evidence.accepted(REFRESH, &UNKNOWN)?;
    let session = evidence.accepted(SESSION, &NO_SESSION)?;
    if !evidence.accepted(AT_HOME, &UNKNOWN)? {
        return unclear("The refresh token failed where it was issued, too.");
    }
    if !access || evidence.required_fact(OUTSIDE)? != "verified" {
        return no("The other server did not take the access token.");
    }
    if refresh {
        return yes("The other server took the access token and the refresh token.");
    }
    let queries = evidence.median(QUERIES, "queries").unwrap_or_default();
    let session = if session { "unlike" } else { "as with" };
    only_if(
        "only the access token is meant",
        format!(
            "A server with another database took it with {queries} queries, and the published \
             keys alone are enough to check it. The refresh token is a row in a database, and was \
             unknown there, {session} the session."
        ),
    )
}
