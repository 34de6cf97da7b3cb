//! Claim 2: "With a JWT no database query is needed".

use super::prelude::*;
use crate::introspection::IntrospectionEndpoint;
use crate::stats::as_f64;
use crate::token;

const ROUNDS: usize = 20;

const UNIT: &str = "queries";
const SENT: &str = "bytes up";
const MILLIS: &str = "ms";
const CALLS: &str = "calls to the provider";

const INTROSPECTED: &str = "OAuth token, introspected";

pub(super) const EXPERIMENT: Experiment = Experiment {
    number: 2,
    slug: "queries",
    sentence: "With a JWT no database query is needed",
    method: "Four browsers sign in, one through each door with each key. Each calls GET \
             /api/v1/me again and again, in turn; the app counts the statements that it sends to \
             the database and says so in Server-Timing. Another app calls it with an opaque OAuth \
             token, which is introspected each time (RFC 7662); the issuer counts that. Bytes \
             and time of each request are noted as well.",
    honest: "A session costs one query and a JWT none. An introspected token costs an HTTP call \
             as well, unless the answer is cached.",
    budget: Duration::from_secs(3),
    measure: boxed!(measure),
    judge,
};

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let issuer = IntrospectionEndpoint::start().await?;
    let (fixture, issuer) = match context.start(&issuer.options()).await {
        // An instance that runs already asks an issuer of its own.
        Err(Error::NotHere(_)) => (context.start(&InstanceOptions::default()).await?, None),
        started => (started?, Some(issuer)),
    };
    context.doing("signing in, through each door with each key");
    let mut browsers = Vec::new();
    for (method, credential) in combinations() {
        let (browser, _) = fixture.sign_in(method, credential).await?;
        browsers.push((combination(method, credential), browser));
    }
    if let Some(issuer) = &issuer {
        issuer.set_answer(about_an_app(&fixture.tokens().await?.access_token)?);
    }
    let mut app = fixture.agent.fresh();
    context.doing("counting queries");
    for round in 0..=ROUNDS {
        for (label, browser) in &mut browsers {
            let answer = browser.send(sign_in::me(fixture.url())?).await?;
            note(evidence, round, label, answer)?;
        }
        if let Some(issuer) = &issuer {
            let before = issuer.requests();
            let call = sign_in::me(fixture.url())?.bearer("an-opaque-token-of-another-app");
            note(evidence, round, INTROSPECTED, app.send(call).await?)?;
            if round > 0 {
                let calls = issuer.requests() - before;
                evidence.add_sample(INTROSPECTED, CALLS, as_f64(calls));
            }
        }
    }
    Ok(())
}

fn note(evidence: &mut Evidence, round: usize, label: &str, answer: Answer) -> Result<()> {
    let answer = sign_in::expect(answer, StatusCode::OK)?;
    let (queries, _) = sign_in::server_timing(&answer)?;
    // The first round warms up: a session notes that it was used.
    if round > 0 {
        evidence.add_sample(label, UNIT, queries);
        evidence.add_sample(label, SENT, as_f64(answer.bytes_up));
        evidence.add_sample(label, MILLIS, answer.millis());
    }
    Ok(())
}

/// What an issuer says of a token that acts for the owner of this JWT: for the same API,
/// and for as long.
fn about_an_app(jwt: &str) -> Result<serde_json::Value> {
    let claims = token::claims(jwt)?;
    Ok(serde_json::json!({
        "active": true, "token_type": "Bearer", "client_id": "another-app",
        "scope": "profile", "sub": claims["sub"], "aud": claims["aud"], "exp": claims["exp"],
    }))
}

fn judge(evidence: &Evidence) -> Verdict {
    let of = |credential: Credential| {
        let labels = SignInMethod::ALL.map(|method| combination(method, credential));
        labels.map(|label| evidence.values(&label, UNIT).to_vec()).concat()
    };
    let (jwt, session) = (of(Credential::Jwt), of(Credential::Session));
    if jwt.is_empty() || session.is_empty() {
        return Verdict::undecided("One of the four combinations is missing.");
    }
    let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    if all_are(&jwt, 0.0) {
        let calls = evidence.median(INTROSPECTED, CALLS);
        let app = evidence.median(INTROSPECTED, UNIT).zip(calls);
        let app = app.map_or_else(String::new, |(queries, calls)| {
            format!(
                " For another app’s opaque token it was {queries}, and {calls} call to its issuer."
            )
        });
        return Verdict::yes(format!(
            "A JWT cost no query in {} requests, whichever door issued it; a session cost {}.\
             {app}",
            jwt.len(),
            most(&session)
        ));
    }
    Verdict::no(format!("A JWT cost up to {} queries per request.", most(&jwt)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_jwt_has_to_come_without_a_query() {
        let with = |jwt: [f64; 2]| {
            let evidence = Evidence::default().and([
                ("OAuth + session", UNIT, 1.0),
                ("OAuth + JWT", UNIT, jwt[0]),
                ("password + session", UNIT, 1.0),
                ("password + JWT", UNIT, jwt[1]),
            ]);
            judge(&evidence).word()
        };
        assert_eq!(with([0.0, 0.0]), "true");
        assert_eq!(with([0.0, 1.0]), "false");
    }
}
