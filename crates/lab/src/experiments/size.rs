use super::prelude::*;

experiment! { 4, "size", within 4 s,
    "A JWT is compact",
    "One person signs in with a session, and then with a JWT while they get more and more roles. \
     We count the bytes of the cookie that the browser sends with every request: name, equals \
     sign and value. A binary search then finds the number of roles at which the app stops giving \
     browsers a JWT: browsers drop a cookie whose name and value exceed 4,096 bytes."
}

const ROLES: [usize; 4] = [0, 1, 10, 50];

/// The upper end of the search: more than fit into any cookie.
const MAX_ROLES: usize = 512;

const UNIT: &str = "bytes of cookie, name and value";
const SESSION: &str = "session cookie";
const MOST_ROLES: &str = "most roles with which a browser got a JWT";
const FALLBACK: &str = "with one more role, signing in with a JWT gives";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    let session = fixture.browser(Credential::Session).await?;
    evidence.add_sample(SESSION, UNIT, cookie(&session, &fixture, Credential::Session)?);
    for count in ROLES {
        if let Some(bytes) = jwt_cookie(&fixture, count).await? {
            evidence.add_sample(&jwt(count), UNIT, bytes);
        }
    }
    let (mut fits, mut fails) = (0, MAX_ROLES);
    while fails - fits > 1 {
        let middle = usize::midpoint(fits, fails);
        match jwt_cookie(&fixture, middle).await? {
            Some(_) => fits = middle,
            None => fails = middle,
        }
    }
    evidence.add_sample(MOST_ROLES, "roles", as_f64(fits));
    // The app gives the browser a session instead.
    let mut browser = fixture.browser_with_roles(fails).await?;
    let answer = fixture.get(&mut browser, "/api/v1/me").await?;
    let fallback = match credential_cookie(&browser, fixture.url(), Credential::Session) {
        Ok(_) if answer.status == StatusCode::OK => "a session, which works",
        _ => "nothing that works",
    };
    evidence.add_fact(FALLBACK, fallback);
    Ok(())
}

/// The bytes of the JWT cookie with this many roles, if the browser gets one.
async fn jwt_cookie(fixture: &Fixture<'_>, roles: usize) -> Result<Option<f64>> {
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

/// The bytes of the cookie in the `Cookie` header.
fn cookie(browser: &Agent, fixture: &Fixture<'_>, credential: Credential) -> Result<f64> {
    let (name, value) = credential_cookie(browser, fixture.url(), credential)?;
    Ok(as_f64(name.len() + 1 + value.len()))
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let session = evidence.required_median(SESSION, UNIT)?;
    let most_roles = evidence.required_median(MOST_ROLES, "roles")?;
    let fallback = evidence.required_fact(FALLBACK)?;
    let Some(smallest) = evidence.median(&jwt(0), UNIT) else {
        return no("Even without roles, it did not fit into a cookie.");
    };
    let because = format!(
        "The smallest JWT cookie has {smallest:.0} bytes and the session cookie {session:.0}: {:.0} \
         times as many, with every request. Up to {most_roles:.0} roles fit into the 4,096 bytes \
         that browsers allow; with one more, signing in gives {fallback}.",
        smallest / session
    );
    if smallest <= session {
        return yes(because);
    }
    if most_roles < 1.0 || fallback != "a session, which works" {
        return no(because);
    }
    only_if("it has few roles and is not compared with a session ID", because)
}
