use super::prelude::*;

experiment! { 17, "csrf", within 2 s,
    "Cookies are open to CSRF, bearer tokens are not",
    "A contact is written with each key, as a page of this origin asks for it, as a sibling’s \
     page does, and as a page elsewhere does; cookies are sent each time, though a browser would \
     leave them out (SameSite=Lax). A page elsewhere also asks whether it may send a header of \
     its own (CORS)."
}

/// From where the request comes, as Fetch Metadata says it.
const SITES: [&str; 3] = ["same-origin", "same-site", "cross-site"];
const CARRIERS: [&str; 3] = ["session cookie", "JWT cookie", "bearer header"];
const PREFLIGHT: &str = "Access-Control-Allow-Origin, for a page elsewhere that asks";
const REFUSED: [&str; 1] = ["403 cross_site_request"];

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    context.step("writing a contact from three sites");
    let token = fixture.tokens().await?.access_token;
    let url = at(fixture.url(), "/api/v1/contacts")?;
    let browsers =
        [fixture.browser(Credential::Session).await?, fixture.browser(Credential::Jwt).await?];
    for site in SITES {
        let write = Call::json(Method::POST, url.clone(), r#"{"name":"From elsewhere"}"#)
            .with("sec-fetch-site", site);
        for (carrier, browser) in CARRIERS.into_iter().zip(&browsers) {
            let answer = browser.clone().send(write.clone()).await?;
            evidence.add_answer(label(carrier, site), &answer);
        }
        let answer = fixture.agent.fresh().send(write.bearer(&token)).await?;
        evidence.add_answer(label(CARRIERS[2], site), &answer);
    }
    let preflight = Call::new(Method::OPTIONS, url)
        .with("origin", "https://elsewhere.example")
        .with("access-control-request-method", "POST")
        .with("access-control-request-headers", "authorization");
    let answer = fixture.agent.fresh().send(preflight).await?;
    evidence.add_fact(PREFLIGHT, answer.header("access-control-allow-origin").unwrap_or("none"));
    Ok(())
}

fn label(carrier: &str, site: &str) -> String {
    format!("{carrier}, {site}")
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let opened = |carrier, site| evidence.accepted(&label(carrier, site), &REFUSED);
    let [session, jwt, bearer] = CARRIERS;
    for carrier in CARRIERS {
        if !opened(carrier, SITES[0])? {
            return unclear(format!("The {carrier} failed at home, too."));
        }
    }
    if evidence.required_fact(PREFLIGHT)? != "none" {
        return no("A page elsewhere may send the header as well (CORS).");
    }
    let by_cookie = |site| Ok(opened(session, site)? || opened(jwt, site)?);
    opened(bearer, SITES[2])?;
    if by_cookie(SITES[2])? {
        return yes("A page elsewhere wrote with the cookie alone.");
    }
    if by_cookie(SITES[1])? {
        return only_if(
            "the other page is a sibling’s, on the same site",
            "A sibling’s page wrote with the cookie; a page elsewhere was refused.",
        );
    }
    no("The cookies came along and did nothing: a request from another site is refused for where \
         it comes from, whatever it carries. A page elsewhere cannot send the header either.")
}
