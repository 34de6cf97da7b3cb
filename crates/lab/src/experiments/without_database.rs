use super::prelude::*;

experiment! { 5, "without-database", within 3 s,
    "A JWT is self-contained",
    "Two browsers sign in, one with a session and one with a JWT. Then we cut the app off from its \
     database, and both request their profile and their contacts."
}

const ME: &str = "/api/v1/me";
const CONTACTS: &str = "/api/v1/contacts";
const SAME: &str = "JWT: the same response as before";
const BEFORE: &str = "before";
const CUT: &str = "without the database";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    let mut browsers = Vec::new();
    for credential in Credential::ALL {
        let mut browser = fixture.browser(credential).await?;
        let before = fixture.get(&mut browser, ME).await?;
        evidence.add_answer(label(credential, ME, BEFORE), &before);
        browsers.push((credential, browser, before.body));
    }
    fixture.instance.disrupt(Disruption::CutDatabase).await?;
    for (credential, browser, before) in &mut browsers {
        for path in [ME, CONTACTS] {
            let answer = fixture.get(browser, path).await?;
            evidence.add_answer(label(*credential, path, CUT), &answer);
            if *credential == Credential::Jwt && path == ME {
                evidence.add_fact(SAME, if answer.body == *before { "yes" } else { "no" });
            }
        }
    }
    Ok(())
}

fn label(credential: Credential, path: &str, when: &str) -> String {
    format!("{}, GET {path}, {when}", credential.name())
}

const NO_DATABASE: [&str; 1] = ["503 database_unavailable"];

fn judge(evidence: &Evidence) -> VerdictResult {
    let accepted =
        |credential, path, when| evidence.accepted(&label(credential, path, when), &NO_DATABASE);
    if !(accepted(Credential::Session, ME, BEFORE)? && accepted(Credential::Jwt, ME, BEFORE)?) {
        return unclear("A credential did not work even before the database was cut off.");
    }
    if accepted(Credential::Session, ME, CUT)? {
        return unclear("The session still worked, so the database was not cut off.");
    }
    if !accepted(Credential::Jwt, ME, CUT)? || evidence.required_fact(SAME)? != "yes" {
        return no("Without the database, the JWT was not enough for its owner’s profile.");
    }
    if accepted(Credential::Jwt, CONTACTS, CUT)? {
        return yes("Without the database, every request with the JWT still worked.");
    }
    only_if(
        "the token holds the answer",
        "Without the database, the JWT was enough for its owner’s profile, byte for byte as \
         before, while the session got 503. Contacts are not in the token: 503 as well.",
    )
}
