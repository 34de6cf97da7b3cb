use super::prelude::*;
use crate::introspection::IntrospectionEndpoint;
use crate::token;

experiment! { 2, "queries", within 5 s,
    "With a JWT no database query is needed",
    "Four browsers sign in, one through each door with each key, and ask for their own name, for \
     their contacts and for a page, in turn. The app counts the statements that it sends to the \
     database and says so in Server-Timing. Another app calls with an opaque OAuth token, which \
     is introspected each time (RFC 7662); the issuer counts that. A JWT is refreshed, which \
     costs statements too, and an instance that watches for revocations is left alone: what it \
     asks the database meanwhile is in its log."
}

const ROUNDS: usize = 20;

const UNIT: &str = "queries";
const SENT: &str = "bytes up";
const MILLIS: &str = "ms";
const CALLS: &str = "calls to the provider";
const PER_MINUTE: &str = "queries per minute, beside the requests";

const INTROSPECTED: &str = "OAuth token, introspected";
const REFRESH: &str = "JWT, one refresh";
const WATCHED: &str = "JWT, JWT_REVOCATION=watch";

/// What is asked for: all of it in the token, something beside it, a whole page.
const ROUTES: [&str; 3] = ["/api/v1/me", "/api/v1/contacts", "/account"];

/// For how long an instance is watched that nobody asks anything.
const IDLE: Duration = Duration::from_millis(1_200);

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let issuer = IntrospectionEndpoint::start().await?;
    let (fixture, issuer) = match context.start(&issuer.options()).await {
        // An instance that runs already asks an issuer of its own.
        Err(Error::Unsupported(_)) => (context.start(&InstanceOptions::default()).await?, None),
        started => (started?, Some(issuer)),
    };
    context.step("signing in, through each door with each key");
    let mut browsers = Vec::new();
    for (method, credential) in combinations() {
        let (browser, _) = fixture.sign_in(method, credential).await?;
        browsers.push((method, credential, browser));
    }
    let mut tokens = fixture.tokens().await?;
    if let Some(issuer) = &issuer {
        issuer.set_answer(about_an_app(&tokens.access_token)?);
    }
    let mut app = fixture.agent.fresh();
    context.step("counting queries");
    for round in 0..=ROUNDS {
        for (method, credential, browser) in &mut browsers {
            for path in ROUTES {
                let answer = fixture.get(browser, path).await?;
                note(evidence, round, &label(*method, *credential, path), answer)?;
            }
        }
        let (next, answer) = fixture.refresh(&tokens.refresh_token).await?;
        tokens = next;
        note(evidence, round, REFRESH, answer)?;
        if let Some(issuer) = &issuer {
            let before = issuer.requests();
            let call = sign_in::me(fixture.url())?.bearer(OPAQUE);
            note(evidence, round, INTROSPECTED, app.send(call).await?)?;
            if round > 0 {
                evidence.add_sample(INTROSPECTED, CALLS, as_f64(issuer.requests() - before));
            }
        }
    }
    context.step("counting what a watching instance asks by itself");
    let options = InstanceOptions::default().set("JWT_REVOCATION", "watch").with_log();
    let watching = match context.start(&options).await {
        Err(Error::Unsupported(_)) => return Ok(()),
        started => started?,
    };
    evidence.add_sample(WATCHED, PER_MINUTE, watching.statements_per_minute(IDLE).await?);
    Ok(())
}

/// A combination at a route; its name alone stands for the first one.
fn label(method: SignInMethod, credential: Credential, path: &str) -> String {
    let name = combination(method, credential);
    if path == ROUTES[0] { name } else { format!("{name}, {path}") }
}

fn note(evidence: &mut Evidence, round: usize, label: &str, answer: Answer) -> Result<()> {
    let answer = sign_in::expect_status(answer, StatusCode::OK)?;
    let (queries, _) = sign_in::server_timing(&answer)?;
    // The first round warms up: a session notes that it was used.
    if round > 0 {
        evidence.add_sample(label, UNIT, queries);
        evidence.add_sample(label, SENT, as_f64(answer.bytes_up));
        evidence.add_sample(label, MILLIS, answer.millis());
    }
    Ok(())
}

/// The token of another app, which says nothing by itself.
pub(super) const OPAQUE: &str = "an-opaque-token-of-another-app";

/// What an issuer says of a token that acts for the owner of this JWT: for the same API,
/// and for as long.
pub(super) fn about_an_app(jwt: &str) -> Result<serde_json::Value> {
    let claims = token::claims(jwt)?;
    Ok(serde_json::json!({
        "active": true, "token_type": "Bearer", "client_id": "another-app",
        "scope": "profile", "sub": claims["sub"], "aud": claims["aud"], "exp": claims["exp"],
    }))
}

fn judge(evidence: &Evidence) -> VerdictResult {
    // The most that any request of a route cost, whichever door issued the key.
    let most = |credential, path| -> std::result::Result<f64, _> {
        let mut most = 0.0_f64;
        for method in SignInMethod::ALL {
            let samples = evidence.required_samples(&label(method, credential, path), UNIT)?;
            most = samples.iter().copied().fold(most, f64::max);
        }
        Ok(most)
    };
    let (mut routes, mut jwts) = (Vec::new(), Vec::new());
    for path in ROUTES {
        let (session, jwt) = (most(Credential::Session, path)?, most(Credential::Jwt, path)?);
        routes.push(format!("{path}: {session} with a session, {jwt} with a JWT"));
        jwts.push((session, jwt));
    }
    let refresh = evidence.required_median(REFRESH, UNIT)?;
    let (session, jwt) = jwts[0];
    let mut because = format!("{}. A refresh cost {refresh}", routes.join("; "));
    if let Some(watched) = evidence.median(WATCHED, PER_MINUTE) {
        because += &format!(", and watching for revocations {watched:.0} a minute for all of them");
    }
    because.push('.');
    if let Some(calls) = evidence.median(INTROSPECTED, CALLS) {
        because += &format!(" Another app’s opaque token cost {calls} call to its issuer.");
    }
    if jwt > 0.0 {
        return no(because);
    }
    if refresh == 0.0 && jwts.iter().all(|(_, jwt)| *jwt == 0.0) {
        return yes(because);
    }
    let condition = "the token itself holds the answer, and until it is refreshed";
    let verdict = |because| Verdict::only_if(condition, because);
    if session <= jwt {
        return Ok(verdict(because));
    }
    let even = refresh / (session - jwt);
    because += &format!(" The refresh is paid for after {even:.0} requests with one token.");
    Ok(verdict(because).with_break_even(even, "requests per token"))
}
