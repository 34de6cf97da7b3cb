use super::prelude::*;
use super::queries::{OPAQUE, introspection_response};
use crate::introspection::IntrospectionEndpoint;

experiment! { 22, "fan-out", within 3 s,
    "With JWTs, many services need no lookups",
    "A page that needs one, three or eight services passes its credential on to each: a session, \
     which each service looks up; a JWT, which each verifies itself; and an opaque token, which \
     each introspects at the issuer. We count statements, calls and time. Then we revoke the \
     sign-in of the JWT, and pass it on once more."
}

/// The number of services that a page calls.
const SERVICES: [usize; 3] = [1, 3, 8];
const CREDENTIALS: [&str; 3] = ["session", "JWT", "OAuth token, introspected"];

const QUERIES: &str = "queries per page";
const CALLS: &str = "calls to the issuer per page";
const MILLIS: &str = "ms per page";
const AFTER: &str = "JWT at the last service, after revocation";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let issuer = IntrospectionEndpoint::start().await?;
    let fixture = context.start(&issuer.options()).await?;
    let tokens = fixture.tokens().await?;
    issuer.set_answer(introspection_response(&tokens.access_token)?);
    let me = sign_in::me(fixture.url())?;
    let callers = [
        (fixture.browser(Credential::Session).await?, me.clone()),
        (fixture.agent.fresh(), me.clone().bearer(&tokens.access_token)),
        (fixture.agent.fresh(), me.bearer(OPAQUE)),
    ];
    for services in SERVICES {
        for (credential, (browser, call)) in CREDENTIALS.into_iter().zip(&callers) {
            let (before, mut queries, mut millis) = (issuer.requests(), 0.0, 0.0);
            for _ in 0..services {
                let answer = browser.clone().send(call.clone()).await?;
                let answer = sign_in::expect_status(answer, StatusCode::OK)?;
                queries += sign_in::server_timing(&answer)?.0;
                millis += answer.millis();
            }
            let calls = as_f64(issuer.requests() - before);
            for (unit, value) in [(QUERIES, queries), (CALLS, calls), (MILLIS, millis)] {
                evidence.add_sample(&label(credential, services), unit, value);
            }
        }
    }
    fixture.post_token("/api/v1/token/revoke", "token", &tokens.refresh_token).await?;
    evidence.add_answer(AFTER, &fixture.me(&tokens.access_token).await?);
    Ok(())
}

fn label(credential: &str, services: usize) -> String {
    format!("{credential}, {services} services")
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let [_, _, most] = SERVICES;
    let median = |credential, unit| evidence.required_median(&label(credential, most), unit);
    let lookups = |credential| Ok(median(credential, QUERIES)? + median(credential, CALLS)?);
    let [session, jwt, opaque] = CREDENTIALS.map(lookups);
    let (session, jwt, opaque) = (session?, jwt?, opaque?);
    let because = format!(
        "With {most} services, a page cost {session} lookups with a session, {jwt} with a JWT and \
         {opaque} with an opaque token."
    );
    if jwt >= session {
        return no(because);
    }
    if evidence.accepted(AFTER, &["401 token_revoked"])? {
        let condition = "no service has to notice a revocation immediately";
        let because = format!("{because} The last service accepted the JWT after its revocation.");
        return only_if(condition, because);
    }
    yes(because)
}
