use super::prelude::*;
use crate::token;

experiment! { 6, "stateless", within 3 s,
    "A JWT is stateless: any server can check it",
    "Two servers share a signing key and nothing else: they have two databases and two secrets. \
     We send to the second what the first issued. To show that the public key is enough, an \
     independent verifier, which shares no code with the app, checks the token against \
     /.well-known/jwks.json."
}

const VERIFIER: &str = "an independent verifier, with only the published keys";
const ACCESS: &str = "access token, at a server with another database";
const QUERIES: &str = "queries for it at that server";
const REFRESH: &str = "refresh token, at a server with another database";
const SESSION: &str = "session, at a server with another database";
const AT_ISSUER: &str = "refresh token, where it was issued";

const UNKNOWN: [&str; 1] = ["400 refresh_token_unknown"];
const NO_SESSION: [&str; 1] = ["401 token_missing"];

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let options = InstanceOptions::default().set("JWT_PRIVATE_KEY", &token::signing_key()?.1);
    let first = context.start(&options).await?;
    let issuer = first.url().origin().ascii_serialization();
    let options = options.set("JWT_ISSUER", &issuer).set("JWT_AUDIENCE", &format!("{issuer}/api"));
    let second = context.start(&options).await?;
    let tokens = first.tokens().await?;
    let mut browser = first.browser(Credential::Session).await?;

    let keys = first.get(&mut first.agent.fresh(), "/.well-known/jwks.json").await?.json();
    let verified = token::is_signed_by(&tokens.access_token, &keys)?;
    evidence.add_fact(VERIFIER, if verified { "verified" } else { "not verified" });
    let answer = second.me(&tokens.access_token).await?;
    evidence.add_answer(ACCESS, &answer);
    if let Ok((queries, _)) = sign_in::server_timing(&answer) {
        evidence.add_sample(QUERIES, "queries", queries);
    }
    // As if both servers had the same origin.
    let (_, session) = credential_cookie(&browser, first.url(), Credential::Session)?;
    browser.set_cookie(second.url(), &Credential::Session.cookie(second.url()), &session);
    evidence.add_answer(SESSION, &second.get(&mut browser, "/api/v1/me").await?);
    for (label, server) in [(REFRESH, &second), (AT_ISSUER, &first)] {
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
    if !evidence.accepted(AT_ISSUER, &UNKNOWN)? {
        return unclear("The refresh token failed even where it was issued.");
    }
    if !access || evidence.required_fact(VERIFIER)? != "verified" {
        return no("The other server did not accept the access token.");
    }
    if refresh {
        return yes("The other server accepted both the access token and the refresh token.");
    }
    let queries = evidence.median(QUERIES, "queries").unwrap_or_default();
    let session = if session { "unlike" } else { "just like" };
    only_if(
        "it is the access token",
        format!(
            "A server with another database accepted it with {queries} queries, and the published \
             keys are enough to verify it. The refresh token is a database row, and was unknown \
             there, {session} the session."
        ),
    )
}
