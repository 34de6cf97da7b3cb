use super::prelude::*;

experiment! { 13, "storage", within 3 s,
    "Store it in localStorage or in a cookie",
    "What a script on a page can do, done over HTTP: the token in the API’s answer is readable, \
     so it is copied and sent from elsewhere. The cookies are checked for HttpOnly; then a \
     request is sent as a script of the same origin sends it, with the cookie that it cannot \
     read, once more as another site would, and once more when the page is closed, with what the \
     script could carry away."
}

const ELSEWHERE: &str = "localStorage: the copied token, sent from elsewhere";
const RIDDEN: &str = "cookie: a request that a script of the same origin makes";
const CROSS_SITE: &str = "cookie: the same request from another site";
const PAGE: &str = "cookie: its value in what the script is answered";
const AFTERWARDS: &str =
    "cookie: what the script has left when the page is closed, sent from elsewhere";
const COPIED: &str = "cookie: what of it a script can copy";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    context.step("acting as a script on the page");
    // What a page would put into localStorage came to it as readable text.
    let token = fixture.tokens().await?.access_token;
    evidence.add_fact(ELSEWHERE, fixture.me(&token).await?.summary());
    for credential in Credential::ALL {
        let (mut browser, answers) = fixture.sign_in(SignInMethod::Password, credential).await?;
        let mut add = |label: &str, value: &str| evidence.add_fact(of(label, credential), value);
        let names: Vec<_> = readable(&answers).into_iter().map(|(name, _)| name).collect();
        add(
            COPIED,
            &if names.is_empty() { "nothing: HttpOnly".to_owned() } else { names.join(", ") },
        );
        let ridden = browser.send(write(&fixture, "same-origin")?).await?;
        add(RIDDEN, &ridden.summary());
        let page = fixture.get(&mut browser, "/account").await?;
        let (_, value) = credential_cookie(&browser, fixture.url(), credential)?;
        let shown = page.text().contains(&value) || ridden.text().contains(&value);
        add(PAGE, if shown { "shown" } else { "not shown" });
        // A browser leaves the cookie out here (SameSite=Lax). It is sent all the
        // same: the app has to refuse it by itself.
        let cross = browser.send(write(&fixture, "cross-site")?).await?;
        add(CROSS_SITE, &cross.summary());
        // What scripts can read of the cookies is all that a thief can carry away.
        let mut thief = fixture.agent.fresh();
        for (name, value) in readable(&answers) {
            thief.set_cookie(fixture.url(), name, value);
        }
        add(AFTERWARDS, &fixture.get(&mut thief, "/api/v1/me").await?.summary());
    }
    Ok(())
}

fn of(label: &str, credential: Credential) -> String {
    format!("{label}, {}", credential.name())
}

/// A request that changes something, from a page of this site.
fn write(fixture: &Fixture<'_>, site: &str) -> Result<Call> {
    let url = at(fixture.url(), "/api/v1/contacts")?;
    let call = Call::json(Method::POST, url, r#"{"name":"The work of a script"}"#);
    Ok(call.with("sec-fetch-site", site))
}

/// The cookies that a script can read: those without `HttpOnly` (RFC 6265 §5.3).
fn readable(answers: &[Answer]) -> Vec<(&str, &str)> {
    let set = answers.iter().flat_map(|answer| answer.headers.get_all("set-cookie"));
    let lines = set.filter_map(|line| line.to_str().ok());
    let hidden = |line: &&str| {
        line.split(';').any(|attribute| attribute.trim().eq_ignore_ascii_case("httponly"))
    };
    let readable = lines.filter(|line| !hidden(line)).filter_map(|line| line.split(';').next());
    readable.filter_map(|pair| pair.split_once('=')).collect()
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let refused = ["401 token_missing", "403 cross_site_request"];
    let (mut copied, mut cross, mut ridden, mut after) = (false, false, true, false);
    for credential in Credential::ALL {
        let opened = |label| evidence.accepted(&of(label, credential), &refused);
        copied |= !evidence.required_fact(&of(COPIED, credential))?.starts_with("nothing")
            || evidence.required_fact(&of(PAGE, credential))? != "not shown";
        cross |= opened(CROSS_SITE)?;
        ridden &= opened(RIDDEN)?;
        after |= opened(AFTERWARDS)?;
    }
    if copied || after {
        return no("A script can take the cookie away, so that it is no better.");
    }
    if cross {
        return no("Another site could act with the cookie.");
    }
    if !evidence.accepted(ELSEWHERE, &refused)? || !ridden {
        return unclear("A thief gained nothing, so there was nothing to compare.");
    }
    only_if(
        "it is an HttpOnly cookie, which limits a theft to the visit",
        "What a script can read is taken away, and works anywhere for as long as it lives. An \
         HttpOnly cookie is not read, but ridden: the script acts with it while the page is open, \
         and has nothing in its hands afterwards. No place is safe from a script on the page.",
    )
}
