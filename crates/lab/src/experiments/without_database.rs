//! Claim 5: "A JWT is self-contained".

use super::prelude::*;

const ME: &str = "/api/v1/me";
const CONTACTS: &str = "/api/v1/contacts";
const SAME: &str = "JWT: the same bytes as before";
const BEFORE: &str = "before";
const CUT: &str = "without the database";

pub(super) const EXPERIMENT: Experiment = Experiment {
    number: 5,
    slug: "without-database",
    sentence: "A JWT is self-contained",
    method: "Two browsers are signed in, one with each key. Then the database is cut off from \
             the app, and both ask who they are and for their contacts.",
    honest: "What is in the token can be read; anything else cannot.",
    budget: Duration::from_secs(3),
    measure: boxed!(measure),
    judge,
};

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    context.doing("signing in with each key");
    let mut browsers = Vec::new();
    for credential in Credential::ALL {
        let mut browser = fixture.browser(credential).await?;
        let before = fixture.get(&mut browser, ME).await?;
        evidence.add_fact(label(credential, ME, BEFORE), before.summary());
        browsers.push((credential, browser, before.body));
    }
    context.doing("asking without a database");
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

fn judge(evidence: &Evidence) -> Verdict {
    let fact = |credential, path, when| evidence.fact(&label(credential, path, when));
    let (Some(session), Some(jwt), Some(contacts), Some(same)) = (
        fact(Credential::Session, ME, CUT),
        fact(Credential::Jwt, ME, CUT),
        fact(Credential::Jwt, CONTACTS, CUT),
        evidence.fact(SAME),
    ) else {
        return Verdict::undecided("Not every question was asked.");
    };
    if Credential::ALL.iter().any(|credential| fact(*credential, ME, BEFORE) != Some("200")) {
        return Verdict::undecided("A key did not work before the database was cut off.");
    }
    if session == "200" {
        return Verdict::undecided("The session worked too: the database was not cut off.");
    }
    if jwt != "200" || same != "yes" {
        return Verdict::no(format!("Without the database the JWT was answered with {jwt}."));
    }
    if contacts == "200" {
        return Verdict::yes("Without the database the JWT opened everything.");
    }
    Verdict::only_if(
        "the token holds what is asked for",
        format!(
            "Without the database the JWT still said who its owner is, byte for byte, where the \
             session was answered with {session}. Contacts are not in the token: {contacts}."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_says_what_it_holds_and_no_more() {
        let with = |session: &str, jwt: &str, contacts: &str, same: &str| {
            let mut evidence = Evidence::of([(SAME, same)]);
            for (credential, path, when, value) in [
                (Credential::Session, ME, BEFORE, "200"),
                (Credential::Jwt, ME, BEFORE, "200"),
                (Credential::Session, ME, CUT, session),
                (Credential::Jwt, ME, CUT, jwt),
                (Credential::Jwt, CONTACTS, CUT, contacts),
            ] {
                evidence.add_fact(label(credential, path, when), value);
            }
            judge(&evidence).word()
        };
        let down = "503 database_down";
        assert_eq!(with(down, "200", down, "yes"), "true if");
        assert_eq!(with(down, "200", "200", "yes"), "true");
        assert_eq!(with(down, down, down, "no"), "false");
        assert_eq!(with(down, "200", down, "no"), "false");
        assert_eq!(with("200", "200", "200", "yes"), "undecided");
    }
}
