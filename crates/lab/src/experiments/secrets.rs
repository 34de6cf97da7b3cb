use super::prelude::*;

experiment! { 10, "secrets", within 3 s,
    "The password is never shared with the app",
    "One sign-in through each door, with a password each: at the provider, which refuses a wrong \
     one, and at the app. Every byte that the browser sends is searched for the password, by the \
     party that gets it; then the files of the app’s database, and its log."
}

const REFUSED: &str = "at the provider, with a wrong password";

/// Where a password is looked for: with each party, and in what the app keeps.
const PLACES: [&str; 4] =
    ["sent to the provider", "sent to the app", "in the app’s database", "in the app’s log"];

const THERE: &str = "the password is there";
const NOWHERE: &str = "the password is nowhere";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default().with_log()).await?;
    context.step("signing in with a password, at the provider and here");
    let mut browser = fixture.agent.fresh();
    let wrong = sign_in::Person { password: Some("wrong"), ..sign_in::MARGARET };
    let refused =
        sign_in::with_oauth(&mut browser, fixture.instance, wrong, Credential::Session).await;
    evidence.add_fact(REFUSED, if refused.is_err() { "refused" } else { "let in" });
    for method in SignInMethod::ALL {
        let password = match method {
            SignInMethod::OAuth => sign_in::MARGARET.password.unwrap_or_default(),
            SignInMethod::Password => sign_in::PASSWORD,
        };
        let mut browser = fixture.agent.fresh();
        let answers = match method {
            SignInMethod::OAuth => {
                let (person, session) = (sign_in::MARGARET, Credential::Session);
                sign_in::with_oauth(&mut browser, fixture.instance, person, session).await?
            }
            SignInMethod::Password => fixture.sign_in(method, Credential::Session).await?.1,
        };
        let sent_to = |app: bool| {
            let is_theirs = |one: &&Answer| (one.url.origin() == fixture.url().origin()) == app;
            let sent = answers.iter().filter(is_theirs);
            sent.flat_map(|one| [one.url.as_str().as_bytes(), &one.request_body].concat()).collect()
        };
        let log = fixture.instance.log()?.into_bytes();
        let stored = fixture.instance.database_files()?;
        for (place, bytes) in PLACES.into_iter().zip([sent_to(false), sent_to(true), stored, log]) {
            let found = is_in(&bytes, password);
            evidence.add_fact(label(method, place), if found { THERE } else { NOWHERE });
        }
    }
    Ok(())
}

/// Whether bytes hold a password, as it is or as URLs and forms write it.
fn is_in(bytes: &[u8], password: &str) -> bool {
    let text = String::from_utf8_lossy(bytes);
    ["+", "%20", " "].iter().any(|space| text.contains(&password.replace(' ', space)))
}

fn label(method: SignInMethod, place: &str) -> String {
    format!("{}: {place}", method.name())
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let holds = |method, place| Ok(evidence.required_fact(&label(method, place))? == THERE);
    let [provider, app, database, log] = PLACES;
    if evidence.required_fact(REFUSED)? != "refused" || !holds(SignInMethod::OAuth, provider)? {
        return unclear("The provider checked no password, so that none could be shared.");
    }
    for place in [app, database, log] {
        if holds(SignInMethod::OAuth, place)? {
            return no(format!("With OAuth the password was {place}."));
        }
    }
    for place in [database, log] {
        if holds(SignInMethod::Password, place)? {
            return no(format!("The password was {place}, in the clear."));
        }
    }
    if !holds(SignInMethod::Password, app)? {
        return yes("Not even the app’s own form sent it the password.");
    }
    only_if(
        "the door is OAuth",
        "With OAuth the password went to the provider, and nothing that the app was sent, stored \
         or logged holds it. At the password’s door the app is sent all of it; it keeps a hash, \
         and its files and its log do not hold the password either.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_as_forms_write_it() {
        for (text, expected) in [
            ("email=a&password=a+lantern+under+the+stairs", true),
            ("?password=a%20lantern%20under%20the%20stairs", true),
            ("\0\u{1}a lantern under the stairs\0", true),
            ("email=a&password=(26 bytes)", false),
        ] {
            assert_eq!(is_in(text.as_bytes(), sign_in::PASSWORD), expected, "{text}");
        }
    }
}
