use super::prelude::*;
use crate::stopwatch::calendar_printer;

experiment! { 16, "choice", within 2 s,
    "Choose OAuth for delegation, JWT for simple stateless APIs",
    "If the two were rivals, one would exclude the other. So the experiment signs in through each \
     door with each key, and calls GET /api/v1/me with what it got. Another app, the Calendar \
     Printer, reads the calendar with its person’s leave."
}

const DELEGATED: &str = "the calendar, read by another app with its person’s leave";
const UNIT: &str = "opens the API";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    context.step("trying each door with each key");
    for method in SignInMethod::ALL {
        let mut bodies = Vec::new();
        for credential in Credential::ALL {
            let (mut browser, _) = fixture.sign_in(method, credential).await?;
            let answer = fixture.get(&mut browser, "/api/v1/me").await?;
            let opened = if answer.status == StatusCode::OK { 1.0 } else { 0.0 };
            evidence.add_sample(&combination(method, credential), UNIT, opened);
            bodies.push(answer.body);
        }
        let same = if bodies.windows(2).all(|pair| pair[0] == pair[1]) { "yes" } else { "no" };
        evidence.add_fact(format!("{}: the same bytes with either key", method.name()), same);
    }
    context.step("letting another app read the calendar");
    let printer = calendar_printer(&fixture.agent, fixture.instance, Duration::ZERO).await?;
    evidence.add_answer(DELEGATED, &fixture.agent.fresh().send(printer.request).await?);
    Ok(())
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let delegated =
        evidence.accepted(DELEGATED, &["401 token_missing", "403 insufficient_scope"])?;
    let mut opened = Vec::new();
    for (method, credential) in combinations() {
        let label = combination(method, credential);
        let samples = evidence.required_samples(&label, UNIT)?;
        if all_equal(samples, 1.0) {
            opened.push((method, credential));
        }
    }
    if !delegated {
        return no("OAuth let no other app read the calendar with its person’s leave.");
    }
    let rivals =
        [(SignInMethod::OAuth, Credential::Session), (SignInMethod::Password, Credential::Jwt)];
    match opened.len() {
        4 => only_if(
            "they are taken as two choices: a door and a key",
            "All four combinations opened the same API, and another app read the calendar with a \
             token of OAuth. OAuth is about how you sign in and what another app may do; a JWT is \
             one of the things that you can hold afterwards.",
        ),
        2 if opened == rivals => {
            yes("Only OAuth with a session and a password with a JWT opened the API.")
        }
        0 => unclear("None of the four combinations opened the API, so it shows nothing."),
        n if !opened.iter().any(|(_, credential)| *credential == Credential::Jwt) => {
            no(format!("{n} combinations opened the API, and none with a JWT."))
        }
        n => unclear(format!("{n} of the four combinations opened the API: something is broken.")),
    }
}
