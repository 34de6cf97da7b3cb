//! Claim 4: "a JWT is compact".

use super::prelude::*;
use crate::evidence::capital;
use crate::stats::as_f64;

/// What browsers keep of one cookie, name and value together (RFC 6265 §6.1).
const COOKIE_LIMIT: f64 = 4096.0;

/// How many roles the person has, in turn.
const ROLES: [usize; 6] = [0, 1, 10, 50, 100, 200];

/// Up to so many roles are weighed however long it takes.
const ENOUGH: usize = 50;

/// What proxies take of all headers together, unless they are told otherwise.
const HEADER_LIMIT: f64 = 8192.0;

const UNIT: &str = "bytes";
const SESSION: &str = "session cookie";

pub(super) const EXPERIMENT: Experiment = Experiment {
    number: 4,
    slug: "size",
    sentence: "A JWT is compact",
    method: "One person signs in with a session, and then with a JWT again and again, with more \
             roles each time. Counted are the bytes of the cookie that a browser sends with \
             every request: name, equals sign and value.",
    honest: "False compared with a session id; true compared with SAML.",
    budget: Duration::from_secs(3),
    measure: boxed!(measure),
    judge,
};

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    let url = fixture.url();
    let session = fixture.browser(Credential::Session).await?;
    evidence.add_sample(SESSION, UNIT, cookie(&session, &fixture, Credential::Session)?);
    let mut browser = fixture.browser(Credential::Jwt).await?;
    let (name, _) = credential_cookie(&browser, url, Credential::Jwt)?;
    for count in ROLES {
        if count > ENOUGH && !context.has_time() {
            break;
        }
        context.doing(format!("weighing a JWT with {count} roles"));
        let roles: Vec<String> = (1..=count).map(|n| format!("team-{n:03}-editor")).collect();
        fixture.instance.set_roles(&fixture.email, &roles).await?;
        // The roles come into the token when it is issued.
        let token = fixture.tokens().await?.access_token;
        let (header, payload) = parts(&token);
        let label = jwt(count);
        browser.set_cookie(url, &name, &token);
        evidence.add_sample(&label, UNIT, cookie(&browser, &fixture, Credential::Jwt)?);
        evidence.add_fact(
            format!("{label}, of which"),
            format!("header {header}, claims {payload}, signature and dots the rest"),
        );
        sign_in::expect(fixture.get_with(&token, "/api/v1/me").await?, StatusCode::OK)?;
    }
    Ok(())
}

fn jwt(roles: usize) -> String {
    match roles {
        0 => "JWT without roles".to_owned(),
        1 => "JWT with 1 role".to_owned(),
        n => format!("JWT with {n} roles"),
    }
}

fn parts(token: &str) -> (usize, usize) {
    let mut parts = token.split('.').map(str::len);
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// The bytes of a cookie as a browser sends it.
fn cookie(browser: &Agent, fixture: &Fixture<'_>, credential: Credential) -> Result<f64> {
    let (name, value) = credential_cookie(browser, fixture.url(), credential)?;
    Ok(as_f64(name.len() + 1 + value.len()))
}

fn judge(evidence: &Evidence) -> Verdict {
    let jwts: Vec<_> = evidence.series.iter().filter(|one| one.label.starts_with("JWT ")).collect();
    let (Some(session), Some(smallest)) =
        (evidence.median(SESSION, UNIT), jwts.first().and_then(|one| one.values.first()))
    else {
        return Verdict::undecided("A session or a JWT is missing.");
    };
    let over = |limit: f64| {
        let first = jwts.iter().find(|one| one.values.iter().any(|bytes| *bytes > limit));
        first.map(|one| one.label.replace("JWT ", "a JWT "))
    };
    let times = smallest / session;
    let mut because = format!(
        "The smallest JWT has {smallest:.0} bytes and the session cookie {session:.0}: {times:.0} \
         times as many, with every request."
    );
    if let Some(which) = over(COOKIE_LIMIT) {
        because += &format!(
            " {} is larger than the 4,096 bytes that a browser keeps of a cookie",
            capital(&which)
        );
        because += &over(HEADER_LIMIT).map_or_else(
            || ".".to_owned(),
            |which| {
                format!(", and {which} larger than the 8 KiB of headers that most proxies take.")
            },
        );
    }
    if *smallest > session * 2.0 {
        return Verdict::no(because);
    }
    Verdict::yes(because)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_is_what_is_not_twice_a_session() {
        for (session, token, expected) in [(40.0, 800.0, "false"), (40.0, 70.0, "true")] {
            let evidence = Evidence::default().and([
                (SESSION, UNIT, session),
                (&*jwt(0), UNIT, token),
                (&*jwt(100), UNIT, 5000.0),
            ]);
            let verdict = judge(&evidence);
            assert_eq!(verdict.word(), expected);
            assert!(verdict.because().contains("A JWT with 100 roles is larger than the 4,096"));
        }
    }
}
