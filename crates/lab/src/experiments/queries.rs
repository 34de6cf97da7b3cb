use super::prelude::*;
use crate::introspection::IntrospectionEndpoint;
use crate::token;

experiment! { 2, "queries", within 5 s,
    "With a JWT no database query is needed",
    "Four browsers sign in, one per combination, and request their profile, their contacts and a \
     page, in turn. The app counts its database statements and reports them in Server-Timing. \
     Another app calls with an opaque OAuth token, which is introspected each time (RFC 7662); the \
     issuer counts those calls. We also count the statements of a JWT refresh, and read from the \
     log what an idle instance that watches for revocations sends to the database."
}

const ROUNDS: usize = 20;

const UNIT: &str = "queries";
const SENT: &str = "bytes up";
const MILLIS: &str = "ms";
const CALLS: &str = "calls to the provider";
const PER_MINUTE: &str = "queries per minute in the background";

const INTROSPECTED: &str = "OAuth token, introspected";
const REFRESH: &str = "JWT, one refresh";
const WATCHED: &str = "JWT, JWT_REVOCATION=watch";

/// The token answers the first, the second needs other data, the third is a page.
const ROUTES: [&str; 3] = ["/api/v1/me", "/api/v1/contacts", "/account"];

/// How long to count the background queries of an idle instance.
const IDLE: Duration = Duration::from_millis(1_200);

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let issuer = IntrospectionEndpoint::start().await?;
    let (fixture, issuer) = match context.start(&issuer.options()).await {
        // An instance that is already running has its own issuer.
        Err(Error::Unsupported(_)) => (context.start(&InstanceOptions::default()).await?, None),
        started => (started?, Some(issuer)),
    };
    let mut browsers = Vec::new();
    for (method, credential) in combinations() {
        let (browser, _) = fixture.sign_in(method, credential).await?;
        browsers.push((method, credential, browser));
    }
    let mut tokens = fixture.tokens().await?;
    if let Some(issuer) = &issuer {
        issuer.set_answer(introspection_response(&tokens.access_token)?);
    }
    let mut app = fixture.agent.fresh();
    for round in 0..=ROUNDS {
        for (method, credential, browser) in &mut browsers {
            for path in ROUTES {
                let answer = fixture.get(browser, path).await?;
                record(evidence, round, &label(*method, *credential, path), answer)?;
            }
        }
        let answer;
        (tokens, answer) = fixture.refresh(&tokens.refresh_token).await?;
        record(evidence, round, REFRESH, answer)?;
        if let Some(issuer) = &issuer {
            let before = issuer.requests();
            let call = sign_in::me(fixture.url())?.bearer(OPAQUE);
            record(evidence, round, INTROSPECTED, app.send(call).await?)?;
            if round > 0 {
                evidence.add_sample(INTROSPECTED, CALLS, as_f64(issuer.requests() - before));
            }
        }
    }
    let options = InstanceOptions::default().set("JWT_REVOCATION", "watch").with_log();
    let watching = match context.start(&options).await {
        Err(Error::Unsupported(_)) => return Ok(()),
        started => started?,
    };
    evidence.add_sample(WATCHED, PER_MINUTE, watching.statements_per_minute(IDLE).await?);
    Ok(())
}

/// The combination and the route, which is left out for the first one.
fn label(method: SignInMethod, credential: Credential, path: &str) -> String {
    let name = combination(method, credential);
    if path == ROUTES[0] { name } else { format!("{name}, {path}") }
}

fn record(evidence: &mut Evidence, round: usize, label: &str, answer: Answer) -> Result<()> {
    let answer = sign_in::expect_status(answer, StatusCode::OK)?;
    let (queries, _) = sign_in::server_timing(&answer)?;
    // The first round warms up; the first request of a session also updates its last use.
    if round > 0 {
        evidence.add_sample(label, UNIT, queries);
        evidence.add_sample(label, SENT, as_f64(answer.bytes_up));
        evidence.add_sample(label, MILLIS, answer.millis());
    }
    Ok(())
}

/// Another app's token.
pub(super) const OPAQUE: &str = "an-opaque-token-of-another-app";

/// An introspection response for another app's token, with the subject, audience and expiry of
/// this JWT.
pub(super) fn introspection_response(jwt: &str) -> Result<serde_json::Value> {
    let claims = token::claims(jwt)?;
    Ok(serde_json::json!({
        "active": true, "token_type": "Bearer", "client_id": "another-app",
        "scope": "profile", "sub": claims["sub"], "aud": claims["aud"], "exp": claims["exp"],
    }))
}

fn judge(evidence: &Evidence) -> VerdictResult {
    // The most expensive request to a route, with either sign-in method.
    let most = |credential, path| -> std::result::Result<f64, _> {
        let mut most = 0.0_f64;
        for method in SignInMethod::ALL {
            let samples = evidence.required_samples(&label(method, credential, path), UNIT)?;
            most = samples.iter().copied().fold(most, f64::max);
        }
        Ok(most)
    };
    let (mut texts, mut costs) = (Vec::new(), Vec::new());
    for path in ROUTES {
        let (session, jwt) = (most(Credential::Session, path)?, most(Credential::Jwt, path)?);
        texts.push(format!("{path}: {session} with a session, {jwt} with a JWT"));
        costs.push((session, jwt));
    }
    let refresh = evidence.required_median(REFRESH, UNIT)?;
    let (session, jwt) = costs[0];
    let mut because = format!("Queries for {}. A refresh cost {refresh}", texts.join("; "));
    if let Some(watched) = evidence.median(WATCHED, PER_MINUTE) {
        because += &format!(", and watching for revocations {watched:.0} a minute for all JWTs");
    }
    because.push('.');
    if let Some(calls) = evidence.median(INTROSPECTED, CALLS) {
        because += &format!(" Another app’s opaque token cost {calls} call to its issuer.");
    }
    if jwt > 0.0 {
        return no(because);
    }
    if refresh == 0.0 && costs.iter().all(|(_, jwt)| *jwt == 0.0) {
        return yes(because);
    }
    let condition = "the token itself holds the answer, and only until it is refreshed";
    if session <= jwt {
        return only_if(condition, because);
    }
    let even = refresh / (session - jwt);
    because += &format!(" The refresh pays off after {even:.0} requests with one token.");
    Ok(Verdict::only_if(condition, because).with_break_even(even, "requests per token"))
}
