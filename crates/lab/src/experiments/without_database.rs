use super::prelude::*;

experiment! { 5, "without-database", within 3 s,
    "A JWT is self-contained",
    "Two browsers are signed in, one with each key. Then the database is cut off from the app, \
     and both ask who they are and for their contacts."
}

const ME: &str = "/api/v1/me";
const CONTACTS: &str = "/api/v1/contacts";
const SAME: &str = "JWT: the same bytes as before";
const BEFORE: &str = "before";
const CUT: &str = "without the database";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    context.step("signing in with each key");
    let mut browsers = Vec::new();
    for credential in Credential::ALL {
        let mut browser = fixture.browser(credential).await?;
        let before = fixture.get(&mut browser, ME).await?;
        evidence.add_fact(label(credential, ME, BEFORE), before.summary());
        browsers.push((credential, browser, before.body));
    }
    context.step("asking without a database");
    fixture.instance.disrupt(Disruption::CutDatabase).await?;
    for (credential, browser, before) in &mut browsers {
        for path in [ME, CONTACTS] {
            let answer = fixture.get(browser, path).await?;
            evidence.add_fact(label(*credential, path, CUT), answer.summary());
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
    let opened =
        |credential, path, when| evidence.accepted(&label(credential, path, when), &NO_DATABASE);
    if !(opened(Credential::Session, ME, BEFORE)? && opened(Credential::Jwt, ME, BEFORE)?) {
        return unclear("A key did not work before the database was cut off.");
    }
    if opened(Credential::Session, ME, CUT)? {
        return unclear("The session worked too: the database was not cut off.");
    }
    if !opened(Credential::Jwt, ME, CUT)? || evidence.required_fact(SAME)? != "yes" {
        return no("Without the database the JWT did not say who its owner is.");
    }
    if opened(Credential::Jwt, CONTACTS, CUT)? {
        return yes("Without the database the JWT opened everything.");
    }
    only_if(
        "the token holds what is asked for",
        "Without the database the JWT still said who its owner is, byte for byte, where the \
         session was answered with 503. Contacts are not in the token: 503 as well.",
    )
}
