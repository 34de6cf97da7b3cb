use super::prelude::*;
use crate::stopwatch::Scenario;

experiment! { 19, "deny-list", within 4 s,
    "A deny list makes a JWT a session",
    "Two processes share a database and watch for revocations. A session and a JWT ask who they \
     are, and the statements of each request are counted; then nobody asks anything, and what a \
     process asks the database by itself is read from its log. Last a sign-in is ended at one \
     process, and its JWT is sent to the other."
}

const REQUESTS: usize = 20;

const PER_REQUEST: &str = "queries per request";
const PER_MINUTE: &str = "queries per minute, beside the requests";
const REFUSED: &str = "ms until refused, at another process";

const SESSION: &str = "session";
const WATCHED: &str = "JWT, with a deny list (JWT_REVOCATION=watch)";

/// For how long an instance is watched that nobody asks anything.
const IDLE: Duration = Duration::from_millis(1_500);

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let options = InstanceOptions::default().set("JWT_REVOCATION", "watch").with_log();
    let fixture = context.start(&options).await?;
    for (label, credential) in [(SESSION, Credential::Session), (WATCHED, Credential::Jwt)] {
        context.step(format!("counting the queries of a {label}"));
        let mut browser = fixture.browser(credential).await?;
        for request in 0..=REQUESTS {
            let answer = browser.send(sign_in::me(fixture.url())?).await?;
            let (queries, _) =
                sign_in::server_timing(&sign_in::expect_status(answer, StatusCode::OK)?)?;
            // At the first one a session notes that it was used.
            if request > 0 {
                evidence.add_sample(label, PER_REQUEST, queries);
            }
        }
    }
    context.step("counting what is asked while nobody asks");
    evidence.add_sample(WATCHED, PER_MINUTE, fixture.statements_per_minute(IDLE).await?);
    context.step("ending a sign-in");
    let timed = Scenario::JwtWatch.prepare(&context.instances).await?.time(|_| ()).await?;
    if let Some(lived) = timed.millis_until_refused() {
        evidence.add_sample(WATCHED, REFUSED, lived);
    }
    Ok(())
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let session = evidence.required_median(SESSION, PER_REQUEST)?;
    let (jwt, beside) = (
        evidence.required_median(WATCHED, PER_REQUEST)?,
        evidence.required_median(WATCHED, PER_MINUTE)?,
    );
    let refused = evidence.required_median(WATCHED, REFUSED)?;
    let because = format!(
        "A session costs {session} queries at each request. With the list a JWT costs {jwt}, and \
         each process {beside:.0} a minute, however many ask; its end is noticed after \
         {refused:.0} ms instead of at once."
    );
    if jwt >= session {
        return yes(because);
    }
    if beside <= 0.0 {
        return unclear("Nobody read the list, and yet the JWT was refused.");
    }
    let even = beside / (session - jwt);
    let because = format!("{because} Above {even:.0} requests a minute the list is cheaper.");
    Ok(Verdict::only_if("it is asked at each request, and not read beside them", because)
        .with_break_even(even, "requests a minute"))
}
