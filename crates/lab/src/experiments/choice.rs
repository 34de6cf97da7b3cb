use super::prelude::*;
use crate::stopwatch::calendar_printer;

experiment! { 16, "choice", within 2 s,
    "Choose OAuth for delegation, JWT for simple stateless APIs",
    "If the two were rivals, one would exclude the other. So we sign in with each method and each \
     credential, and call GET /api/v1/me. Another app, the Calendar Printer, reads the calendar \
     with its user’s consent."
}

const DELEGATED: &str = "the calendar, read by another app with the user’s consent";
const REFUSED: [&str; 2] = ["401 token_missing", "403 insufficient_scope"];

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    for method in SignInMethod::ALL {
        let mut bodies = Vec::new();
        for credential in Credential::ALL {
            let (mut browser, _) = fixture.sign_in(method, credential).await?;
            let answer = fixture.get(&mut browser, "/api/v1/me").await?;
            evidence.add_answer(combination(method, credential), &answer);
            bodies.push(answer.body);
        }
        let same = if bodies.windows(2).all(|pair| pair[0] == pair[1]) { "yes" } else { "no" };
        evidence.add_fact(format!("{}: same answer with session and JWT", method.name()), same);
    }
    let printer = calendar_printer(&fixture.agent, fixture.instance, Duration::ZERO).await?;
    evidence.add_answer(DELEGATED, &fixture.agent.fresh().send(printer.request).await?);
    Ok(())
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let delegated = evidence.accepted(DELEGATED, &REFUSED)?;
    let mut accepted = Vec::new();
    for (method, credential) in combinations() {
        if evidence.accepted(&combination(method, credential), &REFUSED)? {
            accepted.push((method, credential));
        }
    }
    if !delegated {
        return no("With OAuth, no other app could read the calendar, even with consent.");
    }
    let rivals =
        [(SignInMethod::OAuth, Credential::Session), (SignInMethod::Password, Credential::Jwt)];
    match accepted.len() {
        4 => only_if(
            "you see two choices, not one",
            "The same API accepted all four combinations, and another app read the calendar with \
             an OAuth token. OAuth is about how you sign in and what other apps may do; a JWT is \
             one of the credentials you can hold afterwards.",
        ),
        2 if accepted == rivals => {
            yes("The API accepted only OAuth with a session, and a password with a JWT.")
        }
        0 => unclear("The API accepted none of the four combinations, which proves nothing."),
        n if !accepted.iter().any(|(_, credential)| *credential == Credential::Jwt) => {
            no(format!("The API accepted {n} combinations, none of them with a JWT."))
        }
        n => unclear(format!("The API accepted {n} of the four combinations: a bug.")),
    }
}
