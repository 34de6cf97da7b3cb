use super::prelude::*;

experiment! { 12, "roles", within 3 s,
    "Roles and permissions travel in the token",
    "A role is given to an account and taken away again, as latchkey user role does. Each time a \
     session, a JWT from before and the same JWT after a refresh ask for what only that role may \
     see."
}

/// Only for the role `admin`.
const ROUTE: &str = "/api/v1/admin/users";

const STEPS: [&str; 3] = ["without the role", "the role was given", "the role was taken away"];
const SUBJECTS: [&str; 3] = ["session", "JWT", "refreshed JWT"];

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    let mut browser = fixture.browser(Credential::Session).await?;
    let mut tokens = fixture.tokens().await?;
    for (step, roles) in STEPS.into_iter().zip([None, Some("admin"), None]) {
        context.step(step);
        let roles: Vec<_> = roles.into_iter().map(str::to_owned).collect();
        fixture.instance.set_roles(&fixture.email, &roles).await?;
        let session = fixture.get(&mut browser, ROUTE).await?;
        let jwt = fixture.get_with_token(&tokens.access_token, ROUTE).await?;
        (tokens, _) = fixture.refresh(&tokens.refresh_token).await?;
        let refreshed = fixture.get_with_token(&tokens.access_token, ROUTE).await?;
        for (subject, answer) in SUBJECTS.into_iter().zip([session, jwt, refreshed]) {
            evidence.add_fact(label(subject, step), answer.summary());
        }
    }
    Ok(())
}

fn label(subject: &str, step: &str) -> String {
    format!("{subject}, {step}")
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let mut rows = [[false; 3]; 3];
    for (row, subject) in rows.iter_mut().zip(SUBJECTS) {
        for (cell, step) in row.iter_mut().zip(STEPS) {
            *cell = evidence.accepted(&label(subject, step), &["403 role_required"])?;
        }
    }
    let now = [false, true, false];
    match rows {
        [session, [false, false, true], refreshed] if session == now && refreshed == now => {
            yes("They travel, and are as old as the token. The session knew of the change at the \
                 next request; the JWT went on with the old role, also when it was taken away, \
                 until its next refresh.")
        }
        [_, jwt, _] if jwt == now => {
            no("The JWT knew of the change at once: the role was looked up elsewhere.")
        }
        _ => unclear("The answers do not fit together."),
    }
}
