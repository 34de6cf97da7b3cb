use super::prelude::*;
use super::queries::{OPAQUE, about_an_app};
use crate::introspection::IntrospectionEndpoint;

experiment! { 22, "fan-out", within 3 s,
    "JWTs save the fan-out",
    "A page that needs one, three or eight services passes its key on to each: a session, which \
     each looks up, a JWT, which each checks by itself, and an opaque token, which each asks the \
     issuer about. Counted are statements, calls and time. Then the sign-in of the JWT is ended, \
     and it is passed on once more."
}

/// How many services are asked for one page, each of which checks the key.
const SERVICES: [usize; 3] = [1, 3, 8];
const KEYS: [&str; 3] = ["session", "JWT", "OAuth token, introspected"];

const QUERIES: &str = "queries for one page";
const CALLS: &str = "calls to the issuer for one page";
const MILLIS: &str = "ms for one page";
const AFTER: &str = "JWT, after its sign-in has ended, at the last service";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let issuer = IntrospectionEndpoint::start().await?;
    let fixture = context.start(&issuer.options()).await?;
    let tokens = fixture.tokens().await?;
    issuer.set_answer(about_an_app(&tokens.access_token)?);
    let me = sign_in::me(fixture.url())?;
    let callers = [
        (fixture.browser(Credential::Session).await?, me.clone()),
        (fixture.agent.fresh(), me.clone().bearer(&tokens.access_token)),
        (fixture.agent.fresh(), me.bearer(OPAQUE)),
    ];
    for services in SERVICES {
        context.step(format!("passing keys on to {services} services"));
        for (key, (browser, call)) in KEYS.into_iter().zip(&callers) {
            let (before, mut queries, mut millis) = (issuer.requests(), 0.0, 0.0);
            for _ in 0..services {
                let answer = browser.clone().send(call.clone()).await?;
                let answer = sign_in::expect_status(answer, StatusCode::OK)?;
                queries += sign_in::server_timing(&answer)?.0;
                millis += answer.millis();
            }
            let calls = as_f64(issuer.requests() - before);
            for (unit, value) in [(QUERIES, queries), (CALLS, calls), (MILLIS, millis)] {
                evidence.add_sample(&label(key, services), unit, value);
            }
        }
    }
    fixture.post_token("/api/v1/token/revoke", "token", &tokens.refresh_token).await?;
    evidence.add_answer(AFTER, &fixture.me(&tokens.access_token).await?);
    Ok(())
}

fn label(key: &str, services: usize) -> String {
    format!("{key}, {services} services")
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let [session, jwt, opaque] = KEYS;
    let most = SERVICES[2];
    let of = |key, unit| evidence.required_median(&label(key, most), unit);
    let work = |key| Ok(of(key, QUERIES)? + of(key, CALLS)?);
    let (looked_up, checked, asked) = (work(session)?, work(jwt)?, work(opaque)?);
    let because = format!(
        "With {most} services a page cost {looked_up} lookups with a session, {checked} with a JWT, \
         and {asked} with an opaque token."
    );
    if checked >= looked_up {
        return no(because);
    }
    if evidence.accepted(AFTER, &["401 token_revoked"])? {
        let condition = "none of them has to know at once that it has ended";
        let because = format!("{because} The last service took the JWT after its end.");
        return only_if(condition, because);
    }
    yes(because)
}
