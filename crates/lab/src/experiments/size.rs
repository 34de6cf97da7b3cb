use super::prelude::*;

experiment! { 4, "size", within 4 s,
    "A JWT is compact",
    "One person signs in with a session, and then with a JWT again and again, with more roles \
     each time. Counted are the bytes of the cookie that a browser sends with every request: \
     name, equals sign and value. Then the number of roles is halved and doubled until the app no \
     longer gives a browser a JWT: browsers drop a cookie whose name and value have more than \
     4,096 bytes."
}

/// How many roles the person has, in turn.
const ROLES: [usize; 4] = [0, 1, 10, 50];

/// Nobody has more.
const MOST_ROLES: usize = 512;

const UNIT: &str = "bytes";
const SESSION: &str = "session cookie";
const LAST: &str = "the most roles with which a browser got a JWT";
const OFFERED: &str = "with one role more, signing in with a JWT gives";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    let session = fixture.browser(Credential::Session).await?;
    evidence.add_sample(SESSION, UNIT, cookie(&session, &fixture, Credential::Session)?);
    for count in ROLES {
        context.step(format!("weighing a JWT with {count} roles"));
        if let Some(bytes) = weigh(&fixture, count).await? {
            evidence.add_sample(&jwt(count), UNIT, bytes);
        }
    }
    context.step("looking for the role that is one too many");
    let (mut fits, mut fails) = (0, MOST_ROLES);
    while fails - fits > 1 {
        let middle = usize::midpoint(fits, fails);
        match weigh(&fixture, middle).await? {
            Some(_) => fits = middle,
            None => fails = middle,
        }
    }
    evidence.add_sample(LAST, "roles", as_f64(fits));
    // Its credential is a session then, which works.
    let mut browser = fixture.browser_with_roles(fails).await?;
    let answer = fixture.get(&mut browser, "/api/v1/me").await?;
    let offered = match credential_cookie(&browser, fixture.url(), Credential::Session) {
        Ok(_) if answer.status == StatusCode::OK => "a session, which works",
        _ => "nothing that works",
    };
    evidence.add_fact(OFFERED, offered);
    Ok(())
}

/// The bytes of the JWT's cookie of somebody with so many roles, if a browser is given one.
async fn weigh(fixture: &Fixture<'_>, roles: usize) -> Result<Option<f64>> {
    let browser = fixture.browser_with_roles(roles).await?;
    Ok(cookie(&browser, fixture, Credential::Jwt).ok())
}

fn jwt(roles: usize) -> String {
    match roles {
        0 => "JWT without roles".to_owned(),
        1 => "JWT with 1 role".to_owned(),
        n => format!("JWT with {n} roles"),
    }
}

/// The bytes of a cookie as a browser sends it.
fn cookie(browser: &Agent, fixture: &Fixture<'_>, credential: Credential) -> Result<f64> {
    let (name, value) = credential_cookie(browser, fixture.url(), credential)?;
    Ok(as_f64(name.len() + 1 + value.len()))
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let session = evidence.required_median(SESSION, UNIT)?;
    let last = evidence.required_median(LAST, "roles")?;
    let offered = evidence.required_fact(OFFERED)?;
    let Some(smallest) = evidence.median(&jwt(0), UNIT) else {
        return no("Even without roles it did not fit into a cookie.");
    };
    let because = format!(
        "The smallest JWT has {smallest:.0} bytes and the session cookie {session:.0}: {:.0} times \
         as many, with every request. Up to {last:.0} roles fit into the 4,096 bytes that a \
         browser keeps of a cookie; with one more, the JWT’s door gives {offered}.",
        smallest / session
    );
    if smallest <= session {
        return yes(because);
    }
    if last < 1.0 || offered != "a session, which works" {
        return no(because);
    }
    only_if("it has few roles, and is not measured against a session ID", because)
}
