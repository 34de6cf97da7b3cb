use super::prelude::*;
use crate::evidence::with_unit;
use crate::stopwatch::Scenario;

experiment! { 19, "deny-list", within 4 s,
    "A deny list makes a JWT a session",
    "Two processes share a database and watch for revocations. We call GET /api/v1/me with a \
     session and with a JWT, and count the statements of each request. Then we leave a process \
     idle, and read from its log what it sends to the database in the background. Finally we \
     revoke a sign-in at one process, and send its JWT to the other."
}

const REQUESTS: usize = 20;

const PER_REQUEST: &str = "queries per request";
const PER_MINUTE: &str = "queries per minute in the background";
const REFUSED: &str = "ms until refused by another process";

const SESSION: &str = "session";
const WATCHED: &str = "JWT with a deny list (JWT_REVOCATION=watch)";

/// How long to count the background queries of an idle instance.
const IDLE: Duration = Duration::from_millis(1_500);

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let options = InstanceOptions::default().set("JWT_REVOCATION", "watch").with_log();
    let fixture = context.start(&options).await?;
    for (label, credential) in [(SESSION, Credential::Session), (WATCHED, Credential::Jwt)] {
        let mut browser = fixture.browser(credential).await?;
        for request in 0..=REQUESTS {
            let answer = browser.send(sign_in::me(fixture.url())?).await?;
            let answer = sign_in::expect_status(answer, StatusCode::OK)?;
            let (queries, _) = sign_in::server_timing(&answer)?;
            // The first request of a session also updates its last use.
            if request > 0 {
                evidence.add_sample(label, PER_REQUEST, queries);
            }
        }
    }
    evidence.add_sample(WATCHED, PER_MINUTE, fixture.statements_per_minute(IDLE).await?);
    let timed = Scenario::JwtWatch.prepare(&context.instances).await?.time(|_| ()).await?;
    if let Some(millis) = timed.millis_until_refused() {
        evidence.add_sample(WATCHED, REFUSED, millis);
    }
    Ok(())
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let session = evidence.required_median(SESSION, PER_REQUEST)?;
    let jwt = evidence.required_median(WATCHED, PER_REQUEST)?;
    let per_minute = evidence.required_median(WATCHED, PER_MINUTE)?;
    let refused = evidence.required_median(WATCHED, REFUSED)?;
    let because = format!(
        "A session costs {} per request. With the list, a JWT costs {jwt}, and each process sends \
         {per_minute:.0} queries a minute in the background, however many requests it gets. \
         Revocation takes effect after {refused:.0} ms instead of immediately.",
        with_unit(&session.to_string(), "queries"),
    );
    if jwt >= session {
        return yes(because);
    }
    if per_minute <= 0.0 {
        return unclear("The list was never read, and yet the JWT was refused.");
    }
    let even = per_minute / (session - jwt);
    let because = format!("{because} Above {even:.0} requests a minute, the list is cheaper.");
    Ok(Verdict::only_if("each request queries it, instead of a background task", because)
        .with_break_even(even, "requests a minute"))
}
