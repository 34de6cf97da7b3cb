use super::prelude::*;

experiment! { 10, "secrets", within 3 s,
    "The password is never shared with the app",
    "We sign in once with each method, and with a password each time: at the provider, which \
     refuses a wrong one, and at the app. We search everything that the browser sends for the \
     password, separately for provider and app; then the app’s database files and its log."
}

const WRONG_PASSWORD: &str = "a wrong password at the provider";

/// Where the password is searched for.
const PLACES: [&str; 4] =
    ["sent to the provider", "sent to the app", "in the app’s database", "in the app’s log"];

const FOUND: &str = "password found";
const NOT_FOUND: &str = "password not found";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default().with_log()).await?;
    let with_oauth = async |person| {
        let mut browser = fixture.agent.fresh();
        sign_in::with_oauth(&mut browser, fixture.instance, person, Credential::Session).await
    };
    let wrong = sign_in::Person { password: Some("wrong"), ..sign_in::MARGARET };
    let is_refused = with_oauth(wrong).await.is_err();
    evidence.add_fact(WRONG_PASSWORD, if is_refused { "refused" } else { "accepted" });
    for method in SignInMethod::ALL {
        let (password, answers) = match method {
            SignInMethod::OAuth => (
                sign_in::MARGARET.password.unwrap_or_default(),
                with_oauth(sign_in::MARGARET).await?,
            ),
            SignInMethod::Password => {
                (sign_in::PASSWORD, fixture.sign_in(method, Credential::Session).await?.1)
            }
        };
        let sent_to = |app: bool| {
            let is_recipient = |one: &&Answer| (one.url.origin() == fixture.url().origin()) == app;
            let sent = answers.iter().filter(is_recipient);
            sent.flat_map(|one| [one.url.as_str().as_bytes(), &one.request_body].concat()).collect()
        };
        let log = fixture.instance.log()?.into_bytes();
        let stored = fixture.instance.database_files()?;
        for (place, bytes) in PLACES.into_iter().zip([sent_to(false), sent_to(true), stored, log]) {
            let found = contains(&bytes, password);
            evidence.add_fact(label(method, place), if found { FOUND } else { NOT_FOUND });
        }
    }
    Ok(())
}

/// Searches for a password, in plain text or as URLs and forms encode it.
fn contains(bytes: &[u8], password: &str) -> bool {
    let text = String::from_utf8_lossy(bytes);
    ["+", "%20", " "].iter().any(|space| text.contains(&password.replace(' ', space)))
}

fn label(method: SignInMethod, place: &str) -> String {
    format!("{}: {place}", method.name())
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let found = |method, place| Ok(evidence.required_fact(&label(method, place))? == FOUND);
    let [provider, app, database, log] = PLACES;
    let checks_password = evidence.required_fact(WRONG_PASSWORD)? == "refused";
    if !checks_password || !found(SignInMethod::OAuth, provider)? {
        return unclear("The provider did not check a password, so there was none to share.");
    }
    for place in [app, database, log] {
        if found(SignInMethod::OAuth, place)? {
            return no(format!("With OAuth, the password was {place}."));
        }
    }
    for place in [database, log] {
        if found(SignInMethod::Password, place)? {
            return no(format!("The password was {place}, in plain text."));
        }
    }
    if !found(SignInMethod::Password, app)? {
        return yes("Even the app’s own form did not send it the password.");
    }
    only_if(
        "you sign in with OAuth",
        "With OAuth, the password went to the provider, and nothing that the app received, stored \
         or logged contains it. With a password sign-in, the app receives all of it; it keeps a \
         hash, and neither its files nor its log contain the password.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_search_matches_form_and_percent_encoding() {
        for (text, expected) in [
            ("email=a&password=a+lantern+under+the+stairs", true),
            ("?password=a%20lantern%20under%20the%20stairs", true),
            ("\0\u{1}a lantern under the stairs\0", true),
            ("email=a&password=(26 bytes)", false),
        ] {
            assert_eq!(contains(text.as_bytes(), sign_in::PASSWORD), expected, "{text}");
        }
    }
}
