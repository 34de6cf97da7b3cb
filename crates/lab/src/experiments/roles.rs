use super::prelude::*;

experiment! { 12, "roles", within 3 s,
    "Roles and permissions travel in the token",
    "We give an account a role and remove it again, as latchkey user role does. Each time, a \
     session, a JWT from before the change and a refreshed JWT request a route that needs the \
     role."
}

/// Requires the role `admin`.
const ROUTE: &str = "/api/v1/admin/users";

const STEPS: [&str; 3] =
    ["without the role", "after the role was given", "after the role was removed"];
const CREDENTIALS: [&str; 3] = ["session", "JWT", "refreshed JWT"];

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    let mut browser = fixture.browser(Credential::Session).await?;
    let mut tokens = fixture.tokens().await?;
    for (step, roles) in STEPS.into_iter().zip([None, Some("admin"), None]) {
        let roles: Vec<_> = roles.into_iter().map(str::to_owned).collect();
        fixture.instance.set_roles(&fixture.email, &roles).await?;
        let session = fixture.get(&mut browser, ROUTE).await?;
        let jwt = fixture.get_with_token(&tokens.access_token, ROUTE).await?;
        (tokens, _) = fixture.refresh(&tokens.refresh_token).await?;
        let refreshed = fixture.get_with_token(&tokens.access_token, ROUTE).await?;
        for (credential, answer) in CREDENTIALS.into_iter().zip([session, jwt, refreshed]) {
            evidence.add_answer(label(credential, step), &answer);
        }
    }
    Ok(())
}

fn label(credential: &str, step: &str) -> String {
    format!("{credential}, {step}")
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let mut rows = [[false; 3]; 3];
    for (row, credential) in rows.iter_mut().zip(CREDENTIALS) {
        for (cell, step) in row.iter_mut().zip(STEPS) {
            *cell = evidence.accepted(&label(credential, step), &["403 role_required"])?;
        }
    }
    let current = [false, true, false];
    match rows {
        [session, [false, false, true], refreshed]
            if session == current && refreshed == current =>
        {
            yes("They do, and they are as old as the token. The session noticed each change at \
                 the next request; the JWT kept the old roles until its next refresh, even after \
                 the role was removed.")
        }
        [_, jwt, _] if jwt == current => {
            no("The JWT noticed the change immediately: the role was looked up elsewhere.")
        }
        _ => unclear("The responses contradict each other."),
    }
}
