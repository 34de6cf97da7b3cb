use super::prelude::*;

experiment! { 17, "csrf", within 2 s,
    "Cookies are open to CSRF, bearer tokens are not",
    "We create a contact with each credential, with the headers that browsers send for a page of \
     the same origin, of the same site and of another site. Cookies are always included, although \
     a browser would withhold them (SameSite=Lax). We also ask, as a page of another site would, \
     whether it may send an Authorization header (CORS)."
}

/// Values of `Sec-Fetch-Site`.
const SITES: [&str; 3] = ["same-origin", "same-site", "cross-site"];
const CREDENTIALS: [&str; 3] = ["session cookie", "JWT cookie", "bearer header"];
const PREFLIGHT: &str = "Access-Control-Allow-Origin for a page of another site";
const REFUSED: [&str; 1] = ["403 cross_site_request"];

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    let token = fixture.tokens().await?.access_token;
    let url = at(fixture.url(), "/api/v1/contacts")?;
    let browsers =
        [fixture.browser(Credential::Session).await?, fixture.browser(Credential::Jwt).await?];
    for site in SITES {
        let call = Call::json(Method::POST, url.clone(), r#"{"name":"From elsewhere"}"#)
            .with("sec-fetch-site", site);
        for (credential, browser) in CREDENTIALS.into_iter().zip(&browsers) {
            let answer = browser.clone().send(call.clone()).await?;
            evidence.add_answer(label(credential, site), &answer);
        }
        let answer = fixture.agent.fresh().send(call.bearer(&token)).await?;
        evidence.add_answer(label(CREDENTIALS[2], site), &answer);
    }
    let preflight = Call::new(Method::OPTIONS, url)
        .with("origin", "https://elsewhere.example")
        .with("access-control-request-method", "POST")
        .with("access-control-request-headers", "authorization");
    let answer = fixture.agent.fresh().send(preflight).await?;
    evidence.add_fact(PREFLIGHT, answer.header("access-control-allow-origin").unwrap_or("none"));
    Ok(())
}

fn label(credential: &str, site: &str) -> String {
    format!("{credential}, {site}")
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let accepted = |credential, site| evidence.accepted(&label(credential, site), &REFUSED);
    let [same_origin, same_site, cross_site] = SITES;
    let [session, jwt, bearer] = CREDENTIALS;
    for credential in CREDENTIALS {
        if !accepted(credential, same_origin)? {
            return unclear(format!("The {credential} failed even from the same origin."));
        }
    }
    if evidence.required_fact(PREFLIGHT)? != "none" {
        return no("A page of another site may send the header as well (CORS).");
    }
    let by_cookie = |site| Ok(accepted(session, site)? || accepted(jwt, site)?);
    // No browser would send this after the preflight, but its answer must be conclusive.
    accepted(bearer, cross_site)?;
    if by_cookie(cross_site)? {
        return yes("A page of another site created a contact with the cookie alone.");
    }
    if by_cookie(same_site)? {
        return only_if(
            "the other page belongs to the same site",
            "A page of the same site created a contact with the cookie; a page of another site \
             was refused.",
        );
    }
    no("The cookies were sent, but did not help: the app refuses a request from another site \
        whatever it carries. A page of another site cannot send the header either.")
}
